//! Jobs: pods that run to their end, until as many as asked for did so well.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    store::{Change, Key},
};

const WHO: &str = "job-controller";
/// What keeps a pod that is over until it was counted.
const TRACKED: &str = "batch.kubernetes.io/job-tracking";

/// Sees to the pods of Jobs.
pub(crate) struct Jobs;

impl Controller for Jobs {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, ("jobs.batch", "Job"), &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let job = Work::on(api, WHO, key)?;
        let pods = job.owned("pods");
        if let Some(end) = decided(&job["status"], &["Complete", "Failed"]) {
            pods.iter().for_each(|pod| untrack(&job, pod));
            let kept = SignedDuration::from_secs(job.number("/spec/ttlSecondsAfterFinished")?);
            let end = work::time(end, "lastTransitionTime")? + kept;
            if end <= api.clock.now() {
                job.delete(&job, "");
            }
            return Some(end);
        }
        let suspended = job["spec"]["suspend"] == true;
        let mut run = Run {
            status: job["status"].clone(),
            job,
            pods,
            suspended,
            again: None,
        };
        run.step();
        run.again
    }
}

/// Lets the pods of Jobs go whose Job went before they were counted.
pub(crate) struct Orphans;

impl Controller for Orphans {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let pod = change
            .now
            .as_ref()
            .filter(|pod| &*change.key.resource == "pods" && is_tracked(pod));
        let job = pod.and_then(|pod| pod.controller());
        let job = job.map(|job| Key::new("jobs.batch", &change.key.namespace, job.text("/name")));
        let is_gone = job.is_none_or(|job| api.store.get(&job).is_none());
        pod.filter(|_| is_gone)
            .map(|_| change.key.clone())
            .into_iter()
            .collect()
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let pod = Work::on(api, WHO, key)?;
        untrack(&pod, &pod);
        None
    }
}

/// A Job that is not over, at one moment.
struct Run<'a> {
    job: Work<'a>,
    pods: Vec<Arc<Object>>,
    suspended: bool,
    /// The status that is to be.
    status: Value,
    /// When to look again.
    again: Option<Timestamp>,
}

