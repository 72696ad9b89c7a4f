//! What nodes get from the cluster.

mod support;

use serde_json::json;
use support::{cluster, edit, get, make};

#[tokio::test]
async fn a_cordoned_node_is_tainted_as_long_as_it_is() {
    let cluster = cluster();
    let taint = json!({"key": "dedicated", "effect": "NoSchedule"});
    let node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "spare"},
        "spec": {"taints": [taint]},
    });
    make(&cluster, "/api/v1/nodes", node).await;
    let path = "/api/v1/nodes/spare";
    edit(&cluster, path, |node| node["spec"]["unschedulable"] = json!(true)).await;
    cluster.settle();
    let cordoned = get(&cluster, path).await;
    let taints = cordoned["spec"]["taints"].as_array().expect("taints");
    assert_eq!(taints[1]["key"], "node.kubernetes.io/unschedulable", "{cordoned}");
    edit(&cluster, path, |node| {
        node["spec"]["unschedulable"] = json!(false)
    })
    .await;
    cluster.settle();
    let node = get(&cluster, path).await;
    assert_eq!(node["spec"], json!({"taints": [taint]}), "{node}");
    // Nobody has registered it: it has no kubelet that would call it ready.
    assert!(node["status"]["conditions"].is_null(), "{node}");
}
