//! ReplicaSets and ReplicationControllers: as many pods as they ask for.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

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

/// Sees to the pods of one of the two kinds.
pub(crate) struct ReplicaSets {
    kind: (&'static str, &'static str),
    who: &'static str,
    /// How often in a row the API refused a pod.
    refused: BTreeMap<Key, u32>,
}

impl ReplicaSets {
    /// For ReplicaSets.
    pub(crate) fn new() -> Self {
        let kind = ("replicasets.apps", "ReplicaSet");
        Self {
            kind,
            who: "replicaset-controller",
            refused: BTreeMap::new(),
        }
    }

    /// For ReplicationControllers.
    pub(crate) fn replication() -> Self {
        let kind = ("replicationcontrollers", "ReplicationController");
        Self {
            kind,
            who: "replication-controller",
            refused: BTreeMap::new(),
        }
    }

    /// Makes the pods that are missing, or deletes those that are too many. Gives why it cannot, and when to try again.
    fn scale(&mut self, key: &Key, set: &Work, mut pods: Vec<Arc<Object>>) -> Option<(String, Timestamp)> {
        let wanted = usize::try_from(set.number("/spec/replicas").unwrap_or(1)).unwrap_or(0);
        for _ in pods.len()..wanted {
            if let Err(failure) = set.create_pod(set.pod(&set["spec"]["template"])) {
                // What refuses one pod will refuse the next: it is tried again, less and less often.
                let times = self.refused.entry(key.clone()).or_default();
                let wait = SignedDuration::from_millis((5 << *times).min(1_000_000));
                *times = (*times + 1).min(20);
                return Some((work::why(&failure), set.api.clock.now() + wait));
            }
        }
        self.refused.remove(key);
        if wanted < pods.len() {
            let crowds = crowds(set);
            pods.sort_by_cached_key(|pod| worth(set.api, pod, &crowds));
            pods[..pods.len() - wanted]
                .iter()
                .for_each(|pod| set.delete_pod(pod));
        }
        None
    }
}

impl Controller for ReplicaSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, self.kind, &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let Some(set) = Work::on(api, self.who, key) else {
            self.refused.remove(key);
            return None;
        };
        let mut pods = set.owned("pods");
        pods.retain(|pod| !work::is_over(pod));
        let (going, active): (Vec<_>, Vec<_>) = pods.into_iter().partition(|pod| pod.is_terminating());
        let (ready, available, next) = set.readiness(&active);
        let labels = json!({"matchLabels": set.pointer("/spec/template/metadata/labels")});
        let labelled = active.iter().filter(|pod| selects(&labels, pod)).count();
        let mut status =
            json!({"replicas": active.len(), "observedGeneration": set["metadata"]["generation"]});
        let counts = [("readyReplicas", ready), ("availableReplicas", available)];
        work::put_counts(&mut status, &counts);
        work::put_counts(&mut status, &[("fullyLabeledReplicas", labelled)]);
        if self.kind.1 == "ReplicaSet" {
            status["terminatingReplicas"] = json!(going.len());
        }
        let refusal = if set.is_terminating() {
            None
        } else {
            self.scale(key, &set, active)
        };
        if let Some((message, _)) = &refusal {
            let failure = json!({
                "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message,
                "lastTransitionTime": set.now(),
            });
            let before = work::condition(&set["status"], "ReplicaFailure");
            status["conditions"] = json!([before.unwrap_or(&failure)]);
        }
        set.set_status(&status);
        refusal.map(|(_, again)| again).or(next)
    }
}

/// How many pods of the same Deployment are on which node.
fn crowds(set: &Work) -> BTreeMap<String, usize> {
    let owner = set.controller().map(|owner| &owner["uid"]);
    let mut siblings = set.api.all("replicasets.apps", Some(set.namespace()));
    siblings.retain(|other| owner.is_some() && other.controller().map(|by| &by["uid"]) == owner);
    let siblings: Vec<_> = siblings.iter().map(|set| set.uid()).chain([set.uid()]).collect();
    let mut crowds = BTreeMap::new();
    for pod in set.api.all("pods", Some(set.namespace())) {
        let by = pod.controller().map_or("", |by| by.text("/uid"));
        if work::is_active(&pod) && siblings.contains(&by) {
            *crowds.entry(pod.text("/spec/nodeName").to_owned()).or_default() += 1;
        }
    }
    crowds
}

/// What a pod is worth to its ReplicaSet; the least worth is deleted first.
fn worth(api: &Api, pod: &Value, crowds: &BTreeMap<String, usize>) -> impl Ord + use<> {
    let (node, phase) = (pod.text("/spec/nodeName"), pod.text("/status/phase"));
    let ready = work::ready_since(pod);
    let cost = work::annotation(pod, "controller.kubernetes.io/pod-deletion-cost").parse::<i64>();
    let containers = pod.list("/status/containerStatuses").iter();
    let restarts = containers
        .filter_map(|container| container["restartCount"].as_i64())
        .max();
    // Ages are compared by their order of magnitude, so that it is not always the newest that goes.
    let magnitude = |since| api.clock.now().duration_since(since).as_nanos().checked_ilog2();
    let made = work::time(&pod["metadata"], "creationTimestamp");
    (
        (
            !node.is_empty(),
            phase == "Running",
            ready.is_some(),
            cost.unwrap_or(0),
        ),
        (Reverse(crowds.get(node).copied()), ready.map(magnitude)),
        (Reverse(restarts), made.map(magnitude), pod.uid().to_owned()),
    )
}