impl Run<'_> {
    fn step(&mut self) {
        if self.status["startTime"].is_null() && !self.suspended {
            self.status["startTime"] = json!(self.job.now());
        }
        let mut ended = Vec::new();
        for (name, phase) in [("succeeded", "Succeeded"), ("failed", "Failed")] {
            let pods: Vec<_> = self
                .pods
                .iter()
                .filter(|pod| is_tracked(pod) && phase_of(pod) == phase)
                .collect();
            let before = self.status[name].as_u64().unwrap_or(0) as usize;
            work::put_counts(&mut self.status, &[(name, before + pods.len())]);
            ended.extend(pods.into_iter().cloned());
        }
        let mut active: Vec<_> = self
            .pods
            .iter()
            .filter(|pod| work::is_active(pod))
            .cloned()
            .collect();
        let end = match self.failure() {
            Some((reason, message)) => Some(("FailureTarget", reason, message)),
            None if self.missing(active.len()) > 0 || self.job.is_terminating() => None,
            None => Some((
                "SuccessCriteriaMet",
                "CompletionsReached",
                "Reached expected number of succeeded pods",
            )),
        };
        let mut stopping = self
            .pods
            .iter()
            .filter(|pod| pod.is_terminating() && !work::is_over(pod))
            .count();
        if let Some((kind, reason, message)) = end {
            stopping += active.len();
            active.drain(..).for_each(|pod| self.job.delete_pod(&pod));
            self.set(kind, "True", reason, message);
        } else if !self.job.is_terminating() {
            self.note_suspension();
            self.populate(&mut active);
        }
        let (ready, ..) = self.job.readiness(&active);
        work::put_counts(&mut self.status, &[("active", active.len())]);
        self.status["ready"] = json!(ready);
        self.status["terminating"] = json!(stopping);
        self.status["uncountedTerminatedPods"] = json!({});
        if stopping == 0 {
            self.end();
        }
        self.job.set_status(&self.status);
        ended.iter().for_each(|pod| untrack(&self.job, pod));
    }

    /// Why the Job has failed, if it has.
    fn failure(&mut self) -> Option<(&'static str, &'static str)> {
        let backoff = (
            "BackoffLimitExceeded",
            "Job has reached the specified backoff limit",
        );
        let deadline = (
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
        );
        if let Some(target) = decided(&self.status, &["FailureTarget"]) {
            return Some(if target["reason"] == deadline.0 {
                deadline
            } else {
                backoff
            });
        }
        let limit = self.job.number("/spec/backoffLimit").unwrap_or(6);
        let restarts = |pod: &Arc<Object>| -> i64 {
            let all = ["/status/initContainerStatuses", "/status/containerStatuses"];
            let containers = all.into_iter().flat_map(|list| pod.list(list));
            containers
                .filter_map(|container| container["restartCount"].as_i64())
                .sum()
        };
        let again = self.job.text("/spec/template/spec/restartPolicy") == "OnFailure";
        let restarts = self
            .pods
            .iter()
            .filter(|pod| again && !work::is_over(pod))
            .map(restarts)
            .sum::<i64>();
        let failed = self.status["failed"].as_i64().unwrap_or(0);
        if failed > limit || restarts > 0 && restarts >= limit {
            return Some(backoff);
        }
        let limit = SignedDuration::from_secs(self.job.number("/spec/activeDeadlineSeconds")?);
        let at = work::time(&self.status, "startTime").filter(|_| !self.suspended)? + limit;
        self.again = Some(at).filter(|at| *at > self.job.api.clock.now());
        if self.again.is_none() {
            Some(deadline)
        } else {
            None
        }
    }

    /// How many pods have yet to do well.
    fn missing(&self, active: usize) -> usize {
        let done = self.status["succeeded"].as_u64().unwrap_or(0) as usize;
        match self.job["spec"]["completions"].as_u64() {
            Some(completions) => (completions as usize).saturating_sub(done),
            None if done > 0 => active,
            None => usize::MAX,
        }
    }

    /// Makes or deletes pods.
    fn populate(&mut self, active: &mut Vec<Arc<Object>>) {
        let parallel = self.job["spec"]["parallelism"].as_u64().unwrap_or(1) as usize;
        let wanted = if self.suspended {
            0
        } else {
            parallel.min(self.missing(active.len()))
        };
        for pod in active.drain(wanted.min(active.len())..) {
            // It is not the pod that failed.
            untrack(&self.job, &pod);
            self.job.delete_pod(&pod);
        }
        let now = self.job.api.clock.now();
        let mut wait = self.backoff().filter(|at| *at > now && active.len() < wanted);
        while active.len() < wanted && wait.is_none() {
            let mut pod = self.job.pod(&self.job["spec"]["template"]);
            pod["metadata"]["finalizers"] = json!([TRACKED]);
            match self.job.create_pod(pod) {
                Ok(pod) => active.push(pod),
                Err(_) => wait = Some(now + SignedDuration::from_secs(10)),
            }
        }
        self.again = self.again.into_iter().chain(wait).min();
    }

    /// When the next pod may be made: the longer after the last failure, the more there were in a row.
    fn backoff(&self) -> Option<Timestamp> {
        let end = |pod: &Arc<Object>| {
            let ends = pod.list("/status/containerStatuses").iter();
            let ends =
                ends.filter_map(|container| work::time(&container["state"]["terminated"], "finishedAt"));
            ends.max()
                .or_else(|| work::time(&pod["metadata"], "deletionTimestamp"))
        };
        let ends = |phase| {
            self.pods
                .iter()
                .filter(move |pod| phase_of(pod) == phase)
                .filter_map(end)
        };
        let well = ends("Succeeded").max();
        let failures: Vec<_> = ends("Failed")
            .filter(|at| well.is_none_or(|well| *at > well))
            .collect();
        let wait = 10 << failures.len().saturating_sub(1).min(6);
        Some(failures.into_iter().max()? + SignedDuration::from_secs(wait.min(600)))
    }

    fn note_suspension(&mut self) {
        if self.suspended == decided(&self.status, &["Suspended"]).is_some() {
            return;
        }
        let (status, reason) = if self.suspended {
            ("True", "Suspended")
        } else {
            ("False", "Resumed")
        };
        let message = format!("Job {}", reason.to_lowercase());
        self.set("Suspended", status, &format!("Job{reason}"), &message);
        self.job.normal(reason, &message);
        work::remove(&mut self.status, "startTime");
        if !self.suspended {
            self.status["startTime"] = json!(self.job.now());
        }
    }

    /// Ends the Job, if it is decided how.
    fn end(&mut self) {
        let Some(end) = decided(&self.status, &["FailureTarget", "SuccessCriteriaMet"]).cloned() else {
            return;
        };
        let (reason, message) = (end.text("/reason"), end.text("/message"));
        if end["type"] == "FailureTarget" {
            self.set("Failed", "True", reason, message);
            self.job.warning(reason, message);
        } else {
            self.set("Complete", "True", reason, message);
            self.status["completionTime"] = json!(self.job.now());
            self.job.normal("Completed", "Job completed");
        }
    }

    fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let now = self.job.now();
        let condition = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now,
        });
        if work::condition(&self.status, kind).is_none_or(|before| before["status"] != status) {
            work::put_condition(&mut self.status, condition);
        }
    }
}

/// The first of these conditions that is true.
fn decided<'a>(status: &'a Value, kinds: &[&str]) -> Option<&'a Value> {
    let mut conditions = kinds.iter().filter_map(|kind| work::condition(status, kind));
    conditions.find(|condition| condition["status"] == "True")
}

/// The phase of a pod; one that is deleted while it runs has failed.
fn phase_of(pod: &Value) -> &str {
    let phase = pod.text("/status/phase");
    if pod.is_terminating() && phase != "Succeeded" {
        "Failed"
    } else {
        phase
    }
}

fn is_tracked(pod: &Value) -> bool {
    pod.list("/metadata/finalizers")
        .iter()
        .any(|finalizer| finalizer == TRACKED)
}

/// Lets a pod go that was counted, or need not be.
fn untrack(job: &Work, pod: &Value) {
    if is_tracked(pod) {
        let mut finalizers = pod.list("/metadata/finalizers").to_vec();
        finalizers.retain(|finalizer| finalizer != TRACKED);
        // What is gone already needs no letting go.
        drop(job.update(pod, |pod| pod["metadata"]["finalizers"] = json!(finalizers)));
    }
}
