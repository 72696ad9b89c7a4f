use serde_json::json;

use super::{POD, error, list_of, names, next, page, totals, with_namespaces};
use crate::{
    call::{Access, KindRef, Moment, Page, Text as _},
    cluster::testing::Script,
    operations::{events, pods, resources, workloads},
    output::{Health, Scope},
};

fn kind(name: &str) -> KindRef {
    KindRef(name.to_owned())
}

/// Three namespaces; the third may not be read.
fn shop() -> Script {
    with_namespaces(&["cart", "shop", "vault"])
        .table(
            "/api/v1/namespaces/cart/pods",
            POD,
            &[
                &["cart-1", "1/1", "Running", "0", "5m30s"],
                &["cart-2", "0/1", "Error", "0", "1h"],
            ],
        )
        .table(
            "/api/v1/namespaces/shop/pods",
            POD,
            &[
                &["api-1", "1/1", "Running", "2 (3d ago)", "41d"],
                &["web-1", "0/1", "CrashLoopBackOff", "14 (2m ago)", "51m"],
                &["web-2", "1/2", "CrashLoopBackOff", "3 (1m ago)", "51m"],
            ],
        )
        .fails("GET", "/api/v1/namespaces/vault/pods", 403, "Forbidden", "no")
}

#[tokio::test]
async fn all_namespaces_are_one_small_table_each_and_a_forbidden_one_is_told() {
    let server = shop();
    let table = pods::list::list(&server.cx(Access::Read), None, None, None, None, page(100))
        .await
        .unwrap();
    assert_eq!(table.scope, Scope::AllNamespaces);
    assert_eq!(
        names(&table, 6),
        [
            "shop/web-1/0/1/CrashLoopBackOff/14/51m",
            "cart/cart-2/0/1/Error/0/60m",
            "shop/web-2/1/2/CrashLoopBackOff/3/51m",
            "cart/cart-1/1/1/Running/0/5m",
            "shop/api-1/1/1/Running/2/41d",
        ]
    );
    assert_eq!(
        totals(&table),
        [("CrashLoopBackOff", 2), ("Running", 2), ("Error", 1)]
    );
    assert_eq!((table.total, table.unhealthy, table.complete), (5, 3, true));
    assert_eq!(table.notes, ["not allowed to list pods in: vault"]);
    for request in server.requests() {
        assert_eq!(
            request.query.get("includeObject").map(String::as_str),
            Some("None"),
            "{request:?}"
        );
        assert!(!request.query.contains_key("limit"), "{request:?}");
    }
}

#[tokio::test]
async fn a_limit_keeps_the_worst_and_a_cursor_goes_on_after_them() {
    let server = shop();
    let cx = server.cx(Access::Read);
    let first = pods::list::list(&cx, None, None, None, None, page(2))
        .await
        .unwrap();
    assert_eq!(names(&first, 2), ["shop/web-1", "cart/cart-2"]);
    assert_eq!(first.total, 5);
    let second = Page {
        limit: 2,
        cursor: first.cursor(first.rows.len()),
        ..Page::default()
    };
    let second = pods::list::list(&cx, None, None, None, None, second)
        .await
        .unwrap();
    assert_eq!(names(&second, 2), ["shop/web-2", "cart/cart-1"]);
    // Another query is another list.
    let other = Page {
        cursor: second.cursor(second.rows.len()),
        ..Page::default()
    };
    let refused = pods::list::list(&cx, Some("shop".into()), None, None, None, other).await;
    assert!(error(refused).message.contains("cursor"));
}

