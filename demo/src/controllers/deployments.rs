//! Deployments: a ReplicaSet for each template that they had, and the steps from one to the next.

use std::{cmp::Reverse, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Controller, owned};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    store::{Change, Key},
};

const WHO: &str = "deployment-controller";
const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// Sees to the ReplicaSets of Deployments.
pub(crate) struct Deployments;

impl Controller for Deployments {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        owned::concerned(
            api,
            change,
            ("deployments.apps", "Deployment"),
            &["replicasets.apps"],
        )
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let deployment = api.store.get(key)?;
        let mut rollout = Rollout::of(api, deployment);
        rollout.step();
        rollout.write();
        rollout.deadline()
    }
}

/// A Deployment at one moment.
struct Rollout<'a> {
    api: &'a Api,
    deployment: Arc<Object>,
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
    fn of(api: &'a Api, deployment: Arc<Object>) -> Self {
        let spec = &deployment["spec"];
        let wanted = spec["replicas"].as_i64().unwrap_or(1);
        let (mut surge, mut missing) = (0, 0);
        if spec["strategy"]["type"] != "Recreate" {
            let bounds = &spec["strategy"]["rollingUpdate"];
            let bound = |name, up| owned::share(bounds.get(name).unwrap_or(&json!("25%")), wanted, up);
            (surge, missing) = (bound("maxSurge", true), bound("maxUnavailable", false));
            if surge == 0 && missing == 0 {
                missing = 1;
            }
        }
        let mut old = owned::claim(api, WHO, &deployment, "replicasets.apps");
        old.sort_by_cached_key(|set| (created(set), set.name().to_owned()));
        let same = bare(&spec["template"]);
        let new = old
            .iter()
            .position(|set| bare(&set["spec"]["template"]) == same)
            .map(|at| old.remove(at));
        Self {
            api,
            wanted,
            surge,
            missing: missing.min(wanted),
            new,
            old,
            status: deployment["status"].clone(),
            deployment,
        }
    }

    /// All ReplicaSets.
    fn all(&self) -> impl Iterator<Item = &Arc<Object>> + Clone {
        self.old.iter().chain(&self.new)
    }

    /// Does what is next.
    fn step(&mut self) {
        if self.deployment.is_terminating() {
            return self.count();
        }
        let paused = self.deployment["spec"]["paused"] == true;
        self.note_pause(paused);
        self.renew();
        let scaled = |set: &Arc<Object>| {
            let desired = owned::annotation(set, DESIRED).parse::<i64>();
            replicas(set) > 0 && desired.is_ok_and(|desired| desired != self.wanted)
        };
        if paused || self.all().any(scaled) {
            self.scale();
            if paused {
                self.clean_up();
            }
            return self.count();
        }
        let moved = match self.deployment["spec"]["strategy"]["type"] == "Recreate" {
            true => self.recreate(),
            false => self.roll(),
        };
        let before = self.status.clone();
        if !moved && is_complete(&before, &self.deployment, self.wanted) {
            self.clean_up();
        }
        self.count();
        self.judge(&before);
    }

    /// Sees that the new ReplicaSet has the highest revision and what is copied from its Deployment.
    fn renew(&mut self) {
        let Some(set) = &self.new else { return };
        let last = self.old.iter().map(|set| revision(set)).max().unwrap_or(0);
        let deployment = &self.deployment;
        let edit = |set: &mut Value| {
            inherit(deployment, set);
            let before = revision(set);
            if before <= last {
                let past = match owned::annotation(set, HISTORY) {
                    "" => before.to_string(),
                    past => format!("{past},{before}"),
                };
                owned::annotate(set, HISTORY, past);
                owned::annotate(set, REVISION, (last + 1).to_string());
            }
        };
        let mut edited = set.value().clone();
        edit(&mut edited);
        if edited != *set.value() {
            self.new = owned::update(self.api, WHO, set, edit).ok();
        }
        if let Some(set) = &self.new
            && owned::condition(&self.status, "Progressing").is_none()
        {
            let message = format!("Found new replica set {:?}", set.name());
            self.progress("True", "FoundNewReplicaSet", &message, false);
        }
    }

    /// Makes the ReplicaSet of the present template.
    fn make(&mut self) {
        let deployment = self.deployment.clone();
        let collisions = self.status["collisionCount"].as_i64().unwrap_or(0);
        let hash = owned::hash(&deployment["spec"]["template"], collisions);
        let name = format!("{}-{hash}", deployment.name());
        let mut template = deployment["spec"]["template"].clone();
        map_at(&mut template["metadata"], "labels").insert(HASH.into(), json!(hash));
        let mut selector = deployment["spec"]["selector"].clone();
        map_at(&mut selector, "matchLabels").insert(HASH.into(), json!(hash));
        let size = self.growth(0);
        let mut set = json!({
            "metadata": {
                "name": name,
                "labels": template["metadata"]["labels"],
                "ownerReferences": [owned::reference(&deployment)],
            },
            "spec": {"replicas": size, "selector": selector, "template": template},
        });
        inherit(&deployment, &mut set);
        self.bound(&mut set);
        let last = self.old.iter().map(|set| revision(set)).max().unwrap_or(0);
        owned::annotate(&mut set, REVISION, (last + 1).to_string());
        match owned::create(self.api, WHO, &deployment, "replicasets.apps", set) {
            Ok(set) => {
                self.tell_scaled(&set, 0, size);
                self.new = Some(set);
                let message = format!("Created new replica set {name:?}");
                self.progress("True", "NewReplicaSetCreated", &message, false);
            }
            // The name is another's: the next look is for another one.
            Err(failure) if failure.code == 409 => self.status["collisionCount"] = json!(collisions + 1),
            Err(failure) => {
                let message = format!(
                    "Failed to create new replica set {name:?}: {}",
                    owned::why(&failure)
                );
                self.progress("False", "ReplicaSetCreateError", &message, false);
                owned::teller(WHO).warning(self.api, &deployment, "ReplicaSetCreateError", &message);
            }
        }
    }

    /// One step of a rolling update. Gives whether there was one to do.
    fn roll(&mut self) -> bool {
        if self.new.is_none() {
            self.make();
        }
        let Some(new) = &self.new else { return true };
        let size = replicas(new);
        let next = match size > self.wanted {
            true => self.wanted,
            false => self.growth(size),
        };
        if self.resize(new, next) {
            return true;
        }
        let kept = self.wanted - self.missing;
        let all: i64 = self.all().map(replicas).sum();
        let free = all - kept - (size - count(new, "availableReplicas"));
        if free <= 0 || all == size {
            return false;
        }
        // First what is of no use anyway, then as much of the rest as may be missed.
        let mut sizes: Vec<i64> = self.old.iter().map(replicas).collect();
        let mut unhealthy = free;
        for (set, size) in self.old.iter().zip(&mut sizes) {
            let cut = unhealthy.min(*size - count(set, "availableReplicas")).max(0);
            (*size, unhealthy) = (*size - cut, unhealthy - cut);
        }
        let available: i64 = self.all().map(|set| count(set, "availableReplicas")).sum();
        let mut healthy = (available - kept).max(0);
        for size in &mut sizes {
            let cut = healthy.min(*size);
            (*size, healthy) = (*size - cut, healthy - cut);
        }
        self.resize_old(|at| sizes[at])
    }

    /// One step of a change that ends all old pods before the first new one. Gives whether there was one to do.
    fn recreate(&mut self) -> bool {
        if self.resize_old(|_| 0) {
            return true;
        }
        let old = |uid: &str| self.old.iter().any(|set| set.uid() == uid);
        let runs = |pod: &Arc<Object>| {
            !owned::is_over(pod) && pod.controller().is_some_and(|by| old(by.text("/uid")))
        };
        let pods = self.api.all("pods", Some(self.deployment.namespace()));
        if pods.iter().any(runs) {
            return true;
        }
        if self.new.is_none() {
            self.make();
        }
        self.new.as_ref().is_none_or(|new| self.resize(new, self.wanted))
    }

    /// What size the new ReplicaSet of this size may grow to.
    fn growth(&self, size: i64) -> i64 {
        let room = self.wanted + self.surge - self.all().map(replicas).sum::<i64>();
        size + room.min(self.wanted - size).max(0)
    }

    /// Follows a change of the number of pods, without a step from old to new.
    fn scale(&self) {
        let active: Vec<_> = self.all().filter(|set| replicas(set) > 0).collect();
        let only = match active.as_slice() {
            [] => self.new.as_ref().or(self.old.last()),
            [one] => Some(*one),
            _ => None,
        };
        if let Some(set) = only {
            self.resize(set, self.wanted);
            return;
        }
        let is_whole = |set: &Arc<Object>| {
            let desired = owned::annotation(set, DESIRED) == self.wanted.to_string();
            desired && replicas(set) == self.wanted && count(set, "availableReplicas") == self.wanted
        };
        if self.new.as_ref().is_some_and(is_whole) {
            self.resize_old(|_| 0);
        } else if self.deployment["spec"]["strategy"]["type"] != "Recreate" {
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
        let add = most - sets.iter().map(|set| replicas(set)).sum::<i64>();
        sets.sort_by_cached_key(|set| match add > 0 {
            true => (Reverse(replicas(set)), Err(Reverse(created(set)))),
            false => (Reverse(replicas(set)), Ok(created(set))),
        });
        let mut left = add;
        let mut sizes = Vec::new();
        for set in &sets {
            let size = replicas(set);
            let part = match owned::annotation(set, MAX)
                .parse()
                .ok()
                .or(self.status["replicas"].as_i64())
            {
                _ if self.wanted == 0 => -size,
                Some(before) if before > 0 => (2 * size * most + before).div_euclid(2 * before) - size,
                _ => 0,
            };
            let part = if add > 0 {
                part.clamp(0, left)
            } else {
                part.clamp(left, 0)
            };
            sizes.push(size + part);
            left -= part;
        }
        sizes[0] = (sizes[0] + left).max(0);
        for (set, size) in sets.into_iter().zip(sizes) {
            self.fit(set, size);
        }
    }

    /// Gives a ReplicaSet another size. Gives whether it had another.
    fn resize(&self, set: &Arc<Object>, size: i64) -> bool {
        let other = replicas(set) != size;
        if other {
            self.fit(set, size);
        }
        other
    }

    /// Gives all old ReplicaSets other sizes. Gives whether one of them had another.
    fn resize_old(&self, size: impl Fn(usize) -> i64) -> bool {
        let sets = self.old.iter().enumerate();
        sets.filter(|(at, set)| self.resize(set, size(*at))).count() > 0
    }

    fn fit(&self, set: &Arc<Object>, size: i64) {
        let edit = |set: &mut Value| {
            set["spec"]["replicas"] = json!(size);
            self.bound(set);
        };
        if owned::update(self.api, WHO, set, edit).is_ok() && replicas(set) != size {
            self.tell_scaled(set, replicas(set), size);
        }
    }

    /// Notes at a ReplicaSet the numbers that it was sized by.
    fn bound(&self, set: &mut Value) {
        owned::annotate(set, DESIRED, self.wanted.to_string());
        owned::annotate(set, MAX, (self.wanted + self.surge).to_string());
    }

    fn tell_scaled(&self, set: &Value, from: i64, to: i64) {
        let way = if to > from { "up" } else { "down" };
        let message = format!("Scaled {way} replica set {} from {from} to {to}", set.name());
        if from != to {
            owned::teller(WHO).normal(self.api, &self.deployment, "ScalingReplicaSet", &message);
        }
    }

    /// Deletes the oldest ReplicaSets beyond the history that is kept.
    fn clean_up(&self) {
        let limit = self.deployment.number("/spec/revisionHistoryLimit").unwrap_or(10);
        let mut past = self.old.clone();
        past.retain(|set| !set.is_terminating());
        past.sort_by_key(|set| revision(set));
        let excess = past.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        for set in &past[..excess] {
            let seen = set["status"]["observedGeneration"] == set["metadata"]["generation"];
            if seen && replicas(set) == 0 && count(set, "replicas") == 0 {
                owned::delete(self.api, WHO, set);
            }
        }
    }

    /// Counts the pods.
    fn count(&mut self) {
        let sum = |name| self.all().map(|set| count(set, name)).sum::<i64>();
        let available = sum("availableReplicas");
        let asked: i64 = self.all().map(replicas).sum();
        let mut status = Map::new();
        for (name, count) in [
            ("replicas", sum("replicas")),
            (
                "updatedReplicas",
                self.new.as_ref().map_or(0, |new| count(new, "replicas")),
            ),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", (asked - available).max(0)),
        ] {
            if count > 0 {
                status.insert(name.into(), json!(count));
            }
        }
        status.insert("terminatingReplicas".into(), json!(sum("terminatingReplicas")));
        status.insert(
            "observedGeneration".into(),
            self.deployment["metadata"]["generation"].clone(),
        );
        for kept in ["conditions", "collisionCount"] {
            if let Some(value) = self.status.get(kept) {
                status.insert(kept.into(), value.clone());
            }
        }
        self.status = Value::Object(status);
        let (status, reason, has) = match available >= self.wanted - self.missing {
            true => ("True", "MinimumReplicasAvailable", "has"),
            false => ("False", "MinimumReplicasUnavailable", "does not have"),
        };
        let message = format!("Deployment {has} minimum availability.");
        self.set("Available", status, reason, &message, false);
    }

    /// Says how the rollout goes, by how the counts are and how they were.
    fn judge(&mut self, before: &Value) {
        let number = |status: &Value, name: &str| status[name].as_i64().unwrap_or(0);
        let (now, name) = (
            self.status.clone(),
            self.new.as_ref().map_or("", |new| new.name()).to_owned(),
        );
        let reason =
            owned::condition(before, "Progressing").map_or("", |condition| condition.text("/reason"));
        let settled = reason == "NewReplicaSetAvailable" && now.get("replicas") == now.get("updatedReplicas");
        let old = |status| number(status, "replicas") - number(status, "updatedReplicas");
        let grew = |name| number(&now, name) > number(before, name);
        if settled {
        } else if is_complete(&now, &self.deployment, self.wanted) {
            let message = format!("ReplicaSet {name:?} has successfully progressed.");
            self.progress("True", "NewReplicaSetAvailable", &message, false);
        } else if ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .into_iter()
            .any(grew)
            || old(&now) < old(before)
        {
            self.progress(
                "True",
                "ReplicaSetUpdated",
                &format!("ReplicaSet {name:?} is progressing."),
                true,
            );
        } else if self
            .deadline()
            .is_some_and(|deadline| deadline <= self.api.clock.now())
        {
            let message = format!("ReplicaSet {name:?} has timed out progressing.");
            self.progress("False", "ProgressDeadlineExceeded", &message, false);
        }
        let failure = self.new.iter().chain(&self.old).find_map(|set| {
            let failure = owned::condition(&set["status"], "ReplicaFailure")?;
            Some((
                failure.text("/reason").to_owned(),
                failure.text("/message").to_owned(),
            ))
        });
        match failure {
            Some((reason, message)) => self.set("ReplicaFailure", "True", &reason, &message, false),
            None => self.unset("ReplicaFailure"),
        }
    }

    /// When the rollout is given up if nothing moves until then; `None` if it is done, given up, or may take for ever.
    fn deadline(&self) -> Option<Timestamp> {
        let limit = self.limit()?;
        let progress = owned::condition(&self.status, "Progressing")?;
        let is_open = matches!(
            progress.text("/reason"),
            "ReplicaSetUpdated" | "NewReplicaSetCreated" | "FoundNewReplicaSet" | "DeploymentResumed"
        );
        let since = owned::time(progress, "lastUpdateTime").filter(|_| is_open)?;
        // A second more: times in a status are cut to whole ones.
        Some(since + limit + SignedDuration::from_secs(1))
    }

    /// How long a rollout may make no progress.
    fn limit(&self) -> Option<SignedDuration> {
        let seconds = self.deployment["spec"]
            .get("progressDeadlineSeconds")
            .map_or(Some(600), Value::as_i64)?;
        (seconds < i64::from(i32::MAX)).then(|| SignedDuration::from_secs(seconds))
    }

    /// Says that the rollout waits for its user, or does so no longer.
    fn note_pause(&mut self, paused: bool) {
        let reason =
            owned::condition(&self.status, "Progressing").map_or("", |progress| progress.text("/reason"));
        match (paused, reason) {
            (_, "ProgressDeadlineExceeded") | (true, "DeploymentPaused") => {}
            (true, _) => self.progress("Unknown", "DeploymentPaused", "Deployment is paused", false),
            (false, "DeploymentPaused") => {
                self.progress("Unknown", "DeploymentResumed", "Deployment is resumed", false);
            }
            _ => {}
        }
    }

    /// Sets the condition that a rollout with a deadline has.
    fn progress(&mut self, status: &str, reason: &str, message: &str, again: bool) {
        if self.limit().is_some() {
            self.set("Progressing", status, reason, message, again);
        }
    }

    /// Sets a condition, if it has another status or reason, or `again`.
    fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str, again: bool) {
        let now = owned::now(self.api);
        let before = owned::condition(&self.status, kind);
        let same = before.filter(|before| before["status"] == status);
        if !again && same.is_some_and(|before| before["reason"] == reason) {
            return;
        }
        let since = same.map_or(now.as_str(), |before| before.text("/lastTransitionTime"));
        let condition = json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastUpdateTime": now,
            "lastTransitionTime": since,
        });
        self.unset(kind);
        match &mut self.status["conditions"] {
            Value::Array(conditions) => conditions.push(condition),
            none => *none = json!([condition]),
        }
    }

    fn unset(&mut self, kind: &str) {
        if let Some(conditions) = self.status["conditions"].as_array_mut() {
            conditions.retain(|condition| condition["type"] != kind);
        }
    }

    /// Writes the revision and the status, where they changed.
    fn write(&mut self) {
        if self.limit().is_none() {
            self.unset("Progressing");
        }
        let revision = self
            .new
            .as_ref()
            .map_or("", |new| owned::annotation(new, REVISION));
        if !revision.is_empty() && owned::annotation(&self.deployment, REVISION) != revision {
            let note = |deployment: &mut Value| owned::annotate(deployment, REVISION, revision);
            drop(owned::update(self.api, WHO, &self.deployment, note));
        }
        owned::set_status(self.api, WHO, &self.deployment, &self.status);
    }
}

