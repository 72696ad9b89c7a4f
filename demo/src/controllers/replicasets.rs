//! ReplicaSets: as many pods as they ask for.

use std::{cmp::Reverse, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    selector::selects,
    store::{Change, Key},
};

const FAILURE: &str = "ReplicaFailure";

/// Sees to the pods of ReplicaSets.
pub(crate) struct ReplicaSets;

impl Controller for ReplicaSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, ("replicasets.apps", "ReplicaSet"), &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let set = Work::on(api, "replicaset-controller", key)?;
        let mut pods = set.owned("pods");
        pods.retain(|pod| !work::is_over(pod));
        let (going, active): (Vec<_>, Vec<_>) = pods.into_iter().partition(|pod| pod.is_terminating());
        let (ready, available, mut next) = set.readiness(&active);
        let labels = json!({"matchLabels": set.pointer("/spec/template/metadata/labels")});
        let labelled = active.iter().filter(|pod| selects(&labels, pod)).count();
        let mut status = json!({
            "replicas": active.len(), "terminatingReplicas": going.len(),
            "observedGeneration": set["metadata"]["generation"],
        });
        let counts = [
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("fullyLabeledReplicas", labelled),
        ];
        work::put_counts(&mut status, &counts);
        if !set.is_terminating()
            && let Err(why) = scale(&set, active)
        {
            let failure = json!({
                "type": FAILURE, "status": "True", "reason": "FailedCreate", "message": why,
                "lastTransitionTime": set.now(),
            });
            let before = work::condition(&set["status"], FAILURE).unwrap_or(&failure);
            status["conditions"] = json!([before]);
            // What refuses a pod now will refuse the next: it is tried again, less and less often.
            let lasts = api
                .clock
                .now()
                .duration_since(work::time(before, "lastTransitionTime")?);
            let wait = lasts.clamp(SignedDuration::from_secs(1), SignedDuration::from_secs(1000));
            next = Some(api.clock.now() + wait);
        }
        set.set_status(&status);
        next
    }
}

/// Makes the pods that are missing, or deletes those that are too many.
///
/// # Errors
/// Why a pod was refused.
fn scale(set: &Work, mut pods: Vec<Arc<Object>>) -> Result<(), String> {
    let wanted = usize::try_from(set.number("/spec/replicas").unwrap_or(1)).unwrap_or(0);
    for _ in pods.len()..wanted {
        let made = set.create_pod(set.pod(&set["spec"]["template"]));
        made.map_err(|failure| work::why(&failure))?;
    }
    pods.sort_by_cached_key(|pod| worth(pod));
    let excess = pods.len().saturating_sub(wanted);
    pods[..excess].iter().for_each(|pod| set.delete_pod(pod));
    Ok(())
}

/// What a pod is worth to its ReplicaSet; the least worth is deleted first: what serves not yet, then what is newest.
fn worth(pod: &Value) -> impl Ord + use<> {
    let ready = work::ready_since(pod);
    let made = work::time(&pod["metadata"], "creationTimestamp");
    (
        !pod.text("/spec/nodeName").is_empty(),
        pod.text("/status/phase") == "Running",
        ready.is_some(),
        Reverse((ready, made)),
        pod.uid().to_owned(),
    )
}
