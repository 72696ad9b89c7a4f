//! Plays one conversation.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpListener,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use kube_mcp_core::{
    call::Audit,
    cluster::Clusters,
    config::{Config, Confirm},
    engine::Engine,
    server::{AuditLog, ExitReason, MemoryCodes, serve_streams},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, Lines},
    process::{Child, Command},
    task::JoinHandle,
    time::timeout,
};

use crate::{
    pattern::{fill, mismatch},
    surface,
};

/// How long an answer may take: a call may have to wait for a connection's deadline.
const PATIENCE: Duration = Duration::from_secs(40);

type Result<T = ()> = std::result::Result<T, String>;

/// A file of this folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    /// What it shows, for a reader.
    #[serde(rename = "about")]
    _about: String,
    #[serde(default)]
    server: Kind,
    /// Arguments of the program.
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    kubeconfig: Kubeconfig,
    /// `confirm: ask-only`, in this process.
    #[serde(default)]
    ask_only: bool,
    /// `_meta` of every request that is sent.
    meta: Option<Value>,
    steps: Vec<Step>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// The built program.
    #[default]
    Program,
    /// In this process, with the tests' surface.
    Surface,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kubeconfig {
    /// There is none.
    #[default]
    None,
    /// Of a server that takes connections and says nothing.
    Silent,
    /// With a credential plugin that hangs.
    Plugin,
}

/// What happens, in the order of the fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// A message to write; `jsonrpc` is added, `$name` is what was saved.
    send: Option<Value>,
    /// A line to write as it is.
    line: Option<String>,
    /// Bytes to write, in hex.
    hex: Option<String>,
    /// So many MiB without a newline to write.
    flood: Option<usize>,
    /// Closes the server's input.
    #[serde(default)]
    close: bool,
    /// Sends the process SIGTERM.
    #[serde(default)]
    terminate: bool,
    /// What the next message must match.
    expect: Option<Value>,
    /// What the next messages must match, in any order.
    unordered: Option<Vec<Value>>,
    /// Nothing comes for so many ms.
    silence: Option<u64>,
    /// Names for parts of the last message: a JSON pointer each.
    #[serde(default)]
    save: BTreeMap<String, String>,
    /// Names for words of the last message: each follows a text in it.
    #[serde(default)]
    save_after: BTreeMap<String, String>,
    /// Nothing more comes, and the server ends well within so many ms of the last thing that was done to it.
    ends: Option<u64>,
}

enum Running {
    Process(Box<Child>),
    Task(JoinHandle<ExitReason>),
}

struct Server {
    write: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    read: Lines<BufReader<Box<dyn AsyncRead + Send + Unpin>>>,
    running: Running,
    // Kept while it runs.
    _folder: tempfile::TempDir,
    _listener: Option<TcpListener>,
}

/// Plays a file.
pub(crate) fn play(path: &Path) -> Result {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let conversation: Conversation = serde_yaml::from_str(&text).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let result = runtime.block_on(run(conversation));
    runtime.shutdown_background();
    result
}

async fn run(conversation: Conversation) -> Result {
    let mut server = start(&conversation)?;
    let mut saved = Map::new();
    let mut last = Value::Null;
    let mut done = Instant::now();
    for (at, step) in conversation.steps.into_iter().enumerate() {
        if step.acts() {
            done = Instant::now();
        }
        server
            .step(step, &conversation.meta, &mut saved, &mut last, done)
            .await
            .map_err(|error| format!("step {}: {error}", at + 1))?;
    }
    Ok(())
}

impl Step {
    fn acts(&self) -> bool {
        self.send.is_some()
            || self.line.is_some()
            || self.hex.is_some()
            || self.flood.is_some()
            || self.close
            || self.terminate
    }
}

