use serde_json::json;

use super::{error, names, next};
use crate::{
    ErrorKind,
    call::{Access, KindRef},
    cluster::testing::Script,
    operations::{clusters, kinds, resources},
};

fn deploy() -> KindRef {
    KindRef("deploy".to_owned())
}

/// No `web` in the default namespace; `others` have one.
fn elsewhere(others: &[&str]) -> Script {
    let rows: Vec<_> = others
        .iter()
        .map(|namespace| json!({"cells": ["web"], "object": {"metadata": {"name": "web", "namespace": namespace}}}))
        .collect();
    let found =
        json!({"kind": "Table", "columnDefinitions": [{"name": "Name", "type": "string"}], "rows": rows});
    Script::new()
        .fails(
            "GET",
            "/apis/apps/v1/namespaces/default/deployments/web",
            404,
            "NotFound",
            "gone",
        )
        .on(
            "GET",
            "/apis/apps/v1/deployments?fieldSelector=metadata.name=web",
            found,
        )
}

#[tokio::test]
async fn a_read_answers_from_the_only_other_namespace() {
    let object = json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"replicas": 0}});
    let server = elsewhere(&["shop"]).on("GET", "/apis/apps/v1/namespaces/shop/deployments/web", object);
    let found = resources::get::get(&server.cx(Access::Read), deploy(), "web".into(), None)
        .await
        .unwrap();
    assert_eq!(found.parts[0].id.namespace.as_deref(), Some("shop"));
    assert_eq!(found.notes, ["Deployment web found in shop"]);
}

#[tokio::test]
async fn several_candidates_are_named_and_none_is_taken() {
    let server = elsewhere(&["staging", "shop"]);
    let missing = error(resources::get::get(&server.cx(Access::Read), deploy(), "web".into(), None).await);
    assert_eq!(
        missing.message,
        "no Deployment web in namespace default; it exists in: shop, staging"
    );
    assert_eq!(
        next(&missing),
        ["resources.get kind=Deployment name=web namespace=shop"]
    );
    assert_eq!(missing.kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn who_may_not_look_everywhere_is_told_so() {
    let server = Script::new()
        .fails(
            "GET",
            "/apis/apps/v1/namespaces/default/deployments/web",
            404,
            "NotFound",
            "gone",
        )
        .fails("GET", "/apis/apps/v1/deployments", 403, "Forbidden", "no");
    let missing = error(resources::get::get(&server.cx(Access::Read), deploy(), "web".into(), None).await);
    assert_eq!(
        missing.message,
        "no Deployment web in namespace default; not allowed to look in all namespaces; give namespace"
    );
}

#[tokio::test]
async fn a_misspelt_name_gets_the_nearest() {
    let server = Script::new()
        .fails(
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments/chekout",
            404,
            "NotFound",
            "gone",
        )
        .table("/apis/apps/v1/deployments", &["Name"], &[])
        .table(
            "/apis/apps/v1/namespaces/shop/deployments",
            &["Name"],
            &[&["cart"], &["checkout"]],
        );
    let cx = server.cx(Access::Read);
    let missing = resources::get::get(&cx, deploy(), "chekout".into(), Some("shop".into()));
    let missing = error(missing.await);
    assert_eq!(
        missing.message,
        "no Deployment chekout in namespace shop; nearest: checkout"
    );
    assert_eq!(
        next(&missing),
        ["resources.get kind=Deployment name=checkout namespace=shop"]
    );
}

#[tokio::test]
async fn owners_go_up_and_children_down() {
    let pod = json!({
        "metadata": {"name": "web-a-1", "namespace": "shop", "uid": "p",
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-a", "uid": "r", "controller": true}]},
        "spec": {"containers": [{"name": "main"}]}, "status": {"phase": "Pending"},
    });
    let set = json!({
        "metadata": {"name": "web-a", "namespace": "shop", "uid": "r",
                     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true}]},
        "spec": {"replicas": 1}, "status": {},
    });
    let deployment = json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "d"},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}}, "status": {},
    });
    let table = |columns: &[&str], rows: serde_json::Value| {
        let columns: Vec<_> = columns
            .iter()
            .map(|name| json!({"name": name, "type": "string"}))
            .collect();
        json!({"kind": "Table", "columnDefinitions": columns, "rows": rows})
    };
    let sets = json!([
        {"cells": ["web-a", "1", "0", "5m"], "object": {"metadata": set["metadata"]}},
        {"cells": ["web-old", "0", "0", "5d"], "object": {"metadata": {"name": "web-old", "uid": "o",
            "ownerReferences": [{"uid": "d"}]}}},
    ]);
    let pods = json!([{"cells": ["web-a-1", "0/1", "CrashLoopBackOff", "3 (1m ago)", "5m"], "object": {"metadata": pod["metadata"]}}]);
    let server = Script::new()
        .on("GET", "/api/v1/namespaces/shop/pods/web-a-1", pod)
        .on("GET", "/apis/apps/v1/namespaces/shop/replicasets/web-a", set)
        .on("GET", "/apis/apps/v1/namespaces/shop/deployments/web", deployment)
        .on(
            "GET",
            "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app=web",
            table(&["Name", "Desired", "Ready", "Age"], sets),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods?labelSelector=app=web",
            table(super::POD, pods),
        );
    let cx = server.cx(Access::Read);
    let up = resources::owners::owners(&cx, KindRef("po".into()), "web-a-1".into(), Some("shop".into()))
        .await
        .unwrap();
    assert_eq!(
        names(&up, 2),
        ["Pod/web-a-1", "ReplicaSet/web-a", "Deployment/web"]
    );
    let down = resources::children::children(&cx, deploy(), "web".into(), Some("shop".into()))
        .await
        .unwrap();
    assert_eq!(
        names(&down, 9),
        [
            "ReplicaSet/web-a/0/1/failed////web/0",
            "Pod/web-a-1/0/1/CrashLoopBackOff//3//web-a/1"
        ]
    );
    assert_eq!(down.notes, ["1 replica set without pods"]);
}

