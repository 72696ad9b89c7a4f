//! Every other kind, custom resources above all: what its columns or conditions say, read as kstatus does.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    age::SETTLING,
    verdict::Verdict,
    workload::{UNOBSERVED, condition, labelled},
};
use crate::output::Health;

/// A truth column such as READY, or a condition that is good when it holds.
pub(super) fn judge_truth<'a>(subject: &str, truth: &'a str, age: Option<u64>) -> Verdict<'a> {
    let settling = age.is_some_and(|age| age < SETTLING);
    // `False (MissingEndpoints)`
    let (truth, detail) = match truth.split_once(" (") {
        Some((truth, detail)) => (truth, detail.trim_end_matches(')')),
        None => (truth, ""),
    };
    let verdict = match truth {
        "True" | "true" => Verdict::healthy(subject.to_owned()),
        "False" | "false" if settling => Verdict::new(Health::Progressing, 1, format!("not {subject}")),
        "False" | "false" => Verdict::new(Health::Degraded, 1, format!("not {subject}")),
        // Nobody has looked at it yet, or nobody does.
        _ if settling => Verdict::new(Health::Progressing, 2, format!("not {subject}")),
        _ => Verdict::new(Health::Degraded, 3, format!("not {subject}")),
    };
    verdict.because(detail)
}

/// A word of a STATUS, PHASE or STATE column. Words that nobody can place count as healthy: an alarm for every
/// state that a controller's author invents would be worse than none.
pub(super) fn judge_word<'a>(word: impl Into<Cow<'a, str>>) -> Verdict<'a> {
    const FAILED: &[&str] = &[
        "failed",
        "failure",
        "error",
        "errored",
        "lost",
        "invalid",
        "denied",
        "rejected",
        "expired",
        "stalled",
        "missing",
        "dead",
        "unavailable",
    ];
    const DEGRADED: &[&str] = &[
        "degraded",
        "unhealthy",
        "notready",
        "outofsync",
        "unknown",
        "warning",
        "conflict",
    ];
    const PROGRESSING: &[&str] = &[
        "pending",
        "progressing",
        "creating",
        "updating",
        "upgrading",
        "provisioning",
        "terminating",
        "deleting",
        "initializing",
        "initialising",
        "reconciling",
        "waiting",
        "scheduled",
        "starting",
        "queued",
        "installing",
        "suspended",
        "paused",
        "inprogress",
    ];
    let word = word.into();
    let has = |words: &[&str]| {
        words.iter().any(|known| {
            let mut left = word
                .bytes()
                .filter(u8::is_ascii_alphanumeric)
                .map(|b| b.to_ascii_lowercase());
            left.by_ref().take(known.len()).eq(known.bytes()) && left.next().is_none()
        })
    };
    let (health, severity) = if has(FAILED) {
        (Health::Failed, 1)
    } else if has(DEGRADED) {
        (Health::Degraded, 1)
    } else if has(PROGRESSING) {
        (Health::Progressing, 2)
    } else if word.ends_with("Failed") || word.ends_with("Error") || word.ends_with("BackOff") {
        (Health::Failed, 2)
    } else {
        (Health::Healthy, 0)
    };
    Verdict::new(health, severity, word)
}

/// A count column such as READY `2/3`.
pub(super) fn judge_count(ready: u32, desired: u32, age: Option<u64>) -> Verdict<'static> {
    super::workload::judge_replicas(&super::workload::ReplicaFacts {
        desired,
        ready,
        age,
        ..Default::default()
    })
}

pub(super) fn of_object(object: &Value, age: Option<u64>) -> Verdict<'static> {
    let metadata = &object["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        return Verdict::new(Health::Progressing, 6, "Terminating");
    }
    let status = &object["status"];
    let holds = |kind: &str| condition(object, kind).filter(|condition| condition["status"] == "True");
    if let Some(stalled) = holds("Stalled").or_else(|| holds("Failed")) {
        return Verdict::new(Health::Failed, 1, "Stalled").because(labelled(stalled));
    }
    for subject in ["Ready", "Available", "Healthy", "Established", "Accepted"] {
        let Some(found) = condition(object, subject) else {
            continue;
        };
        let truth = found["status"].as_str().unwrap_or("Unknown");
        let verdict = judge_truth(subject, truth, age).into_owned();
        return if verdict.health.is_unhealthy() {
            verdict.because(labelled(found))
        } else {
            behind(object).unwrap_or(verdict)
        };
    }
    if let Some(reconciling) = holds("Reconciling").or_else(|| holds("Progressing")) {
        return Verdict::new(Health::Progressing, 2, "Reconciling").because(labelled(reconciling));
    }
    if let Some(word) = status["phase"].as_str().or_else(|| status["state"].as_str()) {
        return judge_word(word.to_owned());
    }
    behind(object).unwrap_or_default()
}

/// By which finalizers an object that is deleted is kept from going; none if by none, or if nobody deleted it.
pub fn held(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    let finalizers = metadata["finalizers"].as_array()?;
    let names: Vec<&str> = finalizers.iter().filter_map(Value::as_str).collect();
    (!names.is_empty() && !metadata["deletionTimestamp"].is_null())
        .then(|| format!("waits for its finalizers: {}", names.join(", ")))
}

/// The controller has not seen the newest spec yet.
fn behind(object: &Value) -> Option<Verdict<'static>> {
    let seen = object["status"]["observedGeneration"].as_i64()?;
    let newest = object["metadata"]["generation"].as_i64()?;
    (seen < newest).then(|| Verdict::new(Health::Progressing, 2, "Reconciling").because(UNOBSERVED))
}
