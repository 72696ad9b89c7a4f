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
/// What decides how a Job is to end, while it has pods to stop.
const SUCCESS: &str = "SuccessCriteriaMet";
const FAILURE: &str = "FailureTarget";

/// Sees to the pods of Jobs.
pub(crate) struct Jobs;

impl Controller for Jobs {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, ("jobs.batch", "Job"), &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let Some(job) = Work::on(api, WHO, key) else {
            release(api, key);
            return None;
        };
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
        let mut run = Run {
            status: job["status"].clone(),
            suspended: job["spec"]["suspend"] == true,
            job,
            pods,
            again: None,
        };
        run.step();
        run.again
    }
}

/// Lets the pods of a Job go that went before they were counted.
fn release(api: &Api, job: &Key) {
    for pod in api.all("pods", Some(&job.namespace)) {
        let is_its = |by: &Value| by["kind"] == "Job" && by["name"] == *job.name;
        if pod.controller().is_some_and(is_its)
            && let Some(pod) = Work::on(api, WHO, &Key::new("pods", pod.namespace(), pod.name()))
        {
            untrack(&pod, &pod);
        }
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
        let mut ended = self.pods.clone();
        ended.retain(|pod| is_tracked(pod) && !outcome(pod).is_empty());
        for count in ["succeeded", "failed"] {
            let more = ended.iter().filter(|pod| outcome(pod) == count).count();
            let total = self.count(count) + more;
            work::put_counts(&mut self.status, &[(count, total)]);
        }
        let mut active = self.pods.clone();
        active.retain(|pod| work::is_active(pod));
        let is_stopping = |pod: &&Arc<Object>| pod.is_terminating() && !work::is_over(pod);
        let mut stopping = self.pods.iter().filter(is_stopping).count();
        let goes_on = !self.job.is_terminating();
        if goes_on && decided(&self.status, &[SUCCESS, FAILURE]).is_none() {
            self.decide(active.len());
        }
        if decided(&self.status, &[SUCCESS, FAILURE]).is_some() {
            stopping += active.len();
            active.drain(..).for_each(|pod| self.job.delete_pod(&pod));
        } else if goes_on {
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

    fn count(&self, name: &str) -> usize {
        self.status[name].as_u64().unwrap_or(0) as usize
    }

    /// Decides whether the Job has done what it was to do, or failed.
    fn decide(&mut self, active: usize) {
        if self.is_late() {
            let message = "Job was active longer than specified deadline";
            self.set(FAILURE, "True", "DeadlineExceeded", message);
        } else if self.has_failed() {
            let message = "Job has reached the specified backoff limit";
            self.set(FAILURE, "True", "BackoffLimitExceeded", message);
        } else if self.missing(active) == 0 {
            let message = "Reached expected number of succeeded pods";
            self.set(SUCCESS, "True", "CompletionsReached", message);
        }
    }

    /// Whether pods failed, or were restarted, more often than they may.
    fn has_failed(&self) -> bool {
        let limit = self.job["spec"]["backoffLimit"].as_u64().unwrap_or(6) as usize;
        let restarts = |pod: &Arc<Object>| {
            let containers = pod.list("/status/containerStatuses").iter();
            containers
                .filter_map(|container| container["restartCount"].as_u64())
                .sum::<u64>()
        };
        let running = self.pods.iter().filter(|pod| !work::is_over(pod));
        let restarts = running.map(restarts).sum::<u64>() as usize;
        self.count("failed") > limit || restarts > 0 && restarts >= limit
    }

    /// Whether the time is up that the Job has, and else when it will be.
    fn is_late(&mut self) -> bool {
        let start = work::time(&self.status, "startTime").filter(|_| !self.suspended);
        let limit = self.job.number("/spec/activeDeadlineSeconds");
        let deadline = start
            .zip(limit)
            .map(|(start, limit)| start + SignedDuration::from_secs(limit));
        self.again = deadline.filter(|at| *at > self.job.api.clock.now());
        deadline.is_some() && self.again.is_none()
    }

    /// How many pods have yet to do well. Without a number it is over when one did and none runs.
    fn missing(&self, active: usize) -> usize {
        let done = self.count("succeeded");
        match self.job["spec"]["completions"].as_u64() {
            Some(completions) => (completions as usize).saturating_sub(done),
            None if done > 0 => active,
            None => usize::MAX,
        }
    }

    /// Makes or deletes pods.
    fn populate(&mut self, active: &mut Vec<Arc<Object>>) {
        let parallel = self.job["spec"]["parallelism"].as_u64().unwrap_or(1) as usize;
        let missing = if self.suspended {
            0
        } else {
            self.missing(active.len())
        };
        let wanted = parallel.min(missing);
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

    /// When the next pod may be made: the longer after the last failure, the more there were.
    fn backoff(&self) -> Option<Timestamp> {
        let failed = self.pods.iter().filter(|pod| outcome(pod) == "failed");
        let containers = failed.flat_map(|pod| pod.list("/status/containerStatuses"));
        let ends =
            containers.filter_map(|container| work::time(&container["state"]["terminated"], "finishedAt"));
        let wait = 10 << self.count("failed").saturating_sub(1).min(6);
        Some(ends.max()? + SignedDuration::from_secs(wait.min(600)))
    }

    fn note_suspension(&mut self) {
        if self.suspended == decided(&self.status, &["Suspended"]).is_some() {
            return;
        }
        let (status, reason) = match self.suspended {
            true => ("True", "Suspended"),
            false => ("False", "Resumed"),
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
        let Some(end) = decided(&self.status, &[FAILURE, SUCCESS]).cloned() else {
            return;
        };
        let (reason, message) = (end.text("/reason"), end.text("/message"));
        if end["type"] == FAILURE {
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
        work::put_condition(&mut self.status, condition);
    }
}

/// The first of these conditions that is true.
fn decided<'a>(status: &'a Value, kinds: &[&str]) -> Option<&'a Value> {
    let mut conditions = kinds.iter().filter_map(|kind| work::condition(status, kind));
    conditions.find(|condition| condition["status"] == "True")
}

/// As what a pod is counted that is over; one that is deleted while it runs has failed.
fn outcome(pod: &Value) -> &'static str {
    match pod.text("/status/phase") {
        "Succeeded" => "succeeded",
        "Failed" => "failed",
        _ if pod.is_terminating() => "failed",
        _ => "",
    }
}

fn is_tracked(pod: &Value) -> bool {
    let mut finalizers = pod.list("/metadata/finalizers").iter();
    finalizers.any(|finalizer| finalizer == TRACKED)
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
