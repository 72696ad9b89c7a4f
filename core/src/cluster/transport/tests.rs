use std::time::Duration;

use kube::config::{AuthInfo, Cluster as ClusterEntry, ExecConfig};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;
use crate::{ErrorKind, cluster::proxy::ProxyEnv};

/// An HTTP server that accepts one token only, and says so in its answers.
async fn server(accepted: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut chunk = [0; 1024];
                loop {
                    let read = stream.read(&mut chunk).await.unwrap_or(0);
                    if read == 0 {
                        return;
                    }
                    head.extend_from_slice(&chunk[..read]);
                    if head.ends_with(b"\r\n\r\n") {
                        let text = String::from_utf8_lossy(&head).to_lowercase();
                        assert!(text.contains("user-agent: kube-mcp/"), "{text}");
                        let good = text.contains(&format!("authorization: bearer {accepted}\r\n"));
                        let status = if good { "200 OK" } else { "401 Unauthorized" };
                        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                        head.clear();
                    }
                }
            });
        }
    });
    address
}

/// A transport to `server` whose plugin is this shell script; `{}` in it is the folder that it may write to.
fn transport(server: &str, script: &str, timeout: Duration) -> (Transport, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let script = script.replace("{}", &dir.path().display().to_string());
    let exec = ExecConfig {
        api_version: Some("client.authentication.k8s.io/v1".to_owned()),
        command: Some("sh".to_owned()),
        args: Some(vec!["-c".to_owned(), script]),
        install_hint: Some("install a shell".to_owned()),
        ..ExecConfig::default()
    };
    let entry = Entry {
        cluster: ClusterEntry {
            server: Some(server.to_owned()),
            ..ClusterEntry::default()
        },
        user: AuthInfo {
            exec: Some(exec),
            ..AuthInfo::default()
        },
        root_cert_file: None,
        place: "context \"c\" in k".to_owned(),
    };
    let how = Connecting {
        timeout: Duration::from_secs(2),
        pool: 4,
        proxy: ProxyEnv::default(),
    };
    let plugin = Plugin::of(&entry, timeout);
    (Transport::new(Ok((entry, plugin)), how), dir)
}

fn gives(token: &str, more: &str) -> String {
    format!(
        "echo run >> {{}}/runs; echo '{{\"kind\":\"ExecCredential\",\"apiVersion\":\
         \"client.authentication.k8s.io/v1\",\"status\":{{\"token\":\"{token}\"{more}}}}}'"
    )
}

fn runs(dir: &tempfile::TempDir) -> usize {
    std::fs::read_to_string(dir.path().join("runs"))
        .unwrap_or_default()
        .lines()
        .count()
}

async fn ask(transport: &Transport) -> Result<u16, Error> {
    let mut request = Request::new(RequestBody::default());
    *request.uri_mut() = "/version".parse().unwrap();
    match transport.clone().oneshot(request).await {
        Ok(response) => Ok(response.status().as_u16()),
        Err(error) => Err(*error.downcast::<Error>().unwrap()),
    }
}

const LONG: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_plugin_runs_once_for_many_requests() {
    let (transport, dir) = transport(&server("good").await, &gives("good", ""), LONG);
    let all = futures::future::join_all((0..8).map(|_| ask(&transport))).await;
    assert!(all.into_iter().all(|status| status.unwrap() == 200));
    assert_eq!(runs(&dir), 1);
}

#[tokio::test]
async fn a_credential_that_expired_is_renewed() {
    let (transport, dir) = transport(
        &server("good").await,
        &gives("good", ",\"expirationTimestamp\":\"2020-01-01T00:00:00Z\""),
        LONG,
    );
    for _ in 0..2 {
        assert_eq!(ask(&transport).await.unwrap(), 200);
    }
    assert_eq!(runs(&dir), 2);
}

#[tokio::test]
async fn a_credential_that_is_refused_is_renewed_once() {
    let second = format!(
        "if [ -e {{}}/runs ]; then {}; else {}; fi",
        gives("good", ""),
        gives("old", "")
    );
    let (renewed, dir) = transport(&server("good").await, &second, LONG);
    assert_eq!(ask(&renewed).await.unwrap(), 200);
    assert_eq!(runs(&dir), 2);
    let (refused, dir) = transport(&server("good").await, &gives("bad", ""), LONG);
    assert_eq!(ask(&refused).await.unwrap(), 401);
    assert_eq!(runs(&dir), 2);
}

#[tokio::test]
async fn a_plugin_that_fails_is_told_with_what_it_said() {
    let (transport, _dir) = transport("http://127.0.0.1:1", "echo 'session expired' >&2; exit 3", LONG);
    let error = ask(&transport).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert_eq!(
        error.message,
        "context \"c\" in k: the credential plugin `sh -c 'echo 'session expired' >&2; exit 3'` failed (exit \
         status: 3); it said: session expired; run it in a terminal to see what it wants (often a login), then \
         call again"
    );
}

#[tokio::test]
async fn a_plugin_of_another_version_is_not_one_to_log_in_with() {
    let script = gives("good", "").replace("k8s.io/v1", "k8s.io/v1beta1");
    let (transport, _dir) = transport("http://127.0.0.1:1", &script, LONG);
    let error = ask(&transport).await.unwrap_err();
    let (_, mend) = error.message.rsplit_once("; ").unwrap();
    assert_eq!(mend, "update it, or correct the apiVersion");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_plugin_that_hangs_is_stopped_with_its_children_and_fails_all_who_wait() {
    let script = "echo run >> {}/runs; sleep 1000 & echo $! > {}/child; wait";
    let (transport, dir) = transport("http://127.0.0.1:1", script, Duration::from_millis(400));
    let started = Instant::now();
    let all = futures::future::join_all((0..5).map(|_| ask(&transport))).await;
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "they wait once, not five times"
    );
    assert!(
        all.into_iter()
            .all(|result| result.unwrap_err().kind == ErrorKind::Timeout)
    );
    assert_eq!(runs(&dir), 1);
    assert_gone(&dir).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_plugin_goes_with_the_call_that_wanted_it() {
    let (transport, dir) = transport(
        "http://127.0.0.1:1",
        "sleep 1000 & echo $! > {}/child; wait",
        LONG,
    );
    let waits = tokio::time::timeout(Duration::from_millis(300), ask(&transport)).await;
    assert!(waits.is_err());
    assert_gone(&dir).await;
}

/// Waits until the child that a script noted is no more (or a zombie of somebody else's).
#[cfg(target_os = "linux")]
async fn assert_gone(dir: &tempfile::TempDir) {
    let child = std::fs::read_to_string(dir.path().join("child")).unwrap();
    let stat = format!("/proc/{}/stat", child.trim());
    for _ in 0..50 {
        match std::fs::read_to_string(&stat) {
            Err(_) => return,
            Ok(stat) if stat.contains(") Z ") => return,
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    panic!("the child {child} is still there");
}

#[tokio::test]
async fn what_a_plugin_leaves_running_does_not_hold_up_its_answer() {
    let script = format!("sleep 2 & {}", gives("good", ""));
    let (transport, _dir) = transport(&server("good").await, &script, LONG);
    let started = Instant::now();
    assert_eq!(ask(&transport).await.unwrap(), 200);
    assert!(started.elapsed() < Duration::from_secs(1));
}
