//! Nodes, volumes, claims and namespaces.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    age::SETTLING,
    verdict::{MEANT, Verdict},
    workload::{condition, labelled},
};
use crate::output::Health;

/// The rule for nodes, by the word of kubectl's STATUS column, e.g. `Ready,SchedulingDisabled`.
pub(super) fn judge_node<'a>(word: impl Into<Cow<'a, str>>) -> Verdict<'a> {
    let word = word.into();
    let (health, severity) = match &*word {
        "Ready" => (Health::Healthy, 0),
        // Cordoned on purpose, which is easily forgotten.
        word if word.starts_with("Ready,") => (Health::Progressing, MEANT),
        _ => (Health::Failed, 0),
    };
    Verdict::new(health, severity, word)
}

pub(super) fn node_of_object(node: &Value) -> Verdict<'static> {
    let ready = condition(node, "Ready");
    let mut word = match ready.and_then(|ready| ready["status"].as_str()) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node["spec"]["unschedulable"] == true {
        word.push_str(",SchedulingDisabled");
    }
    let mut verdict = judge_node(word);
    if let Some(ready) = ready.filter(|ready| ready["status"] != "True") {
        return verdict.because(labelled(ready));
    }
    // A node that is ready and short of something evicts pods and takes no new ones; cells do not tell.
    let pressures: Vec<&str> = [
        "MemoryPressure",
        "DiskPressure",
        "PIDPressure",
        "NetworkUnavailable",
    ]
    .into_iter()
    .filter(|pressure| condition(node, pressure).is_some_and(|condition| condition["status"] == "True"))
    .collect();
    if !pressures.is_empty() {
        verdict.health = Health::Degraded;
        verdict.severity = 1;
        verdict.reason = pressures.join(", ").into();
    }
    verdict
}

/// The rule for claims, volumes and namespaces, which are all in a phase.
pub(super) fn judge_phase<'a>(word: impl Into<Cow<'a, str>>, age: Option<u64>) -> Verdict<'a> {
    let word = word.into();
    let settling = age.is_some_and(|age| age < SETTLING);
    let (health, severity) = match &*word {
        "Lost" | "Failed" => (Health::Failed, 0),
        "Pending" if settling => (Health::Progressing, 1),
        "Pending" => (Health::Degraded, 2),
        "Terminating" => (Health::Progressing, 6),
        _ => (Health::Healthy, 0),
    };
    Verdict::new(health, severity, word)
}

pub(super) fn phase_of_object(object: &Value, age: Option<u64>) -> Verdict<'static> {
    let phase = object["status"]["phase"].as_str().unwrap_or("Unknown").to_owned();
    let word = if object["metadata"]["deletionTimestamp"].is_null() {
        phase
    } else {
        "Terminating".to_owned()
    };
    judge_phase(word, age)
}
