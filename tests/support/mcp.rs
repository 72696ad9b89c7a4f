//! A small MCP client over stdio, for tests and benchmarks: one request at a time, every wait with an end.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long a request may take: longer than any deadline of the server's.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running server.
pub(crate) struct Server {
    child: Child,
    /// Closed by dropping it.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    last_id: u64,
}

/// The answer to a tool call.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Its text.
    pub(crate) text: String,
    /// Whether it is an error.
    pub(crate) is_error: bool,
}

impl Answer {
    /// What a result says.
    pub(crate) fn of(result: &Value) -> Self {
        Self {
            text: texts(&result["content"]),
            is_error: result["isError"] == json!(true),
        }
    }
}

impl Server {
    /// Starts it; `command` says with which arguments and environment.
    pub(crate) fn start(mut command: Command) -> Result<Self, String> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {command:?}: {error}"))?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().ok_or("the child has no stdout")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            child,
            stdin,
            lines,
            last_id: 0,
        })
    }

    /// Starts it and shakes hands as a client of 2025-06-18 does; gives the answer to `initialize` too.
    pub(crate) fn connect(command: Command) -> Result<(Self, Value), String> {
        let mut server = Self::start(command)?;
        let hello = server.initialize(json!({}))?;
        Ok((server, hello))
    }

    /// Shakes hands as a client of 2025-06-18 with these capabilities does.
    pub(crate) fn initialize(&mut self, capabilities: Value) -> Result<Value, String> {
        let hello = self.request(
            "initialize",
            json!({
                "protocolVersion": "2025-06-18",
                "capabilities": capabilities,
                "clientInfo": {"name": "tests", "version": "1"},
            }),
        )?;
        self.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))?;
        Ok(hello)
    }

    /// The process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a request and waits for its result; an error of the protocol is an `Err`.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.begin(method, &params)?;
        let end = Instant::now() + PATIENCE;
        loop {
            let (answered, result) = self
                .next_answer(end)
                .map_err(|error| format!("{method}: {error}"))?;
            if answered == id {
                return Ok(result);
            }
        }
    }

    /// Waits for the next answer: its id and result. An error of the protocol is an `Err`.
    pub(crate) fn next_answer(&self, end: Instant) -> Result<(u64, Value), String> {
        loop {
            let patience = end.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(patience).map_err(|error| match error {
                RecvTimeoutError::Timeout => "no answer in time",
                RecvTimeoutError::Disconnected => "the server ended before it answered",
            })?;
            let mut message: Value = serde_json::from_str(&line)
                .map_err(|error| format!("the server wrote a line that is not JSON: {error}: {line}"))?;
            let Some(id) = message["id"].as_u64() else {
                continue; // a notification
            };
            if let Some(error) = message.get("error") {
                return Err(error.to_string());
            }
            return Ok((id, message["result"].take()));
        }
    }

    /// Sends a request and does not wait; gives its id.
    pub(crate) fn begin(&mut self, method: &str, params: &Value) -> Result<u64, String> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))?;
        Ok(id)
    }

    /// Calls a tool.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Result<Answer, String> {
        let result = self.request("tools/call", json!({"name": tool, "arguments": arguments}))?;
        Ok(Answer::of(&result))
    }

    /// Closes stdin and waits for the process to end; says how long it took.
    pub(crate) fn end(&mut self) -> Result<Duration, String> {
        let start = Instant::now();
        drop(self.stdin.take());
        while start.elapsed() < Duration::from_secs(10) {
            if self
                .child
                .try_wait()
                .map_err(|error| error.to_string())?
                .is_some()
            {
                return Ok(start.elapsed());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Err("the server did not end within 10 s of the end of its stdin".to_owned())
    }

    fn send(&mut self, message: &Value) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("stdin is closed")?;
        writeln!(stdin, "{message}")
            .and_then(|()| stdin.flush())
            .map_err(|error| format!("cannot write to the server: {error}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.end().is_err() {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The text blocks of a content, one after the other.
fn texts(content: &Value) -> String {
    let blocks = content.as_array().map_or(&[][..], Vec::as_slice);
    blocks
        .iter()
        .filter_map(|block| block["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}
