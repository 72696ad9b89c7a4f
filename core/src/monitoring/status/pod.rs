//! Pods.

use std::borrow::Cow;

use serde_json::Value;

use super::{age::SETTLING, verdict::Verdict};
use crate::output::Health;

/// What both entries know of a pod.
pub(super) struct PodFacts<'a> {
    /// The word of kubectl's STATUS column.
    pub(super) word: Cow<'a, str>,
    /// Containers that are ready, and containers.
    pub(super) ready: Option<(u32, u32)>,
    /// Age in seconds.
    pub(super) age: Option<u64>,
}

/// The rule.
pub(super) fn judge(facts: PodFacts<'_>) -> Verdict<'_> {
    let PodFacts { word, ready, age } = facts;
    let all_ready = ready.is_none_or(|(ready, desired)| ready >= desired);
    let some_ready = ready.is_some_and(|(ready, _)| ready > 0);
    let settling = age.is_some_and(|age| age < SETTLING);
    // What keeps failing in one container while others serve is degraded, not failed.
    let failing = if some_ready {
        Health::Degraded
    } else {
        Health::Failed
    };
    let waiting = if settling {
        Health::Progressing
    } else {
        Health::Degraded
    };
    let inner = word.strip_prefix("Init:").unwrap_or(&word);
    let (health, severity) = match inner {
        "Running" if all_ready => (Health::Healthy, 0),
        "Running" | "NotReady" => (waiting, 4),
        "Completed" | "Succeeded" => (Health::Healthy, 0),
        "CrashLoopBackOff" => (failing, 0),
        "Error" | "Failed" | "OOMKilled" | "ContainerCannotRun" | "StartError" | "DeadlineExceeded" => {
            (failing, 1)
        }
        "Evicted"
        | "NodeAffinity"
        | "NodeShutdown"
        | "Preempting"
        | "Terminated"
        | "Shutdown"
        | "UnexpectedAdmissionError" => (Health::Failed, 4),
        "Unknown" | "NodeLost" | "ContainerStatusUnknown" => (Health::Failed, 3),
        "Pending" | "ContainerCreating" | "PodInitializing" => (waiting, 3),
        "SchedulingGated" => (Health::Progressing, 5),
        "Terminating" => (Health::Progressing, 6),
        other if other.starts_with("ExitCode:") || other.starts_with("Signal:") => (failing, 1),
        other if other.starts_with("OutOf") => (Health::Failed, 4),
        // ImagePullBackOff, CreateContainerConfigError and their many kin.
        other
            if other.ends_with("BackOff")
                || other.ends_with("Error")
                || other.starts_with("Err")
                || other.starts_with("Invalid") =>
        {
            (failing, 2)
        }
        // Init:1/3
        _ if inner.len() < word.len() => (waiting, 3),
        _ if all_ready => (Health::Healthy, 0),
        _ => (waiting, 4),
    };
    Verdict::new(health, severity, word).with_ready(ready)
}

/// The rule for an object, with the reason that cells do not tell.
pub(super) fn of_object(pod: &Value, age: Option<u64>) -> Verdict<'static> {
    let (word, ready) = word_and_ready(pod);
    let verdict = judge(PodFacts {
        word: Cow::Owned(word),
        ready: Some(ready),
        age,
    });
    if !verdict.health.is_unhealthy() {
        return verdict;
    }
    let reason = reason(pod);
    verdict.because(reason)
}

/// Restarts of all containers, as kubectl's RESTARTS column counts them.
pub fn restarts(pod: &Value) -> u64 {
    ["containerStatuses", "initContainerStatuses"]
        .into_iter()
        .flat_map(|list| statuses(pod, list))
        .filter_map(|status| status["restartCount"].as_u64())
        .sum()
}

/// What keeps a container from running, in a few words: `ImagePullBackOff: …`, `CrashLoopBackOff, exit 1`.
pub fn container_trouble(status: &Value) -> Option<String> {
    let last_exit = || {
        let last = &status["lastState"]["terminated"];
        let code = last["exitCode"].as_i64()?;
        Some(match last["reason"].as_str() {
            Some("OOMKilled") => "OOMKilled".to_owned(),
            _ => format!("exit {code}"),
        })
    };
    if let Some(waiting) = status["state"].get("waiting") {
        let reason = waiting["reason"].as_str().unwrap_or("waiting");
        let detail = match reason {
            "PodInitializing" | "ContainerCreating" => None,
            "CrashLoopBackOff" => last_exit(),
            _ if waiting["message"]
                .as_str()
                .is_some_and(|message| message.contains("image")) =>
            {
                Some(no_image(status))
            }
            _ => waiting["message"].as_str().map(first_sentence),
        };
        return Some(match detail {
            Some(detail) if !detail.is_empty() => format!("{reason}: {detail}"),
            _ => reason.to_owned(),
        });
    }
    if let Some(terminated) = status["state"].get("terminated") {
        let code = terminated["exitCode"].as_i64().unwrap_or(0);
        let reason = terminated["reason"].as_str().unwrap_or("terminated");
        return (code != 0).then(|| format!("{reason}: exit {code}"));
    }
    None
}

/// Why an image cannot be had: the image, and the last of the causes that the container runtime strings together.
fn no_image(status: &Value) -> String {
    let image = status["image"].as_str().unwrap_or_default();
    let message = status["state"]["waiting"]["message"].as_str().unwrap_or_default();
    let cause = message
        .rsplit(": ")
        .next()
        .unwrap_or_default()
        .trim_end_matches('.');
    match cause {
        // The whole message is one cause, which repeats the image.
        "" => image.to_owned(),
        cause if cause.contains(image) => image.to_owned(),
        cause => format!("{image}: {cause}"),
    }
}

