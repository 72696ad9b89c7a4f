//! Deployments: a ReplicaSet for each template that they had, and the steps from one to the next.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work, annotate, annotation, share},
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
/// At a ReplicaSet: the pods that its Deployment wanted, and the most that it could have, when the set was sized.
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// What a ReplicaSet does not get of its Deployment's annotations.
const OWN: [&str; 5] = [REVISION, HISTORY, DESIRED, MAX, APPLIED];

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
pub(super) struct Rollout<'a> {
    pub(super) work: Work<'a>,
    /// How many pods are wanted, how many there may be, and how many of them must be available.
    pub(super) wanted: i64,
    most: i64,
    pub(super) least: i64,
    /// The ReplicaSet of the present template.
    pub(super) new: Option<Arc<Object>>,
    /// Those of earlier ones, oldest first.
    pub(super) old: Vec<Arc<Object>>,
    /// The highest revision of theirs.
    last: i64,
    /// The status that is to be.
    pub(super) status: Value,
}

impl<'a> Rollout<'a> {
    fn of(work: Work<'a>) -> Self {
        let made = |set: &Value| work::time(&set["metadata"], "creationTimestamp");
        let mut old = work.owned(SETS);
        old.sort_by_cached_key(|set| (made(set), set.name().to_owned()));
        let is_new = |set: &Arc<Object>| is_same(&set["spec"]["template"], &work["spec"]["template"]);
        let new = old.iter().position(is_new).map(|at| old.remove(at));
        let wanted = work.number("/spec/replicas").unwrap_or(1);
        // A Recreate strategy has neither bound.
        let bound = |name, up| share(&work["spec"]["strategy"]["rollingUpdate"][name], wanted, up);
        let (surge, missing) = (bound("maxSurge", true), bound("maxUnavailable", false));
        let recreates = work["spec"]["strategy"]["type"] == "Recreate";
        // Of a rolling update something must give way.
        let missing = if surge + missing == 0 && !recreates {
            1
        } else {
            missing
        };
        Self {
            wanted,
            most: wanted + surge,
            least: (wanted - missing).max(0),
            new,
            last: old.iter().map(|set| revision(set)).max().unwrap_or(0),
            old,
            status: work["status"].clone(),
            work,
        }
    }

