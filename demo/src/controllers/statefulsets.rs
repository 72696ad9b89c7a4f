//! StatefulSets: pods with numbers and claims of their own, one after another.

use std::{cmp::Reverse, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Controller, owned, revisions};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    status::Result,
    store::{Change, Key},
};

const WHO: &str = "statefulset-controller";
const REVISION: &str = "controller-revision-hash";

/// Sees to the pods and claims of StatefulSets.
pub(crate) struct StatefulSets;

impl Controller for StatefulSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        owned::concerned(
            api,
            change,
            ("statefulsets.apps", "StatefulSet"),
            &["pods", "controllerrevisions.apps"],
        )
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let set = api.store.get(key)?;
        let revisions = revisions::of(api, WHO, &set, "controller.kubernetes.io/hash");
        let update = revisions.last()?.name();
        let current = match set.text("/status/currentRevision") {
            "" => update,
            current => current,
        };
        let pods = owned::claim(api, WHO, &set, "pods");
        let (ready, available, next) = owned::readiness(api, &set, &pods);
        let of = |revision: &str| {
            let pods = pods.iter().filter(|pod| !pod.is_terminating());
            pods.filter(|pod| self::revision(pod) == revision).count()
        };
        let (olds, news) = (of(current), of(update));
        let is_rolling = set["spec"]["updateStrategy"]["type"] != "OnDelete";
        let done = is_rolling && news == pods.len() && ready == pods.len();
        let mut status = owned::counts(&[
            ("readyReplicas", ready),
            ("currentReplicas", if done { news } else { olds }),
            ("updatedReplicas", news),
        ]);
        status["replicas"] = json!(pods.len());
        status["availableReplicas"] = json!(available);
        status["collisionCount"] = json!(0);
        status["currentRevision"] = json!(if done { update } else { current });
        status["updateRevision"] = json!(update);
        status["observedGeneration"] = set["metadata"]["generation"].clone();
        owned::set_status(api, WHO, &set, &status);
        if !set.is_terminating() {
            let old = revisions.iter().find(|revision| revision.name() == current);
            let new = &revisions[revisions.len() - 1];
            let set = Set {
                api,
                set: &set,
                pods: &pods,
                old: old.unwrap_or(new),
                new,
                olds,
            };
            set.step(is_rolling);
            revisions::trim(api, WHO, set.set, &revisions[..revisions.len() - 1], |revision| {
                revision.name() == current || pods.iter().any(|pod| self::revision(pod) == revision.name())
            });
        }
        next
    }
}

/// A StatefulSet at one moment.
struct Set<'a> {
    api: &'a Api,
    set: &'a Value,
    pods: &'a [Arc<Object>],
    /// The revision that it comes from, and the one that it goes to.
    old: &'a Object,
    new: &'a Object,
    /// How many pods are of the old one.
    olds: usize,
}

