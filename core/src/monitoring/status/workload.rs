//! Workloads: what keeps a number of pods, and what runs pods to an end.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    age::SETTLING,
    pod::first_sentence,
    verdict::{MEANT, Verdict},
};
use crate::output::{
    Health,
    size::{self, short_age},
};

/// The reason of what was changed a moment ago.
pub const UNOBSERVED: &str = "the newest spec has not been taken up yet";

/// What both entries know of a workload that keeps a number of pods ready.
#[derive(Default)]
pub(super) struct ReplicaFacts {
    pub(super) desired: u32,
    pub(super) ready: u32,
    /// Pods of the newest revision, where the kind has revisions.
    pub(super) updated: Option<u32>,
    /// Age in seconds.
    pub(super) age: Option<u64>,
    /// The controller gave up waiting. Only an object tells.
    pub(super) stuck: bool,
    /// It is being deleted. Only an object tells.
    pub(super) terminating: bool,
}

/// The rule for deployments, stateful sets, daemon sets and replica sets.
pub(super) fn judge_replicas(facts: &ReplicaFacts) -> Verdict<'static> {
    let &ReplicaFacts { desired, ready, .. } = facts;
    let settling = facts.age.is_some_and(|age| age < SETTLING);
    let behind = facts.updated.is_some_and(|updated| updated < desired);
    let (health, severity) = if facts.terminating {
        (Health::Progressing, 6)
    } else if ready < desired && settling && !facts.stuck {
        (Health::Progressing, 1)
    } else if ready == 0 && desired > 0 {
        (Health::Failed, 0)
    } else if ready < desired || facts.stuck {
        (Health::Degraded, 0)
    } else if behind {
        (Health::Progressing, 0)
    } else {
        (Health::Healthy, 0)
    };
    let word = if facts.terminating {
        "terminating"
    } else {
        health.word()
    };
    Verdict::new(health, severity, word).with_ready(Some((ready, desired)))
}

/// The rule for an object of one of these kinds.
pub(super) fn replicas_of_object(
    kind: &str,
    object: &Value,
    age: Option<u64>,
    now: Timestamp,
) -> Verdict<'static> {
    let status = &object["status"];
    let number = |field: &str| u32::try_from(status[field].as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
    // Absent replicas mean one, as the API server defaults them.
    let replicas = || u32::try_from(object["spec"]["replicas"].as_u64().unwrap_or(1)).unwrap_or(u32::MAX);
    let progressing = condition(object, "Progressing");
    let deadline = progressing.filter(|condition| condition["reason"] == "ProgressDeadlineExceeded");
    let mut facts = match kind {
        "DaemonSet" => ReplicaFacts {
            desired: number("desiredNumberScheduled"),
            ready: number("numberReady"),
            updated: Some(number("updatedNumberScheduled")),
            ..ReplicaFacts::default()
        },
        "Deployment" => ReplicaFacts {
            desired: replicas(),
            ready: number("readyReplicas"),
            updated: Some(number("updatedReplicas")),
            ..ReplicaFacts::default()
        },
        _ => ReplicaFacts {
            desired: replicas(),
            ready: number("readyReplicas"),
            ..ReplicaFacts::default()
        },
    };
    facts.age = age;
    facts.stuck = deadline.is_some();
    facts.terminating = !object["metadata"]["deletionTimestamp"].is_null();
    let verdict = judge_replicas(&facts);
    if !verdict.health.is_unhealthy() {
        // What its status says is of the spec before.
        let behind =
            Verdict::new(Health::Progressing, 0, Health::Progressing.word()).with_ready(verdict.ready);
        return match is_observed(object) {
            true => verdict,
            false => behind.because(UNOBSERVED),
        };
    }
    let revision = object
        .pointer("/metadata/annotations/deployment.kubernetes.io~1revision")
        .and_then(Value::as_str)
        .map_or_else(String::new, |revision| format!(" of revision {revision}"));
    let failure = condition(object, "ReplicaFailure").filter(|condition| condition["status"] == "True");
    let reason = if let Some(failure) = failure {
        labelled(failure)
    } else if deadline.is_some() {
        let since = deadline.and_then(|condition| condition["lastUpdateTime"].as_str()?.parse().ok());
        let long = since.map_or_else(String::new, |since| {
            format!(" for {}", short_age(size::age(since, now)))
        });
        format!("rollout{revision} stuck{long} (ProgressDeadlineExceeded)")
    } else if let Some(updated) = facts.updated.filter(|updated| *updated < facts.desired) {
        format!("rollout{revision}: {updated} of {} updated", facts.desired)
    } else {
        String::new()
    };
    verdict.because(reason)
}

/// Whether the controller has taken up the newest spec.
pub fn is_observed(object: &Value) -> bool {
    let generation = object["metadata"]["generation"].as_u64().unwrap_or(0);
    object["status"]["observedGeneration"].as_u64().unwrap_or(0) >= generation
}

/// The rule for jobs, by the word of kubectl's STATUS column.
pub(super) fn judge_job<'a>(word: impl Into<Cow<'a, str>>, completions: Option<(u32, u32)>) -> Verdict<'a> {
    let word = word.into();
    let (health, severity) = match &*word {
        "Failed" | "FailureTarget" => (Health::Failed, 1),
        "Suspended" => (Health::Progressing, MEANT),
        "Terminating" => (Health::Progressing, 6),
        // A job that runs does what it is for.
        _ => (Health::Healthy, 0),
    };
    Verdict::new(health, severity, word).with_ready(completions)
}

pub(super) fn job_of_object(job: &Value) -> Verdict<'static> {
    let holds = |kind: &str| condition(job, kind).filter(|condition| condition["status"] == "True");
    let word = if holds("Complete").is_some() {
        "Complete"
    } else if holds("Failed").is_some() {
        "Failed"
    } else if !job["metadata"]["deletionTimestamp"].is_null() {
        "Terminating"
    } else if holds("Suspended").is_some() {
        "Suspended"
    } else if holds("FailureTarget").is_some() {
        "FailureTarget"
    } else if holds("SuccessCriteriaMet").is_some() {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let succeeded = job["status"]["succeeded"].as_u64().unwrap_or(0);
    let wanted = job["spec"]["completions"]
        .as_u64()
        .or_else(|| job["spec"]["parallelism"].as_u64())
        .unwrap_or(1);
    let completions = u32::try_from(succeeded).ok().zip(u32::try_from(wanted).ok());
    let reason = holds("Failed")
        .or_else(|| holds("FailureTarget"))
        .map(labelled)
        .unwrap_or_default();
    judge_job(word, completions).because(reason)
}

/// The rule for cron jobs.
pub(super) fn judge_cron_job(suspended: bool) -> Verdict<'static> {
    if suspended {
        // Not ill, but worth a look: it comes after all that is.
        Verdict::new(Health::Progressing, MEANT, "suspended")
    } else {
        Verdict::healthy(Health::Healthy.word())
    }
}

/// A condition of an object; kubectl does not mind the case of its type, nor do we.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| {
            condition["type"]
                .as_str()
                .is_some_and(|known| known.eq_ignore_ascii_case(kind))
        })
}

/// A condition's reason with the first sentence of its message.
pub fn labelled(condition: &Value) -> String {
    let reason = condition["reason"].as_str().unwrap_or_default();
    let message = first_sentence(condition["message"].as_str().unwrap_or_default());
    match (reason.is_empty(), message.is_empty()) {
        (false, false) => format!("{reason}: {message}"),
        (false, true) => reason.to_owned(),
        (true, _) => message,
    }
}