    /// All ReplicaSets, the new one last.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.old.iter().chain(&self.new)
    }

    /// Does what is next.
    fn step(&mut self) {
        if self.work.is_terminating() {
            return self.count();
        }
        let paused = self.work["spec"]["paused"] == true;
        match (paused, self.reason()) {
            (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => {}
            (true, _) => self.progress("Unknown", "DeploymentPaused", "Deployment is paused"),
            (_, "DeploymentPaused") => self.progress("Unknown", "DeploymentResumed", "Deployment is resumed"),
            _ => {}
        }
        self.renew();
        let before = self.status.clone();
        let wanted = self.wanted.to_string();
        let is_behind = |set: &Arc<Object>| size(set) > 0 && annotation(set, DESIRED) != wanted;
        let is_settled = if paused || self.all().any(is_behind) {
            self.scale();
            self.count();
            paused
        } else {
            let recreates = self.work["spec"]["strategy"]["type"] == "Recreate";
            let moved = if recreates { self.recreate() } else { self.roll() };
            self.count();
            self.judge(&before);
            !moved && self.is_complete()
        };
        if is_settled {
            self.clean_up();
        }
    }

    /// Sees that the new ReplicaSet has the highest revision and what is copied from its Deployment.
    fn renew(&mut self) {
        let Some(set) = &self.new else { return };
        let mut next = set.value().clone();
        self.inherit(&mut next);
        if next != *set.value() {
            self.new = self.work.update(set, |set| self.inherit(set)).ok();
        }
        if let (Some(set), "") = (&self.new, self.reason()) {
            let message = format!("Found new replica set {:?}", set.name());
            self.progress("True", "FoundNewReplicaSet", &message);
        }
    }

    /// Gives the new ReplicaSet the highest revision, and what it has of its Deployment besides the template.
    fn inherit(&self, set: &mut Value) {
        let own = self.work["metadata"]["annotations"].as_object();
        for (name, value) in own
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
        let before = revision(set);
        if before > self.last {
            return;
        }
        if before > 0 {
            let past = [annotation(set, HISTORY), &before.to_string()].join(",");
            annotate(set, HISTORY, past.trim_start_matches(','));
        }
        annotate(set, REVISION, (self.last + 1).to_string());
    }

    /// Makes the ReplicaSet of the present template.
    fn make(&mut self) {
        let template = &self.work["spec"]["template"];
        let mut spec = json!({"template": template, "selector": self.work["spec"]["selector"]});
        let hash = work::hash(template);
        let name = format!("{}-{hash}", self.work.name());
        map_at(&mut spec["template"]["metadata"], "labels").insert(HASH.into(), json!(hash));
        map_at(&mut spec["selector"], "matchLabels").insert(HASH.into(), json!(hash));
        let size = self.grown(0);
        spec["replicas"] = json!(size);
        let labels = &spec["template"]["metadata"]["labels"];
        let meta = json!({"name": name, "labels": labels, "ownerReferences": [self.work.reference()]});
        let mut set = json!({"metadata": meta, "spec": spec});
        self.inherit(&mut set);
        self.bound(&mut set);
        match self.work.create(SETS, set) {
            Ok(set) => {
                self.tell_sized(&set, 0, size);
                self.new = Some(set);
                let message = format!("Created new replica set {name:?}");
                self.progress("True", "NewReplicaSetCreated", &message);
            }
            Err(failure) => {
                let why = work::why(&failure);
                let message = format!("Failed to create new replica set {name:?}: {why}");
                self.work.warning("ReplicaSetCreateError", &message);
                self.progress("False", "ReplicaSetCreateError", &message);
            }
        }
    }

    /// One step of a rolling update. Gives whether there was one to do.
    fn roll(&mut self) -> bool {
        if self.new.is_none() {
            self.make();
        }
        let Some(new) = &self.new else { return true };
        self.resize(new, self.grown(size(new))) || self.resize_old(&self.shrunk(new))
    }

    /// How large the new ReplicaSet of this size may be next to the old ones.
    fn grown(&self, size: i64) -> i64 {
        let old: i64 = self.old.iter().map(self::size).sum();
        size.max(self.most - old).min(self.wanted)
    }

    /// How large the old ReplicaSets may be beside the new one: first they lose what is of no use anyway, then as much
    /// of the rest as may be missed.
    fn shrunk(&self, new: &Arc<Object>) -> Vec<i64> {
        let mut sizes: Vec<i64> = self.old.iter().map(size).collect();
        let mut useless = sizes.iter().sum::<i64>() + available(new) - self.least;
        for (set, size) in self.old.iter().zip(&mut sizes) {
            let cut = useless.min(*size - available(set)).max(0);
            (*size, useless) = (*size - cut, useless - cut);
        }
        let mut spare = useless.min(self.all().map(available).sum::<i64>() - self.least);
        for size in &mut sizes {
            let cut = spare.min(*size).max(0);
            (*size, spare) = (*size - cut, spare - cut);
        }
        sizes
    }

    /// One step of a change that ends all old pods before the first new one. Gives whether there was one to do.
    fn recreate(&mut self) -> bool {
        let is_old = |uid: &str| self.old.iter().any(|set| set.uid() == uid);
        let runs = |pod: &Arc<Object>| {
            !work::is_over(pod) && pod.controller().is_some_and(|by| is_old(by.text("/uid")))
        };
        let pods = || self.work.api.all("pods", Some(self.work.namespace()));
        if self.resize_old(&vec![0; self.old.len()]) || !self.old.is_empty() && pods().iter().any(runs) {
            return true;
        }
        if self.new.is_none() {
            self.make();
        }
        let new = self.new.as_ref();
        new.is_none_or(|new| self.resize(new, self.wanted))
    }

    /// Follows a change of the number of pods, without a step from old to new: each ReplicaSet keeps its share.
    fn scale(&self) {
        let mut sets: Vec<_> = self.all().filter(|set| size(set) > 0).collect();
        if sets.is_empty() {
            sets.extend(self.all().last());
        }
        let all = sets.iter().map(|set| size(set)).sum::<i64>().max(1);
        let most = if sets.len() > 1 && self.wanted > 0 {
            self.most
        } else {
            self.wanted
        };
        let mut left = most;
        let Some((last, others)) = sets.split_last() else {
            return;
        };
        for set in others {
            let part = ((2 * size(set) * most + all) / (2 * all)).min(left);
            self.fit(set, part);
            left -= part;
        }
        self.fit(last, left);
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
    fn resize_old(&self, sizes: &[i64]) -> bool {
        let sets = self.old.iter().zip(sizes);
        sets.filter(|(set, to)| self.resize(set, **to)).count() > 0
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
        annotate(set, MAX, self.most.to_string());
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
            if size(set) == 0 && set["status"]["replicas"] == 0 {
                self.work.delete(set, "");
            }
        }
    }

    /// Writes the revision and the status, where they changed.
    fn write(&self) {
        let revision = self.new.as_ref().map_or("", |new| annotation(new, REVISION));
        if !revision.is_empty() && annotation(&self.work, REVISION) != revision {
            let note = |deployment: &mut Value| annotate(deployment, REVISION, revision);
            // Beside the status it is no change of what is wanted. What is gone needs none.
            drop(self.work.update_status(note));
        }
        self.work.set_status(&self.status);
    }
}

/// The size that a ReplicaSet is meant to have.
pub(super) fn size(set: &Arc<Object>) -> i64 {
    set.number("/spec/replicas").unwrap_or(1)
}

/// How many of its pods are available.
pub(super) fn available(set: &Arc<Object>) -> i64 {
    set.number("/status/availableReplicas").unwrap_or(0)
}

/// Whether two templates are the same, but for the label that tells them from others.
fn is_same(one: &Value, other: &Value) -> bool {
    let meta = |template: &Value| {
        let mut meta = template["metadata"].clone();
        map_at(&mut meta, "labels").remove(HASH);
        meta
    };
    one["spec"] == other["spec"] && meta(one) == meta(other)
}

fn revision(set: &Value) -> i64 {
    annotation(set, REVISION).parse().unwrap_or(0)
}
