//! Kinds that custom resource definitions add, and what their objects must be.
//!
//! Of the structural schema types, limits, patterns, enums and what is required are checked; the rules in CEL
//! (`x-kubernetes-validations`) are kept and told, and not evaluated. Versions are not converted: they differ in name alone (`strategy: None`).

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use jiff::Timestamp;
use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Api,
    kinds::{Custom, Kind},
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
    let mut versions = definition.list("/spec/versions").iter();
    let stored = versions.find(|version| version["storage"] == true);
    let stored = stored.map(|version| version["name"].clone()).unwrap_or_default();
    let status = &definition["status"];
    let mut all = status.list("/storedVersions").to_vec();
    if !all.contains(&stored) {
        all.push(stored);
    }
    let conditions = match status.list("/conditions") {
        [] => json!([
            {"type": "NamesAccepted", "status": "True", "lastTransitionTime": now, "reason": "NoConflicts",
             "message": "no conflicts found"},
            {"type": "Established", "status": "True", "lastTransitionTime": now, "reason": "InitialNamesAccepted",
             "message": "the initial names have been accepted"},
        ]),
        conditions => json!(conditions),
    };
    let names = definition["spec"]["names"].clone();
    definition["status"] = json!({"conditions": conditions, "acceptedNames": names, "storedVersions": all});
    definition
}

/// Serves the kinds of all definitions that there are.
fn serve(api: &Api) {
    let mut kinds = Vec::new();
    for definition in api.all(DEFINITIONS, None) {
        let versions = definition.list("/spec/versions").iter();
        let served = versions.filter(|version| version["served"] == true);
        kinds.extend(served.filter_map(|version| kind(&definition["spec"], version)));
    }
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
fn kind(spec: &Value, version: &Value) -> Option<Kind> {
    let (names, own) = (&spec["names"], &version["subresources"]);
    let mut subresources = Vec::new();
    for (name, group, of, kind) in [
        ("status", &spec["group"], &version["name"], &names["kind"]),
        ("scale", &json!("autoscaling"), &json!("v1"), &json!("Scale")),
    ] {
        if own.get(name).is_some() {
            subresources.push(json!({
                "name": name, "group": group, "version": of, "kind": kind, "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let kind = serde_json::from_value(json!({
        "group": spec["group"],
        "version": version["name"],
        "kind": names["kind"],
        "plural": names["plural"],
        "singular": names["singular"],
        "short_names": names.list("/shortNames"),
        "categories": names.list("/categories"),
        "namespaced": spec["scope"] == "Namespaced",
        "verbs": ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        "subresources": subresources,
    }));
    Some(Kind {
        custom: Some(Arc::new(Custom {
            version: version.clone(),
            schema: whole(spec, version),
        })),
        ..kind.ok()?
    })
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

/// What is wrong with a definition besides what `data/rules.yaml` tells.
pub(crate) fn wrong_definition(definition: &Value) -> Vec<Cause> {
    let mut found = Vec::new();
    let (name, spec) = (&definition["metadata"]["name"], &definition["spec"]);
    if name.text("") != format!("{}.{}", spec.text("/names/plural"), spec.text("/group")) {
        let why = "must be spec.names.plural+\".\"+spec.group";
        found.push(Cause::invalid("metadata.name", name, why));
    }
    let versions = spec.list("/versions").iter();
    if versions.filter(|version| version["storage"] == true).count() != 1 {
        let why = "must have exactly one version marked as storage version";
        found.push(Cause::invalid("spec.versions", &spec["versions"], why));
    }
    found
}

/// Fills in the defaults of a schema.
pub(crate) fn fill(schema: Schema<'_>, value: &mut Value) {
    if let (Value::Array(items), Some(schema)) = (&mut *value, schema.items()) {
        items.iter_mut().for_each(|item| fill(schema, item));
    }
    let Value::Object(map) = value else { return };
    // A null that may not be is as good as nothing.
    map.retain(|name, value| !value.is_null() || schema.field(name).is_none_or(|field| field.is("nullable")));
    for (name, own) in schema.fields().into_iter().flatten() {
        if let (Some(default), false) = (Schema::new(own).keyword("default"), map.contains_key(name)) {
            map.insert(name.clone(), default.clone());
        }
    }
    for (name, value) in map.iter_mut().filter(|(name, _)| *name != "metadata") {
        if let Some(field) = schema.field(name) {
            fill(field, value);
        }
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
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let wanted = match schema.is("x-kubernetes-int-or-string") {
        true => "integer,string",
        false => schema.sort(),
    };
    let fits = |wanted: &str| wanted == sort || (wanted, sort) == ("number", "integer");
    if !wanted.is_empty() && !wanted.split(',').any(fits) {
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
        let own = |name: &str| name != "metadata" || !path.is_empty();
        let sorted: BTreeMap<_, _> = map.iter().filter(|(name, _)| own(name)).collect();
        for (name, value) in sorted {
            if let Some(field) = schema.field(name) {
                check(field, value, &below(name), found);
            }
        }
    }
    if let Some(schema) = schema.items() {
        for (number, item) in value.list("").iter().enumerate() {
            check(schema, item, &format!("{path}[{number}]"), found);
        }
    }
}

/// Tells what is too small, too large, or not as its pattern.
fn limits(schema: Schema<'_>, value: &Value, path: &str, found: &mut Vec<Cause>) {
    #[expect(clippy::cast_precision_loss, reason = "no length is that long")]
    let count = |length: usize| length as f64;
    let (size, least, most, told) = match value {
        Value::Number(number) => (
            number.as_f64().unwrap_or_default(),
            "minimum",
            "maximum",
            "be greater than or equal to LEAST",
        ),
        Value::String(text) => (
            count(text.chars().count()),
            "minLength",
            "maxLength",
            "be at least LEAST chars long",
        ),
        Value::Array(items) => (
            count(items.len()),
            "minItems",
            "maxItems",
            "have at least LEAST items",
        ),
        _ => return,
    };
    let limit = |name: &str| schema.keyword(name).and_then(Value::as_f64);
    let mut should = |value: &Value, why: String| {
        let why = format!("{path} in body should {why}");
        found.push(Cause::invalid(path, value, &why));
    };
    // The first mistake is the only one that is told.
    let pattern = schema.text("pattern");
    if let Some(most) = limit(most).filter(|most| size > *most) {
        match value {
            Value::String(_) => found.push(Cause::too_long(path, most)),
            Value::Array(_) => found.push(Cause::too_many(path, size, most)),
            _ => should(value, format!("be less than or equal to {most}")),
        }
    } else if let Some(least) = limit(least).filter(|least| size < *least) {
        let shown = if value.is_array() { &size.into() } else { value };
        should(shown, told.replace("LEAST", &least.to_string()));
    } else if let (Value::String(text), Ok(regex)) = (value, Regex::new(pattern))
        && !regex.is_match(text)
    {
        should(value, format!("match '{pattern}'"));
    }
}
