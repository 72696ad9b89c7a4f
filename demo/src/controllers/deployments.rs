//! Deployments: a ReplicaSet for each template that they had, and the steps from one to the next.

use std::{cmp::Reverse, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work, annotate, annotation},
};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    store::{Change, Key},
};

const SETS: &str = "replicasets.apps";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// What a ReplicaSet does not get of its Deployment's annotations.
const OWN: [&str; 5] = [
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// Sees to the ReplicaSets of Deployments.
pub(crate) struct Deployments;

impl Controller for Deployments {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, ("deployments.apps", "Deployment"), &[SETS])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let mut rollout = Rollout::of(Work::on(api, "deployment-controller", key)?);
        rollout.step();
        rollout.write();
        rollout.deadline()
    }
}

/// A Deployment at one moment.
struct Rollout<'a> {
    work: Work<'a>,
    /// How many pods are wanted, how many more there may be, and how many of them may be missing.
    wanted: i64,
    surge: i64,
    missing: i64,
    /// The ReplicaSet of the present template.
    new: Option<Arc<Object>>,
    /// Those of earlier ones, oldest first.
    old: Vec<Arc<Object>>,
    /// The status that is to be.
    status: Value,
}

impl<'a> Rollout<'a> {
    fn of(work: Work<'a>) -> Self {
        let strategy = &work["spec"]["strategy"];
        let wanted = work.number("/spec/replicas").unwrap_or(1);
        let usual = json!("25%");
        let bound = |name, up| {
            let bound = strategy["rollingUpdate"].get(name).unwrap_or(&usual);
            if strategy["type"] == "Recreate" {
                0
            } else {
                work::share(bound, wanted, up)
            }
        };
        let (surge, mut missing) = (bound("maxSurge", true), bound("maxUnavailable", false));
        if surge == 0 && missing == 0 && strategy["type"] != "Recreate" {
            missing = 1;
        }
        let mut old = work.owned(SETS);
        old.sort_by_cached_key(|set| (created(set), set.name().to_owned()));
        let template = bare(&work["spec"]["template"]);
        let new = old
            .iter()
            .position(|set| bare(&set["spec"]["template"]) == template);
        let new = new.map(|at| old.remove(at));
        let (missing, status) = (missing.min(wanted), work["status"].clone());
        Self {
            work,
            wanted,
            surge,
            missing,
            new,
            old,
            status,
        }
    }

    /// All ReplicaSets.
    fn all(&self) -> impl Iterator<Item = &Arc<Object>> + Clone {
        self.old.iter().chain(&self.new)
    }

