//! The OpenAPI v3 documents: what `kubectl explain`, `apply` and `create --validate` read.

use std::sync::{Arc, OnceLock};

use http::{Response, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    discovery::{fingerprint, in_order, response, root},
    front::{Asked, Body, json_response},
    kinds::{Kind, Subresource},
    schema::{self, REFERENCE},
    server::Api,
    status::{Failure, Result},
};

const OPERATIONS: &str = include_str!(concat!(env!("OUT_DIR"), "/operations.json"));

/// A kind that says no more of itself than all do.
const CONFIG_MAP: &str = "io.k8s.api.core.v1.ConfigMap";

/// An entry of `data/operations.yaml`.
#[derive(Deserialize)]
struct Operation {
    verb: String,
    on: String,
    method: String,
    takes: Option<String>,
    #[serde(default)]
    gives: String,
    told: Value,
}

/// Answers beneath `/openapi/v3`: the index, or the document of `api/v1`, `apis/apps/v1`.
///
/// # Errors
/// 404 for what is not served.
pub(crate) fn answer(api: &Api, asked: &Asked, path: &str) -> Result<Response<Body>> {
    let kinds = in_order(api);
    let mut versions = kinds.chunk_by(|one, other| root(one) == root(other));
    let address = |kinds: &[Arc<Kind>]| format!("/openapi/v3/{}?hash={}", root(&kinds[0]), tag(kinds));
    if path.is_empty() {
        let told = versions.map(|kinds| (root(&kinds[0]), json!({"serverRelativeURL": address(kinds)})));
        let index = json!({"paths": told.collect::<Map<_, _>>()});
        return Ok(json_response(200, index.to_string().into()));
    }
    let kinds = versions
        .find(|kinds| root(&kinds[0]) == path)
        .ok_or_else(Failure::nothing_here)?;
    let tag = tag(kinds);
    let quoted = (header::ETAG, format!("\"{tag}\""));
    let (code, body, more) = match asked.parameters.get("hash") {
        // Who asks by an old address is sent to the new one.
        Some(old) if old != tag => (301, String::new(), (header::LOCATION, address(kinds))),
        Some(_) => (
            200,
            document(kinds).to_string(),
            (header::CACHE_CONTROL, "public, immutable".into()),
        ),
        None => (200, document(kinds).to_string(), (header::VARY, "Accept".into())),
    };
    Ok(response(code, "application/json", vec![quoted, more], body))
}

/// Answers `/openapi/v2`, which kubectl asks about kinds that the documents of v3 do not have, and only in Protocol
/// Buffers: with no kinds, as all are in those.
pub(crate) fn older(asked: &Asked) -> Response<Body> {
    const ENCODED: &[u8] = b"\n\x032.0\x12\x15\n\nKubernetes\x12\x07v1.36.2";
    let accept = asked
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("protobuf")) {
        return response(
            200,
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
            vec![],
            ENCODED,
        );
    }
    let info = json!({"title": "Kubernetes", "version": "v1.36.2"});
    let document = json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}});
    json_response(200, document.to_string().into())
}

/// What tells two documents apart, found without making them: the built-in schemas never change.
fn tag(kinds: &[Arc<Kind>]) -> String {
    fingerprint(&format!("{kinds:?}"))
}

/// The document of a group version.
fn document(kinds: &[Arc<Kind>]) -> Value {
    let (mut schemas, mut paths) = (Map::new(), Map::new());
    for kind in kinds {
        let name = schema_name(kind);
        if let Some(custom) = &kind.custom {
            reach_all(&custom.schema, &mut schemas);
            // What all objects have is described in the words of a built-in kind.
            let mut schema = custom.schema.clone();
            for field in ["apiVersion", "kind", "metadata"] {
                let known = &schema::built_in()[CONFIG_MAP]["properties"][field];
                schema["properties"][field]["description"] = known["description"].clone();
            }
            schemas.insert(name.clone(), schema);
        }
        reach(&name, &mut schemas);
        let own = Subresource {
            name: String::new(),
            group: kind.group.clone(),
            version: kind.version.clone(),
            kind: kind.kind.clone(),
            verbs: kind.verbs.clone(),
        };
        let place = if kind.namespaced {
            "namespaces/{namespace}/"
        } else {
            ""
        };
        let all = format!("/{}/{place}{}", root(kind), kind.plural);
        let mut add = |path: String, on: &str, sub: &Subresource, name: &str| {
            paths.insert(path, operations(on, sub, name, &mut schemas));
        };
        add(all.clone(), "all", &own, &name);
        add(format!("{all}/{{name}}"), "one", &own, &name);
        for sub in &kind.subresources {
            let speaks = schema::name_of_version(&sub.group, &sub.version, &sub.kind).unwrap_or(&name);
            add(format!("{all}/{{name}}/{}", sub.name), "one", sub, speaks);
        }
    }
    let info = json!({"title": "Kubernetes (a simulation)", "version": "1.36"});
    json!({"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": schemas}})
}

/// The name of a kind's schema: `io.k8s.api.apps.v1.Deployment`, `com.example.v1.Widget`.
fn schema_name(kind: &Kind) -> String {
    let custom = || {
        let group: Vec<&str> = kind.group.rsplit('.').collect();
        format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
    };
    schema::name_of(kind).map_or_else(custom, str::to_owned)
}

/// Adds a built-in schema, and all that it refers to.
fn reach(name: &str, schemas: &mut Map<String, Value>) {
    if let Some(schema) = schema::built_in()
        .get(name)
        .filter(|_| !schemas.contains_key(name))
    {
        schemas.insert(name.to_owned(), schema.clone());
        reach_all(schema, schemas);
    }
}

fn reach_all(value: &Value, schemas: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => map.values().for_each(|inner| reach_all(inner, schemas)),
        Value::Array(items) => items.iter().for_each(|item| reach_all(item, schemas)),
        Value::String(text) => text
            .strip_prefix(REFERENCE)
            .into_iter()
            .for_each(|name| reach(name, schemas)),
        _ => {}
    }
}

/// What may be done on a path, with the schemas that it needs.
fn operations(on: &str, sub: &Subresource, name: &str, schemas: &mut Map<String, Value>) -> Value {
    static ALL: OnceLock<Vec<Operation>> = OnceLock::new();
    let all =
        ALL.get_or_init(|| serde_json::from_str(OPERATIONS).expect("operations.yaml is a list of them"));
    let mut content = |named: &str| {
        // The lists of custom kinds have no schema of their own here.
        let list = Some(format!("{name}List")).filter(|list| schema::named(list).is_some());
        let name = match named {
            "List" => list.unwrap_or_else(|| name.to_owned()),
            "" => name.to_owned(),
            other => other.to_owned(),
        };
        reach(&name, schemas);
        json!({"*/*": {"schema": {"$ref": format!("{REFERENCE}{name}")}}})
    };
    let mut told = Map::new();
    for operation in all
        .iter()
        .filter(|one| one.on == on && sub.verbs.contains(&one.verb))
    {
        let mut own = operation.told.clone();
        own["x-kubernetes-group-version-kind"] =
            json!({"group": sub.group, "version": sub.version, "kind": sub.kind});
        own["responses"] = json!({"200": {"description": "OK", "content": content(&operation.gives)}});
        if let Some(taken) = &operation.takes {
            own["requestBody"] = json!({"content": content(taken)});
        }
        told.insert(operation.method.clone(), own);
    }
    told.into()
}
