//! What objects consist of: the OpenAPI schemas of all kinds, built in and custom.
//!
//! Those of the built-in kinds are read when somebody first asks, which is a client's doing: neither start nor the
//! controllers' writes need them.

use std::{collections::HashMap, io::Read as _, sync::OnceLock};

use flate2::read::GzDecoder;
use serde_json::{Map, Value};

use super::kinds::{Custom, Kind};

/// What a real API server says of the built-in kinds; `data/refresh` writes it.
const BUILT_IN: &[u8] = include_bytes!("../../data/schemas.json.gz");
/// What a reference begins with.
pub(crate) const REFERENCE: &str = "#/components/schemas/";
/// The schema of all metadata.
pub(crate) const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// One schema: of a kind's objects, or of what stands in a field of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema<'a> {
    /// As the field declares it: its merge key and default stand here.
    own: &'a Value,
    /// What that refers to; itself where it refers to nothing.
    target: &'a Value,
}

impl<'a> Schema<'a> {
    /// A schema, and what it refers to.
    pub(crate) fn new(own: &'a Value) -> Self {
        let target = reference(own).and_then(|name| built_in().get(name));
        Self {
            own,
            target: target.unwrap_or(own),
        }
    }

    /// What is under this key: the field of that name, or any key's value where keys are free.
    pub(crate) fn field(self, name: &str) -> Option<Self> {
        let declared = self.fields().and_then(|fields| fields.get(name));
        declared.or_else(|| self.free()).map(Self::new)
    }

    /// The fields that are declared, if it is an object of fields.
    pub(crate) fn fields(self) -> Option<&'a Map<String, Value>> {
        self.target.get("properties").and_then(Value::as_object)
    }

    /// What each item of the list is.
    pub(crate) fn items(self) -> Option<Self> {
        self.target.get("items").map(Self::new)
    }

    /// A keyword such as `x-kubernetes-list-type`, as the field says or what it refers to.
    pub(crate) fn keyword(self, name: &str) -> Option<&'a Value> {
        self.own.get(name).or_else(|| self.target.get(name))
    }

    /// The text of a keyword; empty where there is none.
    pub(crate) fn text(self, name: &str) -> &'a str {
        self.keyword(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// The texts of a keyword that is a list: `required`, `x-kubernetes-list-map-keys`.
    pub(crate) fn texts(self, name: &str) -> impl Iterator<Item = &'a str> {
        let list = self.keyword(name).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether a keyword such as `nullable` holds.
    pub(crate) fn is(self, name: &str) -> bool {
        self.keyword(name) == Some(&Value::Bool(true))
    }

    /// `object`, `array`, `string`, `integer`, `number`, `boolean`; empty for what may be any of these.
    pub(crate) fn sort(self) -> &'a str {
        self.text("type")
    }

    /// The key by which a strategic merge patch joins the items of a list: `x-kubernetes-patch-merge-key`, where the
    /// strategy is to merge.
    pub(crate) fn merge_key(self) -> Option<&'a str> {
        let merges = self
            .text("x-kubernetes-patch-strategy")
            .split(',')
            .any(|one| one == "merge");
        Some(self.text("x-kubernetes-patch-merge-key")).filter(|key| merges && !key.is_empty())
    }

    /// Whether fields that are not declared are kept: it holds anything.
    pub(crate) fn is_open(self) -> bool {
        let anything = self.is("x-kubernetes-preserve-unknown-fields");
        anything || (self.fields().is_none() && self.free().is_none())
    }

    /// The name of what it refers to, as `io.k8s.api.core.v1.Container`.
    pub(crate) fn name(self) -> Option<&'a str> {
        reference(self.own)
    }

    fn free(self) -> Option<&'a Value> {
        self.target
            .get("additionalProperties")
            .filter(|free| free.is_object())
    }
}

/// The name of what a schema refers to.
fn reference(schema: &Value) -> Option<&str> {
    let reference = schema
        .get("$ref")
        .or_else(|| schema.get("allOf")?.get(0)?.get("$ref"));
    reference?.as_str()?.strip_prefix(REFERENCE)
}

/// The schema of a kind's objects.
pub(crate) fn of(kind: &Kind) -> Option<Schema<'_>> {
    match &kind.custom {
        Some(custom) => Some(Schema::new(&custom.schema)),
        None => name_of(kind).and_then(named),
    }
}

/// The schema of an object, by what it says that it is, or by the definition of its kind.
pub(crate) fn of_object<'a>(object: &Value, custom: Option<&'a Custom>) -> Option<Schema<'a>> {
    if let Some(custom) = custom {
        return Some(Schema::new(&custom.schema));
    }
    let (version, kind) = (object["apiVersion"].as_str()?, object["kind"].as_str()?);
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    name_of_version(group, version, kind).and_then(named)
}

/// The name of a built-in kind's schema.
pub(crate) fn name_of(kind: &Kind) -> Option<&'static str> {
    name_of_version(&kind.group, &kind.version, &kind.kind)
}

/// The same, by what a manifest says.
pub(crate) fn name_of_version(group: &str, version: &str, kind: &str) -> Option<&'static str> {
    static NAMES: OnceLock<HashMap<[&str; 3], &str>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let mut names = HashMap::new();
        for (name, schema) in built_in() {
            let own = schema["x-kubernetes-group-version-kind"].as_array();
            for gvk in own.into_iter().flatten() {
                names.insert(
                    ["group", "version", "kind"].map(|part| gvk[part].as_str().unwrap_or_default()),
                    name.as_str(),
                );
            }
        }
        names
    });
    names.get(&[group, version, kind]).copied()
}

/// A built-in schema by its name, as [`OBJECT_META`].
pub(crate) fn named(name: &str) -> Option<Schema<'static>> {
    built_in().get(name).map(Schema::new)
}

/// All built-in schemas.
pub(crate) fn built_in() -> &'static Map<String, Value> {
    static ALL: OnceLock<Map<String, Value>> = OnceLock::new();
    ALL.get_or_init(|| {
        let mut text = String::new();
        GzDecoder::new(BUILT_IN)
            .read_to_string(&mut text)
            .expect("schemas.json.gz is as `data/refresh` writes it");
        serde_json::from_str(&text).expect("schemas.json.gz is as `data/refresh` writes it")
    })
}
