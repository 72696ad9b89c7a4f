//! What becomes of pods on a node.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{get, make, must, shop, told};

const PODS: &str = "/api/v1/namespaces/shop/pods";

/// A node with room.
async fn node(cluster: &Cluster, name: &str) {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": {"podCIDR": "10.244.1.0/24"}});
    make(cluster, "/api/v1/nodes", node).await;
    let path = format!("/api/v1/nodes/{name}");
    let mut node = get(cluster, &path).await;
    node["status"] = json!({
        "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        "addresses": [{"type": "InternalIP", "address": "192.0.2.11"}, {"type": "Hostname", "address": name}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
    });
    must(cluster, "PUT", &format!("{path}/status"), node).await;
}

/// A pod of one container of this form, on a node.
async fn pod(cluster: &Cluster, name: &str, container: Value, spec: Value) {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    pod["spec"]["nodeName"] = json!("node-1");
    pod["spec"]["containers"] = json!([container]);
    pod["spec"]["containers"][0]["name"] = json!("main");
    make(cluster, PODS, pod).await;
}

fn script(script: &str) -> Value {
    json!({"image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]})
}

async fn advance(cluster: &Cluster, name: &str, seconds: u64) -> Value {
    cluster.advance(Duration::from_secs(seconds));
    get(cluster, &format!("{PODS}/{name}")).await
}

#[tokio::test]
async fn a_pod_comes_up_and_stays() {
    let cluster = shop().await;
    node(&cluster, "node-1").await;
    pod(
        &cluster,
        "web",
        script("echo hello; exec sleep 100000"),
        json!({}),
    )
    .await;
    let web = advance(&cluster, "web", 0).await;
    println!("{}", serde_json::to_string_pretty(&web).expect("json"));
    let web = advance(&cluster, "web", 5).await;
    println!("{}", serde_json::to_string_pretty(&web).expect("json"));
    println!("{:#?}", told(&cluster, "Pod").await);
}

#[tokio::test]
async fn a_pod_crashes() {
    let cluster = shop().await;
    node(&cluster, "node-1").await;
    pod(
        &cluster,
        "crash",
        script("echo hello; sleep 1; exit 3"),
        json!({}),
    )
    .await;
    for _ in 0..30 {
        let crash = advance(&cluster, "crash", 5).await;
        println!("{}", crash["status"]["containerStatuses"][0]);
    }
    println!("{:#?}", told(&cluster, "Pod").await);
    println!(
        "{:#?}",
        support::items(&cluster, "/api/v1/namespaces/shop/events")
            .await
            .iter()
            .map(|e| format!("{} {}", e["reason"], e["count"]))
            .collect::<Vec<_>>()
    );
}
