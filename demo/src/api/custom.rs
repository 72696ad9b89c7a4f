//! Kinds that custom resource definitions add, and what their objects must be.
//!
//! Of the structural schema everything is checked but the rules in CEL (`x-kubernetes-validations`), which are kept
//! and told, and not evaluated. Versions are not converted: they differ in name alone (`strategy: None`).

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Api,
    discovery::version_order,
    kinds::{Custom, Kind, Subresource},
    object::Meta as _,
    schema::{OBJECT_META, REFERENCE, Schema, built_in},
    status::Cause,
    store::{Change, Key, Outcome},
    write::Write,
};
use crate::{clock::seconds, controllers::Controller};

const CONFIG_MAP: &str = "io.k8s.api.core.v1.ConfigMap";
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Serves what definitions define.
pub(crate) struct Definitions;

impl Controller for Definitions {
    fn affected(&self, _api: &Api, change: &Change) -> Vec<Key> {
        let is_definition = &*change.key.resource == DEFINITIONS;
        is_definition.then(|| change.key.clone()).into_iter().collect()
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        if api.store.get(key).is_none() {
            // Nobody is left to whom its objects could mean anything.
            for object in api.all(&key.name, None) {
                let key = Key::new(&key.name, object.namespace(), object.name());
                drop(api.store.write(&key, |_| Ok(Outcome::Remove)));
            }
        } else if let Ok(kind) = api.kind(DEFINITIONS) {
            let how = Write::by("kube-apiserver").status();
            let now = seconds(api.clock.now());
            drop(api.change(&kind, "", &key.name, &how, |definition| {
                Ok(established(definition, &now))
            }));
        }
        serve(api);
        None
    }
}

/// A definition with its status: all names are taken as they are wished.
fn established(definition: &Value, now: &str) -> Value {
    let mut definition = definition.clone();
    let mut stored = definition.list("/status/storedVersions").to_vec();
    let storage = definition
        .list("/spec/versions")
        .iter()
        .find(|version| version["storage"] == true);
    let storage = storage.map(|version| version["name"].clone()).unwrap_or_default();
    if !stored.contains(&storage) {
        stored.push(storage);
    }
    if definition.list("/status/conditions").is_empty() {
        let condition = |sort: &str, reason: &str, message: &str| json!({"type": sort, "status": "True", "lastTransitionTime": now, "reason": reason, "message": message});
        definition["status"]["conditions"] = json!([
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition(
                "Established",
                "InitialNamesAccepted",
                "the initial names have been accepted"
            ),
        ]);
    }
    definition["status"]["acceptedNames"] = definition["spec"]["names"].clone();
    definition["status"]["storedVersions"] = stored.into();
    definition
}

/// Serves the kinds of all definitions that there are.
fn serve(api: &Api) {
    let definitions = api.all(DEFINITIONS, None);
    let kinds = definitions.iter().map(|definition| {
        let mut versions: Vec<&Value> = definition.list("/spec/versions").iter().collect();
        versions.retain(|version| version["served"] == true);
        versions.sort_by_key(|version| std::cmp::Reverse(version_order(version.text("/name"))));
        let kinds = versions
            .into_iter()
            .map(|version| kind(definition, version))
            .collect();
        (definition.name().to_owned(), kinds)
    });
    let kinds: BTreeMap<String, Vec<Kind>> = kinds.collect();
    api.kinds
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
        .set_custom(kinds);
}

/// The kind of one version of a definition.
fn kind(definition: &Value, version: &Value) -> Kind {
    const VERBS: [&str; 8] = [
        "delete",
        "deletecollection",
        "get",
        "list",
        "patch",
        "create",
        "update",
        "watch",
    ];
    let spec = &definition["spec"];
    let (group, name) = (spec.text("/group"), version.text("/name"));
    let named = |key: &str| spec["names"].text(&format!("/{key}")).to_owned();
    let listed = |key: &str| -> Vec<String> {
        let names = spec["names"]
            .list(&format!("/{key}"))
            .iter()
            .filter_map(Value::as_str);
        names.map(str::to_owned).collect()
    };
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let subresources = [
        ("status", (group, name, named("kind"))),
        ("scale", ("autoscaling", "v1", "Scale".into())),
    ]
    .into_iter()
    .filter(|(sub, _)| version["subresources"].get(sub).is_some())
    .map(|(sub, (group, version, kind))| Subresource {
        name: sub.into(),
        group: group.into(),
        version: version.into(),
        kind,
        verbs: words(&["get", "patch", "update"]),
    });
    Kind {
        group: group.into(),
        version: name.into(),
        kind: named("kind"),
        plural: named("plural"),
        singular: named("singular"),
        short_names: listed("shortNames"),
        categories: listed("categories"),
        namespaced: spec["scope"] == "Namespaced",
        verbs: words(&VERBS),
        subresources: subresources.collect(),
        columns: vec![],
        custom: Some(Arc::new(Custom {
            definition: definition.name().into(),
            version: version.clone(),
            schema: whole(spec, version),
        })),
    }
}

