//! The OpenAPI v3 documents: what `kubectl explain`, `apply` and `create --validate` read.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use http::Response;
use serde_json::{Map, Value, json};

use super::{
    discovery::response,
    front::Body,
    kinds::Kind,
    schema::{self, REFERENCE},
    status::{Failure, Result},
};

/// A kind that says no more of itself than all do.
const CONFIG_MAP: &str = "io.k8s.api.core.v1.ConfigMap";

/// Answers beneath `/openapi/v3`: the index, or the document of `api/v1`, `apis/apps/v1`.
///
/// # Errors
/// 404 for what is not served.
pub(crate) fn answer(kinds: &[Arc<Kind>], path: &str) -> Result<Value> {
    let mut versions = kinds.chunk_by(|one, other| root(one) == root(other));
    if path.is_empty() {
        let told = versions.map(|kinds| {
            let (root, tag) = (root(&kinds[0]), tag(kinds));
            let address = json!({"serverRelativeURL": format!("/openapi/v3/{root}?hash={tag}")});
            (root, address)
        });
        return Ok(json!({"paths": told.collect::<Map<_, _>>()}));
    }
    let kinds = versions.find(|kinds| root(&kinds[0]) == path);
    Ok(document(kinds.ok_or_else(Failure::nothing_here)?))
}

/// Answers `/openapi/v2`, which kubectl asks about kinds that the documents of v3 do not have, and only in Protocol
/// Buffers: with no kinds, as all are in those.
pub(crate) fn older() -> Response<Body> {
    const ENCODED: &[u8] = b"\n\x032.0\x12\x15\n\nKubernetes\x12\x07v1.36.2";
    response(
        "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
        ENCODED,
    )
}

/// Where a group version is served, without the first slash.
fn root(kind: &Kind) -> String {
    let folder = if kind.group.is_empty() { "api" } else { "apis" };
    format!("{folder}/{}", kind.api_version())
}

/// What tells two documents apart, found without making them: the built-in schemas never change.
fn tag(kinds: &[Arc<Kind>]) -> String {
    let mut hasher = DefaultHasher::new();
    format!("{kinds:?}").hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

/// The document of a group version.
fn document(kinds: &[Arc<Kind>]) -> Value {
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for kind in kinds {
        match (&kind.custom, schema::name_of(kind)) {
            (Some(custom), _) => {
                reach_all(&custom.schema, &mut schemas);
                // What all objects have is described in the words of a built-in kind.
                let mut schema = custom.schema.clone();
                for field in ["apiVersion", "kind", "metadata"] {
                    let known = &schema::built_in()[CONFIG_MAP]["properties"][field];
                    schema["properties"][field]["description"] = known["description"].clone();
                }
                let group: Vec<&str> = kind.group.rsplit('.').collect();
                let name = format!("{}.{}.{}", group.join("."), kind.version, kind.kind);
                schemas.insert(name, schema);
            }
            (None, name) => name.into_iter().for_each(|name| reach(name, &mut schemas)),
        }
        let place = if kind.namespaced {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        let path = format!("/{}/{place}{}/{{name}}", root(kind), kind.plural);
        paths.insert(path, operations(kind));
    }
    let info = json!({"title": "Kubernetes (a simulation)", "version": "1.36"});
    json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})
}

/// What may be done with one object, as far as clients ask: `explain` finds the kind here, and `apply` what may be
/// rehearsed.
fn operations(kind: &Kind) -> Value {
    let gvk = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let query = |name: &str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(query);
    let responses = json!({"200": {"description": "OK"}});
    json!({
        "get": {"x-kubernetes-action": "get", "x-kubernetes-group-version-kind": gvk, "responses": responses},
        "patch": {
            "x-kubernetes-action": "patch", "x-kubernetes-group-version-kind": gvk, "responses": responses,
            "parameters": parameters,
        },
    })
}

/// Adds a built-in schema, and all that it refers to.
fn reach(name: &str, schemas: &mut Map<String, Value>) {
    if let (Some(schema), false) = (schema::built_in().get(name), schemas.contains_key(name)) {
        schemas.insert(name.to_owned(), schema.clone());
        reach_all(schema, schemas);
    }
}

fn reach_all(value: &Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => map.values().for_each(|inner| reach_all(inner, schemas)),
        Value::Array(items) => items.iter().for_each(|item| reach_all(item, schemas)),
        Value::String(text) => {
            let name = text.strip_prefix(REFERENCE).into_iter();
            name.for_each(|name| reach(name, schemas));
        }
        _ => {}
    }
}
