//! What becomes of pods on a node.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{get, items, make, must, node, shop, told};

const PODS: &str = "/api/v1/namespaces/shop/pods";

/// A pod of one container of this form.
async fn pod(cluster: &Cluster, name: &str, container: Value, spec: Value) {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec});
    pod["spec"]["containers"] = json!([container]);
    pod["spec"]["containers"][0]["name"] = json!("main");
    make(cluster, PODS, pod).await;
}

fn script(script: &str) -> Value {
    json!({"image": "busybox", "imagePullPolicy": "IfNotPresent", "command": ["sh", "-c", script]})
}

async fn advance(cluster: &Cluster, name: &str, seconds: u64) -> Value {
    cluster.advance(Duration::from_secs(seconds));
    get(cluster, &format!("{PODS}/{name}")).await["status"].clone()
}

/// The status of each condition.
fn conditions(status: &Value) -> String {
    let conditions = status["conditions"].as_array().expect("conditions");
    let told = conditions.iter().map(|condition| {
        let told = format!(
            "{}={}",
            condition["type"].as_str().expect("a type"),
            condition["status"].as_str().expect("a status")
        );
        condition["reason"]
            .as_str()
            .map_or(told.clone(), |reason| format!("{told}({reason})"))
    });
    told.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_pod_comes_up_and_stays() {
    let cluster = shop().await;
    node(&cluster, "node-1", "4", "8Gi").await;
    pod(
        &cluster,
        "web",
        script("echo hello; exec sleep 100000"),
        json!({}),
    )
    .await;
    let web = advance(&cluster, "web", 0).await;
    assert_eq!(web["phase"], "Pending");
    assert_eq!(
        web["containerStatuses"][0]["state"]["waiting"]["reason"],
        "ContainerCreating"
    );
    assert_eq!(
        conditions(&web),
        "PodReadyToStartContainers=False Initialized=True Ready=False(ContainersNotReady) \
         ContainersReady=False(ContainersNotReady) PodScheduled=True"
    );
    let web = advance(&cluster, "web", 3).await;
    assert_eq!(
        (&web["phase"], &web["podIP"]),
        (&json!("Running"), &json!("10.244.1.2"))
    );
    assert_eq!(
        conditions(&web),
        "PodReadyToStartContainers=True Initialized=True Ready=True ContainersReady=True PodScheduled=True"
    );
    let next = cluster.settle().map(|next| next.to_string());
    assert_eq!(
        next.as_deref(),
        Some("2026-01-01T01:00:00Z"),
        "nothing is to do until the first event is old"
    );
    let told = told(&cluster, "Pod").await;
    let [scheduled, pulling, pulled, created, started] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(scheduled, "Scheduled Successfully assigned shop/web to node-1");
    assert_eq!(pulling, "Pulling Pulling image \"busybox\"");
    assert!(pulled.starts_with(
        "Pulled Successfully pulled image \"busybox\" in 900ms (900ms including waiting). Image size: "
    ));
    assert_eq!(
        (created.as_str(), started.as_str()),
        ("Created Container created", "Started Container started")
    );
}
