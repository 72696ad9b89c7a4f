//! Which services an Ingress or an HTTPRoute sends requests to.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pod_spec::items;
use crate::{Error, call::Cx, cluster::Resource, operations::names::listed};

/// Gateway API's group.
const GATEWAY: &str = "gateway.networking.k8s.io";

/// The paths that lead to each service, by its name, and its namespace where it is in another.
pub(super) type Backends = BTreeMap<(Option<String>, String), Vec<String>>;

/// HTTPRoutes, if the cluster serves them.
pub(super) async fn http_routes(cx: &Cx) -> Result<Option<Resource>, Error> {
    let resources = cx.resources().await?;
    Ok(resources.iter().find(|resource| is_http_route(resource)).cloned())
}

pub(super) fn is_http_route(resource: &Resource) -> bool {
    resource.group == GATEWAY && resource.kind == "HTTPRoute"
}

/// `path /checkout`, `paths /a, /b`
pub(super) fn words(paths: &[String]) -> String {
    match paths {
        [path] if path.starts_with('/') => format!("path {path}"),
        [path] => path.clone(),
        paths => format!("paths {}", listed(paths)),
    }
}

/// The backends of an Ingress.
pub(super) fn of_ingress(ingress: &Value) -> Backends {
    let mut backends = Backends::new();
    let spec = &ingress["spec"];
    add(
        &mut backends,
        None,
        &spec["defaultBackend"]["service"]["name"],
        "every other path".to_owned(),
    );
    for rule in items(&spec["rules"]) {
        let host = rule["host"].as_str().unwrap_or_default();
        for path in items(&rule["http"]["paths"]) {
            let written = format!("{host}{}", path["path"].as_str().unwrap_or("/"));
            add(&mut backends, None, &path["backend"]["service"]["name"], written);
        }
    }
    backends
}

/// The backends of an HTTPRoute.
pub(super) fn of_http_route(route: &Value) -> Backends {
    let mut backends = Backends::new();
    let spec = &route["spec"];
    let host = spec["hostnames"][0].as_str().unwrap_or_default();
    for rule in items(&spec["rules"]) {
        let paths: Vec<String> = items(&rule["matches"])
            .map(|one| format!("{host}{}", one["path"]["value"].as_str().unwrap_or("/")))
            .collect();
        let all = if paths.is_empty() {
            vec![format!("{host}/")]
        } else {
            paths
        };
        for backend in items(&rule["backendRefs"]) {
            if !matches!(backend["kind"].as_str(), None | Some("Service")) {
                continue;
            }
            let namespace = backend["namespace"]
                .as_str()
                .filter(|namespace| route["metadata"]["namespace"] != **namespace);
            for path in &all {
                add(&mut backends, namespace, &backend["name"], path.clone());
            }
        }
    }
    backends
}

fn add(backends: &mut Backends, namespace: Option<&str>, service: &Value, path: String) {
    let Some(service) = service.as_str() else { return };
    let paths = backends
        .entry((namespace.map(str::to_owned), service.to_owned()))
        .or_default();
    if !paths.contains(&path) {
        paths.push(path);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(backends: &Backends) -> Vec<String> {
        backends
            .iter()
            .map(|((namespace, service), paths)| {
                format!(
                    "{}/{service}: {}",
                    namespace.as_deref().unwrap_or_default(),
                    words(paths)
                )
            })
            .collect()
    }

    #[test]
    fn paths_lead_to_services() {
        let service = |name: &str| json!({"service": {"name": name, "port": {"number": 80}}});
        let ingress = json!({"spec": {"defaultBackend": service("web"), "rules": [
            {"http": {"paths": [{"path": "/cart", "backend": service("cart")}]}},
            {"host": "shop.example.com", "http": {"paths": [{"backend": service("web")}]}},
        ]}});
        assert_eq!(
            said(&of_ingress(&ingress)),
            [
                "/cart: path /cart",
                "/web: paths every other path, shop.example.com/"
            ]
        );
        let route = json!({"metadata": {"namespace": "shop"}, "spec": {"rules": [
            {"matches": [{"path": {"type": "PathPrefix", "value": "/cart"}}],
             "backendRefs": [{"name": "cart", "namespace": "shop"}, {"name": "old", "namespace": "legacy"}]},
            {"backendRefs": [{"name": "web"}, {"kind": "Bucket", "name": "files"}]},
        ]}});
        assert_eq!(
            said(&of_http_route(&route)),
            ["/cart: path /cart", "/web: path /", "legacy/old: path /cart"]
        );
    }
}
