//! The API, asked as a client asks it.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::Cluster;
use serde_json::{Value, json};

/// Asks as the administrator; gives the status and the answer.
async fn ask(cluster: &Cluster, method: &str, path: &str, body: Value) -> (u16, Value) {
    let body = match body {
        Value::Null => Bytes::new(),
        body => body.to_string().into(),
    };
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", "Bearer kube-mcp-demo")
        .header("content-type", "application/json")
        .body(body)
        .expect("a request");
    let response = cluster.respond(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn what_is_created_is_there_until_it_is_deleted() {
    let cluster = Cluster::new("2026-01-01T00:00:00Z".parse().expect("a time"));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let (code, made) = ask(&cluster, "POST", "/api/v1/namespaces", namespace.clone()).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
    let (code, again) = ask(&cluster, "POST", "/api/v1/namespaces", namespace).await;
    assert_eq!(
        (code, &again["reason"]),
        (409, &json!("AlreadyExists")),
        "{again}"
    );
    let (_, list) = ask(&cluster, "GET", "/api/v1/namespaces", Value::Null).await;
    assert_eq!(list["items"][0]["metadata"]["name"], "shop", "{list}");
    let (code, _) = ask(&cluster, "DELETE", "/api/v1/namespaces/shop", Value::Null).await;
    assert_eq!(code, 200);
    let (code, gone) = ask(&cluster, "GET", "/api/v1/namespaces/shop", Value::Null).await;
    assert_eq!(
        (code, &gone["message"]),
        (404, &json!("namespaces \"shop\" not found")),
        "{gone}"
    );
}
