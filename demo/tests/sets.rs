//! StatefulSets, DaemonSets and claims: pods with names, nodes and volumes of their own.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{edit, get, items, must, pods_are, shop, told};

const PODS: &str = "/api/v1/namespaces/shop/pods";
const CLAIMS: &str = "/api/v1/namespaces/shop/persistentvolumeclaims";

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [{"name": "db", "image": image}]}})
}

/// The names of objects.
async fn names(cluster: &Cluster, path: &str) -> Vec<String> {
    let items = items(cluster, path).await;
    items
        .iter()
        .map(|item| item["metadata"]["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[tokio::test]
async fn a_stateful_set_makes_updates_and_deletes_its_pods_one_after_another() {
    let cluster = shop().await;
    let path = "/apis/apps/v1/namespaces/shop/statefulsets";
    let claim = json!({
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": "fast"},
    });
    let spec = json!({
        "replicas": 3, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
        "template": template("db:1"), "volumeClaimTemplates": [claim],
    });
    must(
        &cluster,
        "POST",
        path,
        json!({"metadata": {"name": "db"}, "spec": spec}),
    )
    .await;
    cluster.settle();
    assert_eq!(
        names(&cluster, PODS).await,
        ["db-0"],
        "the next one waits for the first"
    );
    pods_are(&cluster, "Running", true).await;
    pods_are(&cluster, "Running", true).await;
    assert_eq!(names(&cluster, PODS).await, ["db-0", "db-1", "db-2"]);
    assert_eq!(
        names(&cluster, CLAIMS).await,
        ["data-db-0", "data-db-1", "data-db-2"]
    );
    pods_are(&cluster, "Running", true).await;
    let pod = get(&cluster, &format!("{PODS}/db-1")).await;
    let first = pod["metadata"]["labels"]["controller-revision-hash"].clone();
    assert_eq!(pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"], "1");
    assert_eq!(
        pod["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"],
        "data-db-1"
    );
    let path = format!("{path}/db");
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        status,
        json!({
            "availableReplicas": 3, "collisionCount": 0, "currentReplicas": 3, "currentRevision": first,
            "observedGeneration": 1, "readyReplicas": 3, "replicas": 3, "updateRevision": first, "updatedReplicas": 3,
        })
    );

    edit(&cluster, &path, |set| set["spec"]["template"] = template("db:2")).await;
    cluster.settle();
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (&status["currentRevision"], &status["updatedReplicas"]),
        (&first, &json!(1)),
        "{status}"
    );
    assert_eq!(
        get(&cluster, &format!("{PODS}/db-2")).await["spec"]["containers"][0]["image"],
        "db:2",
        "the last one first"
    );
    for _ in 0..3 {
        pods_are(&cluster, "Running", true).await;
    }
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (&status["currentRevision"], &status["currentReplicas"]),
        (&status["updateRevision"], &json!(3)),
        "{status}"
    );
    edit(&cluster, &path, |set| set["spec"]["replicas"] = json!(1)).await;
    cluster.settle();
    assert_eq!(names(&cluster, PODS).await, ["db-0"]);
    assert_eq!(
        names(&cluster, CLAIMS).await.len(),
        3,
        "claims outlive their pods"
    );
    let told = told(&cluster, "StatefulSet").await;
    for what in [
        "Create Claim data-db-0 Pod db-0 in StatefulSet db success",
        "Create Pod db-2 in StatefulSet db successful",
    ] {
        assert!(told.contains(&format!("SuccessfulCreate {what}")), "{told:#?}");
    }
    assert!(
        told.contains(&"SuccessfulDelete Delete Pod db-1 in StatefulSet db successful".to_owned()),
        "{told:#?}"
    );
}

#[tokio::test]
async fn a_daemon_set_has_a_pod_on_each_node_that_fits_and_replaces_them_one_by_one() {
    let cluster = shop().await;
    for (name, taint) in [
        ("a", "NoSchedule"),
        ("b", "PreferNoSchedule"),
        ("c", "PreferNoSchedule"),
    ] {
        let taints = json!([{"key": "dedicated", "value": "x", "effect": taint}]);
        must(
            &cluster,
            "POST",
            "/api/v1/nodes",
            json!({"metadata": {"name": name}, "spec": {"taints": taints}}),
        )
        .await;
    }
    let path = "/apis/apps/v1/namespaces/shop/daemonsets";
    let spec = json!({"selector": {"matchLabels": {"app": "db"}}, "template": template("agent:1")});
    must(
        &cluster,
        "POST",
        path,
        json!({"metadata": {"name": "agent"}, "spec": spec}),
    )
    .await;
    cluster.settle();
    let path = format!("{path}/agent");
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (
            &status["desiredNumberScheduled"],
            &status["currentNumberScheduled"]
        ),
        (&json!(2), &json!(2)),
        "{status}"
    );
    cluster.advance(Duration::from_secs(5));
    edit(&cluster, &path, |set| {
        set["spec"]["template"] = template("agent:2")
    })
    .await;
    cluster.settle();
    let images = |pods: &[Value]| {
        let mut images: Vec<_> = pods
            .iter()
            .map(|pod| pod["spec"]["containers"][0]["image"].to_string())
            .collect();
        images.sort();
        images
    };
    assert_eq!(
        images(&items(&cluster, PODS).await),
        ["\"agent:1\"", "\"agent:2\""]
    );
    cluster.advance(Duration::from_secs(10));
    assert_eq!(
        images(&items(&cluster, PODS).await),
        ["\"agent:2\"", "\"agent:2\""]
    );
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (&status["updatedNumberScheduled"], &status["numberAvailable"]),
        (&json!(2), &json!(2)),
        "{status}"
    );
    assert_eq!(
        names(&cluster, "/apis/apps/v1/namespaces/shop/controllerrevisions")
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn claims_are_bound_kept_while_used_and_tell_why_they_wait() {
    let cluster = shop().await;
    for (name, provisioner, mode) in [
        ("lazy", "kubernetes.io/host-path", "WaitForFirstConsumer"),
        ("cloud", "ebs.csi.aws.com", "Immediate"),
    ] {
        let class = json!({"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode, "reclaimPolicy": "Delete"});
        must(&cluster, "POST", "/apis/storage.k8s.io/v1/storageclasses", class).await;
    }
    for class in ["standard", "lazy", "cloud", "gone", ""] {
        let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}, "storageClassName": class});
        must(
            &cluster,
            "POST",
            CLAIMS,
            json!({"metadata": {"name": format!("x{class}")}, "spec": spec}),
        )
        .await;
    }
    cluster.settle();
    let bound = get(&cluster, &format!("{CLAIMS}/xstandard")).await;
    assert_eq!(
        bound["status"],
        json!({"phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}})
    );
    let volume = format!(
        "/api/v1/persistentvolumes/pvc-{}",
        bound["metadata"]["uid"].as_str().expect("a uid")
    );
    assert_eq!(get(&cluster, &volume).await["status"]["phase"], "Bound");
    let told = told(&cluster, "PersistentVolumeClaim").await;
    for why in [
        "FailedBinding no persistent volumes available for this claim and no storage class is set",
        "ProvisioningFailed storageclass.storage.k8s.io \"gone\" not found",
        "WaitForFirstConsumer waiting for first consumer to be created before binding",
        "ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'ebs.csi.aws.com'",
    ] {
        assert_eq!(
            told.iter().filter(|told| told.starts_with(why)).count(),
            1,
            "{why}: {told:#?}"
        );
    }
    let volumes = json!([{"name": "x", "persistentVolumeClaim": {"claimName": "xlazy"}}, {"name": "y", "persistentVolumeClaim": {"claimName": "xstandard"}}]);
    let spec = json!({"nodeName": "a", "containers": [{"name": "a", "image": "a"}], "volumes": volumes});
    must(
        &cluster,
        "POST",
        PODS,
        json!({"metadata": {"name": "user"}, "spec": spec}),
    )
    .await;
    cluster.settle();
    assert_eq!(
        get(&cluster, &format!("{CLAIMS}/xlazy")).await["status"]["phase"],
        "Bound"
    );
}
