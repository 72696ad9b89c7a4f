//! Lists and watches of 20,000 pods: how long a page of a Table takes, and whether 20 watchers are told 1,000 changes a
//! second. `cargo bench -p kube-mcp-demo`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its numbers")]

use std::{
    error::Error,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::{Body, Cluster};
use serde_json::{Value, json};

type Failure = Box<dyn Error + Send + Sync>;

const PODS: usize = 20_000;
const NAMESPACES: usize = 20;
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
/// What a page of 500 rows may take.
const PAGE: Duration = Duration::from_millis(20);
const WATCHERS: usize = 20;
/// Changes in a second, for so many seconds.
const RATE: u32 = 1_000;
const SECONDS: u32 = 5;
/// How late a watcher may be told the last change.
const LATE: Duration = Duration::from_millis(250);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let cluster = Cluster::new("2026-01-01T00:00:00Z".parse()?);
    let begun = Instant::now();
    fill(&cluster).await?;
    println!("{PODS} pods made in {:?}", begun.elapsed());
    let page = pages(&cluster, "/api/v1/pods?limit=500").await?;
    pages(
        &cluster,
        "/api/v1/pods?limit=500&labelSelector=app%20in%20(a7,a8)",
    )
    .await?;
    let late = watched(&cluster).await?;
    println!(
        "{WATCHERS} watchers were told {} changes each at {RATE} a second; the last of them {late:?} after the last change",
        RATE * SECONDS
    );
    match page <= PAGE && late <= LATE {
        true => Ok(()),
        false => Err(format!("over the limits: a page {PAGE:?}, a watcher {LATE:?} late").into()),
    }
}

async fn ask(
    cluster: &Cluster,
    method: &str,
    path: &str,
    accept: &str,
    body: Bytes,
) -> Result<Body, Failure> {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", kube_mcp_demo::ADMIN_TOKEN))
        .header("content-type", "application/json")
        .header("accept", accept);
    let response = cluster.respond(request.body(body)?).await;
    match response.status().is_success() {
        true => Ok(response.into_body()),
        false => Err(format!(
            "{method} {path}: {:?}",
            response.into_body().collect().await?.to_bytes()
        )
        .into()),
    }
}

/// Makes namespaces and pods with a status as a kubelet writes it.
async fn fill(cluster: &Cluster) -> Result<(), Failure> {
    for number in 0..NAMESPACES {
        let namespace = json!({"metadata": {"name": format!("n{number}")}});
        ask(
            cluster,
            "POST",
            "/api/v1/namespaces",
            "*/*",
            namespace.to_string().into(),
        )
        .await?;
    }
    // The namespaces get their service accounts.
    cluster.settle();
    let conditions = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .map(|of| json!({"type": of, "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}));
    for number in 0..PODS {
        let path = format!("/api/v1/namespaces/n{}/pods", number % NAMESPACES);
        let made = ask(cluster, "POST", &path, "*/*", pod(number).to_string().into()).await?;
        let mut made: Value = serde_json::from_slice(&made.collect().await?.to_bytes())?;
        made["status"] = json!({
            "phase": "Running", "podIP": "10.0.0.7", "podIPs": [{"ip": "10.0.0.7"}], "startTime": "2026-01-01T00:00:00Z",
            "conditions": conditions,
            "containerStatuses": [{
                "name": "web", "ready": true, "started": true, "restartCount": number % 3,
                "image": "registry.example.com/web:1.2.3", "imageID": "", "containerID": "containerd://0123456789abcdef",
                "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-01T00:00:00Z"}},
            }],
        });
        let path = format!("{path}/pod-{number}/status");
        ask(cluster, "PUT", &path, "*/*", made.to_string().into()).await?;
    }
    Ok(())
}

fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("pod-{number}"),
            "labels": {"app": format!("a{}", number % 100), "team": "shop", "pod-template-hash": "5f88bb46d7"},
            "annotations": {"example.com/owner": "the team that one calls at night"},
        },
        "spec": {
            "containers": [{
                "name": "web", "image": "registry.example.com/web:1.2.3",
                "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
                "env": [{"name": "LEVEL", "value": "info"}, {"name": "REGION", "value": "north"}],
                "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 10},
            }],
        },
    })
}

/// Reads all pages of a Table. Gives how long one took.
async fn pages(cluster: &Cluster, path: &str) -> Result<Duration, Failure> {
    let mut times = Vec::new();
    let (mut rows, mut size) = (0, 0);
    let mut next = path.to_owned();
    loop {
        let begun = Instant::now();
        let page = ask(cluster, "GET", &next, TABLE, Bytes::new())
            .await?
            .collect()
            .await?
            .to_bytes();
        times.push(begun.elapsed());
        size += page.len();
        let page: Value = serde_json::from_slice(&page)?;
        rows += page["rows"].as_array().map_or(0, Vec::len);
        match page["metadata"]["continue"].as_str() {
            Some(token) => next = format!("{path}&continue={token}"),
            None => break,
        }
    }
    times.sort();
    let median = times[times.len() / 2];
    println!(
        "{path}: {rows} rows in {} pages of {} kB: {:?} to {:?}, median {median:?}",
        times.len(),
        size / times.len() / 1024,
        times[0],
        times[times.len() - 1],
    );
    Ok(median)
}

/// Changes pods at a steady rate while others watch. Gives how long after the last change the last was told of it.
async fn watched(cluster: &Cluster) -> Result<Duration, Failure> {
    let expected = usize::try_from(RATE * SECONDS)?;
    let current = ask(cluster, "GET", "/api/v1/pods?limit=1", "*/*", Bytes::new()).await?;
    let current: Value = serde_json::from_slice(&current.collect().await?.to_bytes())?;
    let revision = current["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    let path = format!("/api/v1/pods?watch=1&resourceVersion={revision}");
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        let mut body = ask(cluster, "GET", &path, "*/*", Bytes::new()).await?;
        watchers.push(tokio::spawn(async move {
            let mut told = 0;
            while told < expected {
                let frame = body.frame().await.ok_or("the stream ended")??;
                let data = frame.into_data().unwrap_or_default();
                told += data.iter().filter(|byte| **byte == b'\n').count();
            }
            Ok::<_, Failure>(Instant::now())
        }));
    }
    let mut tick = tokio::time::interval(Duration::from_secs(1) / RATE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    let begun = Instant::now();
    for number in 0..expected {
        tick.tick().await;
        let path = format!("/api/v1/namespaces/n{}/pods/pod-{number}", number % NAMESPACES);
        let pod = ask(cluster, "GET", &path, "*/*", Bytes::new())
            .await?
            .collect()
            .await?
            .to_bytes();
        let mut pod: Value = serde_json::from_slice(&pod)?;
        pod["metadata"]["annotations"]["example.com/changed"] = json!(number.to_string());
        ask(cluster, "PUT", &path, "*/*", pod.to_string().into()).await?;
    }
    let last = Instant::now();
    println!("{expected} changes made in {:?}", last - begun);
    let mut late = Duration::ZERO;
    for watcher in watchers {
        late = late.max(watcher.await??.saturating_duration_since(last));
    }
    Ok(late)
}