impl Server {
    async fn step(
        &mut self,
        step: Step,
        meta: &Option<Value>,
        saved: &mut Map<String, Value>,
        last: &mut Value,
        done: Instant,
    ) -> Result {
        if let Some(mut message) = step.send {
            complete(&mut message, meta);
            fill(&mut message, saved);
            self.write(format!("{message}\n").as_bytes()).await?;
        }
        if let Some(line) = step.line {
            self.write(format!("{line}\n").as_bytes()).await?;
        }
        if let Some(hex) = step.hex {
            self.write(&bytes(&hex)?).await?;
        }
        for _ in 0..step.flood.unwrap_or(0) {
            self.write(&vec![b'x'; 1 << 20]).await?;
        }
        if step.close
            && let Some(mut write) = self.write.take()
        {
            write.shutdown().await.map_err(|error| error.to_string())?;
        }
        if step.terminate {
            self.terminate().await?;
        }
        for expected in step.expect.iter() {
            *last = self.next().await?;
            if let Some(mismatch) = mismatch(expected, Some(last), "message") {
                return Err(short(&format!("{mismatch}\nin {last}")));
            }
        }
        if let Some(mut expected) = step.unordered {
            while !expected.is_empty() {
                *last = self.next().await?;
                let Some(at) = expected
                    .iter()
                    .position(|pattern| mismatch(pattern, Some(last), "").is_none())
                else {
                    return Err(short(&format!("none of {} is {last}", Value::from(expected))));
                };
                expected.remove(at);
            }
        }
        if let Some(silence) = step.silence
            && let Ok(line) = timeout(Duration::from_millis(silence), self.read.next_line()).await
        {
            return Err(format!("expected silence, got {line:?}"));
        }
        for (name, pointer) in step.save {
            let value = last
                .pointer(&pointer)
                .ok_or_else(|| format!("nothing at {pointer} in {last}"))?;
            saved.insert(name, value.clone());
        }
        for (name, text) in step.save_after {
            let message = last.to_string();
            let (_, after) = message
                .split_once(&text)
                .ok_or_else(|| format!("no {text} in {message}"))?;
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .unwrap_or(after.len());
            saved.insert(name, Value::from(&after[..end]));
        }
        match step.ends {
            Some(within) => self.ends(done, Duration::from_millis(within)).await,
            None => Ok(()),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result {
        let write = self.write.as_mut().ok_or("the input is closed")?;
        write.write_all(bytes).await.map_err(|error| error.to_string())?;
        write.flush().await.map_err(|error| error.to_string())
    }

    async fn next(&mut self) -> Result<Value> {
        match timeout(PATIENCE, self.read.next_line()).await {
            Err(_) => Err("nothing came".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(None)) => Err("the output ended".to_owned()),
            Ok(Ok(Some(line))) => {
                serde_json::from_str(&line).map_err(|error| format!("{error}: stdout had {line:?}"))
            }
        }
    }

    async fn terminate(&mut self) -> Result {
        let Running::Process(child) = &self.running else {
            return Err("only a process takes a signal".to_owned());
        };
        let id = child.id().ok_or("it has ended")?;
        let killed = Command::new("kill").arg(id.to_string()).status().await;
        match killed {
            Ok(status) if status.success() => Ok(()),
            other => Err(format!("kill: {other:?}")),
        }
    }

    async fn ends(&mut self, since: Instant, within: Duration) -> Result {
        match timeout(PATIENCE, self.read.next_line()).await {
            Ok(Ok(None)) => {}
            other => return Err(format!("expected the end, got {other:?}")),
        }
        match &mut self.running {
            Running::Process(child) => {
                let status = child.wait().await.map_err(|error| error.to_string())?;
                if !status.success() {
                    return Err(format!("it ended with {status}"));
                }
            }
            Running::Task(task) => {
                task.await.map_err(|error| error.to_string())?;
            }
        }
        let took = since.elapsed();
        if took > within {
            return Err(format!("it took {took:?} to end"));
        }
        Ok(())
    }
}

/// Enough of it to see what is meant: a list of tools is long.
fn short(text: &str) -> String {
    const MOST: usize = 1500;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{} …", &text[..end]),
    }
}

/// Adds what every message has.
fn complete(message: &mut Value, meta: &Option<Value>) {
    let messages = match message {
        Value::Array(messages) => messages.iter_mut().collect(),
        one => vec![one],
    };
    for message in messages.into_iter().filter_map(Value::as_object_mut) {
        message.entry("jsonrpc").or_insert_with(|| json!("2.0"));
        let is_request = message.contains_key("method") && message.contains_key("id");
        if let Some(meta) = meta.as_ref().filter(|_| is_request) {
            let params = message.entry("params").or_insert_with(|| json!({}));
            if let Some(params) = params.as_object_mut() {
                let own = params.entry("_meta").or_insert_with(|| json!({}));
                if let (Some(own), Some(meta)) = (own.as_object_mut(), meta.as_object()) {
                    for (name, value) in meta {
                        own.entry(name).or_insert_with(|| value.clone());
                    }
                }
            }
        }
    }
}

fn bytes(hex: &str) -> Result<Vec<u8>> {
    let digits: Vec<char> = hex.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            u8::from_str_radix(&pair.iter().collect::<String>(), 16).map_err(|error| error.to_string())
        })
        .collect()
}

