//! The forms in which objects are answered. What the cells say was compared with a real API server's.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ADMIN, ask, ask_with, bearer, cluster, make};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

async fn get(cluster: &Cluster, path: &str, accept: &str) -> (u16, Value) {
    let with = |request| bearer(request, ADMIN).header("accept", accept);
    ask_with(cluster, "GET", path, Value::Null, with).await
}

/// The cells of the row of this object.
async fn cells(cluster: &Cluster, path: &str) -> Value {
    let (code, mut table) = get(cluster, path, TABLE).await;
    assert_eq!(code, 200, "{table}");
    let columns = table["columnDefinitions"].as_array().map(Vec::len);
    let cells = table["rows"][0]["cells"].take();
    assert_eq!(cells.as_array().map(Vec::len), columns, "a cell for each column");
    cells
}

/// Sets the status of a pod, and gives its row.
async fn pod(cluster: &Cluster, status: Value) -> Value {
    let path = "/api/v1/namespaces/default/pods/web";
    let (_, mut pod) = ask(cluster, "GET", path, Value::Null).await;
    pod["status"] = status;
    let (code, put) = ask(cluster, "PUT", &format!("{path}/status"), pod).await;
    assert_eq!(code, 200, "{put}");
    cells(cluster, path).await
}

#[tokio::test]
async fn a_pods_status_is_what_its_containers_make_of_it() {
    let cluster = cluster();
    let container = |name| json!({"name": name, "image": "busybox"});
    make(
        &cluster,
        "/api/v1/namespaces/default/pods",
        json!({
            "metadata": {"name": "web"},
            "spec": {"initContainers": [container("init")], "containers": [container("a"), container("b")]},
        }),
    )
    .await;
    cluster.advance(Duration::from_secs(125));
    let ended = |code, reason| json!({"terminated": {"exitCode": code, "reason": reason}});
    let init = |state: Value| json!({"name": "init", "restartCount": 0, "state": state});
    let started = init(ended(0, "Completed"));
    let waiting = |reason| json!({"waiting": {"reason": reason}});
    let running = json!({"name": "b", "ready": true, "restartCount": 0, "state": {"running": {}}});
    let of = |state: Value, count| {
        let last = json!({"terminated": {"finishedAt": "2026-01-01T00:00:05Z"}});
        json!({"name": "a", "ready": false, "restartCount": count, "state": state, "lastState": last})
    };
    let table = [
        (json!({"phase": "Pending"}), "0/2", "Pending", "0"),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(waiting("PodInitializing"))]}),
            "0/2",
            "Init:0/1",
            "0",
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(waiting("ErrImagePull"))]}),
            "0/2",
            "Init:ErrImagePull",
            "0",
        ),
        (
            json!({"phase": "Pending", "initContainerStatuses": [init(ended(2, ""))]}),
            "0/2",
            "Init:ExitCode:2",
            "0",
        ),
        (
            json!({"phase": "Running", "initContainerStatuses": [started.clone()],
                   "containerStatuses": [of(waiting("CrashLoopBackOff"), 3), running.clone()]}),
            "1/2",
            "CrashLoopBackOff",
            "3 (2m ago)",
        ),
        (
            json!({"phase": "Running", "containerStatuses": [of(ended(0, "Completed"), 0), running.clone()]}),
            "1/2",
            "NotReady",
            "0",
        ),
        (
            json!({"phase": "Failed", "reason": "Evicted"}),
            "0/2",
            "Evicted",
            "0",
        ),
    ];
    for (status, ready, word, restarts) in table {
        let row = pod(&cluster, status).await;
        assert_eq!(
            (&row[1], &row[2], &row[3]),
            (&json!(ready), &json!(word), &json!(restarts)),
            "{row}"
        );
    }
    assert_eq!(
        cells(&cluster, "/api/v1/namespaces/default/pods/web").await[4],
        "2m5s"
    );
}

