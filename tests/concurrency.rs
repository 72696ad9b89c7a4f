//! A hundred calls at once: none waits for another without need, the API server is never asked for more at once than
//! is configured, and every answer is the right one.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    time::Instant,
};

use futures::future::join_all;
use serde_json::{Value, json};

#[path = "support/api_server.rs"]
#[expect(dead_code, reason = "tests/http.rs uses the rest")]
mod api_server;
#[path = "support/http.rs"]
#[expect(dead_code, reason = "tests/http.rs uses the rest")]
mod http;
#[path = "support/mcp.rs"]
#[expect(dead_code, reason = "the benchmarks use the rest")]
mod mcp;

use api_server::{ApiServer, Counts, PATIENCE};
use http::{HttpServer, request, text};
use mcp::{Answer, Server};

const CALLS: usize = 100;
const AT_ONCE: usize = 16;
const LIMITS: [(&str, &str); 2] = [("KUBE_MCP_CONCURRENCY", "16"), ("KUBE_MCP_RATE", "10000")];

/// The cluster, and a folder with its kubeconfig. Fewer requests at once than are allowed would be held for ever.
async fn cluster() -> (ApiServer, tempfile::TempDir) {
    let api = ApiServer::start(AT_ONCE, CALLS).await;
    let home = tempfile::tempdir().unwrap();
    api.write_kubeconfig(&home.path().join("kubeconfig"));
    (api, home)
}

fn arguments(call: usize) -> Value {
    json!({"namespace": format!("team-{call}")})
}

/// Every call has its own answer, and the API server was asked for exactly as much at once as it may be.
fn check(api: &ApiServer, answers: impl Iterator<Item = (usize, String)>) {
    let mut count = 0;
    for (call, answer) in answers {
        let line = format!("pod-of-team-{call}");
        assert!(
            answer.split_whitespace().any(|word| word == line),
            "{call}: {answer}"
        );
        count += 1;
    }
    assert_eq!(count, CALLS);
    let counts = Counts {
        under_way: 0,
        most: AT_ONCE,
        held: 0,
        answered: CALLS,
        waves: CALLS.div_ceil(AT_ONCE),
        given_up: 0,
    };
    assert_eq!(api.counts(), counts);
}

#[tokio::test]
async fn over_http_without_sessions() {
    let (api, home) = cluster().await;
    let server = HttpServer::start_in(home, &[], &LIMITS).await;
    let calls = (0..CALLS).map(|call| server.call("pods_list", arguments(call)));
    check(&api, join_all(calls).await.into_iter().enumerate());
}

#[tokio::test]
async fn over_http_in_one_session() {
    let (api, home) = cluster().await;
    let server = HttpServer::start_in(home, &[], &LIMITS).await;
    let session = server.begin().await;
    let calls = (0..CALLS).map(async |call| {
        let mut message = request(
            "tools/call",
            json!({"name": "pods_list", "arguments": arguments(call)}),
        );
        message["id"] = json!(call);
        let answer = server
            .post(&[("mcp-session-id", &session)], &message)
            .await
            .message();
        assert_eq!(answer["id"], json!(call));
        text(&answer)
    });
    check(&api, join_all(calls).await.into_iter().enumerate());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_stdio() {
    let (api, home) = cluster().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    command
        .env_clear()
        .env("HOME", home.path())
        .env("KUBECONFIG", home.path().join("kubeconfig"))
        .envs(LIMITS)
        .stderr(Stdio::null());
    let answers = tokio::task::spawn_blocking(move || {
        let (mut server, _) = Server::connect(command).unwrap();
        let ids: BTreeMap<u64, usize> = (0..CALLS)
            .map(|call| {
                let params = json!({"name": "pods_list", "arguments": arguments(call)});
                (server.begin("tools/call", &params).unwrap(), call)
            })
            .collect();
        let end = Instant::now() + PATIENCE;
        let answers = ids.iter().map(|_| {
            let (id, result) = server.next_answer(end).unwrap();
            (ids[&id], Answer::of(&result).text)
        });
        answers.collect::<Vec<_>>()
    });
    check(&api, answers.await.unwrap().into_iter());
}
