//! What is in use, as `kubectl top` has it, against what kubectl says of requests and limits.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    Trials, ensure, facts,
    kubectl::{apply, eventually, items, kubectl},
    listing::{Listing, Row},
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("containers", containers),
    ("requests_and_limits", requests_and_limits),
    ("pods_and_namespaces", pods_and_namespaces),
    ("nodes", nodes),
    ("wrong_words", wrong_words),
    ("not_allowed", not_allowed),
    ("several_clusters", several_clusters),
];

fn top(stage: &Stage, arguments: &Value) -> Result<Listing, String> {
    Ok(Listing::read(&stage.ask("metrics_top", arguments)?))
}

/// The names, which are the first words of the lines of `kubectl top`.
fn kubectl_top(arguments: &[&str]) -> Result<Vec<Vec<String>>, String> {
    let text = kubectl(&[&["top"], arguments, &["--no-headers"]].concat())?;
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
    Ok(text.lines().map(words).collect())
}

fn containers(stage: &Stage) -> Result<(), String> {
    eventually(60, || {
        let listing = top(
            stage,
            &json!({"kind": "containers", "namespace": stage.namespace, "sort": "memory", "selector": "app=web"}),
        )?;
        let selected = ["pods", "--containers", "-n", &stage.namespace, "-l", "app=web"];
        let mut expected: Vec<[String; 2]> = kubectl_top(&selected)?
            .into_iter()
            .filter_map(|words| Some([words.first()?.clone(), words.get(1)?.clone()]))
            .collect();
        expected.sort();
        let cell = |row: &Row, header| row.cell(header).unwrap_or_default().to_owned();
        let mut shown: Vec<[String; 2]> = listing
            .rows
            .iter()
            .map(|row| [cell(row, "POD"), cell(row, "CONTAINER")])
            .collect();
        shown.sort();
        ensure!(
            shown == expected && shown.len() >= 6,
            "kubectl has {expected:?}:\n{}",
            listing.text
        );
        ensure!(
            listing.heading.contains("by memory: ") && listing.heading.contains(" old, over "),
            "{}",
            listing.heading
        );
        Ok(())
    })
}

fn requests_and_limits(stage: &Stage) -> Result<(), String> {
    let namespace = stage.other_namespace("usage")?;
    let checked = limited(stage, &namespace);
    kubectl(&["delete", "namespace", &namespace, "--wait=false"])?;
    checked
}

fn limited(stage: &Stage, namespace: &str) -> Result<(), String> {
    let resources = "{requests: {cpu: 10m, memory: 24Mi}, limits: {memory: 1536Mi}}";
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: limited}}\nspec:\n  terminationGracePeriodSeconds: 0\n  \
         containers:\n  - {{name: main, image: busybox, imagePullPolicy: IfNotPresent, \
         command: [sh, -c, 'exec sleep 100000'], resources: {resources}}}\n"
    );
    // The default account that a pod needs comes soon after its namespace.
    eventually(30, || apply(&pod, Some(namespace)))?;
    eventually(90, || {
        let listing = top(stage, &json!({"namespace": namespace, "sort": "memory"}))?;
        let row = listing.row_where("POD", "limited")?;
        for (header, value) in [
            ("MEM REQ", "24Mi"),
            ("MEM LIMIT", "1536Mi"),
            ("CPU REQ", "10m"),
            ("CPU LIMIT", "none"),
        ] {
            row.says(header, value)?;
        }
        ensure!(
            listing.heading.contains(" used of 1536Mi limits; "),
            "{}",
            listing.heading
        );
        Ok(())
    })
}

