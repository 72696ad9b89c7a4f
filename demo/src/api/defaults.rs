//! What an object gets that its author left out: plain values as `data/defaults.yaml` tells, which says how to read it,
//! and here what has to be worked out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    custom,
    kinds::Kind,
    object::{Meta as _, map_at},
    schema::Schema,
};
use crate::controllers::quantity;

const TABLES: &str = include_str!(concat!(env!("OUT_DIR"), "/defaults.json"));
/// Counts the changes of a daemon set's template, as it did before revisions.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// `data/defaults.yaml`.
#[derive(Deserialize)]
struct Tables {
    maps: BTreeSet<String>,
    opaque: BTreeSet<String>,
    zero: BTreeSet<String>,
    parts: BTreeMap<String, Value>,
    kinds: BTreeMap<String, Value>,
}

fn tables() -> &'static Tables {
    static TABLES_READ: OnceLock<Tables> = OnceLock::new();
    TABLES_READ.get_or_init(|| serde_json::from_str(TABLES).expect("defaults.yaml is as it says itself"))
}

/// What several kinds have in common.
pub(crate) fn part(name: &str) -> Value {
    tables().parts.get(name).cloned().unwrap_or_default()
}

/// Fills in what the API server does. `before` is the object that is there, if one is.
pub(crate) fn fill(kind: &Kind, object: &mut Value, before: Option<&Value>) {
    if let Some(custom) = &kind.custom {
        object.get_mut("metadata").into_iter().for_each(tidy);
        return custom::fill(Schema::new(&custom.schema), object);
    }
    tidy(object);
    let Some(rule) = tables().kinds.get(&kind.kind) else {
        return;
    };
    work_out(kind, object, before);
    let is_new = before.is_none();
    Filling { is_new }.apply(rule, object);
    if kind.kind == "Pod" && before.is_none() {
        object["status"]["qosClass"] = quality(object).into();
    }
}

/// Leaves out what says nothing.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(map) => map.retain(|key, value| {
            let tables = tables();
            if tables.maps.contains(key) {
                return value.as_object().map_or(!value.is_null(), |map| !map.is_empty());
            }
            if tables.opaque.contains(key) {
                return true;
            }
            tidy(value);
            match value {
                Value::Null => false,
                Value::Array(items) => !items.is_empty(),
                Value::Bool(false) => !tables.zero.contains(key),
                Value::String(text) => !text.is_empty() || !tables.zero.contains(key),
                Value::Number(number) => number.as_i64() != Some(0) || !tables.zero.contains(key),
                _ => true,
            }
        }),
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// One object's way through the tables.
struct Filling {
    /// Whether the object is made, and not changed.
    is_new: bool,
}

impl Filling {
    /// Applies a rule to what is there.
    fn apply(&self, rule: &Value, value: &mut Value) {
        match (rule, value) {
            (Value::String(word), value) => match word.strip_prefix('$') {
                Some("quantity") => {
                    if let Some(shortest) = quantity::canonical(value) {
                        *value = shortest.into();
                    }
                }
                Some(part) => {
                    if let Some(rule) = tables().parts.get(part) {
                        self.apply(rule, value);
                    }
                }
                None => {}
            },
            (Value::Object(rules), Value::Object(map)) => {
                for (key, rule) in rules {
                    self.field(key, rule, map);
                }
            }
            _ => {}
        }
    }

    fn field(&self, key: &str, rule: &Value, map: &mut Map<String, Value>) {
        let condition = key.strip_prefix("if ");
        if condition.is_some() || key == "when made" {
            if condition.map_or(self.is_new, |condition| holds(condition, map)) {
                let rules = rule.as_object().into_iter().flatten();
                rules.for_each(|(key, rule)| self.field(key, rule, map));
            }
        } else if let Some(key) = key.strip_suffix("[]") {
            let items = map.get_mut(key).and_then(Value::as_array_mut).into_iter();
            items.flatten().for_each(|item| self.apply(rule, item));
        } else if let Some(key) = key.strip_suffix("{}") {
            let values = map.get_mut(key).and_then(Value::as_object_mut).into_iter();
            values.flatten().for_each(|(_, value)| self.apply(rule, value));
        } else {
            let (key, is_optional) = key.strip_suffix('?').map_or((key, false), |key| (key, true));
            if rule == "$nonzero" && map.get(key) == Some(&json!(0)) {
                map.remove(key);
            }
            if !is_optional
                && !map.contains_key(key)
                && let Some(value) = default(rule, map)
            {
                map.insert(key.to_owned(), value);
            }
            if let Some(value) = map.get_mut(key) {
                self.apply(rule, value);
            }
        }
    }
}

