use std::sync::Arc;

use futures::StreamExt as _;
use serde_json::json;

use super::*;
use crate::{
    call::Access,
    cluster::{
        Cluster, Grant,
        testing::{Script, grant},
    },
};

const PODS: &str = "/api/v1/namespaces/shop/pods";

fn pod(name: &str, uid: &str, version: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop", "uid": uid, "resourceVersion": version,
                        "managedFields": [{}]}})
}

fn list(version: &str, items: &[Value]) -> Value {
    json!({"kind": "PodList", "metadata": {"resourceVersion": version}, "items": items})
}

async fn watch_with(
    server: &Script,
    name: Option<&str>,
    grant: Grant,
) -> impl Stream<Item = Result<WatchEvent, Error>> + Unpin + use<> {
    watch_on(&server.cluster(), name, grant).await
}

async fn watch_on(
    cluster: &Arc<Cluster>,
    name: Option<&str>,
    grant: Grant,
) -> impl Stream<Item = Result<WatchEvent, Error>> + Unpin + use<> {
    let resource = cluster.resolve("po", grant.clone()).await.unwrap();
    cluster.client(grant).watch(WatchScope {
        resource,
        namespace: Some("shop".to_owned()),
        name: name.map(str::to_owned),
        query: ListQuery::default(),
    })
}

/// The next so many events, as `+a@1`, `-a/u1`, `synced`, ….
async fn told(
    events: &mut (impl Stream<Item = Result<WatchEvent, Error>> + Unpin),
    count: usize,
) -> Vec<String> {
    let mut told = Vec::new();
    while told.len() < count {
        told.push(match events.next().await.unwrap().unwrap() {
            WatchEvent::Applied(object) => {
                assert!(object["metadata"].get("managedFields").is_none(), "{object}");
                let text = |field: &str| object["metadata"][field].as_str().unwrap().to_owned();
                format!("+{}@{}", text("name"), text("resourceVersion"))
            }
            WatchEvent::Deleted(key) => format!("-{}/{}", key.name, key.uid),
            WatchEvent::Synced => "synced".to_owned(),
            WatchEvent::Polling(_) => "polling".to_owned(),
            WatchEvent::Interrupted(_) => "interrupted".to_owned(),
            WatchEvent::Resumed => "resumed".to_owned(),
        });
    }
    told
}

#[tokio::test]
async fn a_list_and_then_what_happens_page_by_page() {
    let mut first = list("5", &[pod("a", "u1", "1")]);
    first["metadata"]["continue"] = json!("more");
    let server = Script::new()
        .on("GET", PODS, first)
        .on(
            "GET",
            &format!("{PODS}?continue=more"),
            list("5", &[pod("b", "u2", "2")]),
        )
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=5"),
            &[
                ("MODIFIED", pod("a", "u1", "6")),
                ("BOOKMARK", json!({"metadata": {"resourceVersion": "8"}})),
                ("DELETED", pod("b", "u2", "9")),
                ("ADDED", pod("b", "u3", "10")),
            ],
            true,
        );
    let mut events = watch_with(&server, None, grant(Access::Read)).await;
    assert_eq!(
        told(&mut events, 6).await,
        ["+a@1", "+b@2", "synced", "+a@6", "-b/u2", "+b@10"]
    );
    let asked = server.requests();
    let watch = asked.last().unwrap();
    assert_eq!(watch.headers["accept-encoding"], "identity");
    assert_eq!(watch.query["allowWatchBookmarks"], "true");
    assert!(!watch.query.contains_key("limit"));
    // Whoever stops listening ends the connection.
    assert_eq!(server.open_watches(), 1);
    drop(events);
    assert_eq!(server.open_watches(), 0);
}

#[tokio::test]
async fn an_open_watch_keeps_no_other_request_waiting() {
    let server = Script::new()
        .with_config(|config| config.kubernetes.concurrency = 1)
        .on("GET", PODS, list("5", &[]))
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=5"),
            &[("ADDED", pod("a", "u1", "6"))],
            true,
        )
        .on("GET", &format!("{PODS}/a"), pod("a", "u1", "6"));
    let cluster = server.cluster();
    let mut events = watch_on(&cluster, None, grant(Access::Read)).await;
    assert_eq!(told(&mut events, 2).await, ["synced", "+a@6"]);
    let client = cluster.client(grant(Access::Read));
    let pods = cluster.resolve("po", grant(Access::Read)).await.unwrap();
    let other = client.get(&pods, Some("shop"), "a");
    let answered = tokio::time::timeout(Duration::from_secs(5), other).await;
    assert!(answered.is_ok_and(|answer| answer.is_ok()));
    assert_eq!(server.open_watches(), 1);
}