#[tokio::test]
async fn names_complete() {
    let server = Script::new().table(
        "/apis/apps/v1/namespaces/default/deployments",
        &["Name"],
        &[&["web"], &["api"]],
    );
    let cx = server.cx(Access::Read);
    let all = resources::names::names(&cx, deploy(), None, None).await.unwrap();
    assert_eq!(names(&all, 1), ["api", "web"]);
    let typed = kinds::names(&cx, Some("Dep".into())).await.unwrap();
    assert_eq!(names(&typed, 1), ["Deployment"]);
}

#[tokio::test]
async fn clusters_tell_how_they_are() {
    let server = Script::new()
        .on("GET", "/version", json!({"gitVersion": "v1.35.2"}))
        .on(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            json!({"status": {"userInfo": {"username": "dana"}}}),
        )
        .on(
            "GET",
            "/api/v1/nodes",
            json!({"kind": "Table", "metadata": {"continue": "x", "remainingItemCount": 5},
            "columnDefinitions": [{"name": "Name", "type": "string"}], "rows": [{"cells": ["node-1"]}]}),
        );
    let table = clusters::list(&server.server_cx(&["prod", "staging"]))
        .await
        .unwrap();
    assert_eq!(
        table.heading.as_deref(),
        Some("2 clusters; calls without cluster go to prod; reads take several, a,b or *")
    );
    assert_eq!(
        names(&table, 4),
        ["prod/v1.35.2/dana/default", "staging/v1.35.2/dana/default"]
    );
    assert!(
        table.rows[0].cells[4].starts_with("reachable, 6 nodes, "),
        "{:?}",
        table.rows[0].cells
    );

    let dead = Script::bare().fails("GET", "/version", 401, "Unauthorized", "Unauthorized");
    let table = clusters::list(&dead.server_cx(&["prod"])).await.unwrap();
    assert!(
        table.rows[0].cells[4].starts_with("refused: "),
        "{:?}",
        table.rows[0].cells
    );
    assert_eq!(table.unhealthy, 1);
}
