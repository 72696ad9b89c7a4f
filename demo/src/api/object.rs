//! An object as it is kept: JSON, encoded once however often it is served.

use std::sync::OnceLock;

use serde::Serializer as _;
use serde_json::{Map, Value};

use super::managed::{Managed, Owners};

/// An object of the store. It never changes: a write puts another in its place.
#[derive(Debug)]
pub(crate) struct Object {
    /// All but its `managedFields`.
    value: Value,
    revision: u64,
    managed: Managed,
    rest: OnceLock<Vec<u8>>,
}

impl Object {
    /// This object, as it is since the store's revision. Nobody owns its fields.
    pub(crate) fn new(value: Value, revision: u64) -> Self {
        Self::managed_by(value, revision, Managed::known(Owners::default()))
    }

    /// The same; its fields are owned as is told.
    pub(crate) fn managed_by(value: Value, revision: u64, managed: Managed) -> Self {
        Self {
            value,
            revision,
            managed,
            rest: OnceLock::new(),
        }
    }

    /// Who owns which field of it.
    pub(crate) fn managed(&self) -> &Managed {
        &self.managed
    }

    /// The same, worked out.
    pub(crate) fn owners(&self) -> Owners {
        self.managed.owners(&self.value)
    }

    /// Its metadata, with `managedFields`.
    pub(crate) fn metadata(&self) -> Value {
        let mut metadata = self.value["metadata"].clone();
        if let (Some(map), Some(entries)) = (metadata.as_object_mut(), self.owners().entries()) {
            map.insert("managedFields".into(), entries);
        }
        metadata
    }

    /// The object with its `managedFields`, as clients see it.
    pub(crate) fn whole(&self) -> Value {
        let mut value = self.value.clone();
        value["metadata"] = self.metadata();
        value
    }

    /// The object without its `managedFields`, which few ask for.
    pub(crate) fn value(&self) -> &Value {
        &self.value
    }

    /// The revision that wrote it.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// The object as JSON without the brace, `kind` and `apiVersion` that it begins with: what comes before depends on
    /// where it stands and on the version that is asked for, the rest is encoded once.
    pub(crate) fn rest(&self) -> &[u8] {
        self.rest.get_or_init(|| rest(&self.whole()))
    }
}

/// An object as JSON without the brace, `kind` and `apiVersion` that it begins with.
pub(crate) fn rest(object: &Value) -> Vec<u8> {
    let fields = object.as_object().into_iter().flatten();
    let mut json = serde_json::Serializer::new(Vec::new());
    let own = fields.filter(|(name, _)| !matches!(name.as_str(), "kind" | "apiVersion"));
    // JSON with text for keys, written to memory, has nothing to fail at.
    drop(json.collect_map(own));
    let mut json = json.into_inner();
    json.remove(0);
    json
}

impl std::ops::Deref for Object {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.value
    }
}

/// What every object has, read and written where it stands.
pub(crate) trait Meta {
    /// `metadata.name`, or nothing.
    fn name(&self) -> &str;
    /// `metadata.namespace`; empty for what is in none.
    fn namespace(&self) -> &str;
    /// `metadata.uid`.
    fn uid(&self) -> &str;
    /// What is at a JSON pointer: as `Value::pointer`, but for keys with `/` or `~` in them, and many times as fast.
    fn at(&self, pointer: &str) -> Option<&Value>;
    /// A text at a JSON pointer; empty if there is none.
    fn text(&self, pointer: &str) -> &str;
    /// A whole number at a JSON pointer.
    fn number(&self, pointer: &str) -> Option<i64>;
    /// A list at a JSON pointer; empty if there is none.
    fn list(&self, pointer: &str) -> &[Value];
    /// Whether it is being deleted.
    fn is_terminating(&self) -> bool;
    /// The reference of the owner that controls it.
    fn controller(&self) -> Option<&Value>;
}

impl Meta for Value {
    fn name(&self) -> &str {
        self.text("/metadata/name")
    }

    fn namespace(&self) -> &str {
        self.text("/metadata/namespace")
    }

    fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        pointer
            .split('/')
            .skip(1)
            .try_fold(self, |value, key| match value {
                Value::Object(map) => map.get(key),
                Value::Array(list) => list.get(key.parse::<usize>().ok()?),
                _ => None,
            })
    }

    fn text(&self, pointer: &str) -> &str {
        self.at(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn number(&self, pointer: &str) -> Option<i64> {
        self.at(pointer).and_then(Value::as_i64)
    }

    fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn is_terminating(&self) -> bool {
        self.at("/metadata/deletionTimestamp").is_some()
    }

    fn controller(&self) -> Option<&Value> {
        self.list("/metadata/ownerReferences")
            .iter()
            .find(|owner| owner["controller"] == true)
    }
}

/// Takes `metadata.managedFields` out of an object.
pub(crate) fn take_managed(object: &mut Value) -> Option<Value> {
    let metadata = object.get_mut("metadata").and_then(Value::as_object_mut)?;
    metadata.remove("managedFields")
}

/// The map at a key, made where there is none; what is there and no map is replaced.
pub(crate) fn map_at<'a>(value: &'a mut Value, key: &str) -> &'a mut Map<String, Value> {
    let slot = &mut value[key];
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(map) => map,
        _ => unreachable!("it was made a map"),
    }
}