impl Set<'_> {
    /// Does what may be done now: in order, each pod when the one before it is available, or all at once.
    fn step(&self, is_rolling: bool) {
        let in_order = self.set["spec"]["podManagementPolicy"] != "Parallel";
        let first = self.set.number("/spec/ordinals/start").unwrap_or(0);
        let wanted = first..first + self.set.number("/spec/replicas").unwrap_or(1);
        for ordinal in wanted.clone() {
            let waits = match self.pod(ordinal) {
                None => self.make(ordinal - first, ordinal).is_err() || in_order,
                Some(pod) if owned::is_over(pod) && !pod.is_terminating() => {
                    let phase = pod.text("/status/phase");
                    let reason = if phase == "Failed" {
                        "RecreatingFailedPod"
                    } else {
                        "RecreatingTerminatedPod"
                    };
                    let (namespace, name) = (self.set.namespace(), pod.name());
                    let message = format!(
                        "StatefulSet {namespace}/{} is recreating {phase} Pod {name}",
                        self.set.name()
                    );
                    owned::teller(WHO).warning(self.api, self.set, reason, &message);
                    self.delete(pod);
                    true
                }
                Some(pod) => in_order && !self.is_available(pod),
            };
            if waits {
                return;
            }
        }
        let mut excess: Vec<_> = self
            .pods
            .iter()
            .filter(|pod| !wanted.contains(&ordinal(pod)))
            .collect();
        excess.sort_by_key(|pod| Reverse(ordinal(pod)));
        for pod in excess {
            if !pod.is_terminating() {
                self.delete(pod);
            }
            if in_order {
                return;
            }
        }
        let partition = self
            .set
            .number("/spec/updateStrategy/rollingUpdate/partition")
            .unwrap_or(0);
        if !is_rolling {
            return;
        }
        for pod in (wanted.start + partition..wanted.end)
            .rev()
            .filter_map(|ordinal| self.pod(ordinal))
        {
            if revision(pod) != self.new.name() && !pod.is_terminating() {
                return self.delete(pod);
            }
            if !self.is_available(pod) {
                return;
            }
        }
    }

    fn pod(&self, number: i64) -> Option<&Arc<Object>> {
        self.pods.iter().find(|pod| ordinal(pod) == number)
    }

    fn is_available(&self, pod: &Value) -> bool {
        let at = owned::available_at(pod, self.set);
        !pod.is_terminating() && at.is_some_and(|at| at <= self.api.clock.now())
    }

    fn delete(&self, pod: &Value) {
        if owned::delete(self.api, WHO, pod) {
            let message = format!(
                "Delete Pod {} in StatefulSet {} successful",
                pod.name(),
                self.set.name()
            );
            owned::teller(WHO).normal(self.api, self.set, "SuccessfulDelete", &message);
        }
    }

    /// Makes the pod of this number, the so manieth of all, and its claims.
    fn make(&self, rank: i64, ordinal: i64) -> Result<()> {
        let partition = self
            .set
            .number("/spec/updateStrategy/rollingUpdate/partition")
            .unwrap_or(0);
        let stays = partition.max(i64::try_from(self.olds).unwrap_or(0));
        let revision = if rank < stays { self.old } else { self.new };
        let name = format!("{}-{ordinal}", self.set.name());
        let mut pod = owned::pod(self.set, &revision["data"]["spec"]["template"]);
        pod["metadata"]["name"] = json!(name);
        let labels = map_at(&mut pod["metadata"], "labels");
        labels.insert("statefulset.kubernetes.io/pod-name".into(), json!(name));
        labels.insert("apps.kubernetes.io/pod-index".into(), json!(ordinal.to_string()));
        labels.insert(REVISION.into(), json!(revision.name()));
        pod["spec"]["hostname"] = json!(name);
        pod["spec"]["subdomain"] = self.set["spec"]["serviceName"].clone();
        let mut volumes = Vec::new();
        for template in self.set.list("/spec/volumeClaimTemplates") {
            let claim = format!("{}-{name}", template.name());
            volumes.push(json!({"name": template.name(), "persistentVolumeClaim": {"claimName": claim}}));
            self.claim(template, &claim, &name)?;
        }
        let own = |volume: &&Value| !volumes.iter().any(|claimed| claimed["name"] == volume["name"]);
        let rest: Vec<_> = pod.list("/spec/volumes").iter().filter(own).cloned().collect();
        volumes.extend(rest);
        if !volumes.is_empty() {
            pod["spec"]["volumes"] = json!(volumes);
        }
        let kind = self.api.kind("pods")?;
        let made = self.api.create(
            &kind,
            self.set.namespace(),
            pod,
            &crate::api::write::Write::by(WHO),
        );
        self.tell(
            &format!("Create Pod {name} in StatefulSet {}", self.set.name()),
            "successful",
            made,
        )
    }

    /// Makes a claim, where there is none.
    fn claim(&self, template: &Value, claim: &str, pod: &str) -> Result<()> {
        let kind = self.api.kind("persistentvolumeclaims")?;
        if self.api.get(&kind, self.set.namespace(), claim).is_ok() {
            return Ok(());
        }
        let mut object = template.clone();
        object["metadata"]["name"] = json!(claim);
        for (name, value) in self.set["spec"]["selector"]["matchLabels"]
            .as_object()
            .into_iter()
            .flatten()
        {
            map_at(&mut object["metadata"], "labels").insert(name.clone(), value.clone());
        }
        let made = owned::create(self.api, WHO, self.set, "persistentvolumeclaims", object);
        self.tell(
            &format!(
                "Create Claim {claim} Pod {pod} in StatefulSet {}",
                self.set.name()
            ),
            "success",
            made,
        )
    }

    fn tell(&self, what: &str, well: &str, made: Result<Arc<Object>>) -> Result<()> {
        let teller = owned::teller(WHO);
        match &made {
            Ok(_) => teller.normal(self.api, self.set, "SuccessfulCreate", &format!("{what} {well}")),
            Err(failure) => {
                let message = format!("{what} failed error: {}", owned::why(failure));
                teller.warning(self.api, self.set, "FailedCreate", &message);
            }
        }
        made.map(drop)
    }
}

/// The number of a pod.
fn ordinal(pod: &Value) -> i64 {
    let number = pod
        .name()
        .rsplit_once('-')
        .and_then(|(_, number)| number.parse().ok());
    number.unwrap_or(-1)
}

fn revision(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION].as_str().unwrap_or_default()
}
