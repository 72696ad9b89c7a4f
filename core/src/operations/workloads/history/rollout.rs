//! Where a rollout stands, as `kubectl rollout status` sees it, and what holds it up.

use super::revisions::Revision;
use crate::{
    monitoring::status,
    operations::locate::Found,
    output::{Health, size::counted},
};

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
    if !status::is_observed(object) {
        return format!("{revision}; its controller has not taken up the last change yet");
    }
    let pods_of = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let desired = pods_of(status::desired(&workload.resource.kind, object));
    let kept_back = pods_of(status::partition(object));
    let condition = |kind: &str, word: &str| {
        status::condition(object, kind).filter(|condition| condition["status"] == word)
    };
    let old: u32 = older.iter().map(|revision| revision.pods.total).sum();
    let why = match (&pods.worst, condition("ReplicaFailure", "True")) {
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
    let given_up = condition("Progressing", "False").is_some();
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
        total => format!(
            "{} of {} ready{why}{wanted}",
            pods.ready,
            counted(total, "new pod")
        ),
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
    let pods: u32 = older.iter().map(|revision| revision.pods.ready).sum();
    match pods {
        0 => String::new(),
        1 => format!(", {} still serves", serving.concat()),
        _ => format!(", {} still serve", serving.join(" and ")),
    }
}
