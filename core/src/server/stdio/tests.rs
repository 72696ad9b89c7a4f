//! The transport with rmcp's service over it, and a handler that knows three tools.

use std::time::{Duration, Instant};

use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData, ServerCapabilities,
        ServerConfig,
    },
    service::RequestContext,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::StdioTransport;
use crate::server::{
    serve::{ExitReason, run},
    stopping::Stopping,
};

/// `quick` answers, `slow` does after 300 ms, `hangs` heeds nothing.
struct Tools;

impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match request.name.as_ref() {
            "quick" => {}
            "slow" => tokio::time::sleep(Duration::from_millis(300)).await,
            "hangs" => std::future::pending().await,
            other => return Err(ErrorData::invalid_params(format!("unknown tool {other}"), None)),
        }
        Ok(CallToolResult::success(vec![ContentBlock::text(request.name)]).into())
    }
}

struct Client {
    write: Option<WriteHalf<DuplexStream>>,
    read: Lines<BufReader<ReadHalf<DuplexStream>>>,
    stop: CancellationToken,
    server: JoinHandle<ExitReason>,
}

impl Client {
    fn new() -> Self {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (server_read, server_write) = tokio::io::split(server);
        let (read, write) = tokio::io::split(client);
        let stop = CancellationToken::new();
        let signal = stop.clone();
        let server = tokio::spawn(async move {
            let stopping = Stopping::default();
            let transport = StdioTransport::new(server_read, server_write, stopping.clone());
            run(Tools, transport, &stopping, signal).await
        });
        Self {
            write: Some(write),
            read: BufReader::new(read).lines(),
            stop,
            server,
        }
    }

    async fn initialized(version: &str) -> Self {
        let mut client = Self::new();
        client
            .send(&json!({"jsonrpc": "2.0", "id": "init", "method": "initialize", "params": {
                "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}
            }}))
            .await;
        assert_eq!(client.next().await["result"]["protocolVersion"], version);
        client
            .send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
            .await;
        client
    }

    async fn raw(&mut self, bytes: &[u8]) {
        self.write.as_mut().unwrap().write_all(bytes).await.unwrap();
    }

    async fn send(&mut self, message: &Value) {
        self.raw(format!("{message}\n").as_bytes()).await;
    }

    async fn call(&mut self, id: u64, tool: &str) {
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}))
            .await;
    }

    async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(5), self.read.next_line());
        serde_json::from_str(&line.await.expect("an answer").unwrap().expect("no end")).unwrap()
    }

    /// Asks for a sign of life, which is to be the next that comes.
    async fn alive(&mut self) {
        self.call(4711, "quick").await;
        let answer = self.next().await;
        assert_eq!(answer["id"], 4711, "{answer}");
        assert_eq!(answer["result"]["content"][0]["text"], "quick");
    }

    /// Closes the input; says what came after that, why the server ended, and how long it took.
    async fn close(mut self) -> (Vec<Value>, ExitReason, Duration) {
        let mut write = self.write.take().unwrap();
        write.shutdown().await.unwrap();
        self.finish(write).await
    }

    async fn finish(mut self, _write: WriteHalf<DuplexStream>) -> (Vec<Value>, ExitReason, Duration) {
        let start = Instant::now();
        let reason = tokio::time::timeout(Duration::from_secs(5), &mut self.server)
            .await
            .unwrap()
            .unwrap();
        let took = start.elapsed();
        let mut rest = Vec::new();
        while let Ok(Ok(Some(line))) =
            tokio::time::timeout(Duration::from_millis(100), self.read.next_line()).await
        {
            rest.push(serde_json::from_str(&line).unwrap());
        }
        (rest, reason, took)
    }
}

