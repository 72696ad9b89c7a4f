//! The shop's story: what is wrong in it can be seen, found out about and mended.

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::{Cluster, Story};
use serde_json::{Value, json};
use support::{ask, bearer};

fn shop() -> Cluster {
    Story::Shop
        .tell("2026-01-15T09:30:00Z".parse().expect("a time"))
        .expect("the story")
}

async fn list(cluster: &Cluster, path: &str) -> Vec<Value> {
    let (code, list) = ask(cluster, "GET", path, Value::Null).await;
    assert_eq!(code, 200, "{path}: {list}");
    list["items"].as_array().expect("items").clone()
}

/// Sends a body of any form; gives the status and the answer as it is.
async fn send(cluster: &Cluster, method: &str, path: &str, form: &str, body: String) -> (u16, String) {
    let request = bearer(Request::builder().method(method).uri(path), support::ADMIN);
    let request = request.header("content-type", form).body(Bytes::from(body));
    let response = cluster.respond(request.expect("a request")).await;
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (code, String::from_utf8_lossy(&body).into_owned())
}

/// Whether a pod is ready or done, as it is meant to be.
fn is_well(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let ready = conditions.is_some_and(|all| {
        all.iter()
            .any(|one| one["type"] == "Ready" && one["status"] == "True")
    });
    ready || pod["status"]["phase"] == "Succeeded"
}

fn app(object: &Value) -> &str {
    object["metadata"]["labels"]["app"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn eight_things_are_wrong_and_nothing_else() {
    let cluster = shop();
    let pods = list(&cluster, "/api/v1/pods").await;
    assert!((28..=40).contains(&pods.len()), "{} pods", pods.len());
    let state = |name: &str| {
        let of = pods.iter().filter(|pod| app(pod) == name);
        of.map(|pod| pod["status"].to_string()).collect::<String>()
    };
    for (name, told) in [
        ("catalog", "OOMKilled"),
        ("log-archive", "pod has unbound immediate PersistentVolumeClaims"),
        ("checkout", "CrashLoopBackOff"),
        ("payments-api", "containers with unready status: [api]"),
        ("recommendations", "recommendations:1.9.1: not found"),
        ("fraud-scoring", "Insufficient cpu"),
        ("price-import", "The node was low on resource: memory"),
    ] {
        assert!(state(name).contains(told), "{name}: {}", state(name));
    }
    let slices = list(
        &cluster,
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
    )
    .await;
    let ready = |slice: &Value| slice["endpoints"].as_array().map_or(0, Vec::len);
    let cart = slices.iter().filter(|slice| app(slice) == "cart").map(ready);
    assert_eq!(cart.sum::<usize>(), 0, "{slices:?}");
    let ill: Vec<&str> = pods.iter().filter(|pod| !is_well(pod)).map(app).collect();
    let known = [
        "catalog",
        "log-archive",
        "checkout",
        "payments-api",
        "recommendations",
        "fraud-scoring",
        "price-import",
    ];
    assert!(ill.iter().all(|app| known.contains(app)), "{ill:?}");
}

#[tokio::test]
async fn every_one_of_them_tells_why_in_the_last_hour() {
    let cluster = shop();
    let events = list(&cluster, "/api/v1/events").await;
    let told: Vec<String> = events
        .iter()
        .map(|event| format!("{} {}", event["reason"], event["message"]))
        .collect();
    for why in [
        "Back-off restarting failed container checkout",
        "Back-off restarting failed container catalog",
        "recommendations:1.9.1",
        "Insufficient cpu",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        "storageclass.storage.k8s.io \\\"fast-ssd\\\" not found",
        "NodeHasInsufficientMemory",
        "Evicted",
    ] {
        assert!(
            told.iter().any(|event| event.contains(why)),
            "{why} is not among {told:#?}"
        );
    }
    let pods = list(&cluster, "/api/v1/namespaces/shop/pods").await;
    let crashed = pods
        .iter()
        .find(|pod| app(pod) == "checkout" && !is_well(pod))
        .expect("a pod that crashes");
    let path = format!(
        "/api/v1/namespaces/shop/pods/{}/log",
        crashed["metadata"]["name"].as_str().unwrap_or_default()
    );
    let (code, log) = send(&cluster, "GET", &path, "application/json", String::new()).await;
    assert!(
        code == 200 && log.contains("PAYMENT_URL is not set"),
        "{code}: {log}"
    );
}

/// `kubectl rollout undo`.
async fn undo(cluster: &Cluster, namespace: &str, name: &str) {
    let path = format!("/apis/apps/v1/namespaces/{namespace}");
    let sets = list(cluster, &format!("{path}/replicasets")).await;
    let revision = |set: &Value| -> u64 {
        let text = &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
        text.as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    let mut sets: Vec<&Value> = sets.iter().filter(|set| app(set) == name).collect();
    sets.sort_by_key(|set| revision(set));
    let [.., before, _] = sets.as_slice() else {
        unreachable!("{name} has one revision");
    };
    let mut template = before["spec"]["template"].clone();
    let labels = template["metadata"]["labels"].as_object_mut().expect("labels");
    labels.remove("pod-template-hash");
    let patch = json!([{"op": "replace", "path": "/spec/template", "value": template}]);
    let (form, path) = (
        "application/json-patch+json",
        format!("{path}/deployments/{name}"),
    );
    let (code, answer) = send(cluster, "PATCH", &path, form, patch.to_string()).await;
    assert_eq!(code, 200, "{answer}");
}

#[tokio::test]
async fn what_is_undone_heals() {
    let cluster = shop();
    for name in ["catalog", "cart", "checkout", "recommendations", "price-import"] {
        undo(&cluster, "shop", name).await;
    }
    undo(&cluster, "payments", "payments-api").await;
    undo(&cluster, "payments", "fraud-scoring").await;
    undo(&cluster, "platform", "log-archive").await;
    cluster.advance(Duration::from_mins(15));
    let pods = list(&cluster, "/api/v1/pods").await;
    let evicted = |pod: &Value| pod["status"]["reason"] == "Evicted";
    let ill: Vec<&Value> = pods.iter().filter(|pod| !is_well(pod) && !evicted(pod)).collect();
    assert!(ill.is_empty(), "{ill:#?}");
    let slices = list(
        &cluster,
        "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
    )
    .await;
    let cart = slices
        .iter()
        .find(|slice| app(slice) == "cart")
        .expect("the slice of cart");
    assert_eq!(cart["endpoints"].as_array().map(Vec::len), Some(2), "{cart}");
    for node in list(&cluster, "/api/v1/nodes").await {
        assert!(node["spec"]["taints"].is_null(), "{node}");
    }
}

/// The story is told at each start: it has to stay short.
#[tokio::test]
async fn it_takes_few_writes() {
    let (_, list) = ask(&shop(), "GET", "/api/v1/namespaces?limit=1", Value::Null).await;
    let writes: u64 = list["metadata"]["resourceVersion"]
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("a number");
    assert!(writes < 3_000, "{writes} writes");
}
