//! Lines that no client in its right mind writes, made of conversations that are right.

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use kube_mcp_core::{
    cluster::Clusters,
    config::Config,
    engine::Engine,
    server::{AuditLog, MemoryCodes, serve_streams},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader},
    process::Command,
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{
    api::{Api, write_kubeconfig},
    mutator::{Mutator, plan},
};

/// After so many lines comes a call that must be answered.
const EVERY: usize = 10_000;
/// How long it may take. A server that has 128 requests under way says so, and is asked again.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the process may grow by once it is warm.
pub(crate) const GROWTH: usize = 32 << 20;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// Calls that reach far into the server.
fn calls() -> Vec<Value> {
    let call = |name: &str, arguments: Value| json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": name, "arguments": arguments}});
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "x", "version": "1"}, "progressToken": 1});
    vec![
        call(
            "resources_list",
            json!({"kind": "cm", "where": "status!=Running,.data.a~^b$", "sort": "-age", "fields": "name,data.*", "output": "json"}),
        ),
        call(
            "resources_list",
            json!({"kind": "widgets.example.com", "selector": "app in (a,b),!c", "field_selector": "metadata.name=x", "limit": 3}),
        ),
        call(
            "resources_get",
            json!({"kind": "deploy", "name": "web", "namespace": "shop", "fields": "spec.containers[?(@.name==\"a\")].image"}),
        ),
        call("resources_describe", json!({"kind": "Pod", "name": "web"})),
        call(
            "pods_logs",
            json!({"name": "web", "include": "^(a|b)", "since": "15m", "tail": 5, "previous": false}),
        ),
        call(
            "events_list",
            json!({"type": "Warning", "since": "2026-07-28T13:41:00Z"}),
        ),
        call(
            "resources_label",
            json!({"kind": "cm", "name": "settings", "labels": ["a=b", "c-"], "dry_run": true, "confirm": "x-1"}),
        ),
        call(
            "pods_list",
            json!({"status": "unhealthy", "cursor": "a.b.c", "cluster": "*"}),
        ),
        json!({"jsonrpc": "2.0", "id": 8, "method": "resources/read", "params": {"uri": "k8s://it/shop/ConfigMap/settings", "_meta": meta}}),
        json!({"jsonrpc": "2.0", "id": "9", "method": "prompts/get", "params": {"name": "pod_troubleshooting", "arguments": {"name": "web"}, "_meta": meta}}),
        json!({"jsonrpc": "2.0", "id": 10, "method": "completion/complete", "params": {"ref": {"type": "ref/prompt", "name": "pod_troubleshooting"},
            "argument": {"name": "name", "value": "w"}, "context": {"arguments": {"namespace": "shop"}}}}),
        json!([{"jsonrpc": "2.0", "id": 11, "method": "ping"}, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 11}}]),
    ]
}

/// What clients write in the conversations of the protocol's tests, and the calls above.
fn corpus() -> Vec<Value> {
    let mut corpus = calls();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "yaml"))
    {
        let conversation: Value = serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        for step in conversation["steps"].as_array().unwrap() {
            if let Some(fields) = step["send"].as_object() {
                let mut message = json!({"jsonrpc": "2.0"});
                message.as_object_mut().unwrap().extend(fields.clone());
                corpus.push(message);
            }
            if let Some(message) = step["line"]
                .as_str()
                .and_then(|line| serde_json::from_str(line).ok())
            {
                corpus.push(message);
            }
        }
    }
    corpus
}

/// Where lines come from.
pub(crate) struct Lines {
    pub(crate) mutator: Mutator,
    corpus: Vec<Value>,
}

impl Lines {
    pub(crate) fn new(seed: u64) -> Self {
        let corpus = corpus();
        let texts = corpus
            .iter()
            .map(|message| message.to_string().into_bytes())
            .collect();
        Self {
            mutator: Mutator::new(seed, texts),
            corpus,
        }
    }

    /// The next line, with its end.
    pub(crate) fn line(&mut self) -> Vec<u8> {
        let mut line = if self.mutator.rng.u8(0..4) == 0 {
            self.mutator.bytes()
        } else {
            let mut message = self.mutator.of(&self.corpus).clone();
            let id = self.mutator.rng.u8(0..16);
            if let Some(fields) = message
                .as_object_mut()
                .filter(|fields| fields.contains_key("id") && id < 12)
            {
                fields["id"] = json!(id);
            }
            for _ in 0..self.mutator.rng.usize(0..4) {
                self.mutator.json(&mut message);
            }
            if self.mutator.rng.u8(0..20) == 0 {
                message = json!([message, self.mutator.of(&self.corpus)]);
            }
            let mut line = message.to_string().into_bytes();
            if self.mutator.rng.u8(0..4) == 0 {
                self.mutator.mutate(&mut line);
            }
            line
        };
        line.retain(|byte| *byte != b'\n');
        line.push(b'\n');
        line
    }
}

/// A cluster with a few objects.
pub(crate) fn api() -> Api {
    let object = |api_version: &str, kind: &str, name: &str| {
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": name},
            "data": {"a": "b"}, "spec": {"note": "n", "containers": [{"name": "a", "image": "b"}]}, "status": {"phase": "Running"}})
    };
    Api {
        objects: vec![
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}),
            object("v1", "ConfigMap", "settings"),
            object("v1", "Secret", "login"),
            object("v1", "Pod", "web"),
            object("apps/v1", "Deployment", "web"),
            object("example.com/v1", "Widget", "first"),
        ],
        log: "2026-11-23T02:01:53Z a\n2026-11-23T02:01:54Z b\n".to_owned(),
        refusal: "no change is taken".to_owned(),
    }
}