#[tokio::test]
async fn every_hostile_line_is_answered_and_survived() {
    let mut client = Client::initialized("2025-06-18").await;
    for (line, id, code) in [
        (&b"{nonsense"[..], Value::Null, -32700),
        (b"\xff\xfe{}", Value::Null, -32700),
        (b"42", Value::Null, -32600),
        (br#"{"jsonrpc":"2.0"}"#, Value::Null, -32600),
        (br#"{"jsonrpc":"2.0","id":5,"method":3}"#, json!(5), -32600),
        (
            br#"{"jsonrpc":"2.0","id":6,"method":"no/such"}"#,
            json!(6),
            -32601,
        ),
        (
            br#"{"jsonrpc":"2.0","id":7,"method":"logging/setLevel","params":{"level":"info"}}"#,
            json!(7),
            -32601,
        ),
        (
            br#"{"jsonrpc":"2.0","id":8,"method":"tools/call","params":{}}"#,
            json!(8),
            -32602,
        ),
        (
            br#"[{"jsonrpc":"2.0","id":9,"method":"ping"}]"#,
            Value::Null,
            -32600,
        ),
    ] {
        client.raw(&[line, b"\n"].concat()).await;
        let answer = client.next().await;
        let context = format!("{} -> {answer}", String::from_utf8_lossy(line));
        assert_eq!(answer["error"]["code"], code, "{context}");
        assert_eq!(answer.get("id"), Some(&id), "{context}");
    }
    for line in [
        "",
        "  ",
        "\r",
        r#"{"jsonrpc":"2.0","id":99,"result":{}}"#,
        r#"{"jsonrpc":"2.0","method":"x"}"#,
    ] {
        client.raw(format!("{line}\n").as_bytes()).await;
    }
    client.alive().await;
}

#[tokio::test]
async fn a_line_that_is_too_long_is_skipped() {
    let mut client = Client::initialized("2025-06-18").await;
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..17 {
        client.raw(&chunk).await;
    }
    client.raw(b"\n").await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32600);
    assert!(
        answer["error"]["message"].as_str().unwrap().contains("16 MiB"),
        "{answer}"
    );
    client.alive().await;
}

#[tokio::test]
async fn what_comes_before_initialize_does_not_end_the_server() {
    let mut client = Client::new();
    client
        .send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        .await;
    client
        .send(&json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
        .await;
    client
        .send(&json!({"jsonrpc": "2.0", "id": 2, "method": "ping"}))
        .await;
    assert_eq!(
        client.next().await,
        json!({"jsonrpc": "2.0", "id": 2, "result": {}})
    );
    client.call(3, "quick").await;
    let answer = client.next().await;
    assert_eq!(
        (&answer["id"], &answer["error"]["code"]),
        (&json!(3), &json!(-32602))
    );
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .contains("initialize")
    );
    client
        .send(&json!({"jsonrpc": "2.0", "id": 4, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}}))
        .await;
    assert_eq!(client.next().await["error"]["code"], -32602);
    client
        .send(&json!({"jsonrpc": "2.0", "id": 5, "method": "initialize", "params": {
            "protocolVersion": "1999-01-01", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}
        }}))
        .await;
    assert_eq!(client.next().await["result"]["protocolVersion"], "2025-11-25");
    client.alive().await;
}

#[tokio::test]
async fn the_stateless_era_leaves_out_an_id_that_it_cannot_know() {
    let mut client = Client::new();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}
    });
    client
        .send(&json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "quick", "_meta": meta}}))
        .await;
    assert_eq!(client.next().await["result"]["resultType"], "complete");
    client.raw(b"{\n").await;
    let answer = client.next().await;
    assert_eq!(answer["error"]["code"], -32700);
    assert_eq!(answer.get("id"), None);
}

#[tokio::test]
async fn an_id_under_way_is_not_given_twice() {
    let mut client = Client::initialized("2025-06-18").await;
    client.call(1, "slow").await;
    client.call(1, "quick").await;
    let refused = client.next().await;
    assert_eq!(
        (&refused["id"], &refused["error"]["code"]),
        (&json!(1), &json!(-32600))
    );
    let answer = client.next().await;
    assert_eq!(answer["result"]["content"][0]["text"], "slow");
    client.call(1, "quick").await;
    assert_eq!(client.next().await["result"]["content"][0]["text"], "quick");
}