#[tokio::test]
async fn a_dropped_connection_is_taken_up_where_it_stopped() {
    let server = Script::new()
        .on("GET", PODS, list("5", &[pod("a", "u1", "1")]))
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=5"),
            &[("MODIFIED", pod("a", "u1", "6"))],
            false,
        )
        // The API server tells again what was told, to be on the safe side.
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=6"),
            &[
                ("MODIFIED", pod("a", "u1", "6")),
                ("DELETED", pod("a", "u1", "7")),
            ],
            false,
        )
        .fails(
            "GET",
            &format!("{PODS}?watch=true&resourceVersion=7"),
            500,
            "InternalError",
            "restarting",
        )
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=7"),
            &[("ADDED", pod("a", "u2", "8"))],
            true,
        );
    let mut events = watch_with(&server, None, grant(Access::Read)).await;
    assert_eq!(
        told(&mut events, 7).await,
        [
            "+a@1",
            "synced",
            "+a@6",
            "-a/u1",
            "interrupted",
            "resumed",
            "+a@8"
        ]
    );
}

#[tokio::test]
async fn what_was_forgotten_is_listed_anew_and_compared() {
    let gone =
        json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"});
    let server = Script::new()
        .on(
            "GET",
            PODS,
            list(
                "5",
                &[
                    pod("same", "u1", "1"),
                    pod("gone", "u2", "2"),
                    pod("other", "u3", "3"),
                ],
            ),
        )
        .watch(
            &format!("{PODS}?watch=true&resourceVersion=5"),
            &[("ERROR", gone)],
            false,
        )
        .on(
            "GET",
            PODS,
            list(
                "50",
                &[
                    pod("same", "u1", "1"),
                    pod("other", "u9", "40"),
                    pod("new", "u4", "41"),
                ],
            ),
        )
        .watch(&format!("{PODS}?watch=true&resourceVersion=50"), &[], true);
    let mut events = watch_with(&server, None, grant(Access::Read)).await;
    assert_eq!(
        told(&mut events, 4).await,
        ["+same@1", "+gone@2", "+other@3", "synced"]
    );
    assert_eq!(
        told(&mut events, 5).await,
        ["-other/u3", "+other@40", "+new@41", "-gone/u2", "synced"]
    );
}

#[tokio::test(start_paused = true)]
async fn who_may_not_watch_looks_and_who_may_only_get_gets() {
    let server = Script::new()
        .on("GET", PODS, list("5", &[pod("a", "u1", "1")]))
        .on("GET", PODS, list("6", &[pod("a", "u1", "6")]))
        .fails(
            "GET",
            &format!("{PODS}?watch=true"),
            403,
            "Forbidden",
            "cannot watch",
        );
    let server = who(server);
    let mut events = watch_with(&server, None, grant(Access::Read)).await;
    assert_eq!(
        told(&mut events, 5).await,
        ["+a@1", "synced", "polling", "+a@6", "synced"]
    );

    let server = Script::new()
        .fails("GET", PODS, 403, "Forbidden", "cannot list")
        .on("GET", &format!("{PODS}/a"), pod("a", "u1", "1"))
        .fails("GET", &format!("{PODS}/a"), 404, "NotFound", "gone");
    let server = who(server);
    let mut events = watch_with(&server, Some("a"), grant(Access::Read)).await;
    assert_eq!(
        told(&mut events, 5).await,
        ["polling", "+a@1", "synced", "-a/u1", "synced"]
    );
    assert_eq!(server.requests()[0].query["fieldSelector"], "metadata.name=a");

    // Without a name there is nothing left to try.
    let mut events = watch_with(&server, None, grant(Access::Read)).await;
    assert_eq!(
        events.next().await.unwrap().unwrap_err().kind,
        ErrorKind::Forbidden
    );
    assert!(events.next().await.is_none());
}

fn who(server: Script) -> Script {
    server.on(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        json!({"status": {"userInfo": {"username": "oncall"}}}),
    )
}

#[tokio::test]
async fn cancellation_and_deadline_end_it_at_once() {
    let server =
        Script::new()
            .on("GET", PODS, list("5", &[]))
            .watch(&format!("{PODS}?watch=true"), &[], true);
    let short = Grant {
        deadline: Instant::now() + Duration::from_millis(200),
        ..grant(Access::Read)
    };
    let cancelled = grant(Access::Read);
    let cancel = cancelled.cancel.clone();
    for (grant, kind) in [(short, ErrorKind::Timeout), (cancelled, ErrorKind::Cancelled)] {
        let mut events = watch_with(&server, None, grant).await;
        assert_eq!(told(&mut events, 1).await, ["synced"]);
        tokio::spawn({
            let cancel = cancel.clone();
            async move {
                tokio::time::sleep(Duration::from_millis(300)).await;
                cancel.cancel();
            }
        });
        assert_eq!(events.next().await.unwrap().unwrap_err().kind, kind);
        assert!(events.next().await.is_none());
        assert_eq!(server.open_watches(), 0);
    }
}
