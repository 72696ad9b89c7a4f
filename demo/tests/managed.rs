//! Who wrote which field, as `metadata.managedFields` tells it.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{ADMIN, ask, ask_with, bearer, cluster};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Manager, operation, subresource, time and fields of each entry.
fn owners(object: &Value) -> Vec<Value> {
    let entries = object["metadata"]["managedFields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let keys = ["manager", "operation", "subresource", "time", "fieldsV1"];
    entries
        .iter()
        .map(|entry| keys.iter().map(|key| entry[*key].clone()).collect())
        .collect()
}

#[tokio::test]
async fn each_writer_owns_what_it_wrote_last() {
    let cluster = cluster();
    let map = json!({"metadata": {"name": "m", "labels": {"l": "1"}}, "data": {"a": "1", "b": "1"}});
    let (_, made) = ask_with(&cluster, "POST", MAPS, map, |request| {
        bearer(request.header("user-agent", "kubectl/v1.36 (linux)"), ADMIN)
    })
    .await;
    let first = json!(["kubectl", "Update", null, "2026-01-01T00:00:00Z", {
        "f:data": {".": {}, "f:a": {}, "f:b": {}},
        "f:metadata": {"f:labels": {".": {}, "f:l": {}}},
    }]);
    assert_eq!(owners(&made), [first]);
    cluster.advance(Duration::from_secs(60));
    let mut map = made.clone();
    map["data"] = json!({"a": "2"});
    let path = format!("{MAPS}/m");
    let (_, changed) = ask(&cluster, "PUT", &format!("{path}?fieldManager=me"), map.clone()).await;
    let theirs = json!({"f:data": {}, "f:metadata": {"f:labels": {".": {}, "f:l": {}}}});
    let expected = [
        json!(["kubectl", "Update", null, "2026-01-01T00:00:00Z", theirs]),
        json!(["me", "Update", null, "2026-01-01T00:01:00Z", {"f:data": {"f:a": {}}}]),
    ];
    assert_eq!(owners(&changed), expected);
    cluster.advance(Duration::from_secs(60));
    let (_, mut map) = ask(&cluster, "GET", &path, Value::Null).await;
    map["metadata"]
        .as_object_mut()
        .expect("a map")
        .remove("managedFields");
    let (_, same) = ask(&cluster, "PUT", &format!("{path}?fieldManager=you"), map).await;
    assert_eq!(same, changed, "who changes nothing owns nothing");
}

#[tokio::test]
async fn items_structs_and_what_the_server_adds_are_owned_as_on_a_real_cluster() {
    let cluster = cluster();
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "busybox", "ports": [{"containerPort": 80}]}]},
    });
    let pods = "/api/v1/namespaces/default/pods";
    ask(&cluster, "POST", &format!("{pods}?fieldManager=me"), pod).await;
    let (_, pod) = ask(&cluster, "GET", &format!("{pods}/p"), Value::Null).await;
    let fields = json!({"f:spec": {
        "f:containers": {"k:{\"name\":\"a\"}": {
            ".": {},
            "f:image": {},
            "f:imagePullPolicy": {},
            "f:name": {},
            "f:ports": {
                ".": {},
                "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}},
            },
            "f:resources": {},
            "f:terminationMessagePath": {},
            "f:terminationMessagePolicy": {},
        }},
        "f:dnsPolicy": {},
        "f:enableServiceLinks": {},
        "f:restartPolicy": {},
        "f:schedulerName": {},
        "f:securityContext": {},
        "f:terminationGracePeriodSeconds": {},
    }});
    assert_eq!(
        owners(&pod)[0],
        json!(["me", "Update", null, "2026-01-01T00:00:00Z", fields])
    );
}

#[tokio::test]
async fn the_owners_can_be_taken_out() {
    let cluster = cluster();
    let map = json!({"metadata": {"name": "m"}, "data": {"a": "1"}});
    ask(&cluster, "POST", MAPS, map).await;
    let path = format!("{MAPS}/m");
    let none = json!({"metadata": {"name": "m", "managedFields": [{}]}, "data": {"a": "1"}});
    let (_, freed) = ask(&cluster, "PUT", &path, none).await;
    assert_eq!(owners(&freed), [] as [Value; 0]);
    let (_, changed) = ask(
        &cluster,
        "PUT",
        &path,
        json!({"metadata": {"name": "m"}, "data": {"a": "2"}}),
    )
    .await;
    assert_eq!(
        owners(&changed),
        [] as [Value; 0],
        "nor is anybody noted from then on"
    );
}
