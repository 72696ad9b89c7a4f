//! Sets of an object's fields, as `fieldsV1` writes them.
//!
//! A field is one of a struct or map (`f:NAME`), an item of a list whose items are known by some of their fields
//! (`k:{"name":"web"}`) or a value of a list that is a set (`v:"x"`). What is replaced as a whole has no fields.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::Schema;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// Whether the value itself is in the set.
    pub(crate) itself: bool,
    /// What is in the set of what it holds.
    pub(crate) inner: BTreeMap<String, Self>,
}

/// The schema of a field or of a map's entry.
pub(crate) fn field<'a>(schema: Option<Schema<'a>>, name: &str) -> Option<Schema<'a>> {
    schema?.field(name)
}

/// Whether a map of this schema is replaced as a whole. One of which nothing is known is not, if it is a custom one.
pub(crate) fn is_whole(schema: Option<Schema<'_>>) -> bool {
    schema.is_some_and(|schema| {
        schema.text("x-kubernetes-map-type") == "atomic"
            || (schema.is_open() && schema.keyword("x-kubernetes-preserve-unknown-fields").is_none())
    })
}

/// Whether a list of this schema is not replaced as a whole: each of its items is known by itself.
pub(crate) fn is_itemized(schema: Option<Schema<'_>>) -> bool {
    schema.is_some_and(|schema| matches!(schema.text("x-kubernetes-list-type"), "set" | "map"))
}

/// The element of a path that means a list's item: its value, or the fields that it is known by.
pub(crate) fn element(schema: Option<Schema<'_>>, item: &Value) -> String {
    let keyed = schema.filter(|schema| schema.text("x-kubernetes-list-type") == "map");
    let Some(schema) = keyed else {
        return format!("v:{item}");
    };
    let known_by = schema.texts("x-kubernetes-list-map-keys").map(|key| {
        let default = || schema.items()?.field(key)?.keyword("default");
        (key, item.get(key).or_else(default))
    });
    format!("k:{}", json!(known_by.collect::<BTreeMap<_, _>>()))
}

impl Fields {
    /// The fields that a value sets.
    pub(crate) fn of(schema: Option<Schema<'_>>, value: &Value) -> Self {
        Self::unlike(schema, value, None)
    }

    /// The fields that a value sets and another does not set so.
    pub(crate) fn unlike(schema: Option<Schema<'_>>, value: &Value, other: Option<&Value>) -> Self {
        let mut fields = Self::default();
        if value.is_null() || other == Some(value) {
            return fields;
        }
        match value {
            Value::Object(map) if !is_whole(schema) => {
                for (name, value) in map {
                    let other = other.and_then(|other| other.get(name));
                    let inner = Self::unlike(field(schema, name), value, other);
                    fields.put(format!("f:{name}"), inner);
                }
                fields.itself = map.is_empty() && other.is_none();
            }
            Value::Array(items) if is_itemized(schema) => {
                let others = other.and_then(Value::as_array).into_iter().flatten();
                let others: BTreeMap<_, _> = others.map(|item| (element(schema, item), item)).collect();
                for item in items {
                    let element = element(schema, item);
                    let other = others.get(&element).copied();
                    let mut inner = Self::unlike(schema.and_then(Schema::items), item, other);
                    inner.itself |= other.is_none();
                    fields.put(element, inner);
                }
            }
            _ => fields.itself = true,
        }
        fields
    }

    fn put(&mut self, element: String, field: Self) {
        if !field.is_empty() {
            self.inner.insert(element, field);
        }
    }

    /// Whether nothing is in the set.
    pub(crate) fn is_empty(&self) -> bool {
        !self.itself && self.inner.is_empty()
    }

    /// Adds what another set has.
    pub(crate) fn add(&mut self, other: &Self) {
        self.itself |= other.itself;
        for (element, other) in &other.inner {
            self.inner.entry(element.clone()).or_default().add(other);
        }
    }

    /// Takes out what another set has.
    pub(crate) fn subtract(&mut self, other: &Self) {
        self.itself &= !other.itself;
        for (element, other) in &other.inner {
            if let Some(field) = self.inner.get_mut(element) {
                field.subtract(other);
                if field.is_empty() {
                    self.inner.remove(element);
                }
            }
        }
    }

    /// What is in both.
    pub(crate) fn intersection(&self, other: &Self) -> Self {
        let mut both = Self {
            itself: self.itself && other.itself,
            inner: BTreeMap::new(),
        };
        for (element, field) in &self.inner {
            if let Some(other) = other.inner.get(element) {
                both.put(element.clone(), field.intersection(other));
            }
        }
        both
    }

    /// The same with all fields that lead to what is in the set: who owns a part of a struct owns it, too.
    pub(crate) fn with_structs(&self) -> Self {
        let mut all = self.clone();
        for (element, field) in &mut all.inner {
            *field = field.with_structs();
            field.itself |= element.starts_with("f:");
        }
        all
    }

    /// Takes out what is nobody's: what the API server itself sets.
    pub(crate) fn strip(&mut self) {
        for name in ["f:apiVersion", "f:kind"] {
            self.inner.remove(name);
        }
        if let Some(metadata) = self.inner.get_mut("f:metadata") {
            SERVERS.iter().for_each(|name| drop(metadata.inner.remove(*name)));
        }
        self.inner.retain(|_, field| !field.is_empty());
    }

    /// The paths of all that is in the set, as `.spec.containers[name="web"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.paths_below("", &mut found);
        found
    }

    fn paths_below(&self, path: &str, found: &mut Vec<String>) {
        for (element, field) in &self.inner {
            let path = format!("{path}{}", as_in_path(element));
            found.extend(field.itself.then(|| path.clone()));
            field.paths_below(&path, found);
        }
    }

    /// From `fieldsV1`.
    pub(crate) fn from_json(json: &Value) -> Self {
        let map = json.as_object();
        let inner = map.into_iter().flatten().filter(|(element, _)| *element != ".");
        Self {
            itself: map.is_none_or(|map| map.is_empty() || map.contains_key(".")),
            inner: inner
                .map(|(element, json)| (element.clone(), Self::from_json(json)))
                .collect(),
        }
    }

    /// As `fieldsV1` has it.
    pub(crate) fn to_json(&self) -> Value {
        let dot = (self.itself && !self.inner.is_empty()).then(|| (".".to_owned(), json!({})));
        let inner = self.inner.iter();
        let inner = inner.map(|(element, field)| (element.clone(), field.to_json()));
        Value::Object(dot.into_iter().chain(inner).collect())
    }
}

/// What of the metadata the API server sets.
const SERVERS: [&str; 8] = [
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:deletionTimestamp",
    "f:deletionGracePeriodSeconds",
    "f:uid",
    "f:generation",
    "f:resourceVersion",
];

/// An element of a path as messages write it.
fn as_in_path(element: &str) -> String {
    let (sort, value) = element.split_once(':').unwrap_or_default();
    match sort {
        "k" => {
            let keys: BTreeMap<String, Value> = serde_json::from_str(value).unwrap_or_default();
            let keys: Vec<_> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        "v" => format!("[={value}]"),
        _ => format!(".{value}"),
    }
}