/// The memory of a process, in bytes; nothing where the system does not tell.
pub(crate) fn memory(process: &str) -> usize {
    let statm = fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    let pages = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or_default() * 4096
}

/// Writes the lines and reads the answers. Says how the memory was when a tenth was written, and at the end.
async fn drive(
    read: impl AsyncRead + Send + Unpin + 'static,
    mut write: impl AsyncWrite + Send + Unpin,
    seed: u64,
    lines: usize,
) -> (usize, usize) {
    let (answers, mut answered) = mpsc::unbounded_channel();
    let reader = tokio::spawn(async move {
        let mut lines = BufReader::new(read).lines();
        let mut count = 0_usize;
        while let Ok(Some(line)) = lines.next_line().await {
            let message: Value =
                serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
            count += 1;
            if message["id"].as_str().is_some_and(|id| id.starts_with("probe-")) {
                let _ = answers.send(message);
            }
        }
        count
    });
    let hello = json!({"jsonrpc": "2.0", "id": "hello", "method": "initialize",
        "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "hostile", "version": "1"}}});
    write.write_all(format!("{hello}\n").as_bytes()).await.unwrap();
    let mut source = Lines::new(seed);
    let mut warm = 0;
    for number in 1..=lines {
        let line = source.line();
        timeout(PATIENCE, write.write_all(&line))
            .await
            .unwrap_or_else(|_| {
                panic!(
                    "KUBE_MCP_SEED={seed}: line {number} is not read: {}",
                    line.escape_ascii()
                )
            })
            .unwrap();
        if number % EVERY.min(lines) == 0 {
            let until = Instant::now() + PATIENCE;
            for attempt in 0.. {
                let id = format!("probe-{number}-{attempt}");
                let probe = json!({"jsonrpc": "2.0", "id": id, "method": "tools/call",
                    "params": {"name": "resources_get", "arguments": {"kind": "ConfigMap", "name": "settings"}}});
                write.write_all(format!("{probe}\n").as_bytes()).await.unwrap();
                let answer = timeout(PATIENCE, answered.recv()).await.ok().flatten();
                let answer =
                    answer.unwrap_or_else(|| panic!("KUBE_MCP_SEED={seed}: no answer after line {number}"));
                let text = answer["result"]["content"][0]["text"]
                    .as_str()
                    .unwrap_or_default();
                if text.contains("ConfigMap shop/settings") {
                    break;
                }
                let busy = answer["error"]["message"]
                    .as_str()
                    .is_some_and(|message| message.contains("under way"));
                assert!(
                    busy && Instant::now() < until,
                    "KUBE_MCP_SEED={seed}: after line {number}: {answer}"
                );
                sleep(Duration::from_millis(20)).await;
            }
        }
        if number == lines.div_ceil(10) {
            warm = memory("self");
        }
    }
    let end = memory("self");
    write.shutdown().await.unwrap();
    drop(write);
    let count = reader.await.unwrap();
    assert!(count > lines / 4, "{count} answers to {lines} lines");
    (warm, end)
}

/// In this process, so that panics can be counted and memory be read.
fn in_process(lines: usize) {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        hook(info);
    }));
    let (seed, lines) = plan(lines);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    write_kubeconfig(&kubeconfig, api().serve(), "none");
    let mut config = Config::default();
    config.kubernetes.kubeconfig = vec![kubeconfig];
    let config = Arc::new(config);
    let clusters = Arc::new(Clusters::load(&config));
    let audit = Arc::new(AuditLog::open(Some(Path::new("/dev/null"))).unwrap());
    let codes = Arc::new(MemoryCodes::new());
    let engine =
        Arc::new(Engine::new(&[&kube_mcp::SURFACE], Arc::clone(&config), clusters, codes, audit).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let started = Instant::now();
    let (warm, end) = runtime.block_on(async {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (server_read, server_write) = tokio::io::split(server);
        tokio::spawn(async move {
            serve_streams(engine, &config, server_read, server_write, Default::default()).await
        });
        let (read, write) = tokio::io::split(client);
        drive(read, write, seed, lines).await
    });
    let panics = PANICS.load(Ordering::Relaxed);
    eprintln!(
        "{lines} lines in {:.0?}: {panics} panics, {} MiB after a tenth, {} MiB at the end",
        started.elapsed(),
        warm >> 20,
        end >> 20
    );
    assert_eq!(panics, 0, "KUBE_MCP_SEED={seed}");
    assert!(
        end < warm + GROWTH,
        "KUBE_MCP_SEED={seed}: memory grew from {warm} to {end} bytes"
    );
}

#[test]
fn lines_in_this_process() {
    in_process(20_000);
}

#[test]
#[ignore = "takes long: see docs/testing.md"]
fn a_million_lines() {
    in_process(1_000_000);
}

#[test]
fn lines_to_the_program() {
    let (seed, _) = plan(0);
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    write_kubeconfig(&kubeconfig, api().serve(), "none");
    let log = folder.path().join("log");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kube-mcp"))
            .env_remove("KUBE_MCP_SEED")
            .env_remove("KUBE_MCP_LINES")
            .env("KUBECONFIG", &kubeconfig)
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (read, write) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
        drive(read, write, seed, 3_000).await;
        assert!(timeout(PATIENCE, child.wait()).await.unwrap().unwrap().success());
    });
    let log = fs::read_to_string(&log).unwrap();
    assert!(!log.contains("panicked"), "KUBE_MCP_SEED={seed}: {log}");
}
