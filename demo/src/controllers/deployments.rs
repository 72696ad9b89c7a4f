//! Deployments: a ReplicaSet for each template that they had, and the steps from one to the next.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    rolling::{Bounds, DESIRED, MAX, available, size},
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
pub(super) struct Rollout<'a> {
    pub(super) work: Work<'a>,
    pub(super) bounds: Bounds,
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
        let mut old = work.owned(SETS);
        old.sort_by_cached_key(|set| {
            (
                work::time(&set["metadata"], "creationTimestamp"),
                set.name().to_owned(),
            )
        });
        let is_new = |set: &Arc<Object>| is_same(&set["spec"]["template"], &work["spec"]["template"]);
        let new = old.iter().position(is_new).map(|at| old.remove(at));
        let last = old.iter().map(|set| revision(set)).max().unwrap_or(0);
        Self {
            bounds: Bounds::of(&work["spec"]),
            new,
            old,
            last,
            status: work["status"].clone(),
            work,
        }
    }

    /// All ReplicaSets.
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
        let is_behind = |set: &Arc<Object>| {
            let desired = annotation(set, DESIRED).parse::<i64>();
            size(set) > 0 && desired.is_ok_and(|desired| desired != self.bounds.wanted)
        };
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
        let of = |set: &Value| {
            (
                set["metadata"]["annotations"].clone(),
                set["spec"]["minReadySeconds"].clone(),
            )
        };
        let (annotations, seconds) = of(set);
        let mut next =
            json!({"metadata": {"annotations": annotations}, "spec": {"minReadySeconds": seconds}});
        self.inherit(&mut next);
        let before = revision(set);
        if before <= self.last {
            let past = [annotation(set, HISTORY), &before.to_string()].join(",");
            annotate(&mut next, HISTORY, past.trim_start_matches(','));
            annotate(&mut next, REVISION, (self.last + 1).to_string());
        }
        if of(&next) != of(set) {
            let edit = |set: &mut Value| {
                set["metadata"]["annotations"] = next["metadata"]["annotations"].clone();
                self.inherit(set);
            };
            self.new = self.work.update(set, edit).ok();
        }
        if let (Some(set), "") = (&self.new, self.reason()) {
            let message = format!("Found new replica set {:?}", set.name());
            self.progress("True", "FoundNewReplicaSet", &message);
        }
    }

    /// Copies to a ReplicaSet what it has of its Deployment besides the template.
    fn inherit(&self, set: &mut Value) {
        let annotations = self.work["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flatten();
        for (name, value) in annotations.filter(|(name, _)| !OWN.contains(&name.as_str())) {
            annotate(set, name, value.clone());
        }
        work::remove(&mut set["spec"], "minReadySeconds");
        if let Some(seconds) = self.work["spec"].get("minReadySeconds") {
            set["spec"]["minReadySeconds"] = seconds.clone();
        }
    }

    /// Makes the ReplicaSet of the present template.
    fn make(&mut self) {
        let mut spec =
            json!({"template": self.work["spec"]["template"], "selector": self.work["spec"]["selector"]});
        let collisions = self.status["collisionCount"].as_i64().unwrap_or(0);
        let hash = work::hash(&spec["template"], collisions);
        let name = format!("{}-{hash}", self.work.name());
        map_at(&mut spec["template"]["metadata"], "labels").insert(HASH.into(), json!(hash));
        map_at(&mut spec["selector"], "matchLabels").insert(HASH.into(), json!(hash));
        let size = self.bounds.growth(0, self.old.iter().map(size).sum());
        spec["replicas"] = json!(size);
        let labels = &spec["template"]["metadata"]["labels"];
        let meta = json!({"name": name, "labels": labels, "ownerReferences": [self.work.reference()]});
        let mut set = json!({"metadata": meta, "spec": spec});
        self.inherit(&mut set);
        self.bound(&mut set);
        annotate(&mut set, REVISION, (self.last + 1).to_string());
        match self.work.create(SETS, set) {
            Ok(set) => {
                self.tell_sized(&set, 0, size);
                self.new = Some(set);
                let message = format!("Created new replica set {name:?}");
                self.progress("True", "NewReplicaSetCreated", &message);
            }
            // The name is another's: the next look is for another one.
            Err(failure) if failure.code == 409 => self.status["collisionCount"] = json!(collisions + 1),
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
        let olds = self.old.iter().map(size).sum();
        let sizes = self.bounds.shrunk(new, &self.old);
        self.resize(new, self.bounds.growth(size(new), olds)) || self.resize_old(|at| sizes[at])
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
        self.new
            .as_ref()
            .is_none_or(|new| self.resize(new, self.bounds.wanted))
    }

    /// Follows a change of the number of pods, without a step from old to new.
    fn scale(&self) {
        let wanted = self.bounds.wanted;
        let active: Vec<_> = self.all().filter(|set| size(set) > 0).collect();
        let is_whole = |set: &Arc<Object>| {
            let desired = annotation(set, DESIRED) == wanted.to_string();
            desired && size(set) == wanted && available(set) == wanted
        };
        match active.as_slice() {
            [] => drop(
                self.new
                    .as_ref()
                    .or(self.old.last())
                    .map(|set| self.resize(set, wanted)),
            ),
            [only] => drop(self.resize(only, wanted)),
            _ if self.new.as_ref().is_some_and(is_whole) => drop(self.resize_old(|_| 0)),
            _ if self.work["spec"]["strategy"]["type"] == "Recreate" => {}
            _ => self
                .bounds
                .spread(active)
                .iter()
                .for_each(|(set, size)| self.fit(set, *size)),
        }
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
        annotate(set, DESIRED, self.bounds.wanted.to_string());
        annotate(set, MAX, self.bounds.most.to_string());
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
            if is_seen && size(set) == 0 && set["status"]["replicas"] == 0 {
                self.work.delete(set, "");
            }
        }
    }

    /// Writes the revision and the status, where they changed.
    fn write(&mut self) {
        if self.limit().is_none() {
            work::drop_condition(&mut self.status, "Progressing");
        }
        let revision = self.new.as_ref().map_or("", |new| annotation(new, REVISION));
        if !revision.is_empty() && annotation(&self.work, REVISION) != revision {
            let note = |deployment: &mut Value| annotate(deployment, REVISION, revision);
            // Beside the status it is no change of what is wanted. What is gone needs none.
            drop(self.work.update_status(note));
        }
        self.work.set_status(&self.status);
    }
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