#[tokio::test]
async fn each_kind_has_its_cells() {
    let cluster = cluster();
    let service = json!({
        "metadata": {"name": "web"},
        "spec": {"type": "ExternalName", "externalName": "example.com", "selector": {"b": "c", "a": "b"},
                 "ports": [{"port": 80, "protocol": "TCP"}]},
    });
    make(&cluster, "/api/v1/namespaces/default/services", service).await;
    assert_eq!(
        cells(&cluster, "/api/v1/namespaces/default/services/web").await,
        json!([
            "web",
            "ExternalName",
            "<none>",
            "example.com",
            "80/TCP",
            "0s",
            "a=b,b=c"
        ])
    );
    let policy = json!({
        "metadata": {"name": "web"},
        "spec": {"podSelector": {"matchLabels": {"b": "c"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "z", "operator": "DoesNotExist"}]}},
    });
    make(
        &cluster,
        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
        policy,
    )
    .await;
    assert_eq!(
        cells(&cluster, "/apis/networking.k8s.io/v1/networkpolicies").await,
        json!(["web", "a in (x,y),b=c,!z", "0s"])
    );
    let role = json!({"metadata": {"name": "web"}, "rules": []});
    make(
        &cluster,
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
        role,
    )
    .await;
    assert_eq!(
        cells(
            &cluster,
            "/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles"
        )
        .await,
        json!(["web", "2026-01-01T00:00:00Z"])
    );
}

#[tokio::test]
async fn a_client_gets_the_first_form_that_there_is() {
    let cluster = cluster();
    let path = "/api/v1/namespaces/default";
    let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
    for (accept, kind) in [
        (kubectl, "Table"),
        (
            "application/vnd.kubernetes.protobuf,application/json",
            "Namespace",
        ),
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5,application/json",
            "Namespace",
        ),
        (
            "application/json;as=Table;v=v7;g=meta.k8s.io,*/*;q=0.1",
            "Namespace",
        ),
        (
            "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
            "PartialObjectMetadata",
        ),
    ] {
        let (code, object) = get(&cluster, path, accept).await;
        assert_eq!((code, &object["kind"]), (200, &json!(kind)), "{accept}");
    }
    for accept in [
        "application/vnd.kubernetes.protobuf",
        "application/cbor",
        "application/json;as=Sofa;v=v1;g=meta.k8s.io",
    ] {
        assert_eq!(get(&cluster, path, accept).await.0, 406, "{accept}");
    }
    for (what, carried) in [
        ("None", Value::Null),
        ("Metadata", json!("PartialObjectMetadata")),
        ("Object", json!("Namespace")),
    ] {
        let (_, table) = get(&cluster, &format!("{path}?includeObject={what}"), TABLE).await;
        assert_eq!(table["rows"][0]["object"]["kind"], carried, "{table}");
    }
    let (_, list) = get(&cluster, "/api/v1/namespaces", "application/json").await;
    assert_eq!(
        (&list["kind"], &list["items"][0]["kind"]),
        (&json!("NamespaceList"), &Value::Null)
    );
}

#[tokio::test]
async fn the_two_kinds_of_event_are_the_same_objects() {
    let cluster = cluster();
    let event = json!({
        "metadata": {"name": "one"},
        "regarding": {"kind": "Pod", "name": "web", "namespace": "default"},
        "note": "Pulled", "reason": "Pulled", "type": "Normal", "action": "Pulling",
        "reportingController": "kubelet", "reportingInstance": "node-1", "eventTime": "2026-01-01T00:00:00.000000Z",
    });
    let newer = "/apis/events.k8s.io/v1/namespaces/default/events";
    let made = make(&cluster, newer, event).await;
    assert_eq!(
        (&made["apiVersion"], &made["note"]),
        (&json!("events.k8s.io/v1"), &json!("Pulled"))
    );
    let (_, older) = ask(
        &cluster,
        "GET",
        "/api/v1/namespaces/default/events/one",
        Value::Null,
    )
    .await;
    assert_eq!(
        (&older["apiVersion"], &older["message"]),
        (&json!("v1"), &json!("Pulled"))
    );
    assert_eq!(older["involvedObject"]["name"], "web");
    assert_eq!(
        (&older["regarding"], &older["note"]),
        (&Value::Null, &Value::Null)
    );
    let (_, found) = ask(
        &cluster,
        "GET",
        &format!("{newer}?fieldSelector=regarding.name%3Dweb"),
        Value::Null,
    )
    .await;
    assert_eq!(found["items"][0]["regarding"]["name"], "web", "{found}");
    assert_eq!(
        cells(&cluster, &format!("{newer}/one")).await,
        json!([
            "0s",
            "Normal",
            "Pulled",
            "pod/web",
            "",
            "kubelet, node-1",
            "Pulled",
            "0s",
            1,
            "one"
        ])
    );
}
