//! Deployments and their ReplicaSets: what rolls out, and what is said about it.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{edit, get, items, must, pods_are, rests, shop, told};

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const SETS: &str = "/apis/apps/v1/namespaces/shop/replicasets";
const PODS: &str = "/api/v1/namespaces/shop/pods";

async fn deploy(cluster: &Cluster, more: Value) {
    let mut spec = json!({
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
    });
    for (name, value) in more.as_object().expect("a map") {
        spec[name] = value.clone();
    }
    let meta = json!({"name": "web", "annotations": {"kubernetes.io/change-cause": "first"}});
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec});
    must(
        cluster,
        "POST",
        "/apis/apps/v1/namespaces/shop/deployments",
        deployment,
    )
    .await;
    cluster.settle();
}

async fn set_image(cluster: &Cluster, image: &str) {
    edit(cluster, DEPLOYMENT, |it| {
        it["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image)
    })
    .await;
    cluster.settle();
}

async fn status(cluster: &Cluster) -> Value {
    get(cluster, DEPLOYMENT).await["status"].clone()
}

/// The sizes of the ReplicaSets by revision.
async fn sizes(cluster: &Cluster) -> Vec<(String, i64)> {
    let sets = items(cluster, SETS).await;
    let revision = |set: &Value| {
        set["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
            .as_str()
            .expect("a revision")
            .to_owned()
    };
    let mut sizes: Vec<_> = sets
        .iter()
        .map(|set| (revision(set), set["spec"]["replicas"].as_i64().expect("a number")))
        .collect();
    sizes.sort();
    sizes
}

fn reason(status: &Value, kind: &str) -> String {
    let conditions = status["conditions"].as_array().expect("conditions");
    let condition = conditions.iter().find(|condition| condition["type"] == kind);
    condition
        .map_or(Value::Null, |condition| condition["reason"].clone())
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

fn sized(sizes: &[(&str, i64)]) -> Vec<(String, i64)> {
    sizes
        .iter()
        .map(|(revision, size)| ((*revision).to_owned(), *size))
        .collect()
}

#[tokio::test]
async fn a_new_template_replaces_the_old_one_step_by_step_and_undo_brings_it_back() {
    let cluster = shop().await;
    deploy(&cluster, json!({})).await;
    let first = &items(&cluster, SETS).await[0];
    let name = first["metadata"]["name"].as_str().expect("a name").to_owned();
    let hash = name.strip_prefix("web-").expect("the deployment's name");
    assert!(
        (8..=10).contains(&hash.len()) && hash.chars().all(|letter| "456789bcdf".contains(letter)),
        "{hash}"
    );
    assert_eq!(
        first["spec"]["selector"]["matchLabels"],
        json!({"app": "web", "pod-template-hash": hash})
    );
    assert_eq!(
        first["metadata"]["annotations"],
        json!({
            "deployment.kubernetes.io/desired-replicas": "3",
            "deployment.kubernetes.io/max-replicas": "4",
            "deployment.kubernetes.io/revision": "1",
            "kubernetes.io/change-cause": "first",
        })
    );
    let now = status(&cluster).await;
    assert_eq!(
        (
            &now["replicas"],
            &now["unavailableReplicas"],
            &now["terminatingReplicas"]
        ),
        (&json!(3), &json!(3), &json!(0)),
        "{now}"
    );
    assert_eq!(
        (
            reason(&now, "Progressing").as_str(),
            reason(&now, "Available").as_str()
        ),
        ("ReplicaSetUpdated", "MinimumReplicasUnavailable")
    );
    pods_are(&cluster, "Running", true).await;
    let now = status(&cluster).await;
    assert_eq!(
        (
            reason(&now, "Progressing").as_str(),
            reason(&now, "Available").as_str()
        ),
        ("NewReplicaSetAvailable", "MinimumReplicasAvailable")
    );
    assert_eq!(
        now["conditions"][1]["message"],
        format!("ReplicaSet \"{name}\" has successfully progressed.")
    );

    set_image(&cluster, "web:2").await;
    assert_eq!(
        sizes(&cluster).await,
        sized(&[("1", 3), ("2", 1)]),
        "one more than wanted, none less"
    );
    let mut steps = Vec::new();
    for _ in 0..3 {
        pods_are(&cluster, "Running", true).await;
        steps.push(sizes(&cluster).await);
    }
    assert_eq!(
        steps,
        [
            sized(&[("1", 2), ("2", 2)]),
            sized(&[("1", 1), ("2", 3)]),
            sized(&[("1", 0), ("2", 3)])
        ]
    );
    assert_eq!(
        reason(&status(&cluster).await, "Progressing"),
        "NewReplicaSetAvailable"
    );
    assert_eq!(
        get(&cluster, DEPLOYMENT).await["metadata"]["annotations"]["deployment.kubernetes.io/revision"],
        "2"
    );

    set_image(&cluster, "web:1").await;
    for _ in 0..3 {
        pods_are(&cluster, "Running", true).await;
    }
    assert_eq!(
        sizes(&cluster).await,
        sized(&[("2", 0), ("3", 3)]),
        "the first one is used again"
    );
    let again = get(&cluster, &format!("{SETS}/{name}")).await;
    assert_eq!(
        again["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"],
        "1"
    );
    let told = told(&cluster, "Deployment").await;
    assert_eq!(
        told[0],
        format!("ScalingReplicaSet Scaled up replica set {name} from 0 to 3")
    );
    assert!(
        told.contains(&format!(
            "ScalingReplicaSet Scaled down replica set {name} from 3 to 2"
        )),
        "{told:#?}"
    );
}

#[tokio::test]
async fn a_rollout_that_gets_nowhere_is_given_up_at_its_deadline_and_goes_on_when_it_can() {
    let cluster = shop().await;
    deploy(&cluster, json!({"progressDeadlineSeconds": 60})).await;
    pods_are(&cluster, "Running", true).await;
    set_image(&cluster, "web:broken").await;
    cluster.advance(Duration::from_secs(59));
    assert_eq!(
        reason(&status(&cluster).await, "Progressing"),
        "ReplicaSetUpdated"
    );
    cluster.advance(Duration::from_secs(3));
    let now = status(&cluster).await;
    assert_eq!(reason(&now, "Progressing"), "ProgressDeadlineExceeded", "{now}");
    assert_eq!(reason(&now, "Available"), "MinimumReplicasAvailable", "{now}");
    assert_eq!(sizes(&cluster).await, sized(&[("1", 3), ("2", 1)]));
    assert!(rests(&cluster), "nothing is left to wait for");
    for _ in 0..4 {
        pods_are(&cluster, "Running", true).await;
    }
    assert_eq!(
        reason(&status(&cluster).await, "Progressing"),
        "NewReplicaSetAvailable"
    );
}

#[tokio::test]
async fn a_scale_during_a_rollout_is_spread_over_old_and_new_and_a_pause_holds_it() {
    let cluster = shop().await;
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}});
    deploy(&cluster, json!({"replicas": 10, "strategy": strategy})).await;
    pods_are(&cluster, "Running", true).await;
    set_image(&cluster, "web:2").await;
    assert_eq!(sizes(&cluster).await, sized(&[("1", 8), ("2", 5)]));
    edit(&cluster, DEPLOYMENT, |it| it["spec"]["replicas"] = json!(15)).await;
    cluster.settle();
    assert_eq!(
        sizes(&cluster).await,
        sized(&[("1", 11), ("2", 7)]),
        "13 become 18, in proportion"
    );
    edit(&cluster, DEPLOYMENT, |it| it["spec"]["paused"] = json!(true)).await;
    pods_are(&cluster, "Running", true).await;
    let now = status(&cluster).await;
    assert_eq!(
        (reason(&now, "Progressing").as_str(), &now["updatedReplicas"]),
        ("DeploymentPaused", &json!(7))
    );
    edit(&cluster, DEPLOYMENT, |it| it["spec"]["paused"] = json!(false)).await;
    for _ in 0..6 {
        pods_are(&cluster, "Running", true).await;
    }
    assert_eq!(sizes(&cluster).await, sized(&[("1", 0), ("2", 15)]));
}

