//! Kinds that custom resource definitions add, and what their objects must be.
//!
//! Of the structural schema everything is checked but the rules in CEL (`x-kubernetes-validations`), which are kept
//! and told, and not evaluated. Versions are not converted: they differ in name alone (`strategy: None`).

use std::{
    cmp::Reverse,
    sync::{Arc, PoisonError},
};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Api,
    kinds::{Custom, Kind, Subresource},
    object::Meta as _,
    schema::{OBJECT_META, REFERENCE, Schema},
    status::Cause,
    store::{Change, Key, Outcome},
    write::Write,
};
use crate::{clock::seconds, controllers::Controller};

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
    let versions = |definition: &'_ Value| -> Vec<Kind> {
        let mut served = definition.list("/spec/versions").to_vec();
        served.retain(|version| version["served"] == true);
        served.iter().map(|version| kind(definition, version)).collect()
    };
    let mut kinds: Vec<Kind> = definitions
        .iter()
        .flat_map(|definition| versions(definition))
        .collect();
    kinds.sort_by_cached_key(|kind| {
        let version = Reverse(version_order(&kind.version));
        (kind.group.clone(), version, kind.plural.clone())
    });
    api.kinds
        .write()
        .unwrap_or_else(PoisonError::into_inner)
        .set_custom(kinds);
}

/// How ready a version is: `v2` before `v1` before `v1beta2` before `v1alpha1` before names that say nothing.
fn version_order(version: &str) -> (u8, u32, u32) {
    let read = || {
        let numbers = version.strip_prefix('v')?;
        for (stage, word) in [(2, "beta"), (1, "alpha")] {
            if let Some((major, minor)) = numbers.split_once(word) {
                return Some((stage, major.parse().ok()?, minor.parse().ok()?));
            }
        }
        Some((3, numbers.parse().ok()?, 0))
    };
    read().unwrap_or_default()
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
    fields["apiVersion"] = json!({"type": "string"});
    fields["kind"] = json!({"type": "string"});
    fields["metadata"] = json!({"allOf": [{"$ref": format!("{REFERENCE}{OBJECT_META}")}]});
    let gvk = json!({"group": spec["group"], "version": version["name"], "kind": spec["names"]["kind"]});
    schema.insert("x-kubernetes-group-version-kind".into(), json!([gvk]));
    schema.into()
}

