//! Patterns: JSON that says what a message must have, and lets it have more.
//!
//! An object has at least the named members, an array exactly the listed ones. Strings that stand for something:
//! `<any>`, `<absent>` (of a member), `<string>`, `<number>`, `<contains> text`, `<lacks> text`. In place of an
//! array, `{<has>: […], <lacks>: […]}` names some that must be in it, and some that must not.

use serde_json::{Map, Value};

/// Where and how a value does not match.
pub(crate) fn mismatch(pattern: &Value, value: Option<&Value>, path: &str) -> Option<String> {
    let Some(value) = value else {
        return (pattern != "<absent>").then(|| format!("{path}: missing, expected {pattern}"));
    };
    let differs = || Some(format!("{path}: expected {pattern}, got {value}"));
    match (pattern, value) {
        (Value::String(word), value) if word.starts_with('<') => {
            let matches = match (word.split_once("> "), value) {
                (Some(("<contains", text)), Value::String(value)) => value.contains(text),
                (Some(("<lacks", text)), value) => !value.to_string().contains(text),
                (None, value) => match word.as_str() {
                    "<any>" => true,
                    "<string>" => value.is_string(),
                    "<number>" => value.is_number(),
                    _ => false,
                },
                _ => false,
            };
            if matches { None } else { differs() }
        }
        (Value::Object(pattern), Value::Array(items)) => in_array(pattern, items, path).or_else(|| {
            let known = pattern
                .keys()
                .all(|key| matches!(key.as_str(), "<has>" | "<lacks>"));
            if known { None } else { differs() }
        }),
        (Value::Object(pattern), Value::Object(members)) => pattern
            .iter()
            .find_map(|(name, pattern)| mismatch(pattern, members.get(name), &format!("{path}.{name}"))),
        (Value::Array(patterns), Value::Array(items)) if patterns.len() == items.len() => patterns
            .iter()
            .zip(items)
            .enumerate()
            .find_map(|(at, (pattern, item))| mismatch(pattern, Some(item), &format!("{path}[{at}]"))),
        _ if pattern == value => None,
        _ => differs(),
    }
}

fn in_array(pattern: &Map<String, Value>, items: &[Value], path: &str) -> Option<String> {
    let listed = |key: &str| pattern.get(key).and_then(Value::as_array).into_iter().flatten();
    let found = |wanted: &Value| {
        items
            .iter()
            .any(|item| mismatch(wanted, Some(item), "").is_none())
    };
    let missing = listed("<has>").find(|wanted| !found(wanted));
    let unwanted = listed("<lacks>").find(|unwanted| found(unwanted));
    missing
        .map(|wanted| format!("{path}: nothing like {wanted} in {}", Value::from(items.to_vec())))
        .or_else(|| unwanted.map(|unwanted| format!("{path}: something like {unwanted} is in it")))
}

/// Puts saved values in place of the strings `$name`.
pub(crate) fn fill(value: &mut Value, saved: &Map<String, Value>) {
    match value {
        Value::String(text) => {
            if let Some(known) = text.strip_prefix('$').and_then(|name| saved.get(name)) {
                *value = known.clone();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, saved)),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, saved)),
        _ => {}
    }
}
