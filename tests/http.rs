//! The program over HTTP: who may come in, both eras, and its end. No cluster is needed.

#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use http_body_util::BodyExt as _;
use hyper::Method;
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    time::{sleep, timeout},
};

#[path = "support/api_server.rs"]
mod api_server;
#[path = "support/http.rs"]
mod http;

use api_server::{ApiServer, PATIENCE};
use http::{HttpServer, initialize, modern, modern_headers, request, text};

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// A server with a cluster that holds lists of pods until it is told to let go.
async fn with_cluster() -> (HttpServer, ApiServer) {
    let api = ApiServer::start(usize::MAX, usize::MAX).await;
    let home = tempfile::tempdir().unwrap();
    api.write_kubeconfig(&home.path().join("kubeconfig"));
    (HttpServer::start_in(home, &[], &[]).await, api)
}

#[tokio::test]
async fn a_random_token_is_needed_and_only_its_file_tells_it() {
    let mut server = HttpServer::start(&["--log", "debug"], &[]).await;
    let file = server.token_file.clone().unwrap();
    let token = server.token.clone().unwrap();
    assert_eq!(token.len(), 43, "32 bytes");
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));

    let none = server.post(&[("authorization", "")], &initialize()).await;
    assert_eq!((none.status, none.header("www-authenticate")), (401, "Bearer"));
    assert!(none.body.contains("Authorization: Bearer"), "{none:?}");
    let wrong = format!("Bearer {}", token.replace(&token[..1], "~"));
    for wrong in [wrong.as_str(), "Bearer", "Basic eDp5", token.as_str()] {
        let reply = server.post(&[("authorization", wrong)], &initialize()).await;
        assert_eq!(
            (reply.status, reply.header("www-authenticate")),
            (401, "Bearer"),
            "{wrong}"
        );
    }
    let session = server.begin().await;
    let arguments = json!({"name": "pods_list", "arguments": {"namespace": "an-argument"}});
    let called = server
        .post(&[("mcp-session-id", &session)], &request("tools/call", arguments))
        .await;
    assert_eq!(called.status, 200, "{called:?}");
    let health = server
        .ask(Method::GET, "/healthz", &[("authorization", "")], "")
        .await;
    assert_eq!((health.status, health.body.as_str()), (200, "ok\n"));

    server.terminate().await;
    let (success, out, err) = server.ended().await;
    assert!(success && out.is_empty(), "{out}");
    for secret in [&token, &session] {
        assert!(
            !format!("{}{err}", server.said).contains(secret.as_str()),
            "{err}"
        );
    }
    assert!(!file.exists() && !file.parent().unwrap().exists());
}

#[tokio::test]
async fn a_token_of_ones_own_is_taken_and_none_is_written() {
    let token = "a-token-of-one's-own";
    let mut server = HttpServer::start(&[], &[("KUBE_MCP_HTTP_TOKEN", token)]).await;
    assert_eq!(server.token_file, None);
    assert_eq!(server.post(&[], &initialize()).await.status, 401);
    server.token = Some(token.to_owned());
    assert_eq!(server.post(&[], &initialize()).await.status, 200);

    let open = HttpServer::start(&["--no-auth"], &[]).await;
    assert_eq!(
        (open.post(&[], &initialize()).await.status, &open.token_file),
        (200, &None)
    );
}

