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
        "f:data": {"f:a": {}, "f:b": {}},
        "f:metadata": {"f:labels": {"f:l": {}}},
    }]);
    assert_eq!(owners(&made), [first]);
    cluster.advance(Duration::from_secs(60));
    let mut map = made.clone();
    map["data"] = json!({"a": "2"});
    let path = format!("{MAPS}/m");
    let (_, changed) = ask(&cluster, "PUT", &format!("{path}?fieldManager=me"), map.clone()).await;
    let theirs = json!({"f:metadata": {"f:labels": {"f:l": {}}}});
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
async fn the_items_of_lists_are_owned_by_their_keys() {
    let cluster = cluster();
    let pod = json!({
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "a", "image": "busybox", "ports": [{"containerPort": 80}]}]},
    });
    let pods = "/api/v1/namespaces/default/pods";
    ask(&cluster, "POST", &format!("{pods}?fieldManager=me"), pod).await;
    let (_, pod) = ask(&cluster, "GET", &format!("{pods}/p"), Value::Null).await;
    let port = json!({".": {}, "f:containerPort": {}, "f:protocol": {}});
    let mine = owners(&pod)[0].clone();
    let container = &mine[4]["f:spec"]["f:containers"]["k:{\"name\":\"a\"}"];
    assert_eq!(
        (&mine[0], &container["f:image"]),
        (&json!("me"), &json!({})),
        "{mine}"
    );
    assert_eq!(
        container["f:ports"]["k:{\"containerPort\":80,\"protocol\":\"TCP\"}"],
        port
    );
}
