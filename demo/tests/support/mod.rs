//! What the tests share: a cluster, and a client of it.
#![allow(dead_code, reason = "each test uses some of it")]

use bytes::Bytes;
use http::{Request, request::Builder};
use http_body_util::BodyExt as _;
use kube_mcp_demo::Cluster;
use serde_json::Value;

/// The administrator's token.
pub(crate) const ADMIN: &str = "kube-mcp-demo";

/// A cluster of the first of January, in which time stands still.
pub(crate) fn cluster() -> Cluster {
    Cluster::new("2026-01-01T00:00:00Z".parse().expect("a time"))
}

/// Asks as the administrator; gives the status and the answer.
pub(crate) async fn ask(cluster: &Cluster, method: &str, path: &str, body: Value) -> (u16, Value) {
    ask_with(cluster, method, path, body, |request| bearer(request, ADMIN)).await
}

/// Asks with a token.
pub(crate) async fn ask_as(
    cluster: &Cluster,
    token: &str,
    method: &str,
    path: &str,
    body: Value,
) -> (u16, Value) {
    ask_with(cluster, method, path, body, |request| bearer(request, token)).await
}

/// Asks with what is added to the request.
pub(crate) async fn ask_with(
    cluster: &Cluster,
    method: &str,
    path: &str,
    body: Value,
    with: impl FnOnce(Builder) -> Builder,
) -> (u16, Value) {
    let body = match body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let request = Request::builder().method(method).uri(path);
    let request = with(request.header("content-type", "application/json"));
    let response = cluster.respond(request.body(body).expect("a request")).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// Adds a token.
pub(crate) fn bearer(request: Builder, token: &str) -> Builder {
    request.header("authorization", format!("Bearer {token}"))
}

/// Makes an object, and lets the controllers work.
pub(crate) async fn make(cluster: &Cluster, path: &str, object: Value) -> Value {
    let (code, made) = ask(cluster, "POST", path, object).await;
    assert_eq!(code, 201, "{made}");
    cluster.settle();
    made
}
