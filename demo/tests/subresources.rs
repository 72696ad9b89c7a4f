//! What is asked of an object beneath its path, and questions about rights.

mod support;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ADMIN, ask, ask_with, bearer, cluster, make};

const PODS: &str = "/api/v1/namespaces/default/pods";
const BUDGETS: &str = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

/// Makes a pod that runs on a node nobody runs, and serves.
async fn serving(cluster: &Cluster, name: &str) {
    let pod = json!({
        "metadata": {"name": name, "labels": {"app": "web"}},
        "spec": {"nodeName": "elsewhere", "containers": [{"name": "web", "image": "web"}]},
    });
    let mut pod = make(cluster, PODS, pod).await;
    pod["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let (code, pod) = ask(cluster, "PUT", &format!("{PODS}/{name}/status"), pod).await;
    assert_eq!(code, 200, "{pod}");
    cluster.settle();
}

async fn evict(cluster: &Cluster, name: &str) -> (u16, Value) {
    let eviction = json!({"metadata": {"name": name}});
    let answer = ask(cluster, "POST", &format!("{PODS}/{name}/eviction"), eviction).await;
    cluster.settle();
    answer
}

#[tokio::test]
async fn a_budget_says_how_many_pods_may_be_evicted() {
    let cluster = cluster();
    serving(&cluster, "one").await;
    serving(&cluster, "two").await;
    let budget = json!({
        "metadata": {"name": "web"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    });
    make(&cluster, BUDGETS, budget).await;
    let (_, budget) = ask(&cluster, "GET", &format!("{BUDGETS}/web"), Value::Null).await;
    let status = &budget["status"];
    for (field, count) in [
        ("currentHealthy", 2),
        ("desiredHealthy", 1),
        ("disruptionsAllowed", 1),
        ("expectedPods", 2),
    ] {
        assert_eq!(status[field], count, "{field} of {status}");
    }
    let done =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    assert_eq!(evict(&cluster, "one").await, (201, done));
    let (_, going) = ask(&cluster, "GET", &format!("{PODS}/one"), Value::Null).await;
    assert_eq!(
        going["status"]["conditions"][0]["reason"], "EvictionByEvictionAPI",
        "{going}"
    );
    assert!(going["metadata"]["deletionTimestamp"].is_string(), "{going}");

    let (code, status) = evict(&cluster, "two").await;
    let expected = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 429,
        "message": "Cannot evict pod as it would violate the pod's disruption budget.",
        "reason": "TooManyRequests",
        "details": {"causes": [{
            "reason": "DisruptionBudget",
            "message": "The disruption budget web needs 1 healthy pods and has 1 currently",
        }]},
    });
    assert_eq!((code, status), (429, expected));
}

#[tokio::test]
async fn a_scale_is_a_view_of_its_object() {
    let cluster = cluster();
    let deployment = json!({
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web"}]},
            },
        },
    });
    let path = "/apis/apps/v1/namespaces/default/deployments";
    make(&cluster, path, deployment).await;
    let path = format!("{path}/web");
    let (_, mut scale) = ask(&cluster, "GET", &format!("{path}/scale"), Value::Null).await;
    assert_eq!(
        (&scale["kind"], &scale["apiVersion"]),
        (&json!("Scale"), &json!("autoscaling/v1")),
        "{scale}"
    );
    assert_eq!(
        (&scale["spec"]["replicas"], &scale["status"]["selector"]),
        (&json!(2), &json!("app=web")),
        "{scale}"
    );
    scale["spec"]["replicas"] = json!(5);
    let (code, scale) = ask(&cluster, "PUT", &format!("{path}/scale"), scale).await;
    assert_eq!((code, &scale["spec"]["replicas"]), (200, &json!(5)), "{scale}");
    let (_, deployment) = ask(&cluster, "GET", &path, Value::Null).await;
    assert_eq!(deployment["spec"]["replicas"], 5, "{deployment}");
    let (code, status) = ask(
        &cluster,
        "PUT",
        &format!("{path}/scale"),
        json!({"metadata": {"name": "web", "resourceVersion": "1"}}),
    )
    .await;
    assert_eq!((code, &status["reason"]), (409, &json!("Conflict")), "{status}");
    let below = json!({"metadata": {"name": "web"}, "spec": {"replicas": -1}});
    let (code, status) = ask(&cluster, "PUT", &format!("{path}/scale"), below).await;
    let message = r#"Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#;
    assert_eq!((code, &status["message"]), (422, &json!(message)), "{status}");
}

#[tokio::test]
async fn reviews_say_who_may_what_and_why() {
    let cluster = cluster();
    let binding = json!({
        "metadata": {"name": "viewers"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "default"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
    });
    make(
        &cluster,
        "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
        binding,
    )
    .await;
    let account = "system:serviceaccount:default:default";
    let reviews = "/apis/authorization.k8s.io/v1";
    let about = |verb: &str| json!({"resource": "pods", "namespace": "default", "verb": verb});
    let as_account = |request| bearer(request, ADMIN).header("impersonate-user", account);
    let path = format!("{reviews}/selfsubjectaccessreviews");
    let review = json!({"spec": {"resourceAttributes": about("list")}});
    let (code, review) = ask_with(&cluster, "POST", &path, review, as_account).await;
    let reason = r#"RBAC: allowed by ClusterRoleBinding "viewers" of ClusterRole "view" to ServiceAccount "default/default""#;
    assert_eq!(
        (code, &review["status"]),
        (201, &json!({"allowed": true, "reason": reason})),
        "{review}"
    );

    let review = json!({"spec": {"resourceAttributes": about("delete")}});
    let (_, review) = ask_with(&cluster, "POST", &path, review, as_account).await;
    assert_eq!(review["status"], json!({"allowed": false}), "{review}");
    let path = format!("{reviews}/selfsubjectrulesreviews");
    let (_, review) = ask_with(
        &cluster,
        "POST",
        &path,
        json!({"spec": {"namespace": "default"}}),
        as_account,
    )
    .await;
    let rules = review["status"]["resourceRules"].as_array().expect("rules");
    let view = json!({"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]});
    assert!(rules.contains(&view), "{review}");

    let authentication = "/apis/authentication.k8s.io/v1";
    let (_, review) = ask(
        &cluster,
        "POST",
        &format!("{authentication}/selfsubjectreviews"),
        json!({}),
    )
    .await;
    assert_eq!(
        review["status"]["userInfo"]["groups"],
        json!(["system:masters", "system:authenticated"]),
        "{review}"
    );
}
