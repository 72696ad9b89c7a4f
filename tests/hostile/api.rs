//! An API server that has a few objects and prints them as lists, Tables or one by one.

use std::{convert::Infallible, fs, net::SocketAddr, path::Path, sync::Arc, thread};

use http_body_util::Full;
use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};

type Response = hyper::Response<Full<Bytes>>;

/// Path of the group and version, kind, plural, short name.
const KINDS: &[(&str, &str, &str, &str)] = &[
    ("/api/v1", "Namespace", "namespaces", "ns"),
    ("/api/v1", "Pod", "pods", "po"),
    ("/api/v1", "Secret", "secrets", "sec"),
    ("/api/v1", "ConfigMap", "configmaps", "cm"),
    ("/api/v1", "Event", "events", "ev"),
    ("/apis/apps/v1", "Deployment", "deployments", "deploy"),
    ("/apis/apps/v1", "ReplicaSet", "replicasets", "rs"),
    ("/apis/example.com/v1", "Widget", "widgets", "wd"),
];

/// What it holds.
#[derive(Default)]
pub(crate) struct Api {
    pub(crate) objects: Vec<Value>,
    /// What every container has written.
    pub(crate) log: String,
    /// What it says of a change, none of which it takes.
    pub(crate) refusal: String,
}

impl Api {
    /// Serves until the process ends.
    pub(crate) fn serve(self) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let api = Arc::new(self);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    let api = Arc::clone(&api);
                    let service = service_fn(move |request| {
                        let answer = api.answer(&request);
                        async move { Ok::<_, Infallible>(answer) }
                    });
                    tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
                }
            });
        });
        address
    }

    fn answer(&self, request: &Request<Incoming>) -> Response {
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or_default();
        let body = match path {
            "/version" => json!({"gitVersion": "v1.35.0"}),
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
            "/apis" => json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"groupVersion": "apps/v1", "version": "v1"}]},
                {"name": "example.com", "versions": [{"groupVersion": "example.com/v1", "version": "v1"}]}]}),
            path if KINDS.iter().any(|(group, ..)| *group == path) => resources(path),
            _ => match self.of_a_kind(request, path, query) {
                Some(answer) => return answer,
                None => return failure(StatusCode::NOT_FOUND, "NotFound", "not here"),
            },
        };
        json_answer(StatusCode::OK, &body)
    }

    fn of_a_kind(&self, request: &Request<Incoming>, path: &str, query: &str) -> Option<Response> {
        let (group, kind, ..) = KINDS.iter().find(|(group, _, plural, _)| {
            path.strip_prefix(group)
                .is_some_and(|rest| rest.split('/').any(|segment| segment == *plural))
                && (*plural != "namespaces" || path.split('/').count() < 6)
        })?;
        let segments: Vec<&str> = path
            .strip_prefix(group)?
            .trim_start_matches('/')
            .split('/')
            .collect();
        let (namespace, rest) = match segments.as_slice() {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let named = |object: &&Value, name: &str| object["metadata"]["name"] == name;
        let found: Vec<&Value> = self
            .objects
            .iter()
            .filter(|object| object["kind"] == *kind)
            .filter(|object| namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace))
            .collect();
        Some(match rest {
            [_, _, "log"] => Response::new(self.log.clone().into()),
            [_, _] if request.method() == Method::PATCH => {
                failure(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", &self.refusal)
            }
            [_, name] => match found.iter().find(|object| named(object, name)) {
                Some(object) => json_answer(StatusCode::OK, object),
                None => failure(StatusCode::NOT_FOUND, "NotFound", "not found"),
            },
            [_] => {
                let found = found.into_iter().filter(|object| selects(query, object));
                let accepts = request
                    .headers()
                    .get("accept")
                    .and_then(|accept| accept.to_str().ok());
                let body = if accepts.is_some_and(|accept| accept.contains("as=Table")) {
                    table(found, query)
                } else {
                    json!({"kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": found.collect::<Vec<_>>()})
                };
                json_answer(StatusCode::OK, &body)
            }
            _ => return None,
        })
    }
}

/// Whether an object has the fields that a query's field selector wants: `a.b=c`, commas between.
fn selects(query: &str, object: &Value) -> bool {
    let selector = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("fieldSelector="));
    selector
        .unwrap_or_default()
        .split("%2C")
        .filter_map(|part| part.split_once('='))
        .all(|(path, wanted)| {
            object
                .pointer(&format!("/{}", path.replace('.', "/")))
                .and_then(Value::as_str)
                == Some(wanted)
        })
}

fn resources(path: &str) -> Value {
    let resources = KINDS
        .iter()
        .filter(|(group, ..)| *group == path)
        .map(|(_, kind, plural, short)| {
            json!({"name": plural, "kind": kind, "singularName": kind.to_lowercase(), "shortNames": [short],
            "namespaced": *kind != "Namespace", "verbs": ["get", "list", "patch", "watch"]})
        });
    json!({"kind": "APIResourceList", "resources": resources.collect::<Vec<_>>()})
}

fn table<'a>(objects: impl Iterator<Item = &'a Value>, query: &str) -> Value {
    let rows = objects.map(|object| {
        let cells = json!([object["metadata"]["name"], object["spec"]["note"], "5d"]);
        let object = if query.contains("includeObject=Object") {
            object.clone()
        } else if query.contains("includeObject=Metadata") {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
        } else {
            Value::Null
        };
        json!({"cells": cells, "object": object})
    });
    let column = |name: &str, kind: &str| json!({"name": name, "type": kind, "priority": 0});
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {},
        "columnDefinitions": [column("Name", "string"), column("Note", "string"), column("Age", "date")],
        "rows": rows.collect::<Vec<_>>()})
}

fn failure(code: StatusCode, reason: &str, message: &str) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code.as_u16(), "reason": reason, "message": message});
    json_answer(code, &status)
}

fn json_answer(code: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(body.to_string().into());
    *response.status_mut() = code;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    response
}

/// Writes the kubeconfig of a cluster `it` at this address.
pub(crate) fn write_kubeconfig(path: &Path, address: SocketAddr, token: &str) {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "it", "user": {"token": token}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it", "namespace": "shop"}}],
    });
    fs::write(path, config.to_string()).unwrap();
}