fn start(conversation: &Conversation) -> Result<Server> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    match conversation.server {
        Kind::Program => start_program(conversation, folder),
        Kind::Surface => start_surface(conversation, folder),
    }
}

fn start_program(conversation: &Conversation, folder: tempfile::TempDir) -> Result<Server> {
    let io = |error: std::io::Error| error.to_string();
    let kubeconfig = folder.path().join("kubeconfig");
    let listener = match conversation.kubeconfig {
        Kubeconfig::None => None,
        Kubeconfig::Silent => {
            let listener = TcpListener::bind("127.0.0.1:0").map_err(io)?;
            let address = listener.local_addr().map_err(io)?;
            write_kubeconfig(
                &kubeconfig,
                &format!("https://{address}"),
                &json!({"token": "none"}),
            )?;
            Some(listener)
        }
        Kubeconfig::Plugin => {
            let exec = json!({
                "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never",
                "command": "sleep", "args": ["600"],
            });
            write_kubeconfig(&kubeconfig, "https://127.0.0.1:9", &json!({"exec": exec}))?;
            None
        }
    };
    let mut child = Command::new(env!("CARGO_BIN_EXE_kube-mcp"))
        .args(&conversation.args)
        .env("KUBECONFIG", &kubeconfig)
        .env("HOME", folder.path())
        .env("XDG_CONFIG_HOME", folder.path())
        .env_remove("KUBERNETES_SERVICE_HOST")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(io)?;
    let (Some(write), Some(read)) = (child.stdin.take(), child.stdout.take()) else {
        return Err("no pipes".to_owned());
    };
    let read: Box<dyn AsyncRead + Send + Unpin> = Box::new(read);
    Ok(Server {
        write: Some(Box::new(write)),
        read: BufReader::new(read).lines(),
        running: Running::Process(Box::new(child)),
        _folder: folder,
        _listener: listener,
    })
}

fn start_surface(conversation: &Conversation, folder: tempfile::TempDir) -> Result<Server> {
    let mut config = Config::default();
    config.kubernetes.kubeconfig = vec![folder.path().join("kubeconfig")];
    if conversation.ask_only {
        config.access.confirm = Confirm::AskOnly;
    }
    let config = Arc::new(config);
    let clusters = Arc::new(Clusters::load(&config));
    let audit = folder.path().join("audit");
    let audit: Arc<dyn Audit> = Arc::new(AuditLog::open(Some(&audit)).map_err(|error| error.to_string())?);
    let codes = Arc::new(MemoryCodes::new());
    let engine = Engine::new(&[&surface::SURFACE], Arc::clone(&config), clusters, codes, audit);
    let engine = Arc::new(engine.map_err(|error| error.to_string())?);
    let (client, server) = tokio::io::duplex(1 << 16);
    let (server_read, server_write) = tokio::io::split(server);
    let (read, write) = tokio::io::split(client);
    let task = tokio::spawn(async move {
        serve_streams(engine, &config, server_read, server_write, Default::default()).await
    });
    let read: Box<dyn AsyncRead + Send + Unpin> = Box::new(read);
    Ok(Server {
        write: Some(Box::new(write)),
        read: BufReader::new(read).lines(),
        running: Running::Task(task),
        _folder: folder,
        _listener: None,
    })
}

fn write_kubeconfig(path: &Path, server: &str, user: &Value) -> Result {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    });
    fs::write(path, config.to_string()).map_err(|error| error.to_string())
}
