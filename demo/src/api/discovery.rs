//! What is served, told to clients: groups, versions and kinds in both forms, health, version, paths.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    kinds::{Kind, Subresource},
    openapi,
    server::Api,
    status::{Failure, Result},
};

/// The groups in the order of a real API server; custom ones follow, by name.
const GROUPS: [&str; 15] = [
    "",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
];
/// The group that comes last of all.
const LAST: &str = "metrics.k8s.io";

/// A group's kinds by version, the preferred version first.
pub(crate) type Versions = Vec<(String, Vec<Arc<Kind>>)>;

/// The answer to a path that is not about objects.
///
/// # Errors
/// 404 if nothing is there.
pub(crate) fn answer(api: &Api, asked: &Asked, path: &str) -> Result<Response<Body>> {
    if asked.method != http::Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let value = match parts.as_slice() {
        [] => json!({"paths": paths(api)}),
        ["version"] => version(),
        ["healthz" | "livez" | "readyz", check @ ..] => return health(asked, parts[0], check),
        ["openapi", "v2"] => return Ok(openapi::older(asked)),
        ["openapi", "v3", rest @ ..] => return openapi::answer(api, asked, &rest.join("/")),
        [root @ ("api" | "apis")] => match aggregated_version(asked) {
            Some(version) => return Ok(aggregated(api, asked, root, version)),
            None => legacy(api, root),
        },
        ["apis", group] => {
            let (name, versions) = group_named(api, group)?;
            let mut value = group_value(&name, &versions);
            value["kind"] = "APIGroup".into();
            value["apiVersion"] = "v1".into();
            value
        }
        ["api", version] => resources(api, "", version)?,
        ["apis", group, version] => resources(api, group, version)?,
        _ => return Err(Failure::nothing_here()),
    };
    Ok(json_response(200, value.to_string().into()))
}

/// All groups in the order of discovery.
pub(crate) fn groups(api: &Api) -> Vec<(String, Versions)> {
    let mut groups: BTreeMap<(usize, String), Versions> = BTreeMap::new();
    for kind in api.kinds().all() {
        let known = GROUPS.iter().position(|group| *group == kind.group);
        let rank = known.unwrap_or(GROUPS.len() + usize::from(kind.group == LAST));
        let versions = groups.entry((rank, kind.group.clone())).or_default();
        match versions.iter_mut().find(|(version, _)| *version == kind.version) {
            Some((_, kinds)) => kinds.push(kind.clone()),
            None => versions.push((kind.version.clone(), vec![kind.clone()])),
        }
    }
    let sorted = groups.into_iter().map(|((_, group), mut versions)| {
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(version_order(version)));
        for (_, kinds) in &mut versions {
            kinds.sort_by(|a, b| a.plural.cmp(&b.plural));
        }
        (group, versions)
    });
    sorted.collect()
}

/// How ready a version is: `v2` before `v1` before `v1beta2` before `v1alpha1` before names that say nothing.
pub(crate) fn version_order(version: &str) -> (u8, u32, u32) {
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

/// What tells two contents apart, as an entity tag or in an address.
pub(crate) fn fingerprint(content: &str) -> String {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    format!("{:016X}", hasher.finish())
}

/// A response with more headers.
pub(crate) fn with_headers(
    mut response: Response<Body>,
    headers: impl IntoIterator<Item = (HeaderName, String)>,
) -> Response<Body> {
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A response without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::new()).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn group_named(api: &Api, name: &str) -> Result<(String, Versions)> {
    let mut groups = groups(api).into_iter();
    groups
        .find(|(group, _)| group == name)
        .ok_or_else(Failure::nothing_here)
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "gitVersion": "v1.36.2+kube-mcp-demo",
        "gitCommit": "a simulation: no container runs in this cluster",
        "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "none",
        "compiler": "rustc",
        "platform": "simulation/demo",
    })
}

/// What has an address: for those who look around.
fn paths(api: &Api) -> Vec<String> {
    let fixed = [
        "/api",
        "/apis",
        "/healthz",
        "/livez",
        "/openapi/v2",
        "/openapi/v3",
        "/readyz",
        "/version",
    ];
    let mut paths: Vec<String> = fixed.iter().map(|path| (*path).to_owned()).collect();
    for (group, versions) in groups(api) {
        if !group.is_empty() {
            paths.push(format!("/apis/{group}"));
        }
        paths.extend(versions.iter().map(|(_, kinds)| format!("/{}", root(&kinds[0]))));
    }
    paths.sort();
    paths
}

/// Where a group version is served, without the first slash.
pub(crate) fn root(kind: &Kind) -> String {
    let folder = if kind.group.is_empty() { "api" } else { "apis" };
    format!("{folder}/{}", kind.api_version())
}

