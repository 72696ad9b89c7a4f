//! What a watch tells, and when.

mod support;

use std::{collections::VecDeque, time::Duration};

use bytes::Bytes;
use futures::FutureExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::{Body, Cluster};
use serde_json::{Value, json};
use support::{ADMIN, ask, bearer, cluster, make};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// Leaves out what a controller makes.
const OWN: &str = "fieldSelector=metadata.name!%3Dkube-root-ca.crt";

/// A watch under way.
struct Watch {
    body: Body,
    lines: VecDeque<Value>,
    over: bool,
}

impl Watch {
    async fn of(cluster: &Cluster, path: &str, accept: &str) -> Self {
        let request = bearer(Request::get(path), ADMIN).header("accept", accept);
        let response = cluster
            .respond(request.body(Bytes::new()).expect("a request"))
            .await;
        assert_eq!(response.status(), 200);
        Self {
            body: response.into_body(),
            lines: VecDeque::new(),
            over: false,
        }
    }

    /// The next event; waits for it. `None` at the end.
    async fn next(&mut self) -> Option<Value> {
        while self.lines.is_empty() && !self.over {
            match self.body.frame().await {
                None => self.over = true,
                Some(frame) => {
                    let data = frame.ok()?.into_data().ok()?;
                    let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                    self.lines
                        .extend(lines.map(|line| serde_json::from_slice::<Value>(line).expect("JSON")));
                }
            }
        }
        self.lines.pop_front()
    }

    /// All events that there are by now: what happened, to what.
    fn all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(Some(event)) = self.next().now_or_never() {
            all.push(format!(
                "{} {}",
                text(&event["type"]),
                text(&event["object"]["metadata"]["name"])
            ));
        }
        all
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

async fn write(cluster: &Cluster, method: &str, name: &str, labels: Value) -> Value {
    let path = if method == "POST" {
        MAPS.to_owned()
    } else {
        format!("{MAPS}/{name}")
    };
    let (code, made) = ask(
        cluster,
        method,
        &path,
        json!({"metadata": {"name": name, "labels": labels}}),
    )
    .await;
    assert!(code < 300, "{made}");
    made
}

#[tokio::test]
async fn what_is_there_is_told_first_and_then_each_change() {
    let cluster = cluster();
    let a = write(&cluster, "POST", "a", json!({})).await;
    let mut all = Watch::of(&cluster, &format!("{MAPS}?watch=1&{OWN}"), "*/*").await;
    let version = text(&a["metadata"]["resourceVersion"]);
    let later = format!("{MAPS}?watch=true&resourceVersion={version}&{OWN}");
    let mut later = Watch::of(&cluster, &later, "*/*").await;
    assert_eq!(all.all(), ["ADDED a"]);
    write(&cluster, "POST", "b", json!({})).await;
    write(&cluster, "PUT", "b", json!({"x": "y"})).await;
    let other = json!({"metadata": {"name": "elsewhere"}});
    make(&cluster, "/api/v1/namespaces/kube-system/configmaps", other).await;
    write(&cluster, "DELETE", "a", json!({})).await;
    let expected = ["ADDED b", "MODIFIED b", "DELETED a"];
    assert_eq!(all.all(), expected);
    assert_eq!(later.all(), expected);
    cluster.stop();
    assert_eq!(all.next().await, None, "a watch ends with the cluster");
}

#[tokio::test]
async fn what_leaves_the_selection_is_gone_for_who_watches_it() {
    let cluster = cluster();
    write(&cluster, "POST", "a", json!({"app": "web"})).await;
    let mut watch = Watch::of(
        &cluster,
        &format!("{MAPS}?watch=1&labelSelector=app%3Dweb"),
        "*/*",
    )
    .await;
    write(&cluster, "POST", "b", json!({})).await;
    write(&cluster, "PUT", "b", json!({"app": "web"})).await;
    let left = write(&cluster, "PUT", "a", json!({"app": "db"})).await;
    write(&cluster, "PUT", "a", json!({})).await;
    write(&cluster, "DELETE", "b", json!({})).await;
    assert_eq!(text(&watch.next().await.expect("an event")["type"]), "ADDED");
    assert_eq!(text(&watch.next().await.expect("an event")["type"]), "ADDED");
    let gone = watch.next().await.expect("an event");
    assert_eq!(gone["type"], "DELETED");
    assert_eq!(
        gone["object"]["metadata"]["labels"]["app"], "web",
        "as it was when it was seen last"
    );
    assert_eq!(
        gone["object"]["metadata"]["resourceVersion"],
        left["metadata"]["resourceVersion"]
    );
    assert_eq!(watch.all(), ["DELETED b"]);
}

#[tokio::test]
async fn bookmarks_and_the_end_come_by_the_clusters_clock() {
    let cluster = cluster();
    write(&cluster, "POST", "a", json!({})).await;
    let path = format!(
        "{MAPS}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=90&{OWN}"
    );
    let mut watch = Watch::of(&cluster, &path, "*/*").await;
    assert_eq!(text(&watch.next().await.expect("an event")["type"]), "ADDED");
    let end = watch.next().await.expect("an event");
    assert_eq!(end["type"], "BOOKMARK");
    assert_eq!(end["object"]["kind"], "ConfigMap");
    assert_eq!(
        end["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"],
        "true"
    );
    assert_eq!(watch.all(), [""; 0]);
    cluster.advance(Duration::from_secs(60));
    assert_eq!(watch.all(), ["BOOKMARK "]);
    cluster.advance(Duration::from_secs(30));
    assert_eq!(watch.all(), ["BOOKMARK "]);
    assert_eq!(watch.next().await, None);
}

#[tokio::test]
async fn a_stream_of_tables_names_its_columns_once() {
    let cluster = cluster();
    let mut tables = Watch::of(&cluster, &format!("{MAPS}?watch=1&{OWN}"), TABLE).await;
    let metadata = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let mut metadata = Watch::of(&cluster, &format!("{MAPS}?watch=1&{OWN}"), metadata).await;
    write(&cluster, "POST", "a", json!({})).await;
    write(&cluster, "DELETE", "a", json!({})).await;
    let first = tables.next().await.expect("an event");
    assert_eq!(first["object"]["columnDefinitions"][1]["name"], "Data");
    assert_eq!(first["object"]["rows"][0]["cells"], json!(["a", 0, "0s"]));
    let second = tables.next().await.expect("an event");
    assert_eq!(
        (&second["type"], &second["object"]["columnDefinitions"]),
        (&json!("DELETED"), &Value::Null)
    );
    let alone = metadata.next().await.expect("an event");
    assert_eq!(alone["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(alone["object"]["metadata"]["name"], "a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_lost_with_twenty_watchers() {
    const CHANGES: usize = 2_000;
    let cluster = cluster();
    let mut watchers = Vec::new();
    for _ in 0..20 {
        let mut watch = Watch::of(&cluster, &format!("{MAPS}?watch=1&{OWN}"), "*/*").await;
        watchers.push(tokio::spawn(async move {
            let mut last = 0;
            for number in 0..CHANGES {
                let event = watch.next().await.expect("an event");
                assert_eq!(text(&event["object"]["metadata"]["name"]), format!("m{number}"));
                let revision = text(&event["object"]["metadata"]["resourceVersion"])
                    .parse()
                    .unwrap_or(0);
                assert!(revision > last, "{revision} after {last}");
                last = revision;
            }
        }));
    }
    for number in 0..CHANGES {
        write(&cluster, "POST", &format!("m{number}"), json!({})).await;
        tokio::task::yield_now().await;
    }
    for watcher in watchers {
        watcher.await.expect("a watcher that has seen everything");
    }
}
