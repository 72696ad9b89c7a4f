//! The OpenAPI v3 documents: what `kubectl explain`, `apply` and `create --validate` read.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Map, Value, json};

use super::{
    discovery::{empty, fingerprint, groups, root, with_headers},
    front::{Asked, Body, json_response},
    kinds::{Kind, Subresource},
    schema,
    server::Api,
    status::{Failure, Result},
};
use std::sync::Arc;

/// The schemas that no kind of a group refers to, and its operations do.
const DELETE_OPTIONS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions";
const PATCH: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
const STATUS: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";
const LIST_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// Answers beneath `/openapi/v3`: the index, or the document of `api/v1`, `apis/apps/v1`.
///
/// # Errors
/// 404 for what is not served.
pub(crate) fn answer(api: &Api, asked: &Asked, path: &str) -> Result<Response<Body>> {
    let versions: BTreeMap<String, Vec<Arc<Kind>>> = groups(api)
        .into_iter()
        .flat_map(|(_, versions)| versions)
        .map(|(_, kinds)| (root(&kinds[0]), kinds))
        .collect();
    let address = |path: &str, kinds: &[Arc<Kind>]| format!("/openapi/v3/{path}?hash={}", hash(kinds));
    if path.is_empty() {
        let paths: Map<String, Value> = versions
            .iter()
            .map(|(path, kinds)| (path.clone(), json!({"serverRelativeURL": address(path, kinds)})))
            .collect();
        return Ok(json_response(200, json!({"paths": paths}).to_string().into()));
    }
    let kinds = versions.get(path).ok_or_else(Failure::nothing_here)?;
    let tag = hash(kinds);
    let quoted = [(header::ETAG, format!("\"{tag}\""))];
    match asked.parameters.get("hash") {
        // Who asks by an old address is sent to the new one.
        Some(asked_for) if asked_for != tag => {
            let response = with_headers(empty(StatusCode::MOVED_PERMANENTLY), quoted);
            Ok(with_headers(response, [(header::LOCATION, address(path, kinds))]))
        }
        asked_for => {
            let response = json_response(200, document(kinds).to_string().into());
            let response = with_headers(response, quoted);
            let keep = asked_for.map(|_| (header::CACHE_CONTROL, "public, immutable".to_owned()));
            Ok(with_headers(response, keep))
        }
    }
}

/// Answers `/openapi/v2`, which kubectl asks about kinds that the documents of v3 do not have, and only in Protocol
/// Buffers: with no kinds, as all are in those.
pub(crate) fn older(asked: &Asked) -> Response<Body> {
    const ENCODED: &[u8] = b"\n\x032.0\x12\x15\n\nKubernetes\x12\x07v1.36.2";
    let accept = asked
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("protobuf")) {
        let info = json!({"title": "Kubernetes", "version": "v1.36.2"});
        let document = json!({"swagger": "2.0", "info": info, "paths": {}, "definitions": {}});
        return json_response(200, document.to_string().into());
    }
    let form = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf".to_owned();
    let response = Response::new(Full::new(Bytes::from_static(ENCODED)).boxed_unsync());
    with_headers(response, [(header::CONTENT_TYPE, form)])
}

/// What tells two documents apart, found without making them: the built-in schemas never change.
fn hash(kinds: &[Arc<Kind>]) -> String {
    let told = kinds.iter().map(|kind| {
        let custom = kind.custom.as_ref().map(|custom| custom.schema.to_string());
        format!("{} {:?} {:?}", kind.kind, kind.subresources, custom)
    });
    fingerprint(&told.collect::<String>())
}

