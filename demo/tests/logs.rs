//! The logs of containers.

mod support;

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::Cluster;
use serde_json::json;
use support::{pod, script, shop_of};

const IMAGES: &str = "
- image: web
  log:
  - {at: 0s, line: 'starts in $HOSTNAME'}
  - {every: 10s, from: 5s, lines: ['order $N', 'late order ${N}0']}
";

/// The log of a pod, with the status.
async fn log(cluster: &Cluster, pod: &str, query: &str) -> (u16, String) {
    let request = Request::get(format!("/api/v1/namespaces/shop/pods/{pod}/log?{query}"))
        .header("authorization", format!("Bearer {}", kube_mcp_demo::ADMIN_TOKEN))
        .body(Bytes::new());
    let response = cluster.respond(request.expect("a request")).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("a text"))
}

async fn refused(cluster: &Cluster, pod: &str, query: &str) -> String {
    let (code, text) = log(cluster, pod, query).await;
    let status: serde_json::Value = serde_json::from_str(&text).expect("a Status");
    assert_eq!(status["code"], code);
    format!("{code} {}", status["message"].as_str().expect("a message"))
}

#[tokio::test]
async fn a_log_is_read_as_asked() {
    let cluster = shop_of(IMAGES).await;
    pod(&cluster, "web", json!({"image": "web:1"}), json!({})).await;
    pod(&cluster, "web2", json!({"image": "web"}), json!({})).await;
    cluster.advance(Duration::from_secs(60));
    let (_, all) = log(&cluster, "web2", "").await;
    assert_eq!(
        all.lines().collect::<Vec<_>>(),
        [
            "starts in web2",
            "order 1",
            "late order 20",
            "order 3",
            "late order 40",
            "order 5",
            "late order 60"
        ],
    );
    assert_eq!(log(&cluster, "web2", "tailLines=1").await.1, "late order 60\n");
    assert_eq!(
        log(&cluster, "web2", "sinceSeconds=17&container=main").await.1,
        "order 5\nlate order 60\n"
    );
    assert_eq!(log(&cluster, "web2", "limitBytes=8").await.1, "starts i");
    let (_, stamped) = log(&cluster, "web2", "timestamps=true&tailLines=7").await;
    assert!(
        stamped.starts_with("2026-01-01T00:00:01.900000000Z starts in web2\n"),
        "{stamped}"
    );
    assert_eq!(
        log(&cluster, "web2", "sinceTime=2026-01-01T00:00:50Z")
            .await
            .1
            .lines()
            .count(),
        1
    );
    // Another image says nothing.
    assert_eq!(log(&cluster, "web", "").await, (200, String::new()));
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_reason() {
    let cluster = shop_of(IMAGES).await;
    let two = json!({"initContainers": [{"name": "first", "image": "web"}]});
    pod(
        &cluster,
        "no",
        json!({"image": "registry.example.com/x:1"}),
        json!({}),
    )
    .await;
    pod(&cluster, "web", json!({"image": "web"}), two).await;
    pod(
        &cluster,
        "large",
        json!({"image": "web", "resources": {"requests": {"cpu": "100"}}}),
        json!({}),
    )
    .await;
    assert_eq!(
        refused(&cluster, "no", "").await,
        "400 container \"main\" in pod \"no\" is waiting to start: ContainerCreating"
    );
    cluster.advance(Duration::from_secs(5));
    assert_eq!(
        refused(&cluster, "no", "").await,
        "400 container \"main\" in pod \"no\" is waiting to start: trying and failing to pull image"
    );
    assert_eq!(
        refused(&cluster, "no", "previous=true").await,
        "400 previous terminated container \"main\" in pod \"no\" not found"
    );
    assert_eq!(
        refused(&cluster, "web", "").await,
        "400 container \"main\" in pod \"web\" is waiting to start: PodInitializing"
    );
    assert_eq!(
        refused(&cluster, "web", "container=x").await,
        "400 container x is not valid for pod web"
    );
    assert_eq!(log(&cluster, "web", "container=first").await.0, 200);
    assert_eq!(refused(&cluster, "gone", "").await, "404 pods \"gone\" not found");
    assert_eq!(
        log(&cluster, "large", "").await,
        (204, String::new()),
        "no kubelet has it"
    );
    assert_eq!(
        refused(&cluster, "no", "tailLines=-1&sinceSeconds=0").await,
        "422 PodLogOptions \"no\" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, \
         sinceSeconds: Invalid value: 0: must be greater than 0]"
    );
}

#[tokio::test]
async fn what_was_logged_before_the_restart_is_kept() {
    let cluster = shop_of("[]").await;
    pod(&cluster, "crash", script("date +%s; sleep 1; exit 1"), json!({})).await;
    cluster.advance(Duration::from_secs(5));
    let (first, second) = (
        log(&cluster, "crash", "previous=true").await.1,
        log(&cluster, "crash", "").await.1,
    );
    assert_eq!(
        (first.as_str(), second.as_str()),
        ("1767225601\n", "1767225603\n")
    );
    // What waits for its restart is the one before the next.
    cluster.advance(Duration::from_secs(9));
    assert_eq!(log(&cluster, "crash", "previous=true").await.1, second);
    assert_eq!(log(&cluster, "crash", "").await.1, second);
}

#[tokio::test]
async fn a_log_that_is_followed_ends_with_the_container() {
    let cluster = shop_of("[]").await;
    pod(
        &cluster,
        "job",
        script("for n in 1 2 3; do echo line $n; sleep 10; done"),
        json!({"restartPolicy": "Never"}),
    )
    .await;
    cluster.advance(Duration::from_secs(3));
    let request = Request::get("/api/v1/namespaces/shop/pods/job/log?follow=true&timestamps=false")
        .header("authorization", format!("Bearer {}", kube_mcp_demo::ADMIN_TOKEN))
        .body(Bytes::new());
    let mut body = cluster.respond(request.expect("a request")).await.into_body();
    let mut seen = String::new();
    for seconds in [0, 10, 10, 15] {
        cluster.advance(Duration::from_secs(seconds));
        let frame = body.frame().await.expect("a frame").expect("no failure");
        seen += std::str::from_utf8(frame.data_ref().expect("data")).expect("a text");
        seen += "|";
    }
    assert_eq!(seen, "line 1\n|line 2\n|line 3\n||");
    assert!(body.frame().await.is_none(), "it has ended");
}
