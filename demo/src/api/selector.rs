//! Which labels a selector means.

use serde_json::Value;

use super::object::Meta as _;

/// Whether a `LabelSelector` (`matchLabels`, `matchExpressions`) selects an object. An empty one selects all, none at
/// all selects nothing.
pub(crate) fn selects(selector: &Value, object: &Value) -> bool {
    let Some(parts) = selector.as_object() else {
        return false;
    };
    let labels = &object["metadata"]["labels"];
    let equal = parts
        .get("matchLabels")
        .is_none_or(|wanted| has_all(wanted, labels));
    equal
        && selector.list("/matchExpressions").iter().all(|rule| {
            let value = &labels[rule.text("/key")];
            let named = rule.list("/values").contains(value);
            match rule.text("/operator") {
                "In" => named,
                "NotIn" => !named,
                "Exists" => !value.is_null(),
                "DoesNotExist" => value.is_null(),
                _ => false,
            }
        })
}

/// Whether a map of labels, as a Service's selector, selects an object. An empty one selects nothing.
pub(crate) fn selects_all_of(wanted: &Value, object: &Value) -> bool {
    wanted.as_object().is_some_and(|wanted| !wanted.is_empty())
        && has_all(wanted, &object["metadata"]["labels"])
}

fn has_all(wanted: &Value, labels: &Value) -> bool {
    let mut wanted = wanted.as_object().into_iter().flatten();
    wanted.all(|(name, value)| labels[name] == *value)
}
