//! Which node a pod comes to.

mod support;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{edit, get, items, make, must, node, pod, script, shop_of, told};

const PODS: &str = "/api/v1/namespaces/shop/pods";

/// The node of a pod, or why it has none.
async fn place(cluster: &Cluster, name: &str) -> String {
    cluster.settle();
    let pod = get(cluster, &format!("{PODS}/{name}")).await;
    let conditions = pod["status"]["conditions"].as_array();
    let scheduled =
        conditions.and_then(|all| all.iter().find(|condition| condition["type"] == "PodScheduled"));
    let why = scheduled
        .and_then(|condition| condition["message"].as_str())
        .unwrap_or("?");
    pod["spec"]["nodeName"].as_str().unwrap_or(why).to_owned()
}

fn asks(cpu: &str, memory: &str) -> Value {
    let mut container = script("exec sleep 1000");
    container["resources"] = json!({"requests": {"cpu": cpu, "memory": memory}});
    container
}

#[tokio::test]
async fn a_pod_comes_where_it_fits() {
    let cluster = shop_of("[]").await;
    node(&cluster, "node-2", "2", "4Gi").await;
    node(&cluster, "node-3", "8", "4Gi").await;
    edit(&cluster, "/api/v1/nodes/node-3", |node| {
        node["spec"]["taints"] = json!([{"key": "gpu", "effect": "NoSchedule"}]);
        node["metadata"]["labels"]["disk"] = json!("ssd");
    })
    .await;
    // Where most is free; with the others of its kind not if that can be helped.
    pod(&cluster, "one", asks("1", "1Gi"), json!({})).await;
    assert_eq!(place(&cluster, "one").await, "node-1");
    pod(&cluster, "two", asks("1500m", "1Gi"), json!({})).await;
    assert_eq!(place(&cluster, "two").await, "node-1");
    pod(&cluster, "three", asks("1500m", "1Gi"), json!({})).await;
    assert_eq!(place(&cluster, "three").await, "node-2");
    pod(&cluster, "four", asks("2", "6Gi"), json!({})).await;
    assert_eq!(
        place(&cluster, "four").await,
        "0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), 2 Insufficient cpu. no new \
         claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, \
         2 Preemption is not helpful for scheduling."
    );
    let tolerant =
        json!({"tolerations": [{"key": "gpu", "operator": "Exists"}], "nodeSelector": {"disk": "ssd"}});
    pod(&cluster, "five", asks("6", "1Gi"), tolerant).await;
    assert_eq!(place(&cluster, "five").await, "node-3");
    let told = told(&cluster, "Pod").await;
    assert!(
        told.contains(&"Scheduled Successfully assigned shop/five to node-3".into()),
        "{told:#?}"
    );
    let events = items(&cluster, "/api/v1/namespaces/shop/events").await;
    let failed = events
        .iter()
        .find(|event| event["reason"] == "FailedScheduling")
        .expect("an event");
    assert_eq!(failed["reportingComponent"], "default-scheduler");
    assert_eq!(
        (&failed["source"], &failed["lastTimestamp"]),
        (&json!({}), &Value::Null)
    );
    assert_eq!(failed["action"], "Scheduling");
    // Room is made.
    for name in ["one", "two", "three"] {
        must(
            &cluster,
            "DELETE",
            &format!("{PODS}/{name}?gracePeriodSeconds=0"),
            Value::Null,
        )
        .await;
    }
    assert_eq!(place(&cluster, "four").await, "node-1");
}

#[tokio::test]
async fn pods_keep_away_from_each_other_and_from_closed_nodes() {
    let cluster = shop_of("[]").await;
    let apart = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
        {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    ]}});
    let db = |name: &str| {
        let spec = json!({"affinity": apart, "containers": [{"name": "main", "image": "db"}]});
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": "db"}}, "spec": spec})
    };
    make(&cluster, PODS, db("db-0")).await;
    make(&cluster, PODS, db("db-1")).await;
    assert_eq!(place(&cluster, "db-0").await, "node-1");
    assert_eq!(
        place(&cluster, "db-1").await,
        "0/1 nodes are available: 1 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: \
         0/1 nodes are available: 1 No preemption victims found for incoming pod."
    );
    node(&cluster, "node-2", "1", "1Gi").await;
    assert_eq!(place(&cluster, "db-1").await, "node-2", "a node came");
    edit(&cluster, "/api/v1/nodes/node-2", |node| {
        node["spec"]["unschedulable"] = json!(true)
    })
    .await;
    make(&cluster, PODS, db("db-2")).await;
    assert!(
        place(&cluster, "db-2")
            .await
            .contains("1 node(s) were unschedulable")
    );
}

#[tokio::test]
async fn a_pod_waits_for_its_claims() {
    let cluster = shop_of("[]").await;
    let claims = "/api/v1/namespaces/shop/persistentvolumeclaims";
    let volume =
        |claim: &str| json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]});
    pod(&cluster, "db", script("exec sleep 1000"), volume("data")).await;
    assert_eq!(
        place(&cluster, "db").await,
        "0/1 nodes are available: persistentvolumeclaim \"data\" not found. not found"
    );
    let class = json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "disk"},
        "provisioner": "kubernetes.io/host-path", "volumeBindingMode": "WaitForFirstConsumer",
    });
    make(&cluster, "/apis/storage.k8s.io/v1/storageclasses", class).await;
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
        "spec": {"storageClassName": "disk", "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    make(&cluster, claims, claim).await;
    assert_eq!(place(&cluster, "db").await, "node-1");
    let claim = get(&cluster, &format!("{claims}/data")).await;
    assert_eq!(
        claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"],
        "node-1"
    );
    assert_eq!(claim["status"]["phase"], "Bound");
}
