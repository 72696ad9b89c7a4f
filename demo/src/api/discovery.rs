//! What is served, told to clients: groups, versions and kinds in both forms, health, version.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    kinds::{Kind, Subresource},
    openapi,
    server::Api,
    status::{Failure, Result},
};

/// The group that is told last of all, after the custom ones.
const LAST: &str = "metrics.k8s.io";
/// The newer form of discovery: all groups at once.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// The answer to a path that is not about objects.
///
/// # Errors
/// 404 if nothing is there.
pub(crate) fn answer(api: &Api, asked: &Asked, path: &str) -> Result<Response<Body>> {
    if asked.method != http::Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let kinds = in_order(api);
    let named = |name: &str| {
        let mut groups = kinds.chunk_by(same_group);
        groups
            .find(|kinds| kinds[0].group == name)
            .ok_or_else(Failure::nothing_here)
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let value = match parts.as_slice() {
        ["version"] => version(),
        ["healthz" | "livez" | "readyz"] => return Ok(response("text/plain; charset=utf-8", "ok")),
        ["openapi", "v2"] => return Ok(openapi::older()),
        ["openapi", "v3", rest @ ..] => openapi::answer(&kinds, &rest.join("/"))?,
        [root @ ("api" | "apis")] => {
            let groups = kinds
                .chunk_by(same_group)
                .filter(|kinds| kinds[0].group.is_empty() == (*root == "api"));
            if prefers_aggregated(asked) {
                let items: Value = groups.map(aggregated).collect();
                let list = json!({
                    "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
                    "items": items,
                });
                return Ok(response(AGGREGATED, list.to_string()));
            }
            match *root {
                "api" => json!({"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"]}),
                _ => {
                    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.map(group).collect::<Value>()})
                }
            }
        }
        ["apis", name] => {
            let mut told = group(named(name)?);
            told["kind"] = "APIGroup".into();
            told["apiVersion"] = "v1".into();
            told
        }
        ["api", version] => resources(named("")?, version)?,
        ["apis", name, version] => resources(named(name)?, version)?,
        _ => return Err(Failure::nothing_here()),
    };
    Ok(json_response(200, value.to_string().into()))
}

/// All kinds in the order of discovery: by group, the best version first, by plural.
pub(crate) fn in_order(api: &Api) -> Vec<Arc<Kind>> {
    let mut kinds = api.kinds().all().to_vec();
    kinds.sort_by_key(|kind| kind.group == LAST);
    kinds
}

fn same_group(one: &Arc<Kind>, other: &Arc<Kind>) -> bool {
    one.group == other.group
}

fn same_version(one: &Arc<Kind>, other: &Arc<Kind>) -> bool {
    same_group(one, other) && one.version == other.version
}

/// A response of this content type.
pub(crate) fn response(form: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = json_response(200, body.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(form));
    response
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.2+kube-mcp-demo", "platform": "simulation/demo",
        "gitCommit": "a simulation: no container runs in this cluster", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc",
    })
}

/// Whether a client prefers aggregated discovery to the older form.
fn prefers_aggregated(asked: &Asked) -> bool {
    let accept = asked
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let mut forms = accept.into_iter().flat_map(|accept| accept.split(','));
    forms.next().is_some_and(|form| {
        let mut parts = form.split(';').map(str::trim);
        parts.clone().any(|part| part == "as=APIGroupDiscoveryList") && parts.any(|part| part == "v=v2")
    })
}

fn aggregated(kinds: &[Arc<Kind>]) -> Value {
    let told = kinds.chunk_by(same_version).map(|kinds| {
        let resources: Value = kinds.iter().map(|kind| aggregated_kind(kind)).collect();
        json!({"version": kinds[0].version, "resources": resources, "freshness": "Current"})
    });
    let metadata = match kinds[0].group.as_str() {
        "" => json!({}),
        name => json!({"name": name}),
    };
    json!({"metadata": metadata, "versions": told.collect::<Value>()})
}

fn aggregated_kind(kind: &Kind) -> Value {
    let mut resource = json!({
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": kind.verbs,
    });
    names(kind, &mut resource);
    let beneath = kind.subresources.iter().map(|sub| {
        let speaks = json!({"group": sub.group, "version": sub.version, "kind": sub.kind});
        json!({"subresource": sub.name, "responseKind": speaks, "verbs": sub.verbs})
    });
    if !kind.subresources.is_empty() {
        resource["subresources"] = beneath.collect();
    }
    resource
}

fn group(kinds: &[Arc<Kind>]) -> Value {
    let versions = kinds.chunk_by(same_version).map(|kinds| &kinds[0]);
    let told = versions.map(|kind| json!({"groupVersion": kind.api_version(), "version": kind.version}));
    let told: Vec<Value> = told.collect();
    json!({"name": kinds[0].group, "versions": told, "preferredVersion": told[0]})
}

fn resources(group: &[Arc<Kind>], version: &str) -> Result<Value> {
    let mut versions = group.chunk_by(same_version);
    let kinds = versions
        .find(|kinds| kinds[0].version == version)
        .ok_or_else(Failure::nothing_here)?;
    let mut told = Vec::new();
    for kind in kinds {
        let mut own = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": kind.verbs,
        });
        names(kind, &mut own);
        told.push(own);
        told.extend(kind.subresources.iter().map(|sub| beneath(kind, sub)));
    }
    let version = kinds[0].api_version();
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": told}))
}

fn beneath(kind: &Kind, sub: &Subresource) -> Value {
    let mut told = json!({
        "name": format!("{}/{}", kind.plural, sub.name), "singularName": "", "namespaced": kind.namespaced,
        "kind": sub.kind, "verbs": sub.verbs,
    });
    // As `scale` is, which is the same beneath all kinds.
    if (&sub.group, &sub.version) != (&kind.group, &kind.version) {
        told["group"] = sub.group.clone().into();
        told["version"] = sub.version.clone().into();
    }
    told
}

fn names(kind: &Kind, resource: &mut Value) {
    for (key, names) in [
        ("shortNames", &kind.short_names),
        ("categories", &kind.categories),
    ] {
        if !names.is_empty() {
            resource[key] = json!(names);
        }
    }
}
