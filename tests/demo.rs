//! The embedded cluster's front door: `--demo` with any command, and `kube-mcp demo` for others to connect to.

#![cfg(feature = "demo")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Command, Output, Stdio},
};

use serde_json::json;

/// The program with an empty home.
fn program(home: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home.path())
        .stdin(Stdio::null());
    command
}

fn output(arguments: &[&str], variables: &[(&str, &str)]) -> (bool, String, String) {
    let home = tempfile::tempdir().unwrap();
    let Output {
        status,
        stdout,
        stderr,
    } = program(&home, arguments)
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.success(), text(stdout), text(stderr))
}

#[test]
fn it_is_the_one_cluster_and_says_that_it_is_a_simulation() {
    let (ok, out, err) = output(
        &["--demo", "call", "clusters_list"],
        &[("KUBECONFIG", "/no/such/file")],
    );
    assert!(
        ok && out.starts_with("1 cluster\n") && out.contains("\ndemo\t"),
        "{out}{err}"
    );
    assert!(
        out.contains("a simulation: no real cluster") && out.contains("+kube-mcp-demo"),
        "{out}"
    );
    assert!(err.contains("is a simulation"), "{err}");
    let (_, out, err) = output(&["doctor"], &[("KUBE_MCP_DEMO", "1")]);
    assert!(out.contains("a simulation in this process"), "{out}{err}");
}

#[test]
fn what_is_configured_about_real_clusters_does_not_count() {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join("config.yaml");
    let text = "kubernetes: {contexts: [prod], aliases: {prod: p}, context: prod, kubeconfig: /no/such/file}\n\
                access: {deny: [{clusters: [prod], resources: [secrets]}]}\n";
    fs::write(&config, text).unwrap();
    let (ok, out, err) = output(
        &[
            "--demo",
            "--config",
            &config.to_string_lossy(),
            "call",
            "clusters_list",
        ],
        &[],
    );
    assert!(ok && out.contains("\ndemo\t"), "{out}{err}");
    for flag in ["--kubeconfig", "--context"] {
        let (ok, _, err) = output(&["--demo", flag, "x", "tools"], &[]);
        assert!(
            !ok && err.contains("has no kubeconfig and no contexts"),
            "{flag}: {err}"
        );
    }
}

#[test]
fn a_client_is_told_when_it_connects() {
    let home = tempfile::tempdir().unwrap();
    let mut server = program(&home, &["--demo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}});
    writeln!(server.stdin.take().unwrap(), "{hello}").unwrap();
    let Output { stdout, stderr, .. } = server.wait_with_output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    );
    assert!(stdout.contains("The cluster is a simulation"), "{stdout}");
    assert!(stderr.contains("is a simulation"), "{stderr}");
}

#[test]
fn its_api_is_served_alone_with_a_kubeconfig() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("demo.kubeconfig");
    let mut server = program(
        &home,
        &["demo", "--empty", "--kubeconfig-out", &file.to_string_lossy()],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut says = String::new();
    BufReader::new(server.stderr.take().unwrap())
        .read_line(&mut says)
        .unwrap();
    let written = fs::read_to_string(&file).unwrap();
    let address = written
        .split("http://")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap();
    assert!(
        says.contains("a simulation of Kubernetes") && says.contains(address),
        "{says}"
    );

    let mut connection = TcpStream::connect(address).unwrap();
    write!(
        connection,
        "GET /version HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("+kube-mcp-demo"),
        "{answer}"
    );

    server.kill().unwrap();
    let printed = String::from_utf8(server.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(printed, written);
}

#[test]
fn it_listens_on_loopback_only() {
    let (ok, _, err) = output(&["demo", "--listen", "0.0.0.0:0"], &[]);
    assert!(!ok && err.contains("loopback only"), "{err}");
}