/// The schema of a version's objects, with what all objects have.
fn whole(spec: &Value, version: &Value) -> Value {
    let mut schema = match &version["schema"]["openAPIV3Schema"] {
        Value::Object(schema) => schema.clone(),
        _ => Map::from_iter([("x-kubernetes-preserve-unknown-fields".to_owned(), true.into())]),
    };
    let fields = schema.entry("properties").or_insert_with(|| json!({}));
    // They are described in the words of a built-in kind.
    let known = built_in()
        .get(CONFIG_MAP)
        .map_or(&Value::Null, |schema| &schema["properties"]);
    for field in ["apiVersion", "kind"] {
        fields[field] = json!({"type": "string", "description": known[field]["description"]});
    }
    fields["metadata"] = json!({
        "description": known["metadata"]["description"],
        "allOf": [{"$ref": format!("{REFERENCE}{OBJECT_META}")}],
    });
    let gvk = json!({"group": spec["group"], "version": version["name"], "kind": spec["names"]["kind"]});
    schema.insert("x-kubernetes-group-version-kind".into(), json!([gvk]));
    schema.into()
}

/// What is wrong with a definition.
pub(crate) fn wrong_definition(definition: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    let mut tell = |reason, field: &str, message: String| {
        found.push(Cause {
            reason,
            message,
            field: field.into(),
        })
    };
    let spec = &definition["spec"];
    let name = format!("{}.{}", spec.text("/names/plural"), spec.text("/group"));
    if definition.name() != name {
        let why = "must be spec.names.plural+\".\"+spec.group";
        tell(
            "FieldValueInvalid",
            "metadata.name",
            format!("Invalid value: {:?}: {why}", definition.name()),
        );
    }
    let scope = spec.text("/scope");
    if !["Cluster", "Namespaced"].contains(&scope) {
        let message = format!("Unsupported value: {scope:?}: supported values: \"Cluster\", \"Namespaced\"");
        tell("FieldValueNotSupported", "spec.scope", message);
    }
    let versions = spec.list("/versions");
    if versions
        .iter()
        .filter(|version| version["storage"] == true)
        .count()
        != 1
    {
        let why = "must have exactly one version marked as storage version";
        tell(
            "FieldValueInvalid",
            "spec.versions",
            format!("Invalid value: {}: {why}", spec["versions"]),
        );
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        if spec["names"].text(&format!("/{field}")).is_empty() {
            tell(
                "FieldValueRequired",
                &format!("spec.names.{field}"),
                "Required value".into(),
            );
        }
    }
    for (number, version) in versions.iter().enumerate() {
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_null() {
            let field = format!("spec.versions[{number}].schema.openAPIV3Schema");
            tell("FieldValueRequired", &field, "Required value".into());
        }
        untyped(schema, "spec.validation.openAPIV3Schema", &mut tell);
    }
    found
}

