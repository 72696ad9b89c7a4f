use std::{sync::Arc, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    ErrorKind,
    call::Access,
    cluster::{
        Cluster, Grant, Patch, Preconditions,
        testing::{Script, grant},
    },
};

const PODS: &str = "/api/v1/namespaces/shop/pods/web";

fn answer(script: Script, method: &str, code: u16, after: Option<u64>) -> Script {
    let headers = after
        .map(|seconds| ("retry-after", seconds.to_string()))
        .into_iter()
        .collect();
    let body = json!({"kind": "Status", "code": code, "message": "busy"}).to_string();
    script.answer(
        method,
        PODS,
        StatusCode::from_u16(code).unwrap(),
        headers,
        body.into(),
    )
}

async fn get(cluster: &Arc<Cluster>, grant: Grant) -> Result<Value, crate::Error> {
    cluster.client(grant).get_path(PODS).await
}

async fn patch(script: &Script) -> Result<(), crate::Error> {
    let cluster = script.cluster();
    let pods = cluster.resolve("pods", grant(Access::Read)).await.unwrap();
    let client = cluster.client(grant(Access::Write));
    let patch = Patch::Merge(json!({}));
    client
        .patch(&pods, Some("shop"), "web", &patch, &Preconditions::default())
        .await
        .map(drop)
}

#[tokio::test(start_paused = true)]
async fn reads_are_repeated() {
    let mut script = Script::new();
    for code in [429, 502, 503, 504] {
        script = answer(script, "GET", code, None);
    }
    let script = script.on("GET", PODS, json!({"ok": true}));
    assert_eq!(
        get(&script.cluster(), grant(Access::Read)).await.unwrap(),
        json!({"ok": true})
    );
    assert_eq!(script.requests().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_read_gives_up() {
    let script = answer(Script::new(), "GET", 503, None);
    let error = get(&script.cluster(), grant(Access::Read)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Server);
    assert_eq!(script.requests().len(), 5);
    // What is no passing trouble is not repeated.
    let script = answer(Script::new(), "GET", 500, None);
    get(&script.cluster(), grant(Access::Read)).await.unwrap_err();
    assert_eq!(script.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_repeated_only_where_it_did_not_happen() {
    let script = answer(Script::new(), "PATCH", 503, None);
    patch(&script).await.unwrap_err();
    assert_eq!(script.requests().len(), 1);
    let script = answer(Script::new(), "PATCH", 429, None);
    patch(&script).await.unwrap_err();
    assert_eq!(script.requests().len(), 1);
    let script = answer(Script::new(), "PATCH", 429, Some(1)).on("PATCH", PODS, json!({}));
    patch(&script).await.unwrap();
    assert_eq!(script.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_within_the_deadline() {
    let script = answer(Script::new(), "GET", 429, Some(3)).on("GET", PODS, json!({}));
    let started = tokio::time::Instant::now();
    get(&script.cluster(), grant(Access::Read)).await.unwrap();
    assert!(started.elapsed() >= Duration::from_secs(3));

    let script = answer(Script::new(), "GET", 429, Some(3)).on("GET", PODS, json!({}));
    let short = Grant {
        deadline: std::time::Instant::now() + Duration::from_secs(2),
        ..grant(Access::Read)
    };
    let error = get(&script.cluster(), short).await.unwrap_err();
    assert!(error.message.contains("call again in 3 s"), "{error}");
    assert_eq!(script.requests().len(), 1);
}