    /// Does what is next.
    fn step(&mut self) {
        if self.work.is_terminating() {
            return self.count();
        }
        let paused = self.work["spec"]["paused"] == true;
        match (paused, self.reason().as_str()) {
            (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => {}
            (true, _) => self.progress("Unknown", "DeploymentPaused", "Deployment is paused".into()),
            (_, "DeploymentPaused") => {
                self.progress("Unknown", "DeploymentResumed", "Deployment is resumed".into())
            }
            _ => {}
        }
        self.renew();
        let is_behind = |set: &Arc<Object>| {
            let desired = annotation(set, DESIRED).parse::<i64>();
            size(set) > 0 && desired.is_ok_and(|desired| desired != self.wanted)
        };
        let before = self.status.clone();
        if paused || self.all().any(is_behind) {
            self.scale();
            if paused {
                self.clean_up();
            }
            return self.count();
        }
        let recreates = self.work["spec"]["strategy"]["type"] == "Recreate";
        let moved = if recreates { self.recreate() } else { self.roll() };
        if !moved && self.is_complete() {
            self.clean_up();
        }
        self.count();
        self.judge(&before);
    }

    /// Sees that the new ReplicaSet has the highest revision and what is copied from its Deployment.
    fn renew(&mut self) {
        let Some(set) = &self.new else { return };
        let name = set.name().to_owned();
        let last = self.old.iter().map(|set| revision(set)).max().unwrap_or(0);
        let mut edited = set.value().clone();
        self.inherit(&mut edited);
        let before = revision(set);
        if before <= last {
            let past = annotation(set, HISTORY);
            let past = if past.is_empty() {
                before.to_string()
            } else {
                format!("{past},{before}")
            };
            annotate(&mut edited, HISTORY, past);
            annotate(&mut edited, REVISION, (last + 1).to_string());
        }
        if edited != *set.value() {
            let edit = |set: &mut Value| {
                set["metadata"]["annotations"] = edited["metadata"]["annotations"].clone();
                set["spec"] = edited["spec"].clone();
            };
            self.new = self.work.update(set, edit).ok();
        }
        if self.reason().is_empty() {
            self.progress(
                "True",
                "FoundNewReplicaSet",
                format!("Found new replica set {name:?}"),
            );
        }
    }

    /// Copies to a ReplicaSet what it has of its Deployment besides the template.
    fn inherit(&self, set: &mut Value) {
        let annotations = self
            .work
            .pointer("/metadata/annotations")
            .and_then(Value::as_object);
        for (name, value) in annotations
            .into_iter()
            .flatten()
            .filter(|(name, _)| !OWN.contains(&name.as_str()))
        {
            annotate(set, name, value.clone());
        }
        work::remove(&mut set["spec"], "minReadySeconds");
        if let Some(seconds) = self.work["spec"].get("minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        }
    }

    /// Makes the ReplicaSet of the present template.
    fn make(&mut self) {
        let work = &self.work;
        let (mut template, mut selector) =
            (work["spec"]["template"].clone(), work["spec"]["selector"].clone());
        let collisions = self.status["collisionCount"].as_i64().unwrap_or(0);
        let hash = work::hash(&template, collisions);
        let name = format!("{}-{hash}", work.name());
        map_at(&mut template["metadata"], "labels").insert(HASH.into(), json!(hash));
        map_at(&mut selector, "matchLabels").insert(HASH.into(), json!(hash));
        let (labels, size) = (template["metadata"]["labels"].clone(), self.growth(0));
        let mut set = json!({
            "metadata": {"name": name, "labels": labels, "ownerReferences": [work.reference()]},
            "spec": {"replicas": size, "selector": selector, "template": template},
        });
        self.inherit(&mut set);
        self.bound(&mut set);
        let last = self.old.iter().map(|set| revision(set)).max().unwrap_or(0);
        annotate(&mut set, REVISION, (last + 1).to_string());
        match work.create(SETS, set) {
            Ok(set) => {
                self.tell_sized(&set, 0, size);
                self.new = Some(set);
                self.progress(
                    "True",
                    "NewReplicaSetCreated",
                    format!("Created new replica set {name:?}"),
                );
            }
            // The name is another's: the next look is for another one.
            Err(failure) if failure.code == 409 => self.status["collisionCount"] = json!(collisions + 1),
            Err(failure) => {
                let message = format!(
                    "Failed to create new replica set {name:?}: {}",
                    work::why(&failure)
                );
                work.warning("ReplicaSetCreateError", &message);
                self.progress("False", "ReplicaSetCreateError", message);
            }
        }
    }

    /// One step of a rolling update. Gives whether there was one to do.
    fn roll(&mut self) -> bool {
        if self.new.is_none() {
            self.make();
        }
        let Some(new) = &self.new else { return true };
        let sized = size(new);
        if self.resize(
            new,
            if sized > self.wanted {
                self.wanted
            } else {
                self.growth(sized)
            },
        ) {
            return true;
        }
        let kept = self.wanted - self.missing;
        let all: i64 = self.all().map(size).sum();
        let free = all - kept - (sized - count(new, "availableReplicas"));
        if free <= 0 || all == sized {
            return false;
        }
        // First what is of no use anyway, then as much of the rest as may be missed.
        let mut sizes: Vec<i64> = self.old.iter().map(size).collect();
        let mut useless = free;
        for (set, size) in self.old.iter().zip(&mut sizes) {
            let cut = useless.min(*size - count(set, "availableReplicas")).max(0);
            (*size, useless) = (*size - cut, useless - cut);
        }
        let mut spare = (self.sum("availableReplicas") - kept).max(0);
        for size in &mut sizes {
            let cut = spare.min(*size);
            (*size, spare) = (*size - cut, spare - cut);
        }
        self.resize_old(|at| sizes[at])
    }

    /// One step of a change that ends all old pods before the first new one. Gives whether there was one to do.
    fn recreate(&mut self) -> bool {
        let is_old = |uid: &str| self.old.iter().any(|set| set.uid() == uid);
        let runs = |pod: &Arc<Object>| {
            !work::is_over(pod) && pod.controller().is_some_and(|by| is_old(by.text("/uid")))
        };
        let pods = || self.work.api.all("pods", Some(self.work.namespace()));
        if self.resize_old(|_| 0) || !self.old.is_empty() && pods().iter().any(runs) {
            return true;
        }
        if self.new.is_none() {
            self.make();
        }
        self.new.as_ref().is_none_or(|new| self.resize(new, self.wanted))
    }

    /// What size the new ReplicaSet of this size may grow to.
    fn growth(&self, sized: i64) -> i64 {
        let room = self.wanted + self.surge - self.all().map(size).sum::<i64>();
        sized + room.min(self.wanted - sized).max(0)
    }

    /// Follows a change of the number of pods, without a step from old to new.
    fn scale(&self) {
        let active: Vec<_> = self.all().filter(|set| size(set) > 0).collect();
        let latest = self.new.as_ref().or(self.old.last());
        let is_whole = |set: &Arc<Object>| {
            let desired = annotation(set, DESIRED) == self.wanted.to_string();
            desired && size(set) == self.wanted && count(set, "availableReplicas") == self.wanted
        };
        if let Some(only) = if active.is_empty() {
            latest
        } else {
            active.first().copied().filter(|_| active.len() == 1)
        } {
            self.resize(only, self.wanted);
        } else if self.new.as_ref().is_some_and(is_whole) {
            self.resize_old(|_| 0);
        } else if self.work["spec"]["strategy"]["type"] != "Recreate" {
            self.spread(active);
        }
    }

    /// Spreads the pods that a change of their number adds or takes over several ReplicaSets, by their sizes.
    fn spread(&self, mut sets: Vec<&Arc<Object>>) {
        let most = if self.wanted > 0 {
            self.wanted + self.surge
        } else {
            0
        };
        let add = most - sets.iter().map(|set| size(set)).sum::<i64>();
        // What is left over goes to the largest: of two the newer gets it, the older loses it.
        sets.sort_by_cached_key(|set| (Reverse(size(set)), created(set)));
        if add > 0 {
            sets.sort_by_cached_key(|set| (Reverse(size(set)), Reverse(created(set))));
        }
        let mut left = add;
        let mut sizes = Vec::new();
        for set in &sets {
            let before = annotation(set, MAX)
                .parse()
                .unwrap_or(count(&self.work, "replicas"))
                .max(1);
            let part = (2 * size(set) * most + before).div_euclid(2 * before) - size(set);
            let part = if add > 0 {
                part.clamp(0, left)
            } else {
                part.clamp(left, 0)
            };
            sizes.push(size(set) + part);
            left -= part;
        }
        sizes[0] = (sizes[0] + left).max(0);
        sets.into_iter()
            .zip(sizes)
            .for_each(|(set, size)| self.fit(set, size));
    }

    /// Gives a ReplicaSet another size. Gives whether it had another.
    fn resize(&self, set: &Arc<Object>, to: i64) -> bool {
        let differs = size(set) != to;
        if differs {
            self.fit(set, to);
        }
        differs
    }

    /// Gives all old ReplicaSets other sizes. Gives whether one of them had another.
    fn resize_old(&self, to: impl Fn(usize) -> i64) -> bool {
        let sets = self.old.iter().enumerate();
        sets.filter(|(at, set)| self.resize(set, to(*at))).count() > 0
    }

    fn fit(&self, set: &Arc<Object>, to: i64) {
        let edit = |set: &mut Value| {
            set["spec"]["replicas"] = json!(to);
            self.bound(set);
        };
        if self.work.update(set, edit).is_ok() {
            self.tell_sized(set, size(set), to);
        }
    }

    /// Notes at a ReplicaSet the numbers that it was sized by.
    fn bound(&self, set: &mut Value) {
        annotate(set, DESIRED, self.wanted.to_string());
        annotate(set, MAX, (self.wanted + self.surge).to_string());
    }

    fn tell_sized(&self, set: &Value, from: i64, to: i64) {
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", set.name());
        if from != to {
            self.work.normal("ScalingReplicaSet", &message);
        }
    }

    /// Deletes the oldest ReplicaSets beyond the history that is kept.
    fn clean_up(&self) {
        let limit = self.work["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10) as usize;
        let mut past: Vec<_> = self.old.iter().filter(|set| !set.is_terminating()).collect();
        past.sort_by_key(|set| revision(set));
        for set in &past[..past.len().saturating_sub(limit)] {
            let is_seen = set["status"]["observedGeneration"] == set["metadata"]["generation"];
            if is_seen && size(set) == 0 && count(set, "replicas") == 0 {
                self.work.delete(set, "");
            }
        }
    }

    fn sum(&self, name: &str) -> i64 {
        self.all().map(|set| count(set, name)).sum()
    }

    /// Counts the pods.
    fn count(&mut self) {
        let available = self.sum("availableReplicas");
        let asked: i64 = self.all().map(size).sum();
        let counts = [
            ("replicas", self.sum("replicas")),
            (
                "updatedReplicas",
                self.new.as_ref().map_or(0, |new| count(new, "replicas")),
            ),
            ("readyReplicas", self.sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", (asked - available).max(0)),
        ];
        work::put_counts(
            &mut self.status,
            &counts.map(|(name, count)| (name, count as usize)),
        );
        self.status["terminatingReplicas"] = json!(self.sum("terminatingReplicas"));
        self.status["observedGeneration"] = self.work["metadata"]["generation"].clone();
        let (status, reason, has) = match available >= self.wanted - self.missing {
            true => ("True", "MinimumReplicasAvailable", "has"),
            false => ("False", "MinimumReplicasUnavailable", "does not have"),
        };
        self.set(
            "Available",
            status,
            reason,
            format!("Deployment {has} minimum availability."),
        );
    }

    /// Whether all pods are new and available.
    fn is_complete(&self) -> bool {
        ["updatedReplicas", "replicas", "availableReplicas"]
            .iter()
            .all(|name| number(&self.status, name) == self.wanted)
            && self.status["observedGeneration"] == self.work["metadata"]["generation"]
    }

    /// Says how the rollout goes, by how the counts are and how they were.
    fn judge(&mut self, before: &Value) {
        let name = self.new.as_ref().map_or("", |new| new.name()).to_owned();
        let is_settled = self.reason() == "NewReplicaSetAvailable"
            && self.status["replicas"] == self.status["updatedReplicas"];
        let old = |status| number(status, "replicas") - number(status, "updatedReplicas");
        let grew = |name| number(&self.status, name) > number(before, name);
        let grew = ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .into_iter()
            .any(grew);
        if !is_settled && self.is_complete() {
            let message = format!("ReplicaSet {name:?} has successfully progressed.");
            self.progress("True", "NewReplicaSetAvailable", message);
        } else if !is_settled && (grew || old(&self.status) < old(before)) {
            self.progress(
                "True",
                "ReplicaSetUpdated",
                format!("ReplicaSet {name:?} is progressing."),
            );
        } else if self
            .deadline()
            .is_some_and(|deadline| deadline <= self.work.api.clock.now())
        {
            let message = format!("ReplicaSet {name:?} has timed out progressing.");
            self.progress("False", "ProgressDeadlineExceeded", message);
        }
        let failure = self.new.iter().chain(&self.old);
        let failure = failure
            .filter_map(|set| work::condition(&set["status"], "ReplicaFailure"))
            .next()
            .cloned();
        self.unset("ReplicaFailure", failure.is_none());
        if let Some(failure) = failure {
            self.set(
                "ReplicaFailure",
                "True",
                failure.text("/reason"),
                failure.text("/message").to_owned(),
            );
        }
    }

    /// When the rollout is given up if nothing moves until then; `None` if it is done, given up, or may take for ever.
    fn deadline(&self) -> Option<Timestamp> {
        let progress = work::condition(&self.status, "Progressing")?;
        let is_over = [
            "NewReplicaSetAvailable",
            "ProgressDeadlineExceeded",
            "DeploymentPaused",
        ];
        let since = work::time(progress, "lastUpdateTime");
        let since = since.filter(|_| !is_over.contains(&progress.text("/reason")))?;
        // A second more: times in a status are cut to whole ones.
        Some(since + SignedDuration::from_secs(self.limit()? + 1))
    }

    /// How many seconds a rollout may make no progress.
    fn limit(&self) -> Option<i64> {
        let limit = self.work.number("/spec/progressDeadlineSeconds").unwrap_or(600);
        Some(limit).filter(|limit| *limit < i64::from(i32::MAX))
    }

    /// The reason that the rollout is as it is.
    fn reason(&self) -> String {
        work::condition(&self.status, "Progressing")
            .map_or("", |progress| progress.text("/reason"))
            .to_owned()
    }

    /// Sets the condition that a rollout with a deadline has.
    fn progress(&mut self, status: &str, reason: &str, message: String) {
        if self.limit().is_some() {
            self.set("Progressing", status, reason, message);
        }
    }

    /// Sets a condition, if it has another status or reason.
    fn set(&mut self, kind: &str, status: &str, reason: &str, message: String) {
        let now = self.work.now();
        let before = work::condition(&self.status, kind).filter(|before| before["status"] == status);
        // Progress is told each time, so that the deadline moves on.
        if before.is_some_and(|before| before["reason"] == reason) && reason != "ReplicaSetUpdated" {
            return;
        }
        let since = before.map_or(now.as_str(), |before| before.text("/lastTransitionTime"));
        let condition = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastUpdateTime": now, "lastTransitionTime": since,
        });
        work::put_condition(&mut self.status, condition);
    }

    fn unset(&mut self, kind: &str, really: bool) {
        if let Some(conditions) = self.status["conditions"].as_array_mut() {
            conditions.retain(|condition| condition["type"] != kind || !really);
        }
    }

    /// Writes the revision and the status, where they changed.
    fn write(&mut self) {
        self.unset("Progressing", self.limit().is_none());
        let revision = self.new.as_ref().map_or("", |new| annotation(new, REVISION));
        if !revision.is_empty() && annotation(&self.work, REVISION) != revision {
            // What is gone needs none.
            drop(
                self.work
                    .update_status(|deployment| annotate(deployment, REVISION, revision)),
            );
        }
        self.work.set_status(&self.status);
    }
}

/// A template without the label that tells it from others.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    map_at(&mut template["metadata"], "labels").remove(HASH);
    template
}

/// The size that a ReplicaSet is meant to have.
fn size(set: &Arc<Object>) -> i64 {
    set.number("/spec/replicas").unwrap_or(1)
}

/// A count of an object's status.
fn count(object: &Value, name: &str) -> i64 {
    number(&object["status"], name)
}

fn number(status: &Value, name: &str) -> i64 {
    status[name].as_i64().unwrap_or(0)
}

fn created(set: &Value) -> Option<Timestamp> {
    work::time(&set["metadata"], "creationTimestamp")
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or(0)
}