/// Tells which fields of a schema have no type.
fn untyped(schema: &Value, path: &str, tell: &mut impl FnMut(&'static str, &str, String)) {
    if !schema.is_object() {
        return;
    }
    let is = |keyword: &str| schema[keyword] == true;
    let is_free = is("x-kubernetes-int-or-string") || is("x-kubernetes-preserve-unknown-fields");
    if schema.text("/type").is_empty() && !is_free {
        let told = "Required value: must not be empty for specified object fields";
        tell("FieldValueRequired", &format!("{path}.type"), told.into());
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        untyped(field, &format!("{path}.properties[{name}]"), tell);
    }
    for inner in ["items", "additionalProperties"] {
        untyped(&schema[inner], &format!("{path}.{inner}"), tell);
    }
}

/// Fills in the defaults of a schema.
pub(crate) fn fill(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for name in schema
                .fields()
                .into_iter()
                .flatten()
                .map(|(name, _)| name)
                .filter(|name| *name != "metadata")
            {
                let Some(default) = schema.field(name).and_then(|field| field.keyword("default")) else {
                    continue;
                };
                if map.get(name).is_none_or(Value::is_null) {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in map.iter_mut().filter(|(name, _)| *name != "metadata") {
                schema
                    .field(name)
                    .into_iter()
                    .for_each(|field| fill(field, value));
            }
        }
        Value::Array(items) => {
            let schema = schema.items();
            items
                .iter_mut()
                .for_each(|item| schema.into_iter().for_each(|schema| fill(schema, item)));
        }
        _ => {}
    }
}

/// What is wrong with an object of a custom kind.
pub(crate) fn mistakes(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    if let Some(custom) = &kind.custom {
        check(Schema::new(&custom.schema), object, "", &mut found);
    }
    found
}

fn check(schema: Schema<'_>, value: &Value, path: &str, found: &mut Vec<Cause>) {
    let mut tell = |reason, message: String| {
        found.push(Cause {
            reason,
            message,
            field: path.to_owned(),
        })
    };
    let mut invalid = |value: &Value, why: String| {
        tell(
            "FieldValueInvalid",
            format!("Invalid value: {value}: {path} in body should {why}"),
        );
    };
    let sort = match value {
        Value::Null if schema.keyword("nullable") == Some(&Value::Bool(true)) => return,
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number)
            if number.is_f64() && number.as_f64().is_none_or(|number| number.fract() != 0.0) =>
        {
            "number"
        }
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let most = |name: &str| schema.keyword(name).and_then(Value::as_f64);
    #[expect(clippy::cast_precision_loss, reason = "no length is that long")]
    let count = |length: usize| length as f64;
    if let Some(number) = value.as_f64() {
        let is_open = |name: &str| schema.keyword(name) == Some(&Value::Bool(true));
        if let Some(least) = most("minimum")
            .filter(|least| number < *least || (is_open("exclusiveMinimum") && number == *least))
        {
            let or_equal = if is_open("exclusiveMinimum") {
                ""
            } else {
                " or equal to"
            };
            invalid(value, format!("be greater than{or_equal} {least}"));
        }
        if let Some(largest) = most("maximum")
            .filter(|largest| number > *largest || (is_open("exclusiveMaximum") && number == *largest))
        {
            let or_equal = if is_open("exclusiveMaximum") {
                ""
            } else {
                " or equal to"
            };
            invalid(value, format!("be less than{or_equal} {largest}"));
        }
        if let Some(unit) = most("multipleOf").filter(|unit| number % unit != 0.0) {
            invalid(value, format!("be a multiple of {unit}"));
        }
    }
    if let Some(text) = value.as_str() {
        let length = count(text.chars().count());
        let pattern = schema.text("pattern");
        // The first mistake of a text is the only one that is told.
        if let Some(most) = most("maxLength").filter(|most| length > *most) {
            tell(
                "FieldValueTooLong",
                format!("Too long: may not be more than {most} bytes"),
            );
        } else if let Some(least) = most("minLength").filter(|least| length < *least) {
            invalid(value, format!("be at least {least} chars long"));
        } else if !pattern.is_empty() && Regex::new(pattern).is_ok_and(|regex| !regex.is_match(text)) {
            invalid(value, format!("match '{pattern}'"));
        }
    }
    let size = value
        .as_array()
        .map(Vec::len)
        .or_else(|| value.as_object().map(Map::len));
    if let Some(size) = size.map(count) {
        let (least, largest, what) = match value.is_array() {
            true => (most("minItems"), most("maxItems"), "items"),
            false => (most("minProperties"), most("maxProperties"), "properties"),
        };
        if let Some(least) = least.filter(|least| size < *least) {
            tell(
                "FieldValueInvalid",
                format!("Invalid value: {size}: {path} in body should have at least {least} {what}"),
            );
        }
        if let Some(most) = largest.filter(|most| size > *most) {
            tell(
                "FieldValueTooMany",
                format!("Too many: {size}: must have at most {most} items"),
            );
        }
    }
    let flexible = schema.keyword("x-kubernetes-int-or-string").is_some();
    let wanted = if flexible { "integer,string" } else { schema.sort() };
    let fits = wanted.is_empty()
        || wanted
            .split(',')
            .any(|wanted| wanted == sort || (wanted == "number" && sort == "integer"));
    if !fits {
        let message = format!("Invalid value: {sort:?}: {path} in body must be of type {wanted}: {sort:?}");
        tell("FieldValueTypeInvalid", message);
    }
    let known = schema.keyword("enum").and_then(Value::as_array);
    if let Some(known) = known.filter(|known| !known.contains(value)) {
        let known: Vec<_> = known.iter().map(Value::to_string).collect();
        tell(
            "FieldValueNotSupported",
            format!(
                "Unsupported value: {value}: supported values: {}",
                known.join(", ")
            ),
        );
    }
    match value {
        Value::Object(map) => {
            let below = |name: &str| {
                if path.is_empty() {
                    name.to_owned()
                } else {
                    format!("{path}.{name}")
                }
            };
            for name in schema.texts("required").filter(|name| !map.contains_key(*name)) {
                found.push(Cause {
                    reason: "FieldValueRequired",
                    message: "Required value".into(),
                    field: below(name),
                });
            }
            for (name, value) in map
                .iter()
                .filter(|(name, _)| *name != "metadata" || !path.is_empty())
            {
                schema
                    .field(name)
                    .into_iter()
                    .for_each(|field| check(field, value, &below(name), found));
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter().enumerate() {
                let path = format!("{path}[{number}]");
                schema
                    .items()
                    .into_iter()
                    .for_each(|schema| check(schema, item, &path, found));
                let key = |item: &Value| -> Vec<Value> {
                    schema
                        .texts("x-kubernetes-list-map-keys")
                        .map(|key| item[key].clone())
                        .collect()
                };
                let same = |other: &Value| match schema.text("x-kubernetes-list-type") {
                    "set" => other == item,
                    "map" => key(other) == key(item),
                    _ => false,
                };
                if items[..number].iter().any(same) {
                    let message = format!("Duplicate value: {item}");
                    found.push(Cause {
                        reason: "FieldValueDuplicate",
                        message,
                        field: path,
                    });
                }
            }
        }
        _ => {}
    }
}
