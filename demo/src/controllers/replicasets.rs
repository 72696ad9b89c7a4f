//! ReplicaSets and ReplicationControllers: as many pods as they ask for.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Controller, owned};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    store::{Change, Key},
};

/// Sees to the pods of one of the two kinds.
pub(crate) struct ReplicaSets {
    kind: (&'static str, &'static str),
    component: &'static str,
    /// How often in a row the API refused a pod.
    refused: BTreeMap<Key, u32>,
}

impl ReplicaSets {
    /// For ReplicaSets.
    pub(crate) fn new() -> Self {
        Self {
            kind: ("replicasets.apps", "ReplicaSet"),
            component: "replicaset-controller",
            refused: BTreeMap::new(),
        }
    }

    /// For ReplicationControllers.
    pub(crate) fn replication() -> Self {
        Self {
            kind: ("replicationcontrollers", "ReplicationController"),
            component: "replication-controller",
            refused: BTreeMap::new(),
        }
    }

    /// Makes the pods that are missing, or deletes those that are too many.
    fn scale(&mut self, api: &Api, key: &Key, set: &Value, active: &[Arc<Object>]) -> Option<Refusal> {
        let wanted = usize::try_from(set.number("/spec/replicas").unwrap_or(1)).unwrap_or(0);
        for _ in active.len()..wanted {
            let pod = owned::pod(set, &set["spec"]["template"]);
            if let Err(failure) = owned::create(api, self.component, set, "pods", pod) {
                // What refuses one pod will refuse the next: it is tried again, less and less often.
                let times = self.refused.entry(key.clone()).or_default();
                let wait =
                    SignedDuration::from_millis(5 << (*times).min(17)).min(SignedDuration::from_secs(1000));
                *times += 1;
                return Some(Refusal {
                    message: owned::why(&failure),
                    again: api.clock.now() + wait,
                });
            }
        }
        self.refused.remove(key);
        if wanted < active.len() {
            let mut victims = active.to_vec();
            let crowd = crowds(api, set);
            victims.sort_by_cached_key(|pod| worth(api, pod, &crowd));
            for pod in &victims[..active.len() - wanted] {
                owned::delete_pod(api, self.component, set, pod);
            }
        }
        None
    }
}

/// Why a pod was not made, and when to try again.
struct Refusal {
    message: String,
    again: Timestamp,
}

impl Controller for ReplicaSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        owned::concerned(api, change, self.kind, &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let Some(set) = api.store.get(key) else {
            self.refused.remove(key);
            return None;
        };
        let pods = owned::claim(api, self.component, &set, "pods");
        let gone = pods
            .iter()
            .filter(|pod| pod.is_terminating() && !owned::is_over(pod))
            .count();
        let active: Vec<_> = pods.into_iter().filter(|pod| owned::is_active(pod)).collect();
        let refusal = match set.is_terminating() {
            true => None,
            false => self.scale(api, key, &set, &active),
        };
        let wanted = set
            .pointer("/spec/template/metadata/labels")
            .cloned()
            .unwrap_or_default();
        let labelled = |pod: &&Arc<Object>| {
            let mut wanted = wanted.as_object().into_iter().flatten();
            wanted.all(|(name, value)| pod["metadata"]["labels"][name] == *value)
        };
        let (ready, available, next) = owned::readiness(api, &set, &active);
        let mut status = owned::counts(&[
            ("fullyLabeledReplicas", active.iter().filter(labelled).count()),
            ("readyReplicas", ready),
            ("availableReplicas", available),
        ]);
        status["replicas"] = json!(active.len());
        if self.kind.1 == "ReplicaSet" {
            status["terminatingReplicas"] = json!(gone);
        }
        status["observedGeneration"] = set["metadata"]["generation"].clone();
        if let Some(refusal) = &refusal {
            let before = owned::condition(&set["status"], "ReplicaFailure");
            let failure = json!({
                "type": "ReplicaFailure",
                "status": "True",
                "reason": "FailedCreate",
                "message": refusal.message,
                "lastTransitionTime": owned::now(api),
            });
            status["conditions"] = json!([before.unwrap_or(&failure)]);
        }
        owned::set_status(api, self.component, &set, &status);
        refusal.map(|refusal| refusal.again).or(next)
    }
}

/// On how many nodes how many pods of the same Deployment are.
fn crowds(api: &Api, set: &Value) -> BTreeMap<String, usize> {
    let owner = set.controller().map(|owner| &owner["uid"]);
    let siblings: Vec<_> = api
        .all("replicasets.apps", Some(set.namespace()))
        .into_iter()
        .filter(|other| {
            other.uid() == set.uid() || owner.is_some() && other.controller().map(|by| &by["uid"]) == owner
        })
        .collect();
    let mut crowds = BTreeMap::new();
    for pod in api.all("pods", Some(set.namespace())) {
        let by = pod.controller().map(|by| by.text("/uid"));
        if owned::is_active(&pod) && siblings.iter().any(|set| Some(set.uid()) == by) {
            *crowds.entry(pod.text("/spec/nodeName").to_owned()).or_default() += 1;
        }
    }
    crowds
}

/// What a pod is worth to its ReplicaSet; the least worth is deleted first.
fn worth(api: &Api, pod: &Value, crowds: &BTreeMap<String, usize>) -> impl Ord + use<> {
    let node = pod.text("/spec/nodeName");
    let phase = ["Pending", "Unknown"]
        .iter()
        .position(|phase| pod.text("/status/phase") == *phase)
        .unwrap_or(2);
    let ready = owned::ready_since(pod);
    let cost: i64 = owned::annotation(pod, "controller.kubernetes.io/pod-deletion-cost")
        .parse()
        .unwrap_or(0);
    let restarts = pod
        .list("/status/containerStatuses")
        .iter()
        .filter_map(|container| container["restartCount"].as_i64());
    // Ages are compared by their order of magnitude, so that it is not always the newest that goes.
    let age = |since: Option<Timestamp>| {
        since.map(|since| api.clock.now().duration_since(since).as_nanos().checked_ilog2())
    };
    (
        (!node.is_empty(), phase, ready.is_some(), cost),
        Reverse(crowds.get(node).copied().unwrap_or(0)),
        age(ready),
        Reverse(restarts.max()),
        age(owned::time(&pod["metadata"], "creationTimestamp")),
        pod.uid().to_owned(),
    )
}
