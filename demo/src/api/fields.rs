//! Sets of an object's fields, as `fieldsV1` writes them, and what two versions of an object differ in.
//!
//! A field is one of a struct or map (`f:NAME`), an item of a list whose items are known by some of their fields
//! (`k:{"name":"web"}`) or a value of a list that is a set (`v:"x"`). What is replaced as a whole has no fields.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use serde_json::{Map, Value, json};

use super::schema::Schema;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fields {
    /// Whether the value itself is in the set.
    pub(crate) itself: bool,
    /// What is in the set of what it holds.
    pub(crate) inner: BTreeMap<String, Self>,
}

/// What an object's new version differs from the former one in.
#[derive(Debug, Default)]
pub(crate) struct Difference {
    /// What is new, or another value.
    pub(crate) changed: Fields,
    /// What is gone.
    pub(crate) removed: Fields,
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

/// Whether the schema declares this field: it is no free key of a map.
fn declares(schema: Option<Schema<'_>>, name: &str) -> bool {
    let fields = schema.and_then(Schema::fields);
    fields.is_some_and(|fields| fields.contains_key(name))
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

/// The items of a list by their path elements.
fn items<'a>(schema: Option<Schema<'_>>, list: Option<&'a Value>) -> BTreeMap<String, &'a Value> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| (element(schema, item), item)).collect()
}

impl Fields {
    /// All fields that a value sets.
    pub(crate) fn of(schema: Option<Schema<'_>>, value: &Value) -> Self {
        let mut fields = Self::default();
        match value {
            Value::Object(map) if !is_whole(schema) => {
                for (name, value) in map {
                    let mut inner = Self::of(field(schema, name), value);
                    let is_empty = value.as_object().is_some_and(Map::is_empty);
                    inner.itself |= is_empty || !declares(schema, name);
                    fields.put(format!("f:{name}"), inner);
                }
            }
            Value::Array(_) if is_itemized(schema) => {
                for (element, item) in items(schema, Some(value)) {
                    let mut inner = Self::of(schema.and_then(Schema::items), item);
                    inner.itself = true;
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

    /// Takes out one field and what is in it.
    pub(crate) fn cut(&mut self, path: &[&str]) {
        match path {
            [] => {}
            [last] => drop(self.inner.remove(*last)),
            [first, rest @ ..] => {
                if let Some(field) = self.inner.get_mut(*first) {
                    field.cut(rest);
                    if field.is_empty() {
                        self.inner.remove(*first);
                    }
                }
            }
        }
    }

    /// The same with all declared fields that lead to what is in the set: who owns a part of a struct owns it, too.
    pub(crate) fn with_structs(&self, schema: Option<Schema<'_>>) -> Self {
        let mut all = self.clone();
        for (element, field) in &mut all.inner {
            *field = match element.strip_prefix("f:") {
                Some(name) => field.with_structs(self::field(schema, name)),
                None => field.with_structs(schema.and_then(Schema::items)),
            };
            field.itself |= element
                .strip_prefix("f:")
                .is_some_and(|name| declares(schema, name));
        }
        all
    }

    /// The paths of all that is in the set, as `.spec.containers[name="web"].image`.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.paths_below("", &mut found);
        found
    }

    fn paths_below(&self, path: &str, found: &mut Vec<String>) {
        let below: Vec<_> = self
            .inner
            .iter()
            .map(|(element, field)| (format!("{path}{}", as_in_path(element)), field))
            .collect();
        found.extend(
            below
                .iter()
                .filter(|(_, field)| field.itself)
                .map(|(path, _)| path.clone()),
        );
        below
            .iter()
            .for_each(|(path, field)| field.paths_below(path, found));
    }

    /// As `fieldsV1` has it.
    pub(crate) fn to_json(&self) -> Value {
        let dot = (self.itself && !self.inner.is_empty()).then(|| (".".to_owned(), json!({})));
        let inner = self
            .inner
            .iter()
            .map(|(element, field)| (element.clone(), field.to_json()));
        Value::Object(dot.into_iter().chain(inner).collect())
    }

    /// From `fieldsV1`.
    pub(crate) fn from_json(json: &Value) -> Self {
        let map = json.as_object();
        Self {
            itself: map.is_none_or(|map| map.is_empty() || map.contains_key(".")),
            inner: map
                .into_iter()
                .flatten()
                .filter(|(element, _)| *element != ".")
                .map(|(element, json)| (element.clone(), Self::from_json(json)))
                .collect(),
        }
    }
}

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

/// What a value's new version differs from the former one in; nothing where it is not there.
pub(crate) fn difference(
    schema: Option<Schema<'_>>,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Difference {
    let mut difference = Difference::default();
    let both = [before, after].map(|value| value.filter(|value| !value.is_null()));
    if before == after || both == [None, None] {
        return difference;
    }
    let has_some = both.iter().flatten().any(|value| match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    });
    let all = |is: fn(&Value) -> bool| has_some && both.iter().flatten().all(|value| is(value));
    if all(Value::is_object) && !is_whole(schema) {
        let maps = both.map(|value| value.and_then(Value::as_object));
        let names: BTreeSet<&String> = maps.iter().flatten().flat_map(|map| map.keys()).collect();
        for name in names {
            let [old, new] = maps.map(|map| map?.get(name));
            difference.put(
                format!("f:{name}"),
                self::difference(field(schema, name), old, new),
            );
        }
    } else if all(Value::is_array) && is_itemized(schema) {
        let lists = both.map(|value| items(schema, value));
        let elements: BTreeSet<&String> = lists.iter().flat_map(BTreeMap::keys).collect();
        for element in elements {
            let [old, new] = [0, 1].map(|list| lists[list].get(element).copied());
            let inner = self::difference(schema.and_then(Schema::items), old, new);
            difference.put(element.clone(), inner);
        }
    } else if before.is_some() && after.is_some() {
        difference.changed.itself = true;
    }
    difference.changed.itself |= before.is_none();
    difference.removed.itself |= after.is_none();
    difference
}

impl Difference {
    fn put(&mut self, element: String, inner: Self) {
        self.changed.put(element.clone(), inner.changed);
        self.removed.put(element, inner.removed);
    }

    /// Whether nothing differs.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The fields that an object has even if nobody sets them: of a built-in kind those that are no pointers in Go, of a
/// custom one none. Worked out once a kind.
pub(crate) fn skeleton(object: &Value, schema: Option<Schema<'_>>, custom: bool) -> Value {
    if custom {
        return json!({});
    }
    static KNOWN: Mutex<BTreeMap<String, Value>> = Mutex::new(BTreeMap::new());
    let kind = format!("{}/{}", object["apiVersion"], object["kind"]);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known
        .entry(kind)
        .or_insert_with(|| schema.map_or(Value::Null, bones))
        .clone()
}

fn bones(schema: Schema<'_>) -> Value {
    let is_needed = |name: &str| schema.texts("required").any(|needed| needed == name);
    let mut map = Map::new();
    for (name, _) in schema.fields().into_iter().flatten() {
        let Some(field) = schema.field(name) else {
            continue;
        };
        if field.name().is_some() && field.keyword("default").is_some_and(Value::is_object) {
            map.insert(name.clone(), bones(field));
        } else if field.name().is_none() && matches!(field.sort(), "array" | "object") && is_needed(name) {
            map.insert(name.clone(), Value::Null);
        }
    }
    map.into()
}