fn health(asked: &Asked, which: &str, check: &[&str]) -> Result<Response<Body>> {
    let checks = ["ping", "simulation"];
    let text = match check {
        [] if asked.parameters.has("verbose") => {
            let lines: String = checks.iter().map(|check| format!("[+]{check} ok\n")).collect();
            format!("{lines}{which} check passed\n")
        }
        [] => "ok".to_owned(),
        [check] if checks.contains(check) => "ok".to_owned(),
        _ => return Err(Failure::nothing_here()),
    };
    let response = Response::new(Full::new(Bytes::from(text)).boxed_unsync());
    let plain = [(header::CONTENT_TYPE, "text/plain; charset=utf-8".to_owned())];
    Ok(with_headers(response, plain))
}

/// The version of aggregated discovery that a client prefers to the older form.
fn aggregated_version(asked: &Asked) -> Option<&'static str> {
    let accept = asked.headers.get(header::ACCEPT)?.to_str().ok()?;
    accept
        .split(',')
        .take_while(|one| one.contains("apidiscovery.k8s.io"))
        .filter(|one| one.contains("as=APIGroupDiscoveryList") && one.contains("application/json"))
        .find_map(|one| {
            ["v2", "v2beta1"].into_iter().find(|version| {
                one.split(';')
                    .any(|part| part.trim().strip_prefix("v=") == Some(*version))
            })
        })
}

fn aggregated(api: &Api, asked: &Asked, root: &str, version: &str) -> Response<Body> {
    let groups = groups(api)
        .into_iter()
        .filter(|(group, _)| group.is_empty() == (root == "api"));
    let items: Vec<Value> = groups
        .map(|(group, versions)| {
            let versions: Vec<Value> = versions
                .iter()
                .map(|(version, kinds)| {
                    let resources: Vec<Value> = kinds.iter().map(|kind| aggregated_kind(kind)).collect();
                    json!({"version": version, "resources": resources, "freshness": "Current"})
                })
                .collect();
            let metadata = if group.is_empty() {
                json!({})
            } else {
                json!({"name": group})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let list = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": format!("apidiscovery.k8s.io/{version}"),
        "metadata": {},
        "items": items,
    });
    let text = list.to_string();
    let tag = format!("\"{}\"", fingerprint(&text));
    let known = asked.headers.get(header::IF_NONE_MATCH);
    let response = match known.is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        true => empty(StatusCode::NOT_MODIFIED),
        false => json_response(200, text.into()),
    };
    let form = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    with_headers(
        response,
        [
            (header::CONTENT_TYPE, form),
            (header::ETAG, tag),
            (header::VARY, "Accept".to_owned()),
            (header::CACHE_CONTROL, "public".to_owned()),
        ],
    )
}

fn aggregated_kind(kind: &Kind) -> Value {
    let (group, version) = match &kind.custom {
        Some(_) => (kind.group.as_str(), kind.version.as_str()),
        None => ("", ""),
    };
    let mut resource = json!({
        "resource": kind.plural,
        "responseKind": {"group": group, "version": version, "kind": kind.kind},
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": kind.verbs,
    });
    names(kind, &mut resource);
    if !kind.subresources.is_empty() {
        let beneath = |sub: &Subresource| {
            let (group, version) = match speaks_another(kind, sub) {
                true => (sub.group.as_str(), sub.version.as_str()),
                false => (group, version),
            };
            json!({
                "subresource": sub.name,
                "responseKind": {"group": group, "version": version, "kind": sub.kind},
                "verbs": sub.verbs,
            })
        };
        resource["subresources"] = kind.subresources.iter().map(beneath).collect();
    }
    resource
}

fn legacy(api: &Api, root: &str) -> Value {
    match root {
        "api" => {
            json!({"kind": "APIVersions", "apiVersion": "v1", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        }
        _ => {
            let groups = groups(api).into_iter().filter(|(group, _)| !group.is_empty());
            let groups: Vec<Value> = groups
                .map(|(group, versions)| group_value(&group, &versions))
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
    }
}

fn group_value(name: &str, versions: &Versions) -> Value {
    let told = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let versions: Vec<Value> = versions.iter().map(|(version, _)| told(version)).collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions[0]})
}

fn resources(api: &Api, group: &str, version: &str) -> Result<Value> {
    let (_, versions) = group_named(api, group)?;
    let found = versions.into_iter().find(|(known, _)| known == version);
    let (_, kinds) = found.ok_or_else(Failure::nothing_here)?;
    let mut resources = Vec::new();
    for kind in &kinds {
        let mut own = json!({
            "name": kind.plural,
            "singularName": kind.singular,
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": kind.verbs,
        });
        names(kind, &mut own);
        resources.push(own);
        for sub in &kind.subresources {
            let mut beneath = json!({
                "name": format!("{}/{}", kind.plural, sub.name),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": sub.kind,
                "verbs": sub.verbs,
            });
            if speaks_another(kind, sub) {
                beneath["group"] = sub.group.clone().into();
                beneath["version"] = sub.version.clone().into();
            }
            resources.push(beneath);
        }
    }
    let version = kinds[0].api_version();
    Ok(
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}),
    )
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