/// What a field gets that is not there.
fn default(rule: &Value, map: &Map<String, Value>) -> Option<Value> {
    match rule.as_str() {
        Some("$pull_policy") => Some(pull_policy(map.get("image")?.as_str()?).into()),
        Some(word) if word.starts_with('$') => Some(json!({})),
        Some(word) => match word.strip_prefix('=') {
            Some(other) => map.get(other).cloned(),
            None => Some(rule.clone()),
        },
        None if rule.is_object() => Some(json!({})),
        None => Some(rule.clone()),
    }
}

/// Whether a condition of the tables holds for an object.
pub(crate) fn holds(condition: &str, map: &Map<String, Value>) -> bool {
    let (condition, wanted) = condition
        .strip_prefix('!')
        .map_or((condition, true), |rest| (rest, false));
    let holds = match condition.split_once('=') {
        Some((field, value)) => map.get(field).is_some_and(|found| match found.as_str() {
            Some(text) => text == value,
            None => value.parse::<Value>().is_ok_and(|value| value == *found),
        }),
        None => map.contains_key(condition),
    };
    holds == wanted
}

/// An image without a tag, or with the tag `latest`, is asked for each time.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let latest = !last.contains('@') && last.split_once(':').is_none_or(|(_, tag)| tag == "latest");
    if latest { "Always" } else { "IfNotPresent" }
}

/// What follows from other fields.
fn work_out(kind: &Kind, object: &mut Value, before: Option<&Value>) {
    match kind.kind.as_str() {
        "Pod" => {
            for list in ["containers", "initContainers"] {
                let containers = object.pointer_mut(&format!("/spec/{list}"));
                let containers = containers.and_then(Value::as_array_mut);
                containers.into_iter().flatten().for_each(requests_from_limits);
            }
        }
        "Secret" => {
            let plain = object.as_object_mut().and_then(|map| map.remove("stringData"));
            if let Some(Value::Object(plain)) = plain {
                let encoded = plain
                    .iter()
                    .map(|(key, text)| (key.clone(), BASE64_STANDARD.encode(text.text(""))));
                map_at(object, "data").extend(encoded.map(|(key, text)| (key, text.into())));
            }
        }
        "Job" if before.is_none() => own_selector(object),
        "DaemonSet" => {
            let before = before.unwrap_or(&Value::Null);
            let count = &before["metadata"]["annotations"][TEMPLATE_GENERATION];
            let is_changed = before["spec"]["template"] != object["spec"]["template"];
            let count = count.text("").parse().unwrap_or(0) + i64::from(is_changed);
            let annotations = map_at(&mut object["metadata"], "annotations");
            annotations.insert(TEMPLATE_GENERATION.into(), count.to_string().into());
        }
        "CustomResourceDefinition" => {
            let kind = object.text("/spec/names/kind").to_owned();
            let names = map_at(&mut object["spec"], "names");
            for (name, usual) in [
                ("singular", kind.to_lowercase()),
                ("listKind", format!("{kind}List")),
            ] {
                names.entry(name).or_insert_with(|| usual.into());
            }
        }
        _ => {}
    }
}

/// What a container may take at most, it asks for.
fn requests_from_limits(container: &mut Value) {
    if let Some(Value::Object(limits)) = container["resources"].get("limits").cloned() {
        let requests = map_at(&mut container["resources"], "requests");
        for (resource, amount) in limits {
            requests.entry(resource).or_insert(amount);
        }
    }
}

/// A job selects its pods by its uid.
fn own_selector(job: &mut Value) {
    if job["spec"]["manualSelector"] == true {
        return;
    }
    let (uid, name) = (job["metadata"]["uid"].clone(), job["metadata"]["name"].clone());
    let labels = map_at(&mut job["spec"]["template"]["metadata"], "labels");
    for prefix in ["batch.kubernetes.io/", ""] {
        labels.insert(format!("{prefix}controller-uid"), uid.clone());
        labels.insert(format!("{prefix}job-name"), name.clone());
    }
    let labels = labels.clone();
    job["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    // A job without labels of its own has those of its pods.
    if job["metadata"].get("labels").is_none() {
        job["metadata"]["labels"] = labels.into();
    }
}

/// How sure a pod is of what it takes (`qosClass`).
fn quality(pod: &Value) -> &'static str {
    let containers = ["/spec/containers", "/spec/initContainers"].map(|list| pod.list(list));
    let (mut is_sure, mut asks) = (true, false);
    for resources in containers
        .into_iter()
        .flatten()
        .map(|container| &container["resources"])
    {
        for name in ["cpu", "memory"] {
            let (request, limit) = (&resources["requests"][name], &resources["limits"][name]);
            is_sure &= !limit.is_null() && limit == request;
            asks |= !limit.is_null() || !request.is_null();
        }
    }
    match (asks, is_sure) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}
