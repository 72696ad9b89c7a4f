//! Which objects are meant: label and field selectors as people write them.

use std::{collections::BTreeMap, sync::LazyLock};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};
use regex::Regex;
use serde_json::{Value, json};

use crate::{Error, cluster::ListQuery};

/// One condition on labels, as the API server reads it.
static REQUIREMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let key = r"[A-Za-z0-9][A-Za-z0-9_./-]*";
    let value = r"[A-Za-z0-9_.-]*";
    let forms = [
        format!(r"!?\s*{key}"),
        format!(r"{key}\s*(==?|!=)\s*{value}"),
        format!(r"{key}\s+(in|notin)\s*\(\s*{value}(\s*,\s*{value})*\s*\)"),
        format!(r"{key}\s*[<>]\s*[0-9]+"),
    ];
    Regex::new(&format!("^({})$", forms.join("|"))).ok()
});

/// Label and field selectors, put right where their meaning is certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
}

impl Selection {
    /// Reads selectors. `app: web` means `app=web`, and a field such as `spec.nodeName=node-3` among the labels is
    /// moved to the fields: no label key looks like that.
    ///
    /// # Errors
    /// If a condition on labels is none: the API server would not say which parameter it stands in.
    pub(crate) fn parse(labels: Option<&str>, fields: Option<&str>) -> Result<Self, Error> {
        let mut selection = Self::default();
        for part in split_at_commas(labels.unwrap_or_default()) {
            let part = match part.split_once(": ").or_else(|| part.split_once(':')) {
                Some((key, value)) if !key.contains(['=', '!', '(', ' ']) => {
                    format!("{}={}", key.trim(), value.trim())
                }
                _ => part.to_owned(),
            };
            if is_field(&part) {
                push(&mut selection.fields, &part);
                continue;
            }
            if REQUIREMENT.as_ref().is_some_and(|form| !form.is_match(&part)) {
                return Err(Error::invalid(format!(
                    "selector: {part:?} is no condition on labels; expected one like app=web, app!=web, \
                     app in (web,api), app or !app, with commas between several"
                )));
            }
            push(&mut selection.labels, &part);
        }
        for part in split_at_commas(fields.unwrap_or_default()) {
            push(&mut selection.fields, part);
        }
        Ok(selection)
    }

    /// Adds a field that has to have a value.
    pub(super) fn with_field(mut self, field: &str, value: &str) -> Self {
        push(&mut self.fields, &format!("{field}={value}"));
        self
    }

    /// The query of it.
    pub(super) fn query(&self) -> ListQuery {
        ListQuery {
            selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            ..ListQuery::default()
        }
    }

    /// The words for it in a subject or plan, e.g. ` app=web`; empty if it selects everything.
    pub(crate) fn words(&self) -> String {
        match (&self.labels, &self.fields) {
            (None, None) => String::new(),
            (Some(labels), None) => format!(" {labels}"),
            (None, Some(fields)) => format!(" {fields}"),
            (Some(labels), Some(fields)) => format!(" {labels}; {fields}"),
        }
    }
}

fn push(target: &mut Option<String>, part: &str) {
    match target {
        Some(text) => {
            text.push(',');
            text.push_str(part);
        }
        None => *target = Some(part.to_owned()),
    }
}

fn is_field(part: &str) -> bool {
    let key = part.split(['=', '!', ' ']).next().unwrap_or_default();
    let starts = ["metadata.", "spec.", "status.", "involvedObject."];
    !key.contains('/') && starts.iter().any(|start| key.starts_with(start))
}

/// Parts between commas; those of `tier in (a,b)` stay together.
fn split_at_commas(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0usize;
    text.split(move |c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|part| !part.is_empty())
}

