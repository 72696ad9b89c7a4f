//! How things end.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ask, cluster, make};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const PODS: &str = "/api/v1/namespaces/default/pods";

async fn delete(cluster: &Cluster, path: &str, options: Value) -> (u16, Value) {
    let answer = ask(cluster, "DELETE", path, options).await;
    cluster.settle();
    answer
}

async fn get(cluster: &Cluster, path: &str) -> (u16, Value) {
    ask(cluster, "GET", path, Value::Null).await
}

/// Makes a config map owned by others: name, uid of each, and whether it blocks their end.
async fn owned(cluster: &Cluster, name: &str, owners: &[(&str, &Value, bool)]) {
    let reference = |(name, owner, blocks): &(&str, &Value, bool)| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner["metadata"]["uid"],
               "blockOwnerDeletion": blocks})
    };
    let owners: Vec<_> = owners.iter().map(reference).collect();
    make(
        cluster,
        MAPS,
        json!({"metadata": {"name": name, "ownerReferences": owners}}),
    )
    .await;
}

async fn names(cluster: &Cluster) -> Vec<String> {
    let (_, list) = get(cluster, MAPS).await;
    let items = list["items"].as_array().expect("items").iter();
    let names = items.map(|item| item["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    names.filter(|name| name != "kube-root-ca.crt").collect()
}

#[tokio::test]
async fn what_is_gone_at_once_is_told_by_a_status_and_what_stays_by_itself() {
    let cluster = cluster();
    let made = make(&cluster, MAPS, json!({"metadata": {"name": "a"}})).await;
    let path = format!("{MAPS}/a");
    let gone = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]},
    });
    assert_eq!(
        delete(&cluster, &format!("{path}?dryRun=All"), Value::Null).await,
        (200, gone.clone())
    );
    let (code, status) = delete(&cluster, &path, json!({"preconditions": {"uid": "other"}})).await;
    let uid = made["metadata"]["uid"].as_str().unwrap_or_default();
    let message = format!(
        "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (other) does not match the \
         UID in record ({uid})"
    );
    assert_eq!((code, &status["message"]), (409, &json!(message)), "{status}");
    assert_eq!(delete(&cluster, &path, Value::Null).await, (200, gone));

    let kept = json!({"metadata": {"name": "a", "finalizers": ["example.com/x"]}});
    make(&cluster, MAPS, kept).await;
    let (code, marked) = delete(&cluster, &path, Value::Null).await;
    assert_eq!(
        (code, &marked["metadata"]["deletionTimestamp"]),
        (200, &json!("2026-01-01T00:00:00Z")),
        "{marked}"
    );
    let mut free = marked.clone();
    free["metadata"]["finalizers"] = json!([]);
    assert_eq!(ask(&cluster, "PUT", &path, free).await.0, 200);
    assert_eq!(get(&cluster, &path).await.0, 404);
}

#[tokio::test]
async fn a_pod_has_time_to_stop_and_can_be_given_less() {
    let cluster = cluster();
    let pod = json!({
        "metadata": {"name": "web"},
        "spec": {"nodeName": "elsewhere", "containers": [{"name": "web", "image": "web"}]},
    });
    make(&cluster, PODS, pod).await;
    let path = format!("{PODS}/web");
    for (asked, then) in [
        (json!({}), (30, "00:00:30")),
        (json!(60), (30, "00:00:30")),
        (json!(5), (5, "00:00:05")),
    ] {
        let options = match asked {
            Value::Object(_) => json!({}),
            seconds => json!({"gracePeriodSeconds": seconds}),
        };
        let (_, pod) = delete(&cluster, &path, options).await;
        let meta = &pod["metadata"];
        assert_eq!(meta["deletionGracePeriodSeconds"], then.0, "{pod}");
        assert_eq!(
            meta["deletionTimestamp"],
            format!("2026-01-01T{}Z", then.1),
            "{pod}"
        );
    }
    let (_, pod) = delete(&cluster, &format!("{path}?gracePeriodSeconds=1"), Value::Null).await;
    assert_eq!(
        pod["metadata"]["deletionTimestamp"], "2026-01-01T00:00:01Z",
        "{pod}"
    );
    let (_, pod) = delete(&cluster, &path, json!({"gracePeriodSeconds": 0})).await;
    assert_eq!(pod["details"]["kind"], "pods", "{pod}");
    assert_eq!(get(&cluster, &path).await.0, 404);
}