/// The document of a group version.
fn document(kinds: &[Arc<Kind>]) -> Value {
    let mut schemas = Map::new();
    let mut paths = Map::new();
    for name in [DELETE_OPTIONS, PATCH, STATUS] {
        reach(name, &mut schemas);
    }
    for kind in kinds {
        let name = schema_name(kind);
        match &kind.custom {
            None => {
                reach(&name, &mut schemas);
                reach(&format!("{name}List"), &mut schemas);
            }
            Some(custom) => {
                let list = list_schema(kind, &name);
                for schema in [&custom.schema, &list] {
                    references(schema, &mut |name| reach(name, &mut schemas));
                }
                schemas.insert(format!("{name}List"), list);
                schemas.insert(name.clone(), custom.schema.clone());
            }
        }
        paths_of(kind, &name, &mut paths, &mut schemas);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes (a simulation)", "version": "1.36"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// The name of a kind's schema: `io.k8s.api.apps.v1.Deployment`, `com.example.v1.Widget`.
fn schema_name(kind: &Kind) -> String {
    schema::name_of(kind).map_or_else(
        || {
            let group: Vec<&str> = kind.group.rsplit('.').collect();
            format!("{}.{}.{}", group.join("."), kind.version, kind.kind)
        },
        str::to_owned,
    )
}

/// Adds a built-in schema, and all that it refers to.
fn reach(name: &str, schemas: &mut Map<String, Value>) {
    if let Some(schema) = schema::built_in()
        .get(name)
        .filter(|_| !schemas.contains_key(name))
    {
        schemas.insert(name.to_owned(), schema.clone());
        references(schema, &mut |name| reach(name, schemas));
    }
}

fn references(value: &Value, found: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner
                    .as_str()
                    .and_then(|text| text.strip_prefix(schema::REFERENCE))
                {
                    Some(name) if key == "$ref" => found(name),
                    _ => references(inner, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("{}{name}", schema::REFERENCE)})
}

fn list_schema(kind: &Kind, name: &str) -> Value {
    json!({
        "description": format!("{0}List is a list of {0}", kind.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": reference(LIST_META),
            "items": {"description": format!("List of {}.", kind.plural), "type": "array", "items": reference(name)},
        },
        "x-kubernetes-group-version-kind": [
            {"group": kind.group, "version": kind.version, "kind": format!("{}List", kind.kind)},
        ],
    })
}

/// The paths of a kind, with the operations that its verbs are.
fn paths_of(kind: &Kind, schema: &str, paths: &mut Map<String, Value>, schemas: &mut Map<String, Value>) {
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
    let list = format!("{schema}List");
    let on_all = [
        ("list", "get", "list"),
        ("create", "post", "post"),
        ("deletecollection", "delete", "deletecollection"),
    ];
    let on_one = [
        ("get", "get", "get"),
        ("update", "put", "put"),
        ("delete", "delete", "delete"),
        ("patch", "patch", "patch"),
        ("create", "post", "post"),
    ];
    let mut add = |path: String, sub: &Subresource, verbs: &[(&str, &str, &str)], schema: &str| {
        let verbs = verbs
            .iter()
            .filter(|(verb, ..)| sub.verbs.iter().any(|known| known == verb));
        let mut item: Map<String, Value> = verbs
            .map(|(verb, method, action)| {
                let speaks = if *verb == "list" { &list } else { schema };
                ((*method).to_owned(), operation(verb, action, kind, sub, speaks))
            })
            .collect();
        let named = ["namespace", "name"]
            .into_iter()
            .filter(|name| path.contains(&format!("{{{name}}}")));
        let named: Vec<Value> = named
            .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}))
            .collect();
        item.insert("parameters".into(), named.into());
        paths.insert(path, item.into());
    };
    if kind.namespaced {
        add(
            format!("/{}/{}", root(kind), kind.plural),
            &own,
            &on_all[..1],
            schema,
        );
    }
    add(all.clone(), &own, &on_all, schema);
    add(format!("{all}/{{name}}"), &own, &on_one[..4], schema);
    for sub in &kind.subresources {
        let speaks = Kind {
            group: sub.group.clone(),
            version: sub.version.clone(),
            kind: sub.kind.clone(),
            custom: None,
            ..kind.clone()
        };
        let speaks = schema::name_of(&speaks).unwrap_or(schema);
        reach(speaks, schemas);
        add(format!("{all}/{{name}}/{}", sub.name), sub, &on_one, speaks);
    }
}

/// What one verb takes and gives.
fn operation(verb: &str, action: &str, kind: &Kind, sub: &Subresource, schema: &str) -> Value {
    let parameters: &[(&str, &str)] = match verb {
        "list" | "deletecollection" => &[
            ("continue", "string"),
            ("fieldSelector", "string"),
            ("labelSelector", "string"),
            ("limit", "integer"),
            ("resourceVersion", "string"),
            ("resourceVersionMatch", "string"),
            ("timeoutSeconds", "integer"),
            ("watch", "boolean"),
        ],
        "get" => &[],
        "delete" => &[
            ("dryRun", "string"),
            ("gracePeriodSeconds", "integer"),
            ("propagationPolicy", "string"),
        ],
        _ => &[
            ("dryRun", "string"),
            ("fieldManager", "string"),
            ("fieldValidation", "string"),
            ("force", "boolean"),
        ],
    };
    let parameters: Vec<Value> = parameters
        .iter()
        .filter(|(name, _)| *name != "force" || verb == "patch")
        .map(|(name, sort)| json!({"name": name, "in": "query", "schema": {"type": sort, "uniqueItems": true}}))
        .collect();
    let (taken, given) = match verb {
        "delete" | "deletecollection" => (Some(DELETE_OPTIONS), STATUS),
        "patch" => (Some(PATCH), schema),
        "create" | "update" => (Some(schema), schema),
        _ => (None, schema),
    };
    let mut operation = json!({
        "description": format!("{verb} {}", [kind.resource().as_str(), &sub.name].join("/").trim_end_matches('/')),
        "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": reference(given)}}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": {"group": sub.group, "version": sub.version, "kind": sub.kind},
    });
    if let Some(taken) = taken {
        operation["requestBody"] = json!({"content": {"*/*": {"schema": reference(taken)}}});
    }
    operation
}
