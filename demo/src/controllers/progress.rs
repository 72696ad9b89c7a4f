//! What a Deployment says of itself: its counts, and the conditions that tell how its rollout goes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    deployments::{Rollout, available, size},
    work,
};
use crate::api::object::{Meta as _, Object};

const PROGRESS: &str = "Progressing";
const FAILURE: &str = "ReplicaFailure";
/// Why a rollout makes no progress that would be waited for.
const RESTS: [&str; 3] = [
    "NewReplicaSetAvailable",
    "ProgressDeadlineExceeded",
    "DeploymentPaused",
];

impl Rollout<'_> {
    /// Counts the pods.
    pub(super) fn count(&mut self) {
        let sum = |name| self.all().map(|set| number(&set["status"], name)).sum::<i64>();
        let available: i64 = self.all().map(available).sum();
        let unavailable = self.all().map(size).sum::<i64>() - available;
        let updated = self.new.as_ref().map(|new| number(&new["status"], "replicas"));
        let counts = [
            ("replicas", sum("replicas")),
            ("updatedReplicas", updated.unwrap_or(0)),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", unavailable.max(0)),
        ];
        let terminating = sum("terminatingReplicas");
        let counts = counts.map(|(name, count)| (name, count as usize));
        work::put_counts(&mut self.status, &counts);
        self.status["terminatingReplicas"] = json!(terminating);
        self.status["observedGeneration"] = self.work["metadata"]["generation"].clone();
        let (status, reason, has) = match available >= self.least {
            true => ("True", "MinimumReplicasAvailable", "has"),
            false => ("False", "MinimumReplicasUnavailable", "does not have"),
        };
        let message = format!("Deployment {has} minimum availability.");
        self.set("Available", status, reason, &message);
    }

    /// Whether all pods are new and available.
    pub(super) fn is_complete(&self) -> bool {
        let mut counts = ["updatedReplicas", "replicas", "availableReplicas"].into_iter();
        counts.all(|name| number(&self.status, name) == self.wanted)
    }

    /// Says how the rollout goes, by how the counts are and how they were.
    pub(super) fn judge(&mut self, before: &Value) {
        let name = self.new.as_ref().map_or("", |new| new.name()).to_owned();
        let olds = |status| number(status, "replicas") - number(status, "updatedReplicas");
        let is_done = self.reason() == "NewReplicaSetAvailable" && olds(&self.status) == 0;
        let grew = |name| number(&self.status, name) > number(before, name);
        let mut counts = ["updatedReplicas", "readyReplicas", "availableReplicas"].into_iter();
        let moved = counts.any(grew) || olds(&self.status) < olds(before);
        let is_late = |deadline| deadline <= self.work.api.clock.now();
        if !is_done && self.is_complete() {
            let message = format!("ReplicaSet {name:?} has successfully progressed.");
            self.progress("True", "NewReplicaSetAvailable", &message);
        } else if !is_done && moved {
            let message = format!("ReplicaSet {name:?} is progressing.");
            self.progress("True", "ReplicaSetUpdated", &message);
        } else if self.deadline().is_some_and(is_late) {
            let message = format!("ReplicaSet {name:?} has timed out progressing.");
            self.progress("False", "ProgressDeadlineExceeded", &message);
        }
        let failure = |set: &Arc<Object>| work::condition(&set["status"], FAILURE).cloned();
        match self.new.iter().chain(&self.old).find_map(failure) {
            None => work::drop_condition(&mut self.status, FAILURE),
            Some(why) => self.set(FAILURE, "True", why.text("/reason"), why.text("/message")),
        }
    }

    /// When the rollout is given up if nothing moves until then; `None` if nothing is waited for.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let progress = work::condition(&self.status, PROGRESS)?;
        let since = work::time(progress, "lastUpdateTime").filter(|_| !RESTS.contains(&self.reason()))?;
        let limit = self.work.number("/spec/progressDeadlineSeconds").unwrap_or(600);
        // A second more: times in a status are cut to whole ones.
        Some(since + SignedDuration::from_secs(limit + 1))
    }

    /// Why the rollout is as it is.
    pub(super) fn reason(&self) -> &str {
        work::condition(&self.status, PROGRESS).map_or("", |progress| progress.text("/reason"))
    }

    /// Says how the rollout goes.
    pub(super) fn progress(&mut self, status: &str, reason: &str, message: &str) {
        self.set(PROGRESS, status, reason, message);
    }

    /// Sets a condition, if it has another status or reason.
    fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let is_same = |before: &Value| before["status"] == status && before["reason"] == reason;
        // Progress is told each time, so that the deadline moves on.
        let again = reason == "ReplicaSetUpdated";
        if work::condition(&self.status, kind).is_none_or(|before| again || !is_same(before)) {
            let now = self.work.now();
            let condition = json!({
                "type": kind, "status": status, "reason": reason, "message": message,
                "lastUpdateTime": now, "lastTransitionTime": now,
            });
            work::put_condition(&mut self.status, condition);
        }
    }
}

fn number(status: &Value, name: &str) -> i64 {
    status[name].as_i64().unwrap_or(0)
}
