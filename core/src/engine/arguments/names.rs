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
    if let Some(group) = group.filter(|group| !group.is_empty())
        && let Some(kind) = named.iter_mut().find(|named| named.target == "kind")
        && let Some(text) = kind.value.as_str().filter(|text| !text.contains(['.', '/']))
    {
        kind.value = Value::from(format!("{text}.{group}"));
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

/// The group of an `apiVersion`; `extensions` has been served by nobody since 1.22.
fn group_of(api_version: &str) -> &str {
    match api_version.split_once('/') {
        Some(("extensions", _)) => "",
        Some((group, _)) => group,
        None if api_version.contains('.') => api_version,
        None => "",
    }
}

fn is_true(value: &Value) -> bool {
    matches!(value, Value::Bool(true)) || value == "true"
}
