use std::{ops::ControlFlow, sync::Arc, time::Duration};

use futures::StreamExt as _;
use http::StatusCode;
use serde_json::{Value, json};

use super::*;
use crate::{
    call::Mode,
    cluster::{
        Include, TableView, WatchEvent, WatchScope,
        testing::{Script, grant},
    },
};

async fn resource(cluster: &Arc<Cluster>, kind: &str) -> Resource {
    cluster.resolve(kind, grant(Access::Read)).await.unwrap()
}

fn pod() -> Value {
    json!({"metadata": {"name": "web", "labels": {"app": "web"}}})
}

#[tokio::test]
async fn a_patch_carries_manager_validation_and_preconditions() {
    let server = Script::new().answer(
        "PATCH",
        "/api/v1/namespaces/shop/pods/web",
        StatusCode::OK,
        vec![("warning", r#"299 - "the field \"x\" is old""#.to_owned())],
        pod().to_string().into(),
    );
    let cluster = server.cluster();
    let pods = resource(&cluster, "po").await;
    let client = cluster.client(grant(Access::Write));
    let held = Preconditions {
        uid: Some("u1".to_owned()),
        resource_version: Some("7".to_owned()),
    };
    let merge = Patch::Merge(json!({"metadata": {"labels": {"a": "b"}}}));
    let (object, warnings) = client
        .patch(&pods, Some("shop"), "web", &merge, &held)
        .await
        .unwrap();
    assert_eq!(object, pod());
    assert_eq!(warnings, [r#"the field "x" is old"#]);
    let json = Patch::Json(json!([{"op": "remove", "path": "/metadata/labels/a"}]));
    client
        .patch(&pods, Some("shop"), "web", &json, &held)
        .await
        .unwrap();

    let seen = server.requests();
    assert_eq!(seen[0].query["fieldManager"], "kube-mcp");
    assert_eq!(seen[0].query["fieldValidation"], "Strict");
    assert!(!seen[0].query.contains_key("dryRun"));
    assert_eq!(seen[0].headers["content-type"], "application/merge-patch+json");
    assert_eq!(
        seen[0].body,
        json!({"metadata": {"labels": {"a": "b"}, "uid": "u1", "resourceVersion": "7"}})
    );
    assert_eq!(
        seen[1].body,
        json!([
            {"op": "remove", "path": "/metadata/labels/a"},
            {"op": "add", "path": "/metadata/uid", "value": "u1"},
            {"op": "add", "path": "/metadata/resourceVersion", "value": "7"},
        ])
    );
}

#[tokio::test]
async fn a_rehearsal_asks_for_dry_runs_where_the_server_looks() {
    let server = Script::new()
        .on("PATCH", "/api/v1/namespaces/shop/pods/web?dryRun=All", pod())
        .on("DELETE", "/api/v1/namespaces/shop/pods/web?dryRun=All", json!({}));
    let cluster = server.cluster();
    let pods = resource(&cluster, "po").await;
    let rehearsal = cluster.client(Grant {
        dry_run: true,
        ..grant(Access::Destructive)
    });
    let patch = Patch::Merge(json!({}));
    let free = Preconditions::default();
    rehearsal
        .patch(&pods, Some("shop"), "web", &patch, &free)
        .await
        .unwrap();
    rehearsal.delete(&pods, Some("shop"), "web", &free).await.unwrap();
    // A deletion's body wins over its query.
    assert_eq!(server.requests()[1].body["dryRun"], json!(["All"]));
}

#[tokio::test]
async fn what_was_not_granted_is_not_sent() {
    let server = Script::new();
    let cluster = server.cluster();
    let pods = resource(&cluster, "po").await;
    let client = cluster.client(grant(Access::Read));
    let error = client
        .delete(&pods, Some("shop"), "web", &Preconditions::default())
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert_eq!(
        error.message,
        "to delete pods web in namespace shop needs destructive access, and this operation is declared read"
    );
    let locked = server
        .clone()
        .with_config(|config| config.access.mode = Mode::ReadOnly)
        .cluster();
    let error = locked
        .client(grant(Access::Write))
        .patch(
            &pods,
            Some("shop"),
            "web",
            &Patch::Merge(json!({})),
            &Preconditions::default(),
        )
        .await
        .unwrap_err();
    assert!(error.message.contains("read-only mode"), "{error}");
    let error = client
        .get(&pods, Some("shop"), "web/exec?command=id")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn lists_go_page_by_page() {
    let page = |names: &[&str], next: &str| {
        let items: Vec<_> = names
            .iter()
            .map(|name| json!({"metadata": {"name": name}}))
            .collect();
        json!({"kind": "PodList", "metadata": {"continue": next}, "items": items})
    };
    let server = Script::new()
        .on("GET", "/api/v1/pods?limit=500", page(&["a", "b"], "n/2=="))
        .on(
            "GET",
            "/api/v1/pods?limit=500&continue=n%2F2%3D%3D",
            page(&["c"], ""),
        );
    let cluster = server.cluster();
    let pods = resource(&cluster, "pods").await;
    let client = cluster.client(grant(Access::Read));
    let query = ListQuery {
        selector: Some("app in (web, db)".to_owned()),
        ..ListQuery::default()
    };
    let mut names = String::new();
    let end = client
        .for_each(&pods, None, &query, |pod| {
            names.push_str(pod["metadata"]["name"].as_str().unwrap());
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
    assert_eq!((names.as_str(), end), ("abc", ListEnd::Complete));
    assert_eq!(server.requests()[1].query["labelSelector"], "app in (web, db)");
}

#[tokio::test]
async fn a_server_without_tables_is_read_all_the_same() {
    let list = json!({"kind": "WidgetList", "metadata": {}, "items": [
        {"metadata": {"name": "a", "namespace": "shop", "creationTimestamp": "2026-01-01T00:00:00Z"}},
    ]});
    let server = Script::new().on("GET", "/apis/example.com/v1/widgets", list);
    let cluster = server.cluster();
    let widgets = resource(&cluster, "wd").await;
    let client = cluster.client(grant(Access::Read));
    let bytes = client
        .table(&widgets, None, &ListQuery::default(), Include::Metadata)
        .await
        .unwrap();
    let table: TableView<'_> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(table.columns[0].name, "Name");
    assert_eq!(
        table.rows[0].object.as_ref().unwrap()["metadata"]["namespace"],
        "shop"
    );
    assert!(
        server.requests()[0].headers["accept"]
            .to_str()
            .unwrap()
            .contains("as=Table")
    );
}

#[tokio::test]
async fn logs_come_line_by_line() {
    let server = Script::new().text(
        "GET",
        "/api/v1/namespaces/shop/pods/web/log?container=app&timestamps=true&previous=true&tailLines=5",
        200,
        "2026-01-01T00:00:00Z one\n2026-01-01T00:00:01Z two",
    );
    let query = LogQuery {
        container: "app".to_owned(),
        previous: true,
        tail: Some(5),
        ..LogQuery::default()
    };
    let client = server.cluster().client(grant(Access::Read));
    let lines: Vec<_> = client.logs("shop", "web", &query).await.unwrap().collect().await;
    let lines: Vec<_> = lines.into_iter().map(Result::unwrap).collect();
    assert_eq!(lines, ["2026-01-01T00:00:00Z one", "2026-01-01T00:00:01Z two"]);
}

#[tokio::test]
async fn what_is_followed_or_watched_keeps_no_other_request_waiting() {
    let log = "/api/v1/namespaces/shop/pods/web/log?timestamps=true&follow=true";
    let pods = "/api/v1/namespaces/shop/pods";
    let server = Script::new()
        .with_config(|config| config.kubernetes.concurrency = 1)
        .watch(log, &[("a line", Value::Null)], true)
        .on(
            "GET",
            pods,
            json!({"kind": "PodList", "metadata": {"resourceVersion": "5"}, "items": []}),
        )
        .watch(&format!("{pods}?watch=true"), &[("ADDED", pod())], true)
        .on("GET", &format!("{pods}/web"), pod());
    let cluster = server.cluster();
    let resource = resource(&cluster, "po").await;
    let client = cluster.client(grant(Access::Read));
    let follow = LogQuery {
        follow: true,
        ..LogQuery::default()
    };
    let mut lines = client.logs("shop", "web", &follow).await.unwrap();
    assert!(lines.next().await.unwrap().unwrap().contains("a line"));
    let mut events = client.watch(WatchScope {
        resource: resource.clone(),
        namespace: Some("shop".to_owned()),
        name: None,
        query: ListQuery::default(),
    });
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Synced))));
    assert!(matches!(events.next().await, Some(Ok(WatchEvent::Applied(_)))));
    assert_eq!(server.open_watches(), 2);
    let asked = client.get(&resource, Some("shop"), "web");
    tokio::time::timeout(Duration::from_secs(5), asked)
        .await
        .expect("it waits for what is open")
        .unwrap();
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let server = Script::new();
    let grant = grant(Access::Read);
    grant.cancel.cancel();
    let error = server
        .cluster()
        .client(grant)
        .get_path::<Value>("/version")
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Cancelled);
}