#[tokio::test]
async fn dependents_follow_their_owners() {
    let cluster = cluster();
    let (a, b) = (
        make(&cluster, MAPS, json!({"metadata": {"name": "a"}})).await,
        make(&cluster, MAPS, json!({"metadata": {"name": "b"}})).await,
    );
    owned(&cluster, "of-a", &[("a", &a, true)]).await;
    owned(&cluster, "of-both", &[("a", &a, true), ("b", &b, true)]).await;
    owned(
        &cluster,
        "of-nobody",
        &[("never", &json!({"metadata": {"uid": "none"}}), false)],
    )
    .await;
    assert_eq!(names(&cluster).await, ["a", "b", "of-a", "of-both"]);

    delete(&cluster, &format!("{MAPS}/a"), Value::Null).await;
    assert_eq!(names(&cluster).await, ["b", "of-both"]);
    let (_, left) = get(&cluster, &format!("{MAPS}/of-both")).await;
    assert_eq!(left["metadata"]["ownerReferences"][0]["name"], "b", "{left}");
    assert_eq!(
        left["metadata"]["ownerReferences"].as_array().map(Vec::len),
        Some(1),
        "{left}"
    );

    let (_, marked) = delete(
        &cluster,
        &format!("{MAPS}/b"),
        json!({"propagationPolicy": "Orphan"}),
    )
    .await;
    assert_eq!(marked["metadata"]["finalizers"], json!(["orphan"]), "{marked}");
    assert_eq!(names(&cluster).await, ["of-both"]);
    let (_, left) = get(&cluster, &format!("{MAPS}/of-both")).await;
    assert_eq!(left["metadata"]["ownerReferences"], Value::Null, "{left}");
}

#[tokio::test]
async fn an_owner_waits_in_the_foreground_for_those_that_block_it() {
    let cluster = cluster();
    let a = make(&cluster, MAPS, json!({"metadata": {"name": "a"}})).await;
    let reference = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": a["metadata"]["uid"],
                           "blockOwnerDeletion": true});
    let meta = json!({"name": "slow", "finalizers": ["example.com/x"], "ownerReferences": [reference]});
    make(&cluster, MAPS, json!({"metadata": meta})).await;
    let (_, marked) = delete(
        &cluster,
        &format!("{MAPS}/a"),
        json!({"propagationPolicy": "Foreground"}),
    )
    .await;
    assert_eq!(
        marked["metadata"]["finalizers"],
        json!(["foregroundDeletion"]),
        "{marked}"
    );
    let (_, mut slow) = get(&cluster, &format!("{MAPS}/slow")).await;
    assert!(slow["metadata"]["deletionTimestamp"].is_string(), "{slow}");
    assert_eq!(names(&cluster).await, ["a", "slow"]);
    slow["metadata"]["finalizers"] = json!([]);
    ask(&cluster, "PUT", &format!("{MAPS}/slow"), slow).await;
    cluster.settle();
    assert!(names(&cluster).await.is_empty());
}

#[tokio::test]
async fn a_collection_is_deleted_and_told() {
    let cluster = cluster();
    make(
        &cluster,
        MAPS,
        json!({"metadata": {"name": "a", "labels": {"app": "web"}}}),
    )
    .await;
    make(&cluster, MAPS, json!({"metadata": {"name": "b"}})).await;
    let (code, list) = delete(&cluster, &format!("{MAPS}?labelSelector=app%3Dweb"), Value::Null).await;
    assert_eq!((code, &list["kind"]), (200, &json!("ConfigMapList")), "{list}");
    assert_eq!(list["items"][0]["metadata"]["name"], "a", "{list}");
    assert_eq!(names(&cluster).await, ["b"]);
}

#[tokio::test]
async fn a_namespace_goes_when_all_in_it_is_gone() {
    let cluster = cluster();
    let (code, status) = delete(&cluster, "/api/v1/namespaces/kube-system", Value::Null).await;
    let message = r#"namespaces "kube-system" is forbidden: this namespace may not be deleted"#;
    assert_eq!((code, &status["message"]), (403, &json!(message)), "{status}");

    make(
        &cluster,
        "/api/v1/namespaces",
        json!({"metadata": {"name": "shop"}}),
    )
    .await;
    let maps = "/api/v1/namespaces/shop/configmaps";
    let kept = json!({"metadata": {"name": "kept", "finalizers": ["example.com/x"]}});
    make(&cluster, maps, kept).await;
    let (_, going) = delete(&cluster, "/api/v1/namespaces/shop", Value::Null).await;
    assert_eq!(going["status"]["phase"], "Terminating", "{going}");
    let (_, going) = get(&cluster, "/api/v1/namespaces/shop").await;
    let conditions = going["status"]["conditions"].as_array().expect("conditions");
    let messages: Vec<_> = conditions
        .iter()
        .filter_map(|condition| condition["message"].as_str())
        .collect();
    assert!(
        messages.contains(&"Some resources are remaining: configmaps. has 1 resource instances"),
        "{messages:?}"
    );
    let (code, status) = ask(&cluster, "POST", maps, json!({"metadata": {"name": "new"}})).await;
    assert_eq!(
        (code, &status["details"]["causes"][0]["reason"]),
        (403, &json!("NamespaceTerminating")),
        "{status}"
    );

    let (_, mut map) = get(&cluster, &format!("{maps}/kept")).await;
    map["metadata"]["finalizers"] = json!([]);
    ask(&cluster, "PUT", &format!("{maps}/kept"), map).await;
    cluster.advance(Duration::ZERO);
    assert_eq!(get(&cluster, "/api/v1/namespaces/shop").await.0, 404);
}
