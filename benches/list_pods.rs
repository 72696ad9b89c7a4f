//! Lists the pods of all namespaces through the server, against the one raw request that holds as much.
//!
//! The server is asked over stdio (`pods_list`, default limit), timed at the client from the request's first byte
//! to the answer's last; the raw request is the Table of all namespaces without objects, on a kept-alive connection
//! of this process, timed to its last byte and not even parsed. Both take turns. See `docs/performance.md`.

use std::{
    env,
    error::Error,
    process::{Command, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use http_body_util::BodyExt as _;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::task::JoinSet;

#[path = "../tests/support/mcp.rs"]
mod mcp;

use mcp::Server;

/// Anything that went wrong.
type Failure = Box<dyn Error + Send + Sync>;

/// Runs of each side that count.
const RUNS: usize = 41;
/// Runs of each side before those.
const WARM: usize = 5;
/// Requests that the server has under way at once.
const AT_ONCE: usize = 8;
/// Between two rounds: keeps the server below its own limit of requests a second, which is not what is measured.
const PAUSE: Duration = Duration::from_millis(120);
/// What the answer may take in time, as a ratio to the raw request.
const RATIO: f64 = 1.3;
/// What the answer may take in tokens of o200k.
const TOKENS: usize = 4_000;
/// What a row may take in tokens, at most and on average.
const ROW_TOKENS: (usize, f64) = (33, 28.0);
/// What the server may take in memory at its peak, in kB.
const MEMORY: u64 = 40 * 1024;

/// The raw side: a client that keeps its connection.
struct Raw {
    runtime: tokio::runtime::Runtime,
    client: kube::Client,
}

impl Raw {
    fn new(compressed: bool) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = runtime.block_on(async {
            let mut config =
                kube::Config::from_kubeconfig(&kube::config::KubeConfigOptions::default()).await?;
            config.disable_compression = !compressed;
            Ok::<_, Failure>(kube::Client::try_from(config)?)
        })?;
        Ok(Self { runtime, client })
    }

    /// The one request.
    fn pods(&self) -> Result<Vec<u8>, Failure> {
        self.runtime
            .block_on(table(self.client.clone(), "/api/v1/pods".to_owned()))
    }

    /// The requests that the server makes, without what it does with the answers.
    fn pods_by_namespace(&self) -> Result<(), Failure> {
        self.runtime.block_on(async {
            let namespaces = table(self.client.clone(), "/api/v1/namespaces".to_owned()).await?;
            let namespaces: Value = serde_json::from_slice(&namespaces)?;
            let mut rows = namespaces["rows"].as_array().into_iter().flatten();
            let mut under_way = JoinSet::new();
            loop {
                while under_way.len() < AT_ONCE
                    && let Some(row) = rows.next()
                {
                    let namespace = row["cells"][0].as_str().unwrap_or_default();
                    let path = format!("/api/v1/namespaces/{namespace}/pods");
                    under_way.spawn(table(self.client.clone(), path));
                }
                match under_way.join_next().await {
                    Some(answer) => drop(answer??),
                    None => return Ok(()),
                }
            }
        })
    }
}

/// A Table without objects, as bytes.
async fn table(client: kube::Client, path: String) -> Result<Vec<u8>, Failure> {
    let request = http::Request::get(format!("{path}?includeObject=None"))
        .header("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
        .body(Body::empty())?;
    let answer = client.send(request).await?;
    Ok(answer.into_body().collect().await?.to_bytes().to_vec())
}

/// What the raw Table says: how many pods have each status.
fn statuses(table: &[u8]) -> Result<Vec<(String, usize)>, Failure> {
    let table: Value = serde_json::from_slice(table)?;
    let columns = table["columnDefinitions"].as_array().ok_or("no columns")?;
    let status = columns
        .iter()
        .position(|column| column["name"] == "Status")
        .ok_or("no Status")?;
    let mut counts: Vec<(String, usize)> = Vec::new();
    for row in table["rows"].as_array().ok_or("no rows")? {
        let word = row["cells"][status].as_str().unwrap_or_default();
        match counts.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word.to_owned(), 1)),
        }
    }
    Ok(counts)
}

/// `5000` as `5,000`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// A line of `/proc/PID/status` in kB; none where there is no such file.
fn memory(pid: u32, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with(key))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Processor time of a process so far, in ms: the kernel counts it in hundredths of a second.
fn processor(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold spaces.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    let (user, system) = (fields.next()?.ok()?, fields.next()?.ok()?);
    Some((user + system) * 10)
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
            "{what:<44} {found:>28}   {bar:<24} {}",
            if kept { "ok" } else { "MISSED" }
        );
    }
}