#[tokio::test]
async fn a_filter_sees_the_columns_of_wide_output_and_takes_a_value_for_one() {
    let column = |name: &str, priority: i32| json!({"name": name, "type": "string", "priority": priority});
    let body = json!({
        "kind": "Table",
        "columnDefinitions": [column("Name", 0), column("Type", 0), column("Cluster-IP", 0), column("Selector", 1)],
        "rows": [{"cells": ["api", "ClusterIP", "10.0.0.1", "app=api"]}, {"cells": ["dns", "ExternalName", "", ""]},
                 {"cells": ["web", "ClusterIP", "10.0.0.2", "app=web"]}],
    });
    let server = Script::new().on("GET", "/api/v1/namespaces/shop/services", body);
    let cx = server.cx(Access::Read);
    let matching = async |filter: &str| {
        let page = Page {
            filter: Some(filter.to_owned()),
            ..page(9)
        };
        let table = resources::list::list(&cx, kind("svc"), Some("shop".into()), None, None, page)
            .await
            .unwrap();
        let columns = table.columns.len();
        assert!(
            table.rows.iter().all(|row| row.cells.len() == columns),
            "{table:?}"
        );
        names(&table, columns)
    };
    assert_eq!(
        matching("type=ClusterIP").await,
        ["api/ClusterIP/10.0.0.1", "web/ClusterIP/10.0.0.2"]
    );
    assert_eq!(matching("type!=ClusterIP").await, ["dns/ExternalName/"]);
    assert_eq!(matching("selector=app=web").await, ["web/ClusterIP/10.0.0.2"]);
    assert_eq!(matching("type=cluster-ip").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_cursor_goes_on_after_an_object_whose_name_is_not_its_first_cell() {
    let server = Script::new().table(
        "/api/v1/namespaces/shop/events",
        &["Last Seen", "Reason", "Name"],
        &[
            &["2m", "Pulled", "web-1.18ea"],
            &["2m", "Created", "web-1.18eb"],
            &["2m", "Started", "web-1.18ec"],
        ],
    );
    let cx = server.cx(Access::Read);
    let mut cursor = None;
    for reason in ["Pulled", "Created", "Started"] {
        let page = Page {
            limit: 1,
            cursor,
            ..Page::default()
        };
        let namespace = Some("shop".to_owned());
        let table = resources::list::list(&cx, kind("event"), namespace, None, None, page)
            .await
            .unwrap();
        assert_eq!(names(&table, 2), [format!("2m/{reason}")]);
        cursor = table.cursor(1);
    }
    assert_eq!(cursor, None);
}

#[tokio::test]
async fn a_status_is_a_word_or_all_that_is_unhealthy() {
    let server = shop();
    let cx = server.cx(Access::Read);
    let by = async |status: &str| {
        pods::list::list(&cx, None, None, Some(status.to_owned()), None, page(100))
            .await
            .unwrap()
    };
    assert_eq!(
        names(&by("crashloopbackoff").await, 2),
        ["shop/web-1", "shop/web-2"]
    );
    let unhealthy = by("unhealthy").await;
    assert_eq!((unhealthy.total, unhealthy.unfiltered), (3, Some(5)));
    let none = by("Evicted").await;
    assert_eq!(none.total, 0);
    assert_eq!(
        none.notes.last().unwrap(),
        "there are: 2 Running, 2 CrashLoopBackOff, 1 Error"
    );
}

#[tokio::test]
async fn most_of_the_unhealthy_on_one_node_are_told() {
    let columns = &["Name", "Ready", "Status", "Restarts", "Age", "Node"];
    let server = Script::new().table(
        "/api/v1/namespaces/shop/pods",
        columns,
        &[
            &["web-7d9c6bf6d4-2xkqp", "0/1", "Pending", "0", "1h", "node-3"],
            &["web-7d9c6bf6d4-9fjwz", "0/1", "Pending", "0", "1h", "node-3"],
            &["api-5b8f4c9d7-l4x2v", "0/1", "Error", "0", "1h", "node-3"],
            &["db-0", "0/1", "Error", "0", "1h", "node-1"],
        ],
    );
    let table = pods::list::list(
        &server.cx(Access::Read),
        Some("shop".into()),
        None,
        None,
        None,
        page(9),
    )
    .await
    .unwrap();
    assert_eq!(table.aside.as_deref(), Some("of 4 unhealthy, 3 are on node-3"));
}

#[tokio::test]
async fn a_custom_resource_brings_its_own_columns() {
    let body = json!({
        "kind": "Table",
        "columnDefinitions": [
            {"name": "Name", "type": "string", "priority": 0},
            {"name": "Ready", "type": "string", "priority": 0},
            {"name": "Size", "type": "integer", "priority": 0},
            {"name": "Secret", "type": "string", "priority": 1},
            {"name": "Age", "type": "date", "priority": 0},
        ],
        "rows": [
            {"cells": ["a", "True", 3, "x", "3h5m"], "object": null},
            {"cells": ["b", "False", 1, "y", "3h5m"], "object": null},
        ],
    });
    let server = Script::new().on("GET", "/apis/example.com/v1/namespaces/shop/widgets", body);
    let table = resources::list::list(
        &server.cx(Access::Read),
        kind("wd"),
        Some("shop".into()),
        Some("app: web,spec.nodeName=x".into()),
        None,
        page(100),
    )
    .await
    .unwrap();
    let headers: Vec<_> = table
        .columns
        .iter()
        .map(|column| column.header.as_str())
        .collect();
    assert_eq!(headers, ["NAME", "READY", "SIZE", "AGE"]);
    assert_eq!(names(&table, 4), ["b/False/1/3h", "a/True/3/3h"]);
    assert_eq!(totals(&table), [("Ready", 1), ("not Ready", 1)]);
    assert_eq!(
        (table.subject.as_str(), table.rows[0].health),
        (
            "Widget (example.com/v1) app=web; spec.nodeName=x",
            Health::Degraded
        )
    );
    let query = &server.requests()[0].query;
    assert_eq!(query["labelSelector"], "app=web");
    assert_eq!(query["fieldSelector"], "spec.nodeName=x");
}

#[tokio::test]
async fn where_and_sort_work_before_the_limit() {
    let server = shop();
    let cx = server.cx(Access::Read);
    let restarted = Page {
        limit: 1,
        filter: Some("restarts>1".to_owned()),
        sort: Some("-restarts".to_owned()),
        ..Page::default()
    };
    let table = pods::list::list(&cx, Some("shop".into()), None, None, None, restarted)
        .await
        .unwrap();
    assert_eq!(names(&table, 1), ["web-1"]);
    assert_eq!((table.total, table.unfiltered), (3, Some(3)));
}

#[tokio::test]
async fn fields_read_objects_by_pages_and_see_them_redacted() {
    let object = |name: &str, value: &str| {
        json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop",
               "managedFields": [{"manager": "x"}]}, "data": {"key": value}, "type": "Opaque"})
    };
    let table = |next: &str, name: &str, value: &str| {
        json!({"kind": "Table", "metadata": {"continue": next},
               "columnDefinitions": [{"name": "Name", "type": "string"}, {"name": "Type", "type": "string"}],
               "rows": [{"cells": [name, "Opaque"], "object": object(name, value)}]})
    };
    let server = Script::new()
        .on(
            "GET",
            "/api/v1/namespaces/shop/secrets",
            table("", "x", "aGlkZGVuIQ=="),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/secrets?includeObject=Object",
            table("more", "a", "aGlkZGVuIQ=="),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/secrets?includeObject=Object&continue=more",
            table("", "b", "b3BlbmVkIQ=="),
        );
    let cx = server.cx(Access::Read);
    let fields = |filter: Option<&str>| Page {
        fields: Some("metadata.name,data.key".to_owned()),
        filter: filter.map(str::to_owned),
        ..Page::default()
    };
    let list =
        async |page| resources::list::list(&cx, kind("secrets"), Some("shop".into()), None, None, page).await;
    let table = list(fields(None)).await.unwrap();
    assert_eq!(table.rows.len(), 2);
    let shown = names(&table, 3).join(" ");
    assert!(
        shown.starts_with("a/a/") && !shown.contains("aGlkZGVu"),
        "{shown}"
    );
    // A filter is no oracle either.
    let guess = list(fields(Some("data.key=aGlkZGVuIQ=="))).await.unwrap();
    assert_eq!(guess.total, 0);
}

