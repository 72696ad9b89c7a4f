//! What kubectl's JSON says of an object, in the words that a list uses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kubectl::items;

/// A pod as a list shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PodFacts {
    /// Its name.
    pub(crate) name: String,
    /// `1/2`.
    pub(crate) ready: String,
    /// `Running`, `CrashLoopBackOff`, …
    pub(crate) status: String,
    /// Restarts of all containers.
    pub(crate) restarts: u64,
    /// Whether all is well.
    pub(crate) healthy: bool,
}

/// The pods of a namespace.
pub(crate) fn pods(namespace: &str) -> Result<Vec<PodFacts>, String> {
    Ok(items(&["get", "pods", "-n", namespace])?
        .iter()
        .map(pod)
        .collect())
}

/// How many pods have each status.
pub(crate) fn by_status(pods: &[PodFacts]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for pod in pods {
        *counts.entry(pod.status.as_str()).or_default() += 1;
    }
    counts
}

/// The names of the objects of a kind, sorted.
pub(crate) fn names(kind: &str, arguments: &[&str]) -> Result<Vec<String>, String> {
    let mut names: Vec<String> = items(&[&["get", kind], arguments].concat())?
        .iter()
        .map(|item| text(&item["metadata"]["name"]))
        .collect();
    names.sort();
    Ok(names)
}

/// A text, empty where there is none.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pod(pod: &Value) -> PodFacts {
    let status = &pod["status"];
    let containers = status["containerStatuses"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let wanted = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let ready = containers.iter().filter(|c| c["ready"] == true).count();
    let mut reasons = containers.iter().filter_map(|container| {
        let state = &container["state"];
        state["waiting"]["reason"]
            .as_str()
            .or(state["terminated"]["reason"].as_str())
    });
    let state = reasons
        .next_back()
        .map_or_else(|| text(&status["phase"]), str::to_owned);
    PodFacts {
        name: text(&pod["metadata"]["name"]),
        ready: format!("{ready}/{wanted}"),
        restarts: containers.iter().filter_map(|c| c["restartCount"].as_u64()).sum(),
        healthy: (state == "Running" && ready == wanted) || state == "Completed",
        status: state,
    }
}
