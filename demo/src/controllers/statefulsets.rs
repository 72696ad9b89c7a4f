//! StatefulSets: pods with numbers and claims of their own, one after another.

use std::{cmp::Reverse, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller, revisions,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    status::Result,
    store::{Change, Key},
};

const CLAIMS: &str = "persistentvolumeclaims";
const REVISION: &str = "controller-revision-hash";

/// Sees to the pods and claims of StatefulSets.
pub(crate) struct StatefulSets;

impl Controller for StatefulSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let kind = ("statefulsets.apps", "StatefulSet");
        work::concerned(api, change, kind, &["pods", "controllerrevisions.apps"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let work = Work::on(api, "statefulset-controller", key)?;
        let revisions = revisions::of(&work, "controller.kubernetes.io/hash");
        let new = revisions.last()?;
        let current = work.text("/status/currentRevision");
        let old = revisions.iter().find(|revision| revision.name() == current);
        let pods = work.owned("pods");
        let set = Set {
            work: &work,
            pods: &pods,
            old: old.unwrap_or(new),
            new,
        };
        let next = set.count();
        if !work.is_terminating() {
            set.step();
            let used = |name: &str| name == set.old.name() || name == new.name() || set.of(name) > 0;
            revisions::trim(&work, &revisions, |revision| used(revision.name()));
        }
        next
    }
}

/// A StatefulSet at one moment.
struct Set<'a> {
    work: &'a Work<'a>,
    pods: &'a [Arc<Object>],
    /// The revision that it comes from, and the one that it goes to.
    old: &'a Object,
    new: &'a Object,
}

impl Set<'_> {
    /// How many pods are of a revision.
    fn of(&self, revision: &str) -> usize {
        let is = |pod: &&Arc<Object>| !pod.is_terminating() && self::revision(pod) == revision;
        self.pods.iter().filter(is).count()
    }

    /// Writes the status. Gives when there will be another one.
    fn count(&self) -> Option<Timestamp> {
        let (ready, available, next) = self.work.readiness(self.pods);
        let (all, news) = (self.pods.len(), self.of(self.new.name()));
        let done = news == all && ready == all;
        let current = if done { self.new.name() } else { self.old.name() };
        let mut status = json!({
            "replicas": all, "availableReplicas": available, "collisionCount": 0, "currentRevision": current,
            "updateRevision": self.new.name(), "observedGeneration": self.work["metadata"]["generation"],
        });
        let counts = [
            ("readyReplicas", ready),
            ("updatedReplicas", news),
            ("currentReplicas", self.of(current)),
        ];
        work::put_counts(&mut status, &counts);
        self.work.set_status(&status);
        next
    }

    /// Does what may be done now: in order, each pod when the one before it is available, or all at once.
    fn step(&self) {
        let set = self.work;
        let in_order = set["spec"]["podManagementPolicy"] != "Parallel";
        let wanted = 0..set.number("/spec/replicas").unwrap_or(1);
        let strategy = &set["spec"]["updateStrategy"];
        let partition = strategy.number("/rollingUpdate/partition").unwrap_or(0);
        let is_steady = |pod: &Value| !pod.is_terminating() && set.is_available(pod);
        for number in wanted.clone() {
            let revision = if number < partition { self.old } else { self.new };
            let waits = match self.pods.iter().find(|pod| ordinal(pod) == number) {
                None => self.make(number, revision).is_err() || in_order,
                Some(pod) if work::is_over(pod) => {
                    self.delete(pod);
                    true
                }
                Some(pod) => in_order && !is_steady(pod),
            };
            if waits {
                return;
            }
        }
        let mut pods = self.pods.to_vec();
        pods.sort_by_key(|pod| Reverse(ordinal(pod)));
        for pod in &pods {
            let is_excess = !wanted.contains(&ordinal(pod));
            if !is_excess && strategy["type"] == "OnDelete" {
                return;
            }
            let is_old = ordinal(pod) >= partition && revision(pod) != self.new.name();
            if is_excess || is_old {
                self.delete(pod);
            }
            // Too many may go at once, those that are replaced go one after another.
            if is_excess && in_order || !is_excess && (is_old || !is_steady(pod)) {
                return;
            }
        }
    }

    fn delete(&self, pod: &Value) {
        if !pod.is_terminating() {
            let (pod_name, name) = (pod.name(), self.work.name());
            let message = format!("Delete Pod {pod_name} in StatefulSet {name} successful");
            self.work.delete(pod, &message);
        }
    }

    /// Makes the pod of this number, and its claims.
    fn make(&self, number: i64, revision: &Object) -> Result<()> {
        let (set, name) = (self.work, format!("{}-{number}", self.work.name()));
        let mut pod = set.pod(&revision["data"]["spec"]["template"]);
        pod["metadata"]["name"] = json!(name);
        let labels = map_at(&mut pod["metadata"], "labels");
        labels.insert("statefulset.kubernetes.io/pod-name".into(), json!(name));
        labels.insert("apps.kubernetes.io/pod-index".into(), json!(number.to_string()));
        labels.insert(REVISION.into(), json!(revision.name()));
        pod["spec"]["hostname"] = json!(name);
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
        let mut volumes = pod.list("/spec/volumes").to_vec();
        for template in set.list("/spec/volumeClaimTemplates") {
            let (volume, claim) = (template.name(), format!("{}-{name}", template.name()));
            volumes.retain(|other| other["name"] != volume);
            volumes.insert(
                0,
                json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}}),
            );
            let place = Key::new(CLAIMS, set.namespace(), &claim);
            if set.api.store.get(&place).is_none() {
                let mut object = template.clone();
                object["metadata"]["name"] = json!(claim);
                let own = set["spec"]["selector"]["matchLabels"].as_object().cloned();
                map_at(&mut object["metadata"], "labels").extend(own.unwrap_or_default());
                let what = format!("Claim {claim} Pod {name}");
                self.tell(&what, "success", set.create(CLAIMS, object))?;
            }
        }
        if !volumes.is_empty() {
            pod["spec"]["volumes"] = json!(volumes);
        }
        self.tell(&format!("Pod {name}"), "successful", set.create("pods", pod))
    }

    /// Tells of what was made, or not.
    fn tell(&self, what: &str, well: &str, made: Result<Arc<Object>>) -> Result<()> {
        let what = format!("Create {what} in StatefulSet {}", self.work.name());
        match &made {
            Ok(_) => self.work.normal("SuccessfulCreate", &format!("{what} {well}")),
            Err(failure) => {
                let message = format!("{what} failed error: {}", work::why(failure));
                self.work.warning("FailedCreate", &message);
            }
        }
        made.map(drop)
    }
}

/// The number of a pod.
fn ordinal(pod: &Value) -> i64 {
    let number = pod.name().rsplit_once('-').map(|(_, number)| number.parse());
    number.and_then(std::result::Result::ok).unwrap_or(-1)
}

fn revision(pod: &Value) -> &str {
    pod["metadata"]["labels"][REVISION].as_str().unwrap_or_default()
}