#[tokio::test]
async fn where_namespaces_may_not_be_listed_pages_with_metadata_are_read() {
    let row = |namespace: &str, name: &str| {
        json!({"cells": [name, "1/1", "Running", "0", "1d"],
               "object": {"metadata": {"name": name, "namespace": namespace, "managedFields": [{}]}}})
    };
    let columns: Vec<_> = POD
        .iter()
        .map(|name| json!({"name": name, "type": "string"}))
        .collect();
    let table = |next: &str, rows: &[serde_json::Value]| json!({"kind": "Table", "metadata": {"continue": next}, "columnDefinitions": columns, "rows": rows});
    let server = Script::new()
        .fails("GET", "/api/v1/namespaces", 403, "Forbidden", "no")
        .on("GET", "/api/v1/pods?limit=500", table("more", &[row("a", "one")]))
        .on(
            "GET",
            "/api/v1/pods?limit=500&continue=more",
            table("", &[row("b", "two")]),
        );
    let table = pods::list::list(&server.cx(Access::Read), None, None, None, None, page(9))
        .await
        .unwrap();
    assert_eq!(names(&table, 2), ["a/one", "b/two"]);
    let metadata = |request: &&crate::cluster::testing::Seen| request.path == "/api/v1/pods";
    assert!(
        server
            .requests()
            .iter()
            .filter(metadata)
            .all(|request| request.query["includeObject"] == "Metadata")
    );
}