/// Whether all pods are new and available, by this status.
fn is_complete(status: &Value, deployment: &Value, wanted: i64) -> bool {
    ["updatedReplicas", "replicas", "availableReplicas"]
        .into_iter()
        .all(|name| status[name].as_i64().unwrap_or(0) == wanted)
        && status["observedGeneration"] == deployment["metadata"]["generation"]
}

/// Copies to a ReplicaSet what it has of its Deployment besides the template.
fn inherit(deployment: &Value, set: &mut Value) {
    for (name, value) in deployment["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        if ![
            REVISION,
            HISTORY,
            DESIRED,
            MAX,
            "kubectl.kubernetes.io/last-applied-configuration",
        ]
        .contains(&&**name)
        {
            owned::annotate(set, name, value.clone());
        }
    }
    match deployment["spec"].get("minReadySeconds") {
        Some(seconds) => set["spec"]["minReadySeconds"] = seconds.clone(),
        None => drop(map_at(set, "spec").remove("minReadySeconds")),
    }
}

/// A template without the label that tells it from others.
fn bare(template: &Value) -> Value {
    let mut template = template.clone();
    map_at(&mut template["metadata"], "labels").remove(HASH);
    template
}

fn replicas(set: &Arc<Object>) -> i64 {
    set.number("/spec/replicas").unwrap_or(1)
}

fn count(set: &Value, name: &str) -> i64 {
    set["status"][name].as_i64().unwrap_or(0)
}

fn created(set: &Value) -> Option<Timestamp> {
    owned::time(&set["metadata"], "creationTimestamp")
}

fn revision(set: &Value) -> i64 {
    owned::annotation(set, REVISION).parse().unwrap_or(0)
}
