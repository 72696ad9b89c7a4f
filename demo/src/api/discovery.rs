//! What is served, told to clients: groups, versions and kinds in both forms, health, version, paths.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
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
/// What is checked by who asks for the cluster's health.
const CHECKS: [&str; 2] = ["ping", "simulation"];
/// What has an address besides groups.
const PATHS: &str = "/api /apis /healthz /livez /openapi/v2 /openapi/v3 /readyz /version";

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
        [] => {
            let versions = kinds.chunk_by(same_version).map(|kinds| root(&kinds[0]));
            let versions = versions.map(|root| format!("/{root}"));
            let groups = kinds.iter().map(|kind| format!("/apis/{}", kind.group));
            let fixed = PATHS.split(' ').map(str::to_owned);
            let mut paths: Vec<_> = fixed.chain(versions).chain(groups).collect();
            paths.retain(|path| path != "/apis/");
            paths.sort();
            paths.dedup();
            json!({"paths": paths})
        }
        ["version"] => version(),
        [which @ ("healthz" | "livez" | "readyz"), check @ ..] => return health(asked, which, check),
        ["openapi", "v2"] => return Ok(openapi::older(asked)),
        ["openapi", "v3", rest @ ..] => return openapi::answer(api, asked, &rest.join("/")),
        [root @ ("api" | "apis")] => {
            let groups = kinds
                .chunk_by(same_group)
                .filter(|kinds| kinds[0].group.is_empty() == (*root == "api"));
            match (aggregated_version(asked), *root) {
                (Some(version), _) => return Ok(aggregated(asked, version, groups)),
                (None, "api") => {
                    json!({"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"], "serverAddressByClientCIDRs": []})
                }
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

/// Where a group version is served, without the first slash.
pub(crate) fn root(kind: &Kind) -> String {
    let folder = if kind.group.is_empty() { "api" } else { "apis" };
    format!("{folder}/{}", kind.api_version())
}

/// What tells two contents apart, as an entity tag or in an address.
pub(crate) fn fingerprint(content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

/// A response of this content type, with more headers.
pub(crate) fn response(
    code: u16,
    form: &str,
    mut headers: Vec<(HeaderName, String)>,
    body: impl Into<Bytes>,
) -> Response<Body> {
    let mut response = json_response(code, body.into());
    headers.push((header::CONTENT_TYPE, form.to_owned()));
    for (name, value) in headers {
        HeaderValue::from_str(&value)
            .into_iter()
            .for_each(|value| drop(response.headers_mut().insert(&name, value)));
    }
    response
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.2+kube-mcp-demo", "platform": "simulation/demo",
        "gitCommit": "a simulation: no container runs in this cluster", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc",
    })
}

fn health(asked: &Asked, which: &str, check: &[&str]) -> Result<Response<Body>> {
    let text = match check {
        [] if asked.parameters.has("verbose") => {
            let lines = CHECKS.map(|check| format!("[+]{check} ok\n"));
            format!("{}{which} check passed\n", lines.concat())
        }
        [] => "ok".to_owned(),
        [check] if CHECKS.contains(check) => "ok".to_owned(),
        _ => return Err(Failure::nothing_here()),
    };
    Ok(response(200, "text/plain; charset=utf-8", vec![], text))
}

/// The version of aggregated discovery that a client prefers to the older form.
fn aggregated_version(asked: &Asked) -> Option<&'static str> {
    let accept = asked.headers.get(header::ACCEPT)?.to_str().ok()?;
    let forms = accept
        .split(',')
        .take_while(|form| form.contains("as=APIGroupDiscoveryList"));
    let versions = forms
        .flat_map(|form| form.split(';'))
        .map(|part| part.trim().strip_prefix("v="));
    versions
        .flatten()
        .find_map(|asked| ["v2", "v2beta1"].into_iter().find(|known| *known == asked))
}

fn aggregated<'a>(
    asked: &Asked,
    version: &str,
    groups: impl Iterator<Item = &'a [Arc<Kind>]>,
) -> Response<Body> {
    let group = |kinds: &[Arc<Kind>]| {
        let told = kinds.chunk_by(same_version).map(|kinds| {
            let resources: Value = kinds.iter().map(|kind| aggregated_kind(kind)).collect();
            json!({"version": kinds[0].version, "resources": resources, "freshness": "Current"})
        });
        let metadata = Some(&kinds[0].group).filter(|name| !name.is_empty());
        let metadata = metadata.map_or_else(|| json!({}), |name| json!({"name": name}));
        json!({"metadata": metadata, "versions": told.collect::<Value>()})
    };
    let items: Value = groups.map(group).collect();
    let api_version = format!("apidiscovery.k8s.io/{version}");
    let list =
        json!({"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items});
    let list = list.to_string();
    let tag = format!("\"{}\"", fingerprint(&list));
    let known = asked
        .headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    let (code, body) = if known {
        (StatusCode::NOT_MODIFIED, String::new())
    } else {
        (StatusCode::OK, list)
    };
    let form = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    let more = [
        (header::ETAG, tag),
        (header::VARY, "Accept".into()),
        (header::CACHE_CONTROL, "public".into()),
    ];
    response(code.as_u16(), &form, more.into(), body)
}

fn aggregated_kind(kind: &Kind) -> Value {
    // Only custom kinds are told with the group that stands above them.
    let own = kind
        .custom
        .as_ref()
        .map_or(("", ""), |_| (kind.group.as_str(), kind.version.as_str()));
    let response_kind = |(group, version): (&str, &str), kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut resource = json!({
        "resource": kind.plural,
        "responseKind": response_kind(own, &kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": kind.verbs,
    });
    names(kind, &mut resource);
    let beneath = kind.subresources.iter().map(|sub| {
        let speaks = if speaks_another(kind, sub) {
            (sub.group.as_str(), sub.version.as_str())
        } else {
            own
        };
        json!({"subresource": sub.name, "responseKind": response_kind(speaks, &sub.kind), "verbs": sub.verbs})
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
        told.push(json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": kind.verbs,
        }));
        told.iter_mut()
            .last()
            .into_iter()
            .for_each(|own| names(kind, own));
        for sub in &kind.subresources {
            let mut beneath = json!({
                "name": format!("{}/{}", kind.plural, sub.name), "singularName": "", "namespaced": kind.namespaced,
                "kind": sub.kind, "verbs": sub.verbs,
            });
            if speaks_another(kind, sub) {
                beneath["group"] = sub.group.clone().into();
                beneath["version"] = sub.version.clone().into();
            }
            told.push(beneath);
        }
    }
    let version = kinds[0].api_version();
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": told}))
}

/// Whether a subresource is of another group or version than the object above it, as `scale` is.
fn speaks_another(kind: &Kind, sub: &Subresource) -> bool {
    (&sub.group, &sub.version) != (&kind.group, &kind.version)
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