#[tokio::test]
async fn an_empty_list_of_a_namespace_that_is_not_there_is_an_error() {
    let server = with_namespaces(&["shop", "cart"])
        .table("/api/v1/namespaces/shpo/pods", POD, &[])
        .fails(
            "GET",
            "/api/v1/namespaces/shpo",
            404,
            "NotFound",
            "namespaces \"shpo\" not found",
        );
    let missing = error(
        pods::list::list(
            &server.cx(Access::Read),
            Some("shpo".into()),
            None,
            None,
            None,
            page(9),
        )
        .await,
    );
    assert_eq!(missing.message, "there is no namespace shpo; nearest: shop");
    assert_eq!(next(&missing), ["pods.list namespace=shop"]);
}

#[tokio::test]
async fn all_is_no_kind_but_tells_what_there_is() {
    let mut server = Script::new();
    for (path, columns, rows) in [
        (
            "apps/v1/namespaces/shop/deployments",
            &["Name", "Ready"][..],
            &[&["web", "1/1"][..], &["api", "0/2"]][..],
        ),
        ("apps/v1/namespaces/shop/statefulsets", &["Name", "Ready"], &[]),
        (
            "apps/v1/namespaces/shop/daemonsets",
            &["Name", "Desired", "Ready"],
            &[],
        ),
        ("batch/v1/namespaces/shop/cronjobs", &["Name"], &[]),
        ("batch/v1/namespaces/shop/jobs", &["Name"], &[]),
        ("networking.k8s.io/v1/namespaces/shop/ingresses", &["Name"], &[]),
    ] {
        server = server.table(&format!("/apis/{path}"), columns, rows);
    }
    let server = server
        .table(
            "/api/v1/namespaces/shop/pods",
            POD,
            &[&["web-1", "1/1", "Running", "0", "1d"]],
        )
        .table("/api/v1/namespaces/shop/services", &["Name"], &[&["web"]])
        .table("/api/v1/namespaces/shop/configmaps", &["Name"], &[])
        .fails("GET", "/api/v1/namespaces/shop/secrets", 403, "Forbidden", "no");
    let cx = server.cx(Access::Read);
    let all = resources::list::list(&cx, kind("all"), Some("shop".into()), None, None, page(9));
    let all = error(all.await);
    assert_eq!(
        all.message,
        "\"all\" is not a kind. In shop: Deployment 2 (1 unhealthy), Pod 1, Service 1; could not be read: secrets"
    );
    assert_eq!(next(&all), ["workloads.list namespace=shop"]);
}

