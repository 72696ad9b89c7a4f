//! Names: which parameter each argument means.

use serde_json::{Map, Value};

use super::{
    aliases::{is_kind_word, normal, targets},
    takes::Takes,
};
use crate::Error;

/// An argument whose parameter is known.
pub(super) struct Named {
    pub(super) target: &'static str,
    pub(super) value: Value,
    /// The name that it was given under.
    pub(super) given_as: String,
}

/// An argument that no parameter of the tool takes: its name and its value.
pub(super) type Extra = Option<(String, Value)>;

/// Finds the parameter of each argument. One argument that has none is left over: the call may be another tool's.
///
/// # Errors
/// If several are left over.
pub(super) fn named(takes: &Takes, given: Map<String, Value>) -> Result<(Vec<Named>, Extra), Error> {
    let (mut named, mut extra, mut group) = (Vec::new(), Extra::None, None);
    for (name, value) in given {
        let mut mean = |target, value, given_as| {
            named.push(Named {
                target,
                value,
                given_as,
            });
        };
        let plain = normal(&name);
        if let Some(target) = takes.target(&name) {
            mean(target, value, name);
        } else if plain == "allnamespaces" {
            if is_true(&value) && takes.has("namespace") {
                mean("namespace", Value::from("*"), name);
            }
        } else if takes.has("kind") && matches!(plain.as_str(), "apiversion" | "group" | "apigroup") {
            group = value.as_str().map(group_of).map(str::to_owned);
        } else if takes.has("kind") && plain == "version" && value.as_str().is_some_and(is_version) {
            // A kind is served alike in each version of its group.
        } else if takes.has("kind") && takes.has("name") && is_kind_word(&name) && value.is_string() {
            // `service: checkout` says kind and name at once.
            mean("name", value, name.clone());
            mean("kind", Value::from(name.clone()), name);
        } else if !value.is_null() {
            // Of two, the first is enough to say what is taken.
            if let Some((first, _)) = extra {
                return Err(takes.unknown(&first));
            }
            extra = Some((name, value));
        }
    }
    let has_name = extra.is_some() || named.iter().any(|named| named.target == "name");
    if let Some(kind) = named.iter_mut().find(|named| named.target == "kind")
        && let Some((word, name)) = kind.value.as_str().and_then(|text| text.split_once('/'))
        && is_kind_word(word)
        && !is_version(name)
        // Of a right, `pods/exec` is a kind.
        && !(has_name || takes.has("verb"))
        && (takes.has("name") || takes.has("selector"))
    {
        // `deployment/web` is kind and name, of a list too: it is then the call of another tool.
        let name = Value::from(name);
        kind.value = Value::from(word);
        match takes.has("name") {
            true => named.push(Named {
                target: "name",
                value: name,
                given_as: "kind".to_owned(),
            }),
            false => extra = Some(("name".to_owned(), name)),
        }
    }
    if let Some(kind) = named.iter_mut().find(|named| named.target == "kind")
        && let Some(text) = kind.value.as_str()
    {
        let mut text = without_version(text);
        if let Some(group) = group.filter(|group| !group.is_empty())
            && !text.contains(['.', '/'])
        {
            text = format!("{text}.{group}");
        }
        kind.value = Value::from(text);
    }
    Ok((named, extra))
}

/// The name that other tools give to what this argument means.
pub(super) fn meant_elsewhere(name: &str) -> String {
    match targets(name).first() {
        Some(target) => (*target).to_owned(),
        None => normal(name),
    }
}

/// The group of an `apiVersion`, or the group itself; none of the core's.
fn group_of(text: &str) -> &str {
    match text.split_once('/') {
        Some((group, _)) => group,
        None if is_version(text) => "",
        None => text,
    }
}

/// `Deployment.apps` for `apps/v1/Deployment`, `apps/Deployment` and `apps/v1, Kind=Deployment`. What a slash says
/// otherwise (`pods/exec`) is not touched.
fn without_version(kind: &str) -> String {
    let text = kind.trim().replace(", Kind=", "/");
    let (api_version, word) = match text.rsplit_once('/') {
        Some((left, word)) if word.starts_with(|c: char| c.is_ascii_uppercase()) => (left, word),
        Some((left, word)) if is_version(left.rsplit('/').next().unwrap_or(left)) => (left, word),
        _ => return kind.to_owned(),
    };
    match group_of(api_version) {
        "" => word.to_owned(),
        group => format!("{word}.{group}"),
    }
}

/// `v1`, `v1beta2`.
fn is_version(text: &str) -> bool {
    text.strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value == "true"
}