/// The selector of a workload's `spec.selector` (or a Service's), as the API server reads it; none if it is empty,
/// which would select everything.
pub(super) fn of_workload(object: &Value) -> Option<String> {
    let selector = &object["spec"]["selector"];
    let labels = selector.get("matchLabels").unwrap_or(selector).as_object();
    let mut parts: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str()?;
        let values: Vec<&str> = expression["values"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|value| value.as_str())
            .collect();
        parts.push(match expression["operator"].as_str()? {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// Whether a label selector as objects have it, or a Service's plain map, selects what has these labels. The empty
/// one selects everything; one that cannot be read, nothing.
pub(super) fn selects(selector: &Value, labels: &Value) -> bool {
    let is_plain = selector.get("matchLabels").is_none() && selector.get("matchExpressions").is_none();
    let selector = match selector {
        Value::Object(_) if is_plain => json!({"matchLabels": selector}),
        Value::Object(_) => selector.clone(),
        _ => return false,
    };
    let labels: BTreeMap<String, String> = serde_json::from_value(labels.clone()).unwrap_or_default();
    serde_json::from_value::<LabelSelector>(selector)
        .ok()
        .and_then(|selector| Selector::try_from(selector).ok())
        .is_some_and(|selector| selector.matches(&labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(labels: &str) -> (Option<String>, Option<String>) {
        let selection = Selection::parse(Some(labels), None).unwrap();
        (selection.labels, selection.fields)
    }

    #[test]
    fn what_is_no_condition_is_told() {
        for right in [
            "app",
            "!app",
            "app=",
            "app in (a, b)",
            "app notin ()",
            "example.com/app!=a_b.c",
            "n>5",
        ] {
            assert_eq!(parsed(right), (Some(right.to_owned()), None));
        }
        for (wrong, part) in [
            ("=web", "=web"),
            ("tier=a,app in (a", "app in (a"),
            ("app=a b", "app=a b"),
            ("app=web*", "app=web*"),
            ("app~web", "app~web"),
        ] {
            let error = Selection::parse(Some(wrong), None).unwrap_err();
            assert!(
                error
                    .message
                    .starts_with(&format!("selector: {part:?} is no condition")),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_certainly_meant_is_put_right() {
        assert_eq!(parsed("app: web"), (Some("app=web".into()), None));
        assert_eq!(
            parsed("app==web,tier!=x"),
            (Some("app==web,tier!=x".into()), None)
        );
        assert_eq!(
            parsed("tier in (a,b),spec.nodeName=node-3"),
            (Some("tier in (a,b)".into()), Some("spec.nodeName=node-3".into()))
        );
        // A label's key may well begin so.
        assert_eq!(
            parsed("spec.example.com/x=1"),
            (Some("spec.example.com/x=1".into()), None)
        );
        assert_eq!(parsed(" , "), (None, None));
    }

    #[test]
    fn a_workload_selects_by_labels_and_expressions() {
        let object = json!({"spec": {"selector": {
            "matchLabels": {"app": "web"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["a", "b"]},
                {"key": "canary", "operator": "DoesNotExist"},
            ],
        }}});
        assert_eq!(
            of_workload(&object).as_deref(),
            Some("app=web,tier in (a,b),!canary")
        );
        assert_eq!(
            of_workload(&json!({"spec": {"selector": {"app": "web"}}})).as_deref(),
            Some("app=web")
        );
        assert_eq!(of_workload(&json!({"spec": {}})), None);
    }

    #[test]
    fn selectors_are_held_against_labels() {
        let labels = json!({"app": "web", "tier": "a"});
        for selector in [
            json!({"app": "web"}),
            json!({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a"]}]}),
            json!({"matchExpressions": [{"key": "canary", "operator": "DoesNotExist"}]}),
            json!({}),
        ] {
            assert!(selects(&selector, &labels), "{selector}");
        }
        for selector in [
            json!({"app": "web", "x": "y"}),
            json!({"matchLabels": {"app": "cart"}}),
            json!({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["a"]}]}),
            json!("app=web"),
            json!(null),
        ] {
            assert!(!selects(&selector, &labels), "{selector}");
        }
    }
}
