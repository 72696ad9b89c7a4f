//! From the start of the process to the answer to `initialize`, its memory then, and its end: without a cluster, with
//! the embedded one, with one that does not answer, and with a credential plugin that hangs.
//!
//! In the last two a tool call has to fail within its deadline and say what to do, and the end of stdin has to end
//! the process within a second even while such a call is under way, leaving no child behind.

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

#[path = "../tests/support/mcp.rs"]
mod mcp;

use mcp::Server;

/// Starts of each kind; the median counts.
const STARTS: usize = 31;
/// From start to the answer, in ms.
const START: f64 = 10.0;
/// What the embedded cluster may add to it, in ms.
const DEMO: f64 = 50.0;
/// Memory after the answer, in kB.
const MEMORY: u64 = 15 * 1024;
/// From the end of stdin to the end of the process.
const END: Duration = Duration::from_secs(1);

/// A kubeconfig whose server never answers: a port that takes connections and says nothing.
fn silent_server(folder: &Path) -> Result<std::net::TcpListener, Box<dyn Error>> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let server = format!("https://{}", listener.local_addr()?);
    let user = json!({"token": "none"});
    fs::write(folder.join("unreachable"), kubeconfig(&server, &user))?;
    Ok(listener)
}

/// A kubeconfig whose credential plugin sleeps. The plugin's file is this run's own, so that a child that stays
/// behind is found by its name.
fn hanging_plugin(folder: &Path) -> Result<(), Box<dyn Error>> {
    let plugin = folder.join("hanging-plugin");
    fs::write(&plugin, "#!/bin/sh\nsleep 600\n")?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(&plugin, fs::Permissions::from_mode(0o755))?;
    }
    let user = json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": plugin, "interactiveMode": "Never",
    }});
    fs::write(folder.join("hanging"), kubeconfig("https://127.0.0.1:9", &user))?;
    Ok(())
}

fn kubeconfig(server: &str, user: &serde_json::Value) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": server}}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    })
    .to_string()
}

fn command(folder: &Path, config: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    command
        .env("KUBECONFIG", folder.join(config))
        .env("HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .stderr(Stdio::null());
    for name in ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"] {
        command.env_remove(name);
    }
    command
}

fn memory(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Processes whose command line names a file of this folder.
fn left_behind(folder: &Path) -> usize {
    let Ok(processes) = fs::read_dir("/proc") else {
        return 0;
    };
    let name = folder.join("hanging-plugin");
    let name = name.to_string_lossy();
    processes
        .flatten()
        .filter_map(|entry| fs::read(entry.path().join("cmdline")).ok())
        .filter(|line| String::from_utf8_lossy(line).contains(&*name))
        .count()
}

/// Counts what was missed while it prints each measure.
#[derive(Default)]
struct Report {
    missed: usize,
}

impl Report {
    #[expect(clippy::print_stdout, reason = "a benchmark reports")]
    fn line(&mut self, what: &str, found: &str, bar: &str, kept: bool) {
        self.missed += usize::from(!kept);
        println!(
            "{what:<52} {found:>16}   {bar:<16} {}",
            if kept { "ok" } else { "MISSED" }
        );
    }
}

/// The embedded cluster's story is told beside the start, which does not wait for it.
fn embedded(folder: &Path, report: &mut Report) -> Result<(), Box<dyn Error>> {
    let (mut plain, mut demo, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let started = Instant::now();
        Server::connect(command(folder, "none"))?;
        plain.push(started.elapsed());
        let mut with = command(folder, "none");
        with.arg("--demo");
        let started = Instant::now();
        let (mut server, _) = Server::connect(with)?;
        demo.push(started.elapsed());
        server.call("clusters_list", &json!({}))?;
        first.push(started.elapsed());
    }
    let [plain, demo, first] = [plain, demo, first].map(|mut times| {
        times.sort_unstable();
        times[STARTS / 2].as_secs_f64() * 1e3
    });
    let added = demo - plain;
    report.line(
        "--demo: added to the start (median)",
        &format!("{added:.1} ms"),
        &format!("under {DEMO} ms"),
        added < DEMO,
    );
    report.line(
        "--demo: start to the first answer from it (median)",
        &format!("{first:.0} ms"),
        "",
        true,
    );
    Ok(())
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut report = Report::default();
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let _listener = silent_server(folder)?;
    hanging_plugin(folder)?;

    embedded(folder, &mut report)?;
    for config in ["none", "unreachable", "hanging"] {
        let mut times = Vec::new();
        let mut most = 0;
        for _ in 0..STARTS {
            let started = Instant::now();
            let (server, _) = Server::connect(command(folder, config))?;
            times.push(started.elapsed());
            most = most.max(memory(server.pid()).unwrap_or(0));
        }
        times.sort_unstable();
        let start = times[STARTS / 2].as_secs_f64() * 1e3;
        let what = format!("{config}: start to the answer to initialize (median)");
        report.line(
            &what,
            &format!("{start:.1} ms"),
            &format!("under {START} ms"),
            start < START,
        );
        let what = format!("{config}: memory then (most)");
        report.line(
            &what,
            &format!("{most} kB"),
            &format!("under {MEMORY} kB"),
            most < MEMORY,
        );
    }

    for (config, deadline) in [("unreachable", 31), ("hanging", 31)] {
        let (mut server, _) = Server::connect(command(folder, config))?;
        let started = Instant::now();
        let answer = server.call("pods_list", &json!({}))?;
        let took = started.elapsed();
        let what = format!("{config}: a call fails");
        let kept = answer.is_error && took < Duration::from_secs(deadline);
        report.line(
            &what,
            &format!("{:.1} s", took.as_secs_f64()),
            &format!("under {deadline} s"),
            kept,
        );
        report.line(&format!("  {}", answer.text.replace('\n', " / ")), "", "", true);

        let (mut server, _) = Server::connect(command(folder, config))?;
        server.begin("tools/call", &json!({"name": "pods_list", "arguments": {}}))?;
        thread::sleep(Duration::from_millis(300));
        let took = server.end()?;
        let what = format!("{config}: from the end of stdin to the end, amid a call");
        report.line(
            &what,
            &format!("{} ms", took.as_millis()),
            "at most 1 s",
            took <= END,
        );
    }
    let left = left_behind(folder);
    report.line("children left behind", &left.to_string(), "none", left == 0);
    Ok(if report.missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