#[tokio::test]
async fn events_are_newest_first_and_folded() {
    let event = |name: &str, reason: &str, count: u64, last: &str| {
        json!({
            "metadata": {"namespace": "shop"}, "type": "Warning", "reason": reason, "count": count, "lastTimestamp": last,
            "involvedObject": {"kind": "Pod", "name": name},
            "message": format!("Back-off restarting failed container main in pod {name}_shop(0c5a6e3b)"),
        })
    };
    let items = [
        event("web-7d9c6bf6d4-2xkqp", "BackOff", 200, "2026-11-23T11:00:00Z"),
        event("web-7d9c6bf6d4-9fjwz", "BackOff", 228, "2026-11-23T11:30:00Z"),
        event("db-0", "FailedMount", 1, "2026-11-23T11:40:00Z"),
    ];
    let server = Script::new().on("GET", "/api/v1/namespaces/shop/events", list_of(&items));
    let cx = server.cx(Access::Read);
    let list = async |limit| {
        events::list(
            &cx,
            Some("shop".into()),
            Some(kind("po")),
            None,
            Some(events::EventType::Warning),
            None,
            None,
            None,
            limit,
        )
        .await
        .unwrap()
    };
    let table = list(None).await;
    let rows: Vec<_> = table.rows.iter().map(|row| row.cells[2..].join(" ")).collect();
    assert_eq!(
        rows,
        [
            "FailedMount 1 Pod db-0 Back-off restarting failed container main",
            "BackOff 428 Pod web-7d9c6bf6d4-* (2) Back-off restarting failed container main",
        ]
    );
    assert_eq!(totals(&table), [("BackOff", 428), ("FailedMount", 1)]);
    assert_eq!(
        server.requests()[0].query["fieldSelector"],
        "involvedObject.kind=Pod,type=Warning"
    );
    let cut = list(Some(1)).await;
    assert_eq!((cut.rows.len(), cut.total), (1, 2));
}

#[tokio::test]
async fn no_events_say_what_there_is() {
    let event = |reason: &str| {
        json!({"metadata": {"namespace": "shop"}, "type": "Warning", "reason": reason, "count": 2, "message": "no",
               "involvedObject": {"kind": "Pod", "name": "web-1"}, "lastTimestamp": "2024-11-20T10:00:00Z"})
    };
    let path = "/api/v1/namespaces/shop/events";
    let server = Script::new()
        .on(
            "GET",
            &format!("{path}?fieldSelector=reason=backoff"),
            list_of(&[]),
        )
        .on(
            "GET",
            &format!("{path}?fieldSelector=involvedObject.kind=Pod,involvedObject.name=wob-1"),
            list_of(&[]),
        )
        .on(
            "GET",
            path,
            list_of(&[event("BackOff"), event("Failed"), event("Killing")]),
        )
        .table(
            "/api/v1/namespaces/shop/pods",
            POD,
            &[&["web-1", "1/1", "Running", "0", "5m"]],
        )
        .fails("GET", "/api/v1/namespaces/shop/pods/wob-1", 404, "NotFound", "no")
        .table("/api/v1/pods?fieldSelector=metadata.name=wob-1", POD, &[]);
    let cx = server.cx(Access::Read);
    let shop = || Some("shop".to_owned());
    let of_reason = async |reason: &str, since: Option<&str>| {
        events::list(
            &cx,
            shop(),
            None,
            None,
            None,
            Some(reason.to_owned()),
            since.map(|since| Moment::from_text(since).unwrap()),
            None,
            None,
        )
        .await
        .unwrap()
    };
    let none = of_reason("backoff", None).await;
    assert_eq!((none.subject.as_str(), none.total), ("backoff events", 0));
    assert_eq!(none.notes, ["there are: 2 BackOff, 2 Failed, 2 Killing"]);
    assert_eq!(of_reason("BackOff, Failed", None).await.total, 2);
    // It is no mistake of the reason where there was nothing lately.
    let lately = of_reason("Failed", Some("5s")).await;
    assert_eq!((lately.total, lately.notes.len()), (0, 0), "{:?}", lately.notes);
    // That nothing happened to it would be no answer of a pod that there is not.
    let pod = (Some(kind("pod")), Some("wob-1".to_owned()));
    let absent = error(events::list(&cx, shop(), pod.0, pod.1, None, None, None, None, None).await);
    assert_eq!(absent.message, "no Pod wob-1 in namespace shop; nearest: web-1");
    assert_eq!(next(&absent), ["events.list kind=Pod name=web-1 namespace=shop"]);
}