#[tokio::test]
async fn recreate_ends_all_old_pods_first_and_old_replica_sets_are_kept_as_long_as_asked() {
    let cluster = shop().await;
    deploy(
        &cluster,
        json!({"strategy": {"type": "Recreate"}, "revisionHistoryLimit": 1}),
    )
    .await;
    pods_are(&cluster, "Running", true).await;
    for image in ["web:2", "web:3"] {
        set_image(&cluster, image).await;
        let pods = items(&cluster, PODS).await;
        assert!(
            pods.iter()
                .all(|pod| pod["spec"]["containers"][0]["image"] == image)
                && pods.len() == 3,
            "{pods:#?}"
        );
        pods_are(&cluster, "Running", true).await;
    }
    assert_eq!(sizes(&cluster).await, sized(&[("2", 0), ("3", 3)]));
}

#[tokio::test]
async fn pods_are_taken_over_let_go_and_replaced_and_the_least_worth_goes_first() {
    let cluster = shop().await;
    let stray = json!({"metadata": {"name": "stray", "labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}});
    must(&cluster, "POST", PODS, stray).await;
    let set = json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "minReadySeconds": 10,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "web", "image": "web:1"}]}},
        },
    });
    must(&cluster, "POST", SETS, set).await;
    cluster.settle();
    let pods = items(&cluster, PODS).await;
    assert_eq!(pods.len(), 2, "one is taken over, one made: {pods:#?}");
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"]["ownerReferences"][0]["name"] == "web"),
        "{pods:#?}"
    );
    pods_are(&cluster, "Running", true).await;
    let path = format!("{SETS}/web");
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (&status["readyReplicas"], &status["availableReplicas"]),
        (&json!(2), &Value::Null)
    );
    cluster.advance(Duration::from_secs(10));
    assert_eq!(get(&cluster, &path).await["status"]["availableReplicas"], 2);

    edit(&cluster, &format!("{PODS}/stray"), |pod| {
        pod["metadata"]["labels"]["app"] = json!("other")
    })
    .await;
    cluster.settle();
    let stray = get(&cluster, &format!("{PODS}/stray")).await;
    assert!(
        stray["metadata"]["ownerReferences"]
            .as_array()
            .is_none_or(Vec::is_empty),
        "{stray}"
    );
    let pods = items(&cluster, PODS).await;
    assert_eq!(pods.len(), 3, "{pods:#?}");
    let idle = pods
        .iter()
        .find(|pod| pod["status"]["phase"] != "Running")
        .expect("a new one");
    edit(&cluster, &path, |set| set["spec"]["replicas"] = json!(1)).await;
    cluster.settle();
    let told = told(&cluster, "ReplicaSet").await;
    let last = format!(
        "SuccessfulDelete Deleted pod: {}",
        idle["metadata"]["name"].as_str().expect("a name")
    );
    assert_eq!(told.last(), Some(&last), "{told:#?}");
}