fn main() -> Result<ExitCode, Failure> {
    let mut report = Report::default();
    if env::var_os("KUBECONFIG").is_none() {
        report.line("KUBECONFIG", "not set", "a filled cluster", false);
        return Ok(ExitCode::FAILURE);
    }
    let plain = Raw::new(false)?;
    let gzipped = Raw::new(true)?;
    // Its audit lines are no part of the report.
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    command.stderr(Stdio::null());
    let (mut server, _) = Server::connect(command)?;

    let table = plain.pods()?;
    let counts = statuses(&table)?;
    let total: usize = counts.iter().map(|(_, count)| count).sum();
    let first = server.call("pods_list", &json!({}))?;
    if first.is_error {
        return Err(first.text.into());
    }
    facts(&mut report, &first.text, &counts, total);

    // A stopwatch of each side, taking turns so that both see the same machine.
    let mut sides: [Vec<Duration>; 4] = Default::default();
    let before = processor(server.pid());
    for run in 0..WARM + RUNS {
        thread::sleep(PAUSE);
        let started = Instant::now();
        plain.pods()?;
        let raw = started.elapsed();
        let started = Instant::now();
        gzipped.pods()?;
        let raw_gzip = started.elapsed();
        let started = Instant::now();
        plain.pods_by_namespace()?;
        let raw_split = started.elapsed();
        let started = Instant::now();
        server.call("pods_list", &json!({}))?;
        let ours = started.elapsed();
        if run >= WARM {
            for (side, time) in sides.iter_mut().zip([raw, raw_gzip, raw_split, ours]) {
                side.push(time);
            }
        }
    }
    let spent = before
        .zip(processor(server.pid()))
        .map(|(before, after)| (after - before) / (WARM + RUNS) as u64);
    let [raw, raw_gzip, raw_split, ours] = sides.each_mut().map(|side| median(side));
    report.line(
        "raw Table, identity (median)",
        &format!("{raw:.1} ms, {} kB", table.len() / 1024),
        "",
        true,
    );
    report.line("raw Table, gzip (median)", &format!("{raw_gzip:.1} ms"), "", true);
    report.line(
        "raw Tables by namespace (median)",
        &format!("{raw_split:.1} ms"),
        "",
        true,
    );
    report.line("pods_list (median)", &format!("{ours:.1} ms"), "", true);
    let ratio = ours / raw;
    report.line(
        "pods_list / raw identity",
        &format!("{ratio:.2}"),
        &format!("at most {RATIO}"),
        ratio <= RATIO,
    );
    report.line(
        "pods_list / raw gzip",
        &format!("{:.2}", ours / raw_gzip),
        "",
        true,
    );

    if let Some(spent) = spent {
        report.line(
            "processor time of the server, a call",
            &format!("{spent} ms"),
            "",
            true,
        );
    }
    if let Some(peak) = memory(server.pid(), "VmHWM") {
        report.line(
            "peak memory of the server",
            &format!("{peak} kB"),
            &format!("under {MEMORY} kB"),
            peak < MEMORY,
        );
    }
    Ok(if report.missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Totals, order, namespaces and tokens of the answer.
fn facts(report: &mut Report, text: &str, counts: &[(String, usize)], total: usize) {
    let heading = text.lines().next().unwrap_or_default();
    let mut right = heading.contains(&grouped(total));
    for (status, count) in counts {
        right &= heading.contains(&format!("{} {status}", grouped(*count)));
    }
    let found = counts
        .iter()
        .map(|(status, count)| format!("{count} {status}"))
        .collect::<Vec<_>>()
        .join(", ");
    report.line("totals in the heading", &grouped(total), &found, right);

    // Rows are the tab-separated lines that are not headers; the first block is the unhealthy.
    let rows: Vec<&str> = text.lines().skip(1).filter(|line| line.contains('\t')).collect();
    let rows: Vec<&str> = rows
        .into_iter()
        .filter(|line| !line.starts_with("NAMESPACE"))
        .collect();
    let unhealthy = total
        - counts
            .iter()
            .find(|(status, _)| status == "Running")
            .map_or(0, |(_, count)| *count);
    let expected = unhealthy.min(rows.len());
    let sick = rows
        .iter()
        .take(expected)
        .filter(|row| row.contains("0/1"))
        .count();
    report.line(
        "unhealthy rows first",
        &format!("{sick} of {expected}"),
        "all",
        sick == expected,
    );
    let named = rows.iter().filter(|row| row.starts_with("scale-")).count();
    report.line(
        "rows that name their namespace",
        &format!("{named} of {}", rows.len()),
        "all",
        named == rows.len(),
    );

    let tokenizer = tiktoken_rs::o200k_base_singleton();
    let count = |text: &str| tokenizer.encode_ordinary(text).len();
    let tokens = count(text);
    report.line(
        "tokens of the answer",
        &tokens.to_string(),
        &format!("at most {TOKENS}"),
        tokens <= TOKENS,
    );
    let costs: Vec<usize> = rows.iter().map(|row| count(&format!("{row}\n"))).collect();
    let most = costs.iter().copied().max().unwrap_or(0);
    let sum: usize = costs.iter().sum();
    let mean = sum as f64 / costs.len().max(1) as f64;
    report.line(
        "tokens of a row (most, mean)",
        &format!("{most}, {mean:.1}"),
        &format!("{}, {}", ROW_TOKENS.0, ROW_TOKENS.1),
        most <= ROW_TOKENS.0 && mean <= ROW_TOKENS.1,
    );
}
