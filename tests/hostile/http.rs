//! The same mutants over HTTP: each is the body of a request, and some heads are mutants, too.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    api::write_kubeconfig,
    http_server::{HttpServer, request, text},
    lines::{GROWTH, Lines, api, memory},
    mutator::plan,
};

/// After so many requests come valid ones that must be answered.
const EVERY: usize = 500;
/// Requests at once.
const LANES: usize = 16;
/// How long an answer is waited for: that of a call that follows a log, or of a head that is no end, comes late or never.
const WAIT: Duration = Duration::from_millis(300);

impl Lines {
    /// A request whose body is the next line, as a client of the line's revision sends it; one head in eight is a
    /// mutant.
    fn request(&mut self, session: &str) -> Vec<u8> {
        let line = self.line();
        let message: Value = serde_json::from_slice(&line).unwrap_or_default();
        let (method, params) = (&message["method"], &message["params"]);
        let name = params["name"].as_str().or(params["uri"].as_str());
        let of_revision = match &params["_meta"]["io.modelcontextprotocol/protocolVersion"] {
            Value::String(version) => format!(
                "MCP-Protocol-Version: {version}\r\nMcp-Method: {}\r\nMcp-Name: {}",
                method.as_str().unwrap_or_default(),
                name.unwrap_or_default(),
            ),
            _ => format!("Mcp-Session-Id: {session}"),
        };
        let verb = *self
            .mutator
            .of(&["POST", "POST", "POST", "POST", "POST", "POST", "GET", "OPTIONS"]);
        let mut head = format!(
            "{verb} /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nConnection: close\r\n\
             Accept: application/json, text/event-stream\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n{of_revision}\r\n\r\n",
            line.len()
        )
        .into_bytes();
        if self.mutator.rng.u8(0..8) == 0 {
            self.mutator.mutate(&mut head);
        }
        head.extend(line);
        head
    }
}

/// Sends a request and says whether there was an answer.
async fn exchange(address: &str, request: &[u8]) -> bool {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    let conversation = async {
        // One that is refused early may be closed while it is still written.
        let _ = stream.write_all(request).await;
        let _ = stream.read_to_end(&mut answer).await;
    };
    let _ = timeout(WAIT, conversation).await;
    let shown = || format!("{} to {}", answer.escape_ascii(), request.escape_ascii());
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{}", shown());
    assert_ne!(answer.get(9..12), Some(b"500".as_slice()), "{}", shown());
    !answer.is_empty()
}

/// A call as a client of each era makes it is answered.
async fn probe(server: &HttpServer, session: &str) {
    let arguments = json!({"kind": "ConfigMap", "name": "settings"});
    let params = json!({"name": "resources_get", "arguments": arguments});
    let message = request("tools/call", params);
    let answer = server.post(&[("mcp-session-id", session)], &message).await;
    for text in [
        text(&answer.message()),
        server.call("resources_get", arguments).await,
    ] {
        assert!(text.contains("ConfigMap shop/settings"), "{text}");
    }
}

/// To the program, so that its memory is its own.
fn requests(count: usize) {
    let (seed, count) = plan(count);
    let home = tempfile::tempdir().unwrap();
    write_kubeconfig(&home.path().join("kubeconfig"), api().serve(), "none");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let settings = [
            // What it says is read at its end only.
            ("KUBE_MCP_LOG", "off"),
            ("KUBE_MCP_AUDIT", "/dev/null"),
            ("KUBE_MCP_HTTP_SESSIONS", "1000"),
            ("KUBE_MCP_HTTP_SESSION_IDLE", "1s"),
        ];
        let mut server = HttpServer::start_in(home, &["--no-auth"], &settings).await;
        let address = server.url.replace("http://", "").replace("/mcp", "");
        let mut source = Lines::new(seed);
        let (started, mut warm, mut answered) = (Instant::now(), 0, 0);
        for done in (0..count).step_by(EVERY) {
            let session = server.begin().await;
            let answers = stream::iter(0..EVERY.min(count - done))
                .map(|_| {
                    let request = source.request(&session);
                    let address = &address;
                    async move { exchange(address, &request).await }
                })
                .buffer_unordered(LANES);
            answered += answers
                .filter(|answered| std::future::ready(*answered))
                .count()
                .await;
            let session = server.begin().await;
            probe(&server, &session).await;
            if done <= count / 10 {
                warm = memory(&server.pid());
            }
        }
        let end = memory(&server.pid());
        server.terminate().await;
        let (success, _, said) = server.ended().await;
        eprintln!(
            "{count} requests in {:.0?}: {answered} answered, {} MiB after a tenth, {} MiB at the end",
            started.elapsed(),
            warm >> 20,
            end >> 20
        );
        assert!(
            success && !said.contains("panicked"),
            "KUBE_MCP_SEED={seed}: {said}"
        );
        assert!(answered > count / 2, "KUBE_MCP_SEED={seed}: {answered}");
        assert!(
            end < warm + GROWTH,
            "KUBE_MCP_SEED={seed}: memory grew from {warm} to {end} bytes"
        );
    });
}

#[test]
fn requests_to_the_program() {
    requests(2_000);
}

#[test]
#[ignore = "takes long: see docs/testing.md"]
fn a_hundred_thousand_requests() {
    requests(100_000);
}