#[tokio::test]
async fn workloads_of_five_kinds_under_one_rule_and_why_they_are_unhealthy() {
    let old = "2026-01-01T00:00:00Z";
    let deployment = |name: &str, ready: u32| {
        json!({
            "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": old},
            "spec": {"replicas": 2, "selector": {"matchLabels": {"app": name}}},
            "status": {"readyReplicas": ready, "updatedReplicas": 2},
        })
    };
    let job = |name: &str, condition: &str| {
        json!({
            "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": old,
                         "ownerReferences": [{"kind": "CronJob", "uid": "nightly"}]},
            "spec": {}, "status": {"succeeded": 1, "conditions": [{"type": condition, "status": "True", "reason": "Why"}]},
        })
    };
    let crashing = json!({
        "metadata": {"name": "web-1", "namespace": "shop", "creationTimestamp": old},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running", "containerStatuses": [{
            "name": "main", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
            "lastState": {"terminated": {"exitCode": 3}}}]},
    });
    let cron_job = json!({
        "metadata": {"name": "nightly", "namespace": "shop", "uid": "nightly", "creationTimestamp": old},
        "spec": {"suspend": true},
    });
    let server = Script::new()
        .on(
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments",
            list_of(&[deployment("api", 2), deployment("web", 0)]),
        )
        .on("GET", "/apis/apps/v1/namespaces/shop/statefulsets", list_of(&[]))
        .fails(
            "GET",
            "/apis/apps/v1/namespaces/shop/daemonsets",
            403,
            "Forbidden",
            "no",
        )
        .on(
            "GET",
            "/apis/batch/v1/namespaces/shop/jobs",
            list_of(&[job("nightly-1", "Complete"), job("nightly-2", "Failed")]),
        )
        .on(
            "GET",
            "/apis/batch/v1/namespaces/shop/cronjobs",
            list_of(&[cron_job]),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods?labelSelector=app=web",
            list_of(&[crashing]),
        )
        .on("GET", "/api/v1/namespaces/shop/pods", list_of(&[]));
    let table = workloads::list(&server.cx(Access::Read), Some("shop".into()), None, None, page(9))
        .await
        .unwrap();
    assert_eq!(
        names(&table, 4),
        [
            "Deployment/web/0/2/failed",
            "Job/nightly-2/1/1/failed",
            "CronJob/nightly//suspended",
            "Deployment/api/2/2/healthy"
        ]
    );
    assert_eq!(table.rows[0].cells[4], "CrashLoopBackOff: exit 3");
    assert!(
        table.rows[2].cells[4].starts_with("last run "),
        "{:?}",
        table.rows[2].cells
    );
    assert_eq!(totals(&table), [("failed", 2), ("healthy", 1), ("suspended", 1)]);
    assert!(
        table
            .notes
            .iter()
            .any(|note| note == "not allowed to list daemonsets.apps"),
        "{:?}",
        table.notes
    );
}
