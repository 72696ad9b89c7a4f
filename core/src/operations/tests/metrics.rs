use serde_json::{Value, json};

use super::{error, list_of, next};
use crate::{
    ErrorKind,
    call::Access,
    cluster::testing::Script,
    monitoring::metrics::Measure,
    operations::metrics::{Consumer, top},
    output::Table,
};

const METRICS: &str = "/apis/metrics.k8s.io/v1beta1";

fn pod(name: &str, resources: Value, status: Value) -> Value {
    json!({
        "metadata": {"name": name, "namespace": "search", "labels": {"pod-template-hash": "6d9f"},
                     "ownerReferences": [{"kind": "ReplicaSet", "name": "query-6d9f", "controller": true}]},
        "spec": {"containers": [{"name": "main", "resources": resources}]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    })
}

fn sample(name: &str, cpu: &str, memory: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "search"}, "timestamp": "2026-11-20T10:00:00Z", "window": "15s",
           "containers": [{"name": "main", "usage": {"cpu": cpu, "memory": memory}}]})
}

fn server() -> Script {
    let limited = json!({"requests": {"cpu": "200m", "memory": "512Mi"}, "limits": {"memory": "512Mi"}});
    let wide = json!({"requests": {"cpu": "1500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}});
    let running = json!({"name": "main", "state": {"running": {}}});
    let killed = json!({"name": "main", "restartCount": 23, "state": {"running": {}},
                        "lastState": {"terminated": {"reason": "OOMKilled"}}});
    let over = json!({"metadata": {"name": "over", "namespace": "search"}, "status": {"phase": "Succeeded"}});
    Script::new()
        .on(
            "GET",
            "/api/v1/namespaces/search/pods",
            list_of(&[
                pod("query-1", wide.clone(), running.clone()),
                pod("indexer-0", limited, killed),
                pod("query-new", wide, running),
                over,
            ]),
        )
        .on(
            "GET",
            &format!("{METRICS}/namespaces/search/pods"),
            list_of(&[
                sample("query-1", "2100000001n", "471Mi"),
                sample("indexer-0", "210m", "498Mi"),
                sample("gone", "1", "1Gi"),
            ]),
        )
}

async fn ask(server: &Script, kind: Consumer, sort: Measure, limit: usize) -> Table {
    let cx = server.cx(Access::Read);
    let namespace = Some("search".to_owned());
    top(&cx, Some(kind), namespace, None, Some(sort), Some(limit))
        .await
        .unwrap()
}

fn rows(table: &Table) -> Vec<String> {
    table.rows.iter().map(|row| row.cells.join(" ")).collect()
}

#[tokio::test]
async fn containers_stand_against_requests_and_limits_the_highest_first() {
    let server = server();
    let table = ask(&server, Consumer::Container, Measure::Memory, 20).await;
    let heading = table.heading.clone().unwrap();
    assert!(
        heading.starts_with(
            "Containers in search by memory: 2 in 2 pods; 969Mi used of 1536Mi limits; metrics "
        ),
        "{heading}"
    );
    assert!(heading.ends_with(" old, over 15s"), "{heading}");
    let headers: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.header.as_str())
        .collect();
    assert_eq!(
        headers,
        [
            "POD",
            "CONTAINER",
            "MEM",
            "MEM REQ",
            "MEM LIMIT",
            "MEM%",
            "CPU",
            "CPU REQ",
            "CPU LIMIT",
            "CPU%"
        ]
    );
    assert_eq!(
        rows(&table),
        [
            "indexer-0 main 498Mi 512Mi 512Mi 97 210m 200m none ",
            "query-1 main 471Mi 512Mi 1Gi 46 2.1 1.5 none "
        ]
    );
    assert_eq!(
        table.notes,
        [
            "1 pod has no metrics: query-new",
            "Near the limit: indexer-0 (memory 97%, OOMKilled, 23 restarts)"
        ]
    );
    let args: Vec<&str> = table.next[0]
        .args
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(args, ["Deployment", "query", "search"]);

    let by_cpu = ask(&server, Consumer::Pod, Measure::Cpu, 1).await;
    assert_eq!(rows(&by_cpu), ["query-1 2.1 1.5 none  471Mi 512Mi 1Gi 46"]);
    assert_eq!(by_cpu.total, 2);
    let sums = ask(&server, Consumer::Namespace, Measure::Cpu, 20).await;
    assert_eq!(rows(&sums), ["search 2 2.3 1.7 none  969Mi 1Gi 1536Mi 63"]);
}

#[tokio::test]
async fn nodes_stand_against_what_pods_may_take() {
    let node =
        json!({"metadata": {"name": "node-1"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
    let other =
        json!({"metadata": {"name": "node-2"}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
    let used = json!({"metadata": {"name": "node-1"}, "timestamp": "2026-11-20T10:00:00Z", "window": "10s",
                      "usage": {"cpu": "1000m", "memory": "7680Mi"}});
    let server = Script::new()
        .on(
            "GET",
            "/api/v1/nodes?labelSelector=pool=a",
            list_of(&[node, other]),
        )
        .on(
            "GET",
            &format!("{METRICS}/nodes?labelSelector=pool=a"),
            list_of(&[used]),
        );
    let cx = server.cx(Access::Read);
    let table = top(&cx, Some(Consumer::Node), None, Some("pool=a".into()), None, None)
        .await
        .unwrap();
    assert_eq!(rows(&table), ["node-1 1 4 25 7.5Gi 8Gi 94"]);
    assert_eq!(
        table.notes,
        ["no metrics of: node-2", "Near the limit: node-1 (memory 94%)"]
    );
    assert!(
        table
            .heading
            .unwrap()
            .starts_with("Nodes pool=a by cpu: 1; 1 CPU used of 4; metrics ")
    );
}

#[tokio::test]
async fn nothing_that_is_selected_leads_to_everything() {
    let server = Script::new()
        .on("GET", "/api/v1/pods?labelSelector=app=web", list_of(&[]))
        .on(
            "GET",
            &format!("{METRICS}/pods?labelSelector=app=web"),
            list_of(&[]),
        );
    let cx = server.cx(Access::Read);
    let table = top(
        &cx,
        Some(Consumer::Container),
        None,
        Some("app=web".into()),
        None,
        None,
    )
    .await
    .unwrap();
    assert_eq!(
        table.heading.unwrap(),
        "Containers app=web, all namespaces, by cpu: none"
    );
    assert_eq!(
        (table.next[0].op.as_ref(), &*table.next[0].args[0].1),
        ("metrics.top", "Container")
    );
}

#[tokio::test]
async fn no_metrics_say_why() {
    let server = || Script::new().on("GET", "/api/v1/pods", list_of(&[]));
    let path = format!("{METRICS}/pods");
    let absent = server().fails(
        "GET",
        &path,
        404,
        "NotFound",
        "the server could not find the requested resource",
    );
    let absent = error(top(&absent.cx(Access::Read), None, None, None, None, None).await);
    assert_eq!(
        absent.message,
        "no metrics: test does not serve metrics.k8s.io; ask an administrator for metrics-server"
    );
    assert_eq!(
        next(&absent),
        ["resources.list kind=Pod fields=spec.nodeName,spec.containers[*].resources"]
    );
    let forbidden = Script::new()
        .on("GET", "/api/v1/namespaces/shop/pods", list_of(&[]))
        .fails(
            "GET",
            &format!("{METRICS}/namespaces/shop/pods"),
            403,
            "Forbidden",
            "no",
        );
    let shop = Some("shop".to_owned());
    let forbidden = error(top(&forbidden.cx(Access::Read), None, shop, None, None, None).await);
    assert_eq!(forbidden.kind, ErrorKind::Forbidden);
    assert_eq!(
        next(&forbidden),
        ["resources.list kind=Pod namespace=shop fields=spec.nodeName,spec.containers[*].resources"]
    );
    let service = json!({"spec": {"service": {"name": "metrics-server", "namespace": "kube-system"}},
        "status": {"conditions": [{"type": "Available", "status": "False", "message": "no endpoints"}]}});
    let broken = server()
        .fails(
            "GET",
            &path,
            500,
            "InternalError",
            "the server is currently unable",
        )
        .on(
            "GET",
            "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
            service,
        );
    let broken = error(top(&broken.cx(Access::Read), None, None, None, None, None).await);
    assert_eq!(broken.kind, ErrorKind::Server);
    assert!(
        broken
            .message
            .starts_with("no metrics: metrics.k8s.io is served, but fails: ")
            && broken
                .message
                .ends_with("its APIService is not available: no endpoints"),
        "{}",
        broken.message
    );
    assert_eq!(
        next(&broken),
        ["resources.owners kind=Service name=metrics-server namespace=kube-system"]
    );
}
