//! Values that say more than their parameter does, or less: each part goes where it belongs.

use serde_json::Value;

use super::{
    accept::Accepted,
    aliases::{is_kind_word, normal},
    takes::Takes,
};
use crate::Error;

/// `namespace: all` and `*` are what a list does by itself; a change takes one namespace.
pub(super) fn drop_all_namespaces(takes: &Takes, accepted: &mut Accepted) -> Result<(), Error> {
    let namespace = accepted.values.get("namespace").and_then(Value::as_str);
    if !matches!(namespace, Some("*" | "all")) {
        return Ok(());
    }
    if takes.changes {
        return Err(Error::invalid("namespace: a change needs one namespace"));
    }
    accepted.values.remove("namespace");
    Ok(())
}

/// Field paths in a label selector go where they belong.
pub(super) fn move_field_selectors(takes: &Takes, accepted: &mut Accepted) -> Result<(), Error> {
    let Some(Value::String(selector)) = accepted.values.get("selector") else {
        return Ok(());
    };
    let is_field = |part: &&str| {
        ["metadata.", "spec.", "status.", "involvedObject."]
            .iter()
            .any(|root| part.trim().starts_with(root))
    };
    let (fields, labels): (Vec<&str>, Vec<&str>) = selector.split(',').partition(is_field);
    if fields.is_empty() {
        return Ok(());
    }
    let mut moved: Vec<(&str, String)> = Vec::new();
    for field in fields {
        let (path, value) = field.split_once('=').unwrap_or((field, ""));
        let value = value.trim_start_matches('=');
        let target = match path.trim() {
            "spec.nodeName" if takes.has("node") => Some(("node", value.to_owned())),
            "status.phase" if takes.has("status") => Some(("status", value.to_owned())),
            _ if takes.has("field_selector") => Some(("field_selector", field.trim().to_owned())),
            _ => None,
        };
        match target {
            Some(target) => moved.push(target),
            None => {
                return Err(Error::invalid(format!(
                    "selector: expected labels such as app=web, found the field {}",
                    path.trim()
                )));
            }
        }
    }
    let labels = labels.join(",");
    if labels.is_empty() {
        accepted.values.remove("selector");
    } else {
        accepted.values.insert("selector".to_owned(), Value::from(labels));
    }
    for (name, text) in moved {
        let joined = match accepted.values.get(name).and_then(Value::as_str) {
            Some(there) if name == "field_selector" => format!("{there},{text}"),
            _ => text,
        };
        accepted.values.insert(name.to_owned(), Value::from(joined));
    }
    Ok(())
}

/// `deployment/web` is kind and name; `shop/web` is namespace and name, which a change does not take.
pub(super) fn split_name(takes: &Takes, accepted: &mut Accepted) -> Result<(), Error> {
    let Some(Value::String(name)) = accepted.values.get("name") else {
        return Ok(());
    };
    let Some((left, right)) = name.split_once('/').map(|(l, r)| (l.to_owned(), r.to_owned())) else {
        return Ok(());
    };
    if right.contains('/') || left.is_empty() || right.is_empty() {
        return Err(Error::invalid(format!(
            "name: expected one name or kind/name, found {name}"
        )));
    }
    let is_kind = is_kind_word(left.split('.').next().unwrap_or(&left));
    let (target, taken) = match (is_kind, takes.has("kind"), takes.has("namespace")) {
        (true, true, _) => ("kind", left),
        (false, _, true) if takes.changes => {
            return Err(Error::invalid(format!(
                "name: a change takes the namespace by itself: name={right} namespace={left}"
            )));
        }
        (false, _, true) => ("namespace", left),
        _ => {
            return Err(Error::invalid(format!(
                "name: expected a name without a slash, found {name}"
            )));
        }
    };
    if let Some(there) = accepted.values.get(target).and_then(Value::as_str)
        && !there.eq_ignore_ascii_case(&taken)
        && !(target == "kind" && same_kind(there, &taken))
    {
        return Err(Error::invalid(format!(
            "name says {target} {taken}, {target} says {there}"
        )));
    }
    accepted.values.insert(target.to_owned(), Value::from(taken));
    accepted.values.insert("name".to_owned(), Value::from(right));
    Ok(())
}

/// Whether two everyday words may name the same kind: enough to tell `deploy/web` with `kind: Deployment` from a
/// contradiction; discovery decides the rest.
fn same_kind(one: &str, other: &str) -> bool {
    let (one, other) = (normal(one), normal(other));
    one.starts_with(&other) || other.starts_with(&one)
}
