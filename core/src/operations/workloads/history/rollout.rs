//! Where a rollout stands, as `kubectl rollout status` sees it, and what holds it up.

use serde_json::Value;

use super::revisions::Revision;
use crate::{operations::locate::Found, output::Health};

/// `revision 9, 3 of 3 ready`;
/// `revision 8 rolling out, stuck: 0 of 2 new pods ready, 2 of revision 7 still serve`.
pub(super) fn standing(workload: &Found, revisions: &[Revision]) -> String {
    let Some((newest, older)) = revisions.split_first() else {
        return "no revision yet".to_owned();
    };
    let (object, pods) = (&workload.object, &newest.pods);
    let revision = format!("revision {}", newest.number);
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return format!("{revision}, being deleted");
    }
    let generation = |value: &Value| value.as_i64().unwrap_or(0);
    if generation(&object["status"]["observedGeneration"]) < generation(&object["metadata"]["generation"]) {
        return format!("{revision}; its controller has not taken up the last change yet");
    }
    let desired = desired(object);
    let kept_back = kept_back(object);
    let old: u32 = older.iter().map(|revision| revision.pods.total).sum();
    let why = match (&pods.worst, condition(object, "ReplicaFailure", "True")) {
        (_, Some(failure)) => format!(
            " ({})",
            failure["message"].as_str().unwrap_or("no pod can be made")
        ),
        (Some(worst), _) => format!(" ({})", worst.reason),
        (None, None) => String::new(),
    };
    if pods.total >= desired.saturating_sub(kept_back) && old <= kept_back {
        let held = match (kept_back, old) {
            (0, _) | (_, 0) => String::new(),
            (_, old) => format!(", {old} kept at older ones by the partition"),
        };
        return match desired {
            0 => format!("{revision}, no pods wanted"),
            _ => format!(
                "{revision}, {} of {} ready{why}{held}",
                pods.ready,
                desired - old.min(desired)
            ),
        };
    }
    let given_up = condition(object, "Progressing", "False").is_some();
    let fails = pods
        .worst
        .as_ref()
        .is_some_and(|worst| worst.health != Health::Progressing);
    let state = if object["spec"]["paused"] == true {
        "paused"
    } else if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        "waiting for its old pods to be deleted (OnDelete)"
    } else if given_up || fails {
        "rolling out, stuck"
    } else {
        "rolling out"
    };
    let wanted = match pods.total < desired {
        true => format!(", {desired} wanted"),
        false => String::new(),
    };
    let new = match pods.total {
        0 => format!("no new pod yet{why}"),
        total => format!("{} of {total} new pods ready{why}{wanted}", pods.ready),
    };
    format!("{revision} {state}: {new}{}", serving(older))
}

/// `, 2 of revision 7 and 1 of revision 5 still serve`
fn serving(older: &[Revision]) -> String {
    let serving: Vec<String> = older
        .iter()
        .filter(|revision| revision.pods.ready > 0)
        .map(|revision| format!("{} of revision {}", revision.pods.ready, revision.number))
        .collect();
    match serving.is_empty() {
        true => String::new(),
        false => format!(", {} still serve", serving.join(" and ")),
    }
}

/// How many pods there should be.
fn desired(object: &Value) -> u32 {
    let (spec, status) = (&object["spec"], &object["status"]);
    let number = status["desiredNumberScheduled"]
        .as_u64()
        // Absent replicas mean one, as the API server defaults them.
        .unwrap_or_else(|| spec["replicas"].as_u64().unwrap_or(1));
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How many pods a stateful set keeps at older revisions because it was told so.
fn kept_back(object: &Value) -> u32 {
    let partition = object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_u64();
    u32::try_from(partition.unwrap_or(0)).unwrap_or(u32::MAX)
}

fn condition<'a>(object: &'a Value, kind: &str, status: &str) -> Option<&'a Value> {
    let mut conditions = object["status"]["conditions"].as_array()?.iter();
    conditions.find(|condition| condition["type"] == kind && condition["status"] == status)
}