fn reason(pod: &Value) -> String {
    // A pod that was put off its node ended for that, whatever became of its containers.
    if let (Some(reason), Some("Failed")) =
        (pod["status"]["reason"].as_str(), pod["status"]["phase"].as_str())
    {
        let message = first_sentence(pod["status"]["message"].as_str().unwrap_or_default());
        return format!("{reason}: {message}").trim_end_matches(": ").to_owned();
    }
    let trouble = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|list| statuses(pod, list))
        .find_map(|status| {
            let trouble = container_trouble(status)?;
            let waits = matches!(trouble.as_str(), "PodInitializing" | "ContainerCreating");
            (!waits).then_some(trouble)
        });
    if let Some(trouble) = trouble {
        return trouble;
    }
    if let Some(message) = pod.pointer("/status/message").and_then(Value::as_str) {
        return first_sentence(message);
    }
    let initialising = statuses(pod, "initContainerStatuses")
        .find(|status| status["state"].get("running").is_some() && !is_started_sidecar(pod, status));
    if let Some(name) = initialising.and_then(|status| status["name"].as_str()) {
        return format!("init container {name} has not ended");
    }
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    for kind in ["PodScheduled", "Ready"] {
        let condition = conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind && condition["status"] == "False");
        if let Some(message) = condition.and_then(|condition| condition["message"].as_str()) {
            return first_sentence(message);
        }
    }
    String::new()
}

/// The first sentence of a message, without a final period: messages of controllers go on with advice.
pub(super) fn first_sentence(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default().trim();
    let end = line.find(". ").unwrap_or(line.len());
    let sentence = line[..end].trim_end_matches('.');
    match sentence.char_indices().nth(160) {
        Some((cut, _)) => format!("{}…", &sentence[..cut]),
        None => sentence.to_owned(),
    }
}

/// Whether an init container is one that runs on, beside the others, and does so.
fn is_started_sidecar(pod: &Value, status: &Value) -> bool {
    let mut specs = pod["spec"]["initContainers"].as_array().into_iter().flatten();
    status["started"] == true
        && specs.any(|spec| spec["name"] == status["name"] && spec["restartPolicy"] == "Always")
}

fn statuses<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    pod["status"][list].as_array().into_iter().flatten()
}

/// STATUS and READY as kubectl prints them; the order of the steps is that of its `printPod`.
fn word_and_ready(pod: &Value) -> (String, (u32, u32)) {
    let status = &pod["status"];
    let phase = status["phase"].as_str().unwrap_or("Unknown");
    let own_reason = status["reason"].as_str().filter(|reason| !reason.is_empty());
    let mut word = own_reason.unwrap_or(phase).to_owned();
    let condition = |kind: &str| {
        status["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind)
    };
    if condition("PodScheduled").is_some_and(|scheduled| scheduled["reason"] == "SchedulingGated") {
        word = "SchedulingGated".to_owned();
    }
    let init_specs = pod["spec"]["initContainers"].as_array();
    let init_count = init_specs.map_or(0, Vec::len);
    let sidecars = init_specs
        .into_iter()
        .flatten()
        .filter(|spec| spec["restartPolicy"] == "Always")
        .count();
    let containers = pod["spec"]["containers"].as_array().map_or(0, Vec::len) + sidecars;
    let mut ready = 0u32;
    let mut initialising = false;
    for (index, init) in statuses(pod, "initContainerStatuses").enumerate() {
        let terminated = init["state"].get("terminated");
        if terminated.is_some_and(|terminated| terminated["exitCode"] == 0) {
            continue;
        }
        if is_started_sidecar(pod, init) {
            ready += u32::from(init["ready"] == true);
            continue;
        }
        let waiting = init["state"]["waiting"]["reason"]
            .as_str()
            .filter(|reason| !reason.is_empty() && *reason != "PodInitializing");
        word = match (terminated, waiting) {
            (Some(terminated), _) => format!("Init:{}", ended(terminated)),
            (None, Some(reason)) => format!("Init:{reason}"),
            (None, None) => format!("Init:{index}/{init_count}"),
        };
        initialising = true;
        break;
    }
    if !initialising || condition("Initialized").is_some_and(|condition| condition["status"] == "True") {
        let mut running = false;
        let all: Vec<&Value> = statuses(pod, "containerStatuses").collect();
        for container in all.into_iter().rev() {
            let state = &container["state"];
            let waiting = state["waiting"]["reason"]
                .as_str()
                .filter(|reason| !reason.is_empty());
            if let Some(reason) = waiting {
                reason.clone_into(&mut word);
            } else if let Some(terminated) = state.get("terminated") {
                word = ended(terminated);
            } else if container["ready"] == true && state.get("running").is_some() {
                running = true;
                ready += 1;
            }
        }
        if word == "Completed" && running {
            let is_ready = condition("Ready").is_some_and(|condition| condition["status"] == "True");
            word = if is_ready { "Running" } else { "NotReady" }.to_owned();
        }
    }
    if !pod["metadata"]["deletionTimestamp"].is_null() {
        if own_reason == Some("NodeLost") {
            word = "Unknown".to_owned();
        } else if phase != "Succeeded" && phase != "Failed" {
            word = "Terminating".to_owned();
        }
    }
    (word, (ready, u32::try_from(containers).unwrap_or(u32::MAX)))
}

fn ended(terminated: &Value) -> String {
    match terminated["reason"].as_str().filter(|reason| !reason.is_empty()) {
        Some(reason) => reason.to_owned(),
        None => match terminated["signal"].as_i64() {
            Some(signal) if signal != 0 => format!("Signal:{signal}"),
            _ => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or(0)),
        },
    }
}
