//! What the tests share: a cluster, and a client of it.
#![allow(dead_code, reason = "each test uses some of it")]

pub(crate) mod recorded;

use bytes::Bytes;
use http::{Request, request::Builder};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube_mcp_demo::Cluster;
use serde_json::{Value, json};

/// The administrator's token.
pub(crate) const ADMIN: &str = kube_mcp_demo::ADMIN_TOKEN;

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

/// A cluster with the namespace `shop`.
pub(crate) async fn shop() -> Cluster {
    let cluster = cluster();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    make(&cluster, "/api/v1/namespaces", namespace).await;
    cluster
}

/// Asks for what must not be refused.
pub(crate) async fn must(cluster: &Cluster, method: &str, path: &str, body: Value) -> Value {
    let (code, answer) = ask(cluster, method, path, body).await;
    assert!(code < 300, "{method} {path}: {code} {answer}");
    answer
}

/// An object or a list.
pub(crate) async fn get(cluster: &Cluster, path: &str) -> Value {
    must(cluster, "GET", path, Value::Null).await
}

/// The items of a list.
pub(crate) async fn items(cluster: &Cluster, path: &str) -> Vec<Value> {
    get(cluster, path).await["items"]
        .as_array()
        .expect("a list")
        .clone()
}

/// Changes an object that is there.
pub(crate) async fn edit(cluster: &Cluster, path: &str, edit: impl FnOnce(&mut Value)) -> Value {
    let mut object = get(cluster, path).await;
    edit(&mut object);
    must(cluster, "PUT", path, object).await
}

/// Gives the pods that have not come to an end the status that a kubelet would report, and lets the controllers see it.
pub(crate) async fn pods_are(cluster: &Cluster, phase: &str, ready: bool) {
    for pod in items(cluster, "/api/v1/namespaces/shop/pods").await {
        if !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            pod_is(
                cluster,
                pod["metadata"]["name"].as_str().expect("a name"),
                phase,
                ready,
            )
            .await;
        }
    }
    cluster.settle();
}

/// Gives a pod the status that a kubelet would report.
pub(crate) async fn pod_is(cluster: &Cluster, name: &str, phase: &str, ready: bool) {
    let path = format!("/api/v1/namespaces/shop/pods/{name}");
    let mut pod = get(cluster, &path).await;
    let status = if ready { "True" } else { "False" };
    let now = now(cluster).await;
    if pod["status"]["conditions"][0]["status"] == status && pod["status"]["phase"] == phase {
        return;
    }
    pod["status"] = json!({
        "phase": phase,
        "podIP": "10.1.0.1",
        "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": now}],
    });
    must(cluster, "PUT", &format!("{path}/status"), pod).await;
}

/// The time in the cluster.
pub(crate) async fn now(cluster: &Cluster) -> String {
    let probe = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "now"}});
    let (_, made) = ask(
        cluster,
        "POST",
        "/api/v1/namespaces/shop/configmaps?dryRun=All",
        probe,
    )
    .await;
    made["metadata"]["creationTimestamp"]
        .as_str()
        .expect("a time")
        .to_owned()
}

/// Whether nothing will happen before the first events are forgotten, after an hour.
pub(crate) fn rests(cluster: &Cluster) -> bool {
    let forgotten: Timestamp = "2026-01-01T01:00:00Z".parse().expect("a time");
    cluster.settle().is_none_or(|next| next >= forgotten)
}

/// Why and what was told of an object, in the order in which it was.
pub(crate) async fn told(cluster: &Cluster, kind: &str) -> Vec<String> {
    let mut events = items(cluster, "/api/v1/namespaces/shop/events").await;
    events.sort_by_key(|event| {
        let revision = event["metadata"]["resourceVersion"].as_str().expect("a revision");
        revision.parse::<u64>().expect("a number")
    });
    let events = events
        .iter()
        .filter(|event| event["involvedObject"]["kind"] == kind);
    events
        .map(|event| {
            format!(
                "{} {}",
                event["reason"].as_str().unwrap_or_default(),
                event["message"].as_str().unwrap_or_default()
            )
        })
        .collect()
}

/// A cluster with the namespace `shop` and a node, in which images do this.
pub(crate) async fn shop_of(images: &str) -> Cluster {
    let at = "2026-01-01T00:00:00Z".parse().expect("a time");
    let cluster = Cluster::with_images(at, images).expect("behaviours");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    make(&cluster, "/api/v1/namespaces", namespace).await;
    node(&cluster, "node-1", "4", "8Gi").await;
    cluster
}

/// Makes a pod of one container, `main`, of this form.
pub(crate) async fn pod(cluster: &Cluster, name: &str, container: Value, spec: Value) {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    pod["spec"]["containers"] = json!([container]);
    pod["spec"]["containers"][0]["name"] = json!("main");
    make(cluster, "/api/v1/namespaces/shop/pods", pod).await;
}

/// A container that runs a script.
pub(crate) fn script(script: &str) -> Value {
    json!({"image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]})
}

/// Adds a node that is ready, with so much room.
pub(crate) async fn node(cluster: &Cluster, name: &str, cpu: &str, memory: &str) {
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "spec": {"podCIDR": "10.244.1.0/24"},
    });
    make(cluster, "/api/v1/nodes", node).await;
    let path = format!("/api/v1/nodes/{name}");
    let mut node = get(cluster, &path).await;
    let room = json!({"cpu": cpu, "memory": memory, "pods": "110"});
    node["status"] = json!({
        "capacity": room,
        "allocatable": room,
        "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
    });
    must(cluster, "PUT", &format!("{path}/status"), node).await;
    cluster.settle();
}