/// What is wrong with a definition.
pub(crate) fn wrong_definition(definition: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    let (name, spec) = (&definition["metadata"]["name"], &definition["spec"]);
    if name.text("") != format!("{}.{}", spec.text("/names/plural"), spec.text("/group")) {
        let why = "must be spec.names.plural+\".\"+spec.group";
        found.push(Cause::invalid("metadata.name", name, why));
    }
    if !["Cluster", "Namespaced"].contains(&spec.text("/scope")) {
        let known = ["Cluster", "Namespaced"].map(|scope| format!("{scope:?}"));
        found.push(Cause::unsupported("spec.scope", &spec["scope"], &known));
    }
    let versions = spec.list("/versions");
    let stored = versions.iter().filter(|version| version["storage"] == true);
    if stored.count() != 1 {
        let why = "must have exactly one version marked as storage version";
        found.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    for field in ["plural", "singular", "kind", "listKind"] {
        if spec["names"][field].text("").is_empty() {
            found.push(Cause::required(&format!("spec.names.{field}"), ""));
        }
    }
    for (number, version) in versions.iter().enumerate() {
        let schema = &version["schema"]["openAPIV3Schema"];
        if schema.is_null() {
            let field = format!("spec.versions[{number}].schema.openAPIV3Schema");
            found.push(Cause::required(&field, ""));
        }
        untyped(schema, "spec.validation.openAPIV3Schema", &mut found);
    }
    found
}

/// Tells which fields of a schema have no type.
fn untyped(schema: &Value, path: &str, found: &mut Vec<Cause>) {
    if !schema.is_object() {
        return;
    }
    let is = |keyword: &str| schema[keyword] == true;
    let is_free = is("x-kubernetes-int-or-string") || is("x-kubernetes-preserve-unknown-fields");
    if schema.text("/type").is_empty() && !is_free {
        let why = "must not be empty for specified object fields";
        found.push(Cause::required(&format!("{path}.type"), why));
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        untyped(field, &format!("{path}.properties[{name}]"), found);
    }
    for inner in ["items", "additionalProperties"] {
        untyped(&schema[inner], &format!("{path}.{inner}"), found);
    }
}

/// Fills in the defaults of a schema.
pub(crate) fn fill(schema: Schema<'_>, value: &mut Value) {
    if let Value::Array(items) = value {
        let schema = schema.items();
        items
            .iter_mut()
            .for_each(|item| schema.into_iter().for_each(|schema| fill(schema, item)));
    }
    let Value::Object(map) = value else { return };
    // A null that may not be is as good as nothing.
    map.retain(|name, value| !value.is_null() || schema.field(name).is_none_or(|field| field.is("nullable")));
    for name in schema.fields().into_iter().flatten().map(|(name, _)| name) {
        let default = schema.field(name).and_then(|field| field.keyword("default"));
        if let Some(default) = default.filter(|_| !map.contains_key(name)) {
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

/// What is wrong with an object of a custom kind.
pub(crate) fn mistakes(custom: &Custom, object: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    check(Schema::new(&custom.schema), object, "", &mut found);
    found
}

fn check(schema: Schema<'_>, value: &Value, path: &str, found: &mut Vec<Cause>) {
    if value.is_null() && schema.is("nullable") {
        return;
    }
    let sort = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.as_f64().is_some_and(|number| number.fract() != 0.0) => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let flexible = schema.is("x-kubernetes-int-or-string");
    let wanted = if flexible { "integer,string" } else { schema.sort() };
    let mut fits = wanted.split(',').map(|wanted| (wanted, sort));
    if !fits
        .any(|(wanted, sort)| wanted.is_empty() || wanted == sort || (wanted, sort) == ("number", "integer"))
    {
        let why = format!("{path} in body must be of type {wanted}: {sort:?}");
        found.push(Cause::of_type(path, sort, &why));
    }
    limits(schema, value, path, found);
    let known = schema.keyword("enum").and_then(Value::as_array);
    if let Some(known) = known.filter(|known| !known.contains(value)) {
        let known: Vec<_> = known.iter().map(Value::to_string).collect();
        found.push(Cause::unsupported(path, value, &known));
    }
    if let Value::Object(map) = value {
        let below = |name: &str| format!("{path}.{name}").trim_start_matches('.').to_owned();
        let missing = schema.texts("required").filter(|name| !map.contains_key(*name));
        found.extend(missing.map(|name| Cause::required(&below(name), "")));
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
    let mut before: Vec<String> = Vec::new();
    for (number, item) in value.list("").iter().enumerate() {
        let path = format!("{path}[{number}]");
        schema
            .items()
            .into_iter()
            .for_each(|schema| check(schema, item, &path, found));
        let keys = schema
            .texts("x-kubernetes-list-map-keys")
            .map(|key| item[key].to_string());
        let identity = match schema.text("x-kubernetes-list-type") {
            "set" => item.to_string(),
            "map" => keys.collect(),
            _ => continue,
        };
        if before.contains(&identity) {
            found.push(Cause::duplicate(&path, item));
        }
        before.push(identity);
    }
}

/// Tells what is too small, too large, or not as its pattern.
fn limits(schema: Schema<'_>, value: &Value, path: &str, found: &mut Vec<Cause>) {
    let limit = |name: &str| schema.keyword(name).and_then(Value::as_f64);
    let should =
        |value: &Value, why: String| Cause::invalid(path, value, &format!("{path} in body should {why}"));
    #[expect(clippy::cast_precision_loss, reason = "no length is that long")]
    let count = |length: usize| length as f64;
    if let Some(number) = value.as_f64() {
        let under = limit("minimum")
            .filter(|least| number < *least || (schema.is("exclusiveMinimum") && number <= *least));
        let or_equal = |exclusive| if schema.is(exclusive) { "" } else { " or equal to" };
        let least = under.map(|least| format!("be greater than{} {least}", or_equal("exclusiveMinimum")));
        let over = limit("maximum")
            .filter(|most| number > *most || (schema.is("exclusiveMaximum") && number >= *most));
        let most = over.map(|most| format!("be less than{} {most}", or_equal("exclusiveMaximum")));
        let multiple = limit("multipleOf").filter(|unit| number % unit != 0.0);
        let multiple = multiple.map(|unit| format!("be a multiple of {unit}"));
        found.extend(
            [least, most, multiple]
                .into_iter()
                .flatten()
                .map(|why| should(value, why)),
        );
    }
    if let Some(text) = value.as_str() {
        let length = count(text.chars().count());
        let short = limit("minLength").filter(|least| length < *least);
        let short = short.map(|least| format!("be at least {least} chars long"));
        let regex = Regex::new(schema.text("pattern"));
        let differs = regex.is_ok_and(|regex| !regex.is_match(text));
        let differs = differs.then(|| format!("match '{}'", schema.text("pattern")));
        let long = limit("maxLength").filter(|most| length > *most);
        // The first mistake of a text is the only one that is told.
        let first = match long {
            Some(most) => Some(Cause::too_long(path, most)),
            None => short.or(differs).map(|why| should(value, why)),
        };
        found.extend(first);
    }
    let (size, what) = match value {
        Value::Array(items) => (items.len(), "Items"),
        Value::Object(map) => (map.len(), "Properties"),
        _ => return,
    };
    let few = limit(&format!("min{what}")).filter(|least| count(size) < *least);
    let told = |least| format!("have at least {least} {}", what.to_lowercase());
    found.extend(few.map(|least| should(&size.into(), told(least))));
    let many = limit(&format!("max{what}")).filter(|most| count(size) > *most);
    found.extend(many.map(|most| Cause::too_many(path, count(size), most)));
}
