//! Sets of an object's fields, as `fieldsV1` writes them, and what two versions of an object differ in.
//!
//! A field is one of a struct or map (`f:NAME`), an item of a list whose items are known by some of their fields
//! (`k:{"name":"web"}`) or a value of a list that is a set (`v:"x"`). What is replaced as a whole has no fields.

use std::collections::{BTreeMap, BTreeSet};

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

/// How a list is merged.
pub(crate) enum List<'a> {
    /// As a whole.
    Whole,
    /// Each value is there or not.
    Set,
    /// Its items are known by these of their fields, which may have defaults.
    Keyed(Vec<(&'a str, Option<&'a Value>)>),
}

/// How a list of this schema is merged.
pub(crate) fn list(schema: Option<Schema<'_>>) -> List<'_> {
    let Some(schema) = schema else {
        return List::Whole;
    };
    let default = |key| schema.items()?.field(key)?.keyword("default");
    match schema.text("x-kubernetes-list-type") {
        "set" => List::Set,
        "map" => List::Keyed(
            schema
                .texts("x-kubernetes-list-map-keys")
                .map(|key| (key, default(key)))
                .collect(),
        ),
        _ => List::Whole,
    }
}

/// Whether a map of this schema is replaced as a whole. One of which nothing is known is not, if it is a custom one.
pub(crate) fn is_whole(schema: Option<Schema<'_>>) -> bool {
    schema.is_some_and(|schema| {
        schema.text("x-kubernetes-map-type") == "atomic"
            || (schema.is_open() && schema.keyword("x-kubernetes-preserve-unknown-fields").is_none())
    })
}

/// Whether the schema declares this field: it is no free key of a map.
pub(crate) fn declares(schema: Option<Schema<'_>>, name: &str) -> bool {
    schema
        .and_then(Schema::fields)
        .is_some_and(|fields| fields.contains_key(name))
}

/// The element of a path that means a list's item; `None` if the list is replaced as a whole.
pub(crate) fn item(list: &List<'_>, value: &Value) -> Option<String> {
    match list {
        List::Whole => None,
        List::Set => Some(format!("v:{value}")),
        List::Keyed(keys) => {
            let given = keys.iter().map(|(key, default)| {
                let value = value.get(*key).or(*default).cloned().unwrap_or_default();
                ((*key).to_owned(), value)
            });
            let sorted: BTreeMap<_, _> = given.collect();
            Some(format!("k:{}", json!(sorted)))
        }
    }
}

/// The items of a list by their path elements; `None` if the list is replaced as a whole.
fn items<'a>(list: &List<'_>, value: Option<&'a Value>) -> Option<BTreeMap<String, &'a Value>> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.map(|value| Some((item(list, value)?, value))).collect()
}

impl Fields {
    /// The set of this value alone.
    fn whole() -> Self {
        Self {
            itself: true,
            inner: BTreeMap::new(),
        }
    }

    /// All fields that a value sets.
    pub(crate) fn of(schema: Option<Schema<'_>>, value: &Value) -> Self {
        let mut fields = Self::default();
        match value {
            Value::Object(map) if !is_whole(schema) => {
                for (name, value) in map {
                    let mut field = Self::of(schema.and_then(|schema| schema.field(name)), value);
                    let is_empty = value.as_object().is_some_and(Map::is_empty);
                    field.itself |= is_empty || !declares(schema, name);
                    fields.put(format!("f:{name}"), field);
                }
            }
            Value::Array(_) => match items(&list(schema), Some(value)) {
                Some(items) if !matches!(list(schema), List::Whole) => {
                    for (element, value) in items {
                        let mut item = Self::of(schema.and_then(Schema::items), value);
                        item.itself = true;
                        fields.put(element, item);
                    }
                }
                _ => fields.itself = true,
            },
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
            let (inner, declared) = match element.strip_prefix("f:") {
                Some(name) => (
                    schema.and_then(|schema| schema.field(name)),
                    declares(schema, name),
                ),
                None => (schema.and_then(Schema::items), false),
            };
            *field = field.with_structs(inner);
            field.itself |= declared;
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
    let is_nothing = |value: Option<&Value>| value.is_none_or(Value::is_null);
    if before == after || (is_nothing(before) && is_nothing(after)) {
        return difference;
    }
    let is_map = |value: Option<&Value>| value.is_none_or(|value| value.is_object() || value.is_null());
    let is_list = |value: Option<&Value>| value.is_none_or(|value| value.is_array() || value.is_null());
    let has_none = |value: Option<&Value>| match value {
        Some(Value::Object(map)) => map.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(value) => value.is_null(),
        None => true,
    };
    let is_empty = has_none(before) && has_none(after);
    let lists = list(schema);
    if is_map(before) && is_map(after) && !is_empty && !is_whole(schema) {
        let (old, new) = (
            before.and_then(Value::as_object),
            after.and_then(Value::as_object),
        );
        let names: BTreeSet<&String> = [old, new].into_iter().flatten().flat_map(Map::keys).collect();
        for name in names {
            let field = schema.and_then(|schema| schema.field(name));
            let (old, new) = (
                old.and_then(|old| old.get(name)),
                new.and_then(|new| new.get(name)),
            );
            difference.put(format!("f:{name}"), self::difference(field, old, new));
        }
    } else if is_list(before) && is_list(after) && !is_empty && !matches!(lists, List::Whole) {
        let (old, new) = (
            items(&lists, before).unwrap_or_default(),
            items(&lists, after).unwrap_or_default(),
        );
        let elements: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for element in elements {
            let inner = self::difference(
                schema.and_then(Schema::items),
                old.get(element).copied(),
                new.get(element).copied(),
            );
            difference.put(element.clone(), inner);
        }
    } else if before.is_some() && after.is_some() {
        difference.changed = Fields::whole();
    }
    if before.is_none() {
        difference.changed.itself = true;
    } else if after.is_none() {
        difference.removed.itself = true;
    }
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

/// The fields that an object of a built-in kind has even if nobody sets them: those that are no pointers in Go.
pub(crate) fn skeleton(schema: Schema<'_>) -> Value {
    let is_needed = |name: &str| schema.texts("required").any(|needed| needed == name);
    let mut map = Map::new();
    for name in schema.fields().into_iter().flatten().map(|(name, _)| name) {
        let Some(field) = schema.field(name) else {
            continue;
        };
        if field.name().is_some() && field.keyword("default").is_some_and(Value::is_object) {
            map.insert(name.clone(), skeleton(field));
        } else if field.name().is_none() && matches!(field.sort(), "array" | "object") && is_needed(name) {
            map.insert(name.clone(), Value::Null);
        }
    }
    map.into()
}