#[tokio::test]
async fn a_batch_is_answered_as_one_in_the_revision_that_has_them() {
    let mut client = Client::initialized("2025-03-26").await;
    client
        .send(&json!([
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow"}},
            {"jsonrpc": "2.0", "id": 2, "method": "ping"},
            {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
            {"jsonrpc": "2.0", "id": 3},
            {"jsonrpc": "2.0", "id": 2, "method": "ping"},
        ]))
        .await;
    let answer = client.next().await;
    let mut ids: Vec<_> = answer
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_u64().unwrap())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2, 2, 3], "{answer}");
    client.raw(b"[]\n").await;
    assert_eq!(client.next().await["error"]["code"], -32600);
    client.alive().await;
}

#[tokio::test]
async fn what_is_ready_after_the_end_is_written() {
    let mut client = Client::initialized("2025-06-18").await;
    client.call(1, "slow").await;
    // The last line lacks its newline.
    client.raw(br#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#).await;
    let (rest, reason, took) = client.close().await;
    let mut ids: Vec<_> = rest.iter().map(|answer| answer["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, [1, 2]);
    assert_eq!(reason, ExitReason::InputClosed);
    assert!(took < Duration::from_millis(700), "{took:?}");
}

#[tokio::test]
async fn a_call_that_hangs_ends_with_the_server_within_a_second() {
    let mut client = Client::initialized("2025-06-18").await;
    client.call(1, "hangs").await;
    client.alive().await;
    let (rest, reason, took) = client.close().await;
    assert_eq!(rest, Vec::<Value>::new());
    assert_eq!(reason, ExitReason::InputClosed);
    assert!(
        (Duration::from_millis(800)..Duration::from_millis(950)).contains(&took),
        "{took:?}"
    );
}

#[tokio::test]
async fn a_signal_is_an_end_like_any_other() {
    let mut client = Client::initialized("2025-06-18").await;
    client.call(1, "slow").await;
    client.alive().await;
    client.stop.cancel();
    let write = client.write.take().unwrap();
    let (rest, reason, took) = client.finish(write).await;
    assert_eq!(rest[0]["result"]["content"][0]["text"], "slow");
    assert_eq!(reason, ExitReason::Signal);
    assert!(took < Duration::from_millis(700), "{took:?}");
}

#[tokio::test]
async fn an_end_before_the_first_request_is_quick() {
    let (rest, reason, took) = Client::new().close().await;
    assert!(rest.is_empty());
    assert_eq!(reason, ExitReason::InputClosed);
    assert!(took < Duration::from_millis(200), "{took:?}");
}

#[tokio::test]
async fn a_closed_output_ends_the_server_quietly() {
    let (client_read, server_write) = tokio::io::duplex(64);
    let (mut client_write, server_read) = tokio::io::duplex(1 << 16);
    drop(client_read);
    let server = tokio::spawn(async move {
        let stopping = Stopping::default();
        let transport = StdioTransport::new(server_read, server_write, stopping.clone());
        run(Tools, transport, &stopping, CancellationToken::new()).await
    });
    client_write.write_all(b"{\n").await.unwrap();
    let reason = tokio::time::timeout(Duration::from_secs(1), server)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reason, ExitReason::OutputClosed);
}

#[tokio::test]
async fn a_client_that_reads_nothing_does_not_keep_the_server_from_ending() {
    let mut client = Client::initialized("2025-06-18").await;
    let stop = client.stop.clone();
    let mut write = client.write.take().unwrap();
    // Written until the server, whose answers nobody takes, reads no more.
    let flood = async {
        loop {
            write.write_all(b"garbage\n").await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_millis(300), flood)
        .await
        .unwrap_err();
    stop.cancel();
    let start = Instant::now();
    let reason = tokio::time::timeout(Duration::from_secs(2), &mut client.server)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(reason, ExitReason::Signal);
    assert!(
        start.elapsed() < Duration::from_millis(980),
        "{:?}",
        start.elapsed()
    );
}