/// What the containers of running pods request, in bytes, by namespace.
fn requested() -> Result<BTreeMap<String, u64>, String> {
    let mut sums = BTreeMap::new();
    for pod in items(&["get", "pods", "-A"])? {
        let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
        let mebibytes = containers.iter().filter_map(|container| {
            let text = container["resources"]["requests"]["memory"].as_str()?;
            text.strip_suffix("Mi")?.parse::<u64>().ok()
        });
        *sums
            .entry(facts::text(&pod["metadata"]["namespace"]))
            .or_default() += mebibytes.sum::<u64>();
    }
    Ok(sums)
}

fn pods_and_namespaces(stage: &Stage) -> Result<(), String> {
    let db = stage.pod_of("db")?;
    eventually(60, || {
        let listing = top(stage, &json!({"namespace": stage.namespace, "sort": "memory"}))?;
        listing.row_where("POD", &db)?.says("MEM LIMIT", "none")?;
        let namespaces = top(stage, &json!({"kind": "Namespace", "limit": 1000}))?;
        let row = namespaces.row_where("NAMESPACE", &stage.namespace)?;
        let sum = requested()?.get(&stage.namespace).copied().unwrap_or(0);
        let expected = if sum == 0 {
            "none".to_owned()
        } else {
            format!("{sum}Mi")
        };
        row.says("MEM REQ", &expected)?;
        let count = kubectl_top(&["pods", "-n", &stage.namespace])?.len();
        ensure!(
            row.number("PODS") == u64::try_from(count).unwrap_or(0),
            "kubectl has {count} pods:\n{}",
            namespaces.text
        );
        Ok(())
    })
}

fn nodes(stage: &Stage) -> Result<(), String> {
    eventually(60, || {
        let listing = top(
            stage,
            &json!({"kind": "Node", "sort_by": "MEMORY", "limit": 1000}),
        )?;
        let known = kubectl_top(&["nodes"])?;
        ensure!(
            listing.rows.len() == known.len(),
            "kubectl has {known:?}:\n{}",
            listing.text
        );
        for node in items(&["get", "nodes"])? {
            let row = listing.row_where("NODE", &facts::text(&node["metadata"]["name"]))?;
            let cpu = facts::text(&node["status"]["allocatable"]["cpu"]);
            row.says("CPU ALLOCATABLE", &cpu)?;
            let line = known
                .iter()
                .find(|words| words.first().map(String::as_str) == row.cell("NODE"));
            let percent = line.and_then(|words| words.get(4)?.trim_end_matches('%').parse::<u64>().ok());
            let difference = percent.unwrap_or(0).abs_diff(row.number("MEM%"));
            ensure!(difference <= 10, "kubectl has {percent:?} %:\n{}", listing.text);
        }
        Ok(())
    })
}

fn wrong_words(stage: &Stage) -> Result<(), String> {
    let error = stage.refused("metrics_top", &json!({"kind": "Deployment"}))?;
    ensure!(
        error.contains("expected one of Pod, Container, Node, Namespace"),
        "{error}"
    );
    let error = stage.refused("metrics_top", &json!({"namespace": "no-such-namespace"}))?;
    ensure!(
        error.contains("there is no namespace no-such-namespace"),
        "{error}"
    );
    Ok(())
}

fn not_allowed(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let answer = server.call("metrics_top", &json!({"namespace": stage.namespace}))?;
    ensure!(
        answer.is_error && answer.text.contains("may not list pods.metrics.k8s.io"),
        "{}",
        answer.text
    );
    Ok(())
}

fn several_clusters(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Several, &[])?;
    let answer = server.call("metrics_top", &json!({"kind": "Node", "cluster": "*"}))?;
    let listing = Listing::read(&answer.text);
    let clusters: Vec<_> = listing
        .rows
        .iter()
        .filter_map(|row| row.cell("CLUSTER"))
        .collect();
    ensure!(
        clusters.contains(&"one") && clusters.contains(&"two"),
        "{}",
        answer.text
    );
    ensure!(
        answer.text.contains("one: Nodes by cpu: ") && answer.text.contains("gone unreachable: "),
        "{}",
        answer.text
    );
    Ok(())
}
