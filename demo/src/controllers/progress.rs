//! What a Deployment says of itself: its counts, and the conditions that tell how its rollout goes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    deployments::Rollout,
    rolling::{available, size},
    work::{self, Work},
};
use crate::api::object::{Meta as _, Object};

impl Rollout<'_> {
    /// Counts the pods.
    pub(super) fn count(&mut self) {
        let sum = |name: &str| self.all().map(|set| number(&set["status"], name)).sum::<i64>();
        let available: i64 = self.all().map(available).sum();
        let unavailable = self.all().map(size).sum::<i64>() - available;
        let updated = self
            .new
            .as_ref()
            .map_or(0, |new| number(&new["status"], "replicas"));
        let (terminating, generation) = (sum("terminatingReplicas"), &self.work["metadata"]["generation"]);
        let counts = [
            ("replicas", sum("replicas")),
            ("updatedReplicas", updated),
            ("readyReplicas", sum("readyReplicas")),
            ("availableReplicas", available),
            ("unavailableReplicas", unavailable.max(0)),
        ];
        work::put_counts(
            &mut self.status,
            &counts.map(|(name, count)| (name, count as usize)),
        );
        self.status["terminatingReplicas"] = json!(terminating);
        self.status["observedGeneration"] = generation.clone();
        let (status, reason, has) = match available >= self.bounds.least {
            true => ("True", "MinimumReplicasAvailable", "has"),
            false => ("False", "MinimumReplicasUnavailable", "does not have"),
        };
        let message = format!("Deployment {has} minimum availability.");
        set(
            &self.work,
            &mut self.status,
            "Available",
            status,
            reason,
            &message,
        );
    }

    /// Whether all pods are new and available.
    pub(super) fn is_complete(&self) -> bool {
        let mut counts = ["updatedReplicas", "replicas", "availableReplicas"].into_iter();
        counts.all(|name| number(&self.status, name) == self.bounds.wanted)
            && self.status["observedGeneration"] == self.work["metadata"]["generation"]
    }

    /// Says how the rollout goes, by how the counts are and how they were.
    pub(super) fn judge(&mut self, before: &Value) {
        let name = self.new.as_ref().map_or("", |new| new.name()).to_owned();
        let olds = |status| number(status, "replicas") - number(status, "updatedReplicas");
        let is_done = self.reason() == "NewReplicaSetAvailable" && olds(&self.status) == 0;
        let grew = |name: &&str| number(&self.status, name) > number(before, name);
        let moved = ["updatedReplicas", "readyReplicas", "availableReplicas"]
            .iter()
            .any(grew);
        if !is_done && self.is_complete() {
            let message = format!("ReplicaSet {name:?} has successfully progressed.");
            self.progress("True", "NewReplicaSetAvailable", &message);
        } else if !is_done && (moved || olds(&self.status) < olds(before)) {
            self.progress(
                "True",
                "ReplicaSetUpdated",
                &format!("ReplicaSet {name:?} is progressing."),
            );
        } else if self
            .deadline()
            .is_some_and(|deadline| deadline <= self.work.api.clock.now())
        {
            let message = format!("ReplicaSet {name:?} has timed out progressing.");
            self.progress("False", "ProgressDeadlineExceeded", &message);
        }
        let failure = |set: &Arc<Object>| work::condition(&set["status"], "ReplicaFailure").cloned();
        match self.new.iter().chain(&self.old).find_map(failure) {
            None => work::drop_condition(&mut self.status, "ReplicaFailure"),
            Some(failure) => {
                let (reason, message) = (failure.text("/reason"), failure.text("/message"));
                set(
                    &self.work,
                    &mut self.status,
                    "ReplicaFailure",
                    "True",
                    reason,
                    message,
                );
            }
        }
    }

    /// When the rollout is given up if nothing moves until then; `None` if it is done, given up, or may take for ever.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let progress = work::condition(&self.status, "Progressing")?;
        let is_over = [
            "NewReplicaSetAvailable",
            "ProgressDeadlineExceeded",
            "DeploymentPaused",
        ];
        let is_open = !is_over.contains(&progress.text("/reason"));
        let since = work::time(progress, "lastUpdateTime").filter(|_| is_open)?;
        // A second more: times in a status are cut to whole ones.
        Some(since + SignedDuration::from_secs(self.limit()? + 1))
    }

    /// How many seconds a rollout may make no progress.
    pub(super) fn limit(&self) -> Option<i64> {
        let limit = self.work.number("/spec/progressDeadlineSeconds").unwrap_or(600);
        Some(limit).filter(|limit| *limit < i64::from(i32::MAX))
    }

    /// Why the rollout is as it is.
    pub(super) fn reason(&self) -> &str {
        work::condition(&self.status, "Progressing").map_or("", |progress| progress.text("/reason"))
    }

    /// Says how the rollout goes, if it has a deadline.
    pub(super) fn progress(&mut self, status: &str, reason: &str, message: &str) {
        if self.limit().is_some() {
            set(
                &self.work,
                &mut self.status,
                "Progressing",
                status,
                reason,
                message,
            );
        }
    }
}

/// Sets a condition, if it has another status or reason.
fn set(work: &Work, all: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let now = work.now();
    let before = work::condition(all, kind).filter(|before| before["status"] == status);
    // Progress is told each time, so that the deadline moves on.
    if before.is_some_and(|before| before["reason"] == reason) && reason != "ReplicaSetUpdated" {
        return;
    }
    let since = before.map_or(now.as_str(), |before| before.text("/lastTransitionTime"));
    let condition = json!({
        "type": kind, "status": status, "reason": reason, "message": message,
        "lastUpdateTime": now, "lastTransitionTime": since,
    });
    work::put_condition(all, condition);
}

fn number(status: &Value, name: &str) -> i64 {
    status[name].as_i64().unwrap_or(0)
}
