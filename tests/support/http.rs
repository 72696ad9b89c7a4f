//! The program over HTTP, and a client of it.

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use http_body_util::{BodyExt as _, Full};
use hyper::{
    HeaderMap, Method, Request, Response,
    body::{Bytes, Incoming},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader},
    process::{Child, ChildStderr, Command},
    time::timeout,
};

/// How long anything may take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server, and a client with the server's token.
pub(crate) struct HttpServer {
    child: Child,
    stderr: BufReader<ChildStderr>,
    /// What it has said when it started.
    pub(crate) said: String,
    pub(crate) url: String,
    /// The file with its token, if it names one.
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) token: Option<String>,
    client: Client<HttpConnector, Full<Bytes>>,
    /// Its HOME; `kubeconfig` in it is its kubeconfig.
    _home: tempfile::TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Reply {
    async fn read(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap();
        Self {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_bytes().to_vec()).unwrap(),
        }
    }

    /// The message in it: the body, or the last event's data.
    pub(crate) fn message(&self) -> Value {
        let mut events = self.body.lines().filter_map(|line| line.strip_prefix("data: "));
        let text = events.next_back().unwrap_or(&self.body);
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A header's value; nothing if it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl HttpServer {
    /// Starts it with these arguments and variables on a port of its own.
    pub(crate) async fn start(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments, variables).await
    }

    /// The same in a folder with a kubeconfig.
    pub(crate) async fn start_in(
        home: tempfile::TempDir,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_kube-mcp"))
            .args(["serve", "--transport", "http", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .env_clear()
            .env("HOME", home.path())
            .env("TMPDIR", home.path())
            .env("KUBECONFIG", home.path().join("kubeconfig"))
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        for _ in 0..2 {
            timeout(PATIENCE, stderr.read_line(&mut said))
                .await
                .unwrap()
                .unwrap();
        }
        let word = |start: &str| {
            let word = said.split_whitespace().find(|word| word.starts_with(start));
            word.map(|word| word.trim_end_matches([';', '.']).to_owned())
        };
        let url = word("http://").unwrap_or_else(|| panic!("no address: {said}"));
        let token_file = word("/").map(PathBuf::from);
        let token = token_file
            .as_ref()
            .map(|file| std::fs::read_to_string(file).unwrap());
        Self {
            child,
            stderr,
            said,
            url,
            token_file,
            token,
            client: Client::builder(TokioExecutor::new()).build_http(),
            _home: home,
        }
    }

    /// Sends a request as a well-behaved client does, but for these headers: they replace its own, and an empty one
    /// takes it out. Waits for the head of the answer.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> Response<Incoming> {
        let authorization = self.token.as_ref().map(|token| format!("Bearer {token}"));
        let mut all = BTreeMap::from([
            ("accept", "application/json, text/event-stream"),
            ("content-type", "application/json"),
            ("authorization", authorization.as_deref().unwrap_or_default()),
        ]);
        all.extend(headers.iter().copied());
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in all.into_iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::from(body.into())).unwrap();
        timeout(PATIENCE, self.client.request(request))
            .await
            .unwrap()
            .unwrap()
    }

    /// Sends a message and reads the whole answer.
    pub(crate) async fn post(&self, headers: &[(&str, &str)], message: &Value) -> Reply {
        Reply::read(
            self.send(Method::POST, &self.url, headers, message.to_string())
                .await,
        )
        .await
    }

    /// Sends any request and reads the whole answer.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let url = self.url.replace("/mcp", path);
        Reply::read(self.send(method, &url, headers, body).await).await
    }

    /// Begins a session as a client of 2025-11-25 and gives its id.
    pub(crate) async fn begin(&self) -> String {
        let reply = self.post(&[], &initialize()).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let session = reply.header("mcp-session-id").to_owned();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
        let reply = self.post(&[("mcp-session-id", &session)], &ready).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        session
    }

    /// Calls a tool as a client of 2026-07-28, and waits for the head of the answer.
    pub(crate) async fn begin_call(&self, tool: &str, arguments: Value) -> Response<Incoming> {
        let headers = modern_headers("tools/call", tool);
        let message = modern("tools/call", json!({"name": tool, "arguments": arguments}));
        self.send(Method::POST, &self.url, &headers, message.to_string())
            .await
    }

    /// The same, with the whole answer: its text.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> String {
        let reply = Reply::read(self.begin_call(tool, arguments).await).await;
        text(&reply.message())
    }

    /// Its process.
    pub(crate) fn pid(&self) -> String {
        self.child.id().unwrap().to_string()
    }

    /// Asks it to end.
    pub(crate) async fn terminate(&self) {
        assert!(
            Command::new("kill")
                .arg(self.pid())
                .status()
                .await
                .unwrap()
                .success()
        );
    }

    /// Waits for its end: its status, and what it said on stdout and, since it started, on stderr.
    pub(crate) async fn ended(&mut self) -> (bool, String, String) {
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap().unwrap();
        let (mut out, mut err) = (String::new(), String::new());
        let mut stdout = self.child.stdout.take().unwrap();
        stdout.read_to_string(&mut out).await.unwrap();
        self.stderr.read_to_string(&mut err).await.unwrap();
        (status.success(), out, err)
    }
}

/// The text of a tool's answer.
pub(crate) fn text(message: &Value) -> String {
    let text = message["result"]["content"][0]["text"].as_str();
    text.unwrap_or_else(|| panic!("no answer of a tool: {message}"))
        .to_owned()
}

/// What a client of 2025-11-25 begins with.
pub(crate) fn initialize() -> Value {
    request(
        "initialize",
        json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}),
    )
}

/// A request of any revision.
pub(crate) fn request(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
}

/// A request of 2026-07-28.
pub(crate) fn modern(method: &str, mut params: Value) -> Value {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "tests", "version": "1"},
    });
    request(method, params)
}

/// The headers that 2026-07-28 wants with a request; `name` is the tool's.
pub(crate) fn modern_headers<'a>(method: &'a str, name: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
        ("mcp-name", name),
    ]
}