#[tokio::test]
async fn only_names_of_loopback_and_allowed_ones_may_come_in() {
    let server = HttpServer::start(
        &["--no-auth"],
        &[
            ("KUBE_MCP_HTTP_ALLOWED_HOSTS", "mcp.example.com"),
            ("KUBE_MCP_HTTP_ALLOWED_ORIGINS", "https://app.example.com"),
        ],
    )
    .await;
    for (name, value, status) in [
        ("host", "localhost", 200),
        ("host", "LOCALHOST:9", 200),
        ("host", "[::1]:8080", 200),
        ("host", "127.0.0.1.nip.io", 403),
        ("host", "localhost.evil.example", 403),
        ("host", "evil.example", 403),
        ("host", "localhost@evil.example", 403),
        ("host", "evil.example@localhost", 403),
        ("host", "localhost.", 403),
        ("host", "MCP.example.com:443", 200),
        ("origin", "http://localhost:5173", 200),
        ("origin", "http://127.0.0.1", 200),
        ("origin", "https://app.example.com", 200),
        ("origin", "https://app.example.com.evil.example", 403),
        ("origin", "http://app.example.com", 403),
        ("origin", "http://evil.example@localhost", 403),
        ("origin", "http://[::1]evil.example", 403),
        ("origin", "http://localhost.evil.example", 403),
        ("origin", "null", 403),
        ("origin", "http://evil.example", 403),
    ] {
        let reply = server.post(&[(name, value)], &initialize()).await;
        assert_eq!(reply.status, status, "{name}: {value}: {}", reply.body);
        assert!(status == 200 || reply.body.contains(value), "{}", reply.body);
        let health = server.ask(Method::GET, "/healthz", &[(name, value)], "").await;
        assert_eq!(health.status, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn a_page_that_may_call_may_read_the_answer() {
    let server = HttpServer::start(&[], &[]).await;
    let page = "http://localhost:5173";
    let preflight = [
        ("authorization", ""),
        ("origin", page),
        ("access-control-request-method", "POST"),
    ];
    let asked = server.ask(Method::OPTIONS, "/mcp", &preflight, "").await;
    assert_eq!(
        (asked.status, asked.header("access-control-allow-origin")),
        (200, page)
    );
    assert!(
        asked
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    for (token, status) in [(server.token.clone().unwrap(), 200), (String::new(), 401)] {
        let headers = [("origin", page), ("authorization", &format!("Bearer {token}"))];
        let reply = server.post(&headers, &initialize()).await;
        assert_eq!(
            (reply.status, reply.header("access-control-allow-origin")),
            (status, page)
        );
        assert!(
            reply
                .header("access-control-expose-headers")
                .contains("mcp-session-id")
        );
    }
    let other = [
        ("origin", "http://evil.example"),
        ("access-control-request-method", "POST"),
    ];
    let refused = server.ask(Method::OPTIONS, "/mcp", &other, "").await;
    assert_eq!(
        (refused.status, refused.header("access-control-allow-origin")),
        (403, "")
    );
}

#[tokio::test]
async fn what_is_no_request_of_the_protocol_is_told_so() {
    let server = HttpServer::start(&["--no-auth"], &[("KUBE_MCP_HTTP_BODY_LIMIT", "1024")]).await;
    let hello = initialize().to_string();
    let large = " ".repeat(1025);
    for (method, path, header, body, status) in [
        (
            Method::POST,
            "/mcp",
            ("accept", "application/json"),
            hello.as_str(),
            406,
        ),
        (Method::POST, "/mcp", ("content-type", "text/plain"), &hello, 415),
        (Method::POST, "/mcp", ("x", "y"), &large, 413),
        (Method::POST, "/mcp", ("x", "y"), "{", 415),
        (Method::PUT, "/mcp", ("x", "y"), &hello, 405),
        (Method::POST, "/", ("x", "y"), &hello, 404),
    ] {
        let reply = server.ask(method.clone(), path, &[header], body).await;
        assert_eq!(reply.status, status, "{method} {path} {header:?}: {}", reply.body);
        assert!(!reply.body.is_empty());
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_before_its_body_is_there() {
    let server = HttpServer::start(&["--no-auth"], &[]).await;
    let address = server.url.trim_start_matches("http://").trim_end_matches("/mcp");
    for (headers, status) in [
        ("Host: localhost\r\nContent-Length: 4194305\r\n", "413"),
        ("Content-Length: 10\r\n", "400"),
        (
            "Host: localhost\r\nHost: localhost\r\nContent-Length: 10\r\n",
            "400",
        ),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("POST /mcp HTTP/1.1\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = BufReader::new(stream).lines();
        let line = timeout(PATIENCE, answer.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap();
        assert_eq!(line.split(' ').nth(1), Some(status), "{headers:?}: {line}");
    }
}

#[tokio::test]
async fn calls_that_nobody_waits_for_any_more_do_not_pile_up() {
    let (server, api) = with_cluster().await;
    let session = server.begin().await;
    let header = [("mcp-session-id", session.as_str())];
    let call = request(
        "tools/call",
        json!({"name": "pods_list", "arguments": {"namespace": "shop"}}),
    );
    // In a session, to close the response ends no call.
    for id in 0..512 {
        let mut call = call.clone();
        call["id"] = json!(id);
        server
            .send(Method::POST, &server.url, &header, call.to_string())
            .await;
    }
    let refused = server.post(&header, &call).await;
    assert!(refused.body.contains("512 calls are under way"), "{refused:?}");
    api.until(|counts| counts.held == 16).await;
}

#[tokio::test]
async fn a_session_lasts_until_it_is_ended() {
    let server = HttpServer::start(&[], &[("KUBE_MCP_HTTP_SESSIONS", "1")]).await;
    let list = request("tools/list", json!({}));
    assert_eq!(server.post(&[], &list).await.status, 400, "no session");
    assert_eq!(
        server.post(&[("mcp-session-id", "made-up")], &list).await.status,
        404
    );

    let session = server.begin().await;
    let header = [("mcp-session-id", session.as_str())];
    let listed = server.post(&header, &list).await;
    assert!(listed.message()["result"]["tools"].as_array().unwrap().len() > 5);

    let refused = server.post(&[], &initialize()).await;
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.body.contains("http.sessions") && !refused.header("retry-after").is_empty());
    let modern = server
        .post(
            &modern_headers("tools/list", ""),
            &modern("tools/list", json!({})),
        )
        .await;
    assert_eq!(modern.status, 200, "2026-07-28 needs no session");

    assert_eq!(server.ask(Method::DELETE, "/mcp", &header, "").await.status, 202);
    assert_eq!(server.post(&header, &list).await.status, 404);
    server.begin().await;
}

#[tokio::test]
async fn an_idle_session_is_closed() {
    let server = HttpServer::start(&[], &[("KUBE_MCP_HTTP_SESSION_IDLE", "200ms")]).await;
    let session = server.begin().await;
    let list = request("tools/list", json!({}));
    // To ask keeps it alive, so the pauses have to be longer than its patience.
    timeout(PATIENCE, async {
        while server.post(&[("mcp-session-id", &session)], &list).await.status != 404 {
            sleep(Duration::from_millis(400)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn no_session_is_needed_by_2026_07_28_nor_where_there_are_none() {
    let server = HttpServer::start(&["--stateless"], &[]).await;
    let headers = modern_headers("tools/list", "");
    let listed = server.post(&headers, &modern("tools/list", json!({}))).await;
    assert_eq!(listed.header("content-type"), "application/json");
    assert_eq!(listed.message()["result"]["resultType"], "complete");
    assert!(listed.header("mcp-session-id").is_empty());

    let hello = server.post(&[], &initialize()).await;
    assert_eq!(hello.message()["result"]["protocolVersion"], "2025-11-25");
    assert!(hello.header("mcp-session-id").is_empty());
    let older = [("mcp-protocol-version", "2025-11-25")];
    let listed = server.post(&older, &request("tools/list", json!({}))).await;
    assert!(listed.message()["result"].get("resultType").is_none());
    assert!(listed.message()["result"]["tools"].is_array());
    assert_eq!(server.ask(Method::GET, "/mcp", &older, "").await.status, 405);
}

#[tokio::test]
async fn callers_are_told_apart() {
    let mut server = HttpServer::start(&[], &[]).await;
    let call = request("tools/call", json!({"name": "pods_list", "arguments": {}}));
    for session in [server.begin().await, server.begin().await] {
        server.post(&[("mcp-session-id", &session)], &call).await;
    }
    server.call("pods_list", json!({})).await;
    server.terminate().await;
    let (_, _, err) = server.ended().await;
    let callers: Vec<String> = err
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .map(|line| line["caller"].as_str().unwrap().to_owned())
        .collect();
    let [one, two, token] = &callers[..] else {
        panic!("{err}")
    };
    assert!(one.starts_with("http:session-") && two.starts_with("http:session-") && one != two);
    assert!(token.starts_with("http:token-"));
}

#[tokio::test]
async fn to_close_the_response_is_to_cancel_the_call() {
    let (server, api) = with_cluster().await;
    let call = server.begin_call("pods_list", json!({"namespace": "shop"}));
    tokio::select! {
        _ = call => panic!("nothing has been let go"),
        _ = api.until(|counts| counts.held == 1) => {}
    }
    api.until(|counts| counts.given_up == 1).await;
}

#[tokio::test]
async fn at_the_end_calls_under_way_are_answered_and_streams_end() {
    let (mut server, api) = with_cluster().await;
    let session = server.begin().await;
    let header = [("mcp-session-id", session.as_str())];
    let stream = server.send(Method::GET, &server.url, &header, "").await;
    let call = request(
        "tools/call",
        json!({"name": "pods_list", "arguments": {"namespace": "shop"}}),
    );
    let (of_session, of_none, ()) = tokio::join!(
        server.post(&header, &call),
        server.call("pods_list", json!({"namespace": "shop"})),
        async {
            api.until(|counts| counts.held == 2).await;
            server.terminate().await;
            // It ends while calls are under way still.
            timeout(PATIENCE, stream.into_body().collect())
                .await
                .unwrap()
                .unwrap();
            api.release();
        }
    );
    for answer in [text(&of_session.message()), of_none] {
        assert!(answer.contains("pod-of-shop"), "{answer}");
    }
    assert!(server.ended().await.0);
}

#[tokio::test]
async fn at_the_end_calls_that_do_not_come_to_theirs_are_cancelled() {
    let (mut server, api) = with_cluster().await;
    let (answer, ()) = tokio::join!(server.call("pods_list", json!({"namespace": "shop"})), async {
        api.until(|counts| counts.held == 1).await;
        server.terminate().await;
    });
    assert!(answer.contains("cancelled"), "{answer}");
    assert!(server.ended().await.0);
}
