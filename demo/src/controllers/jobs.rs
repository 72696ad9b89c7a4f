//! Jobs: pods that run to their end, until as many as asked for did so well.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Controller, owned};
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
        owned::concerned(api, change, ("jobs.batch", "Job"), &["pods"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let Some(job) = api.store.get(key) else {
            let orphan = |pod: &Arc<Object>| {
                pod.controller()
                    .is_some_and(|by| by["kind"] == "Job" && by["name"] == *key.name)
            };
            api.all("pods", Some(&key.namespace))
                .into_iter()
                .filter(orphan)
                .for_each(|pod| untrack(api, &pod));
            return None;
        };
        let pods = owned::claim(api, WHO, &job, "pods");
        let seconds = |name: &str| job["spec"][name].as_i64().map(SignedDuration::from_secs);
        if let Some(end) = ending(&job["status"], &["Complete", "Failed"]) {
            pods.iter().for_each(|pod| untrack(api, pod));
            let end = owned::time(end, "lastTransitionTime")? + seconds("ttlSecondsAfterFinished")?;
            if end <= api.clock.now() {
                owned::delete(api, WHO, &job);
            }
            return Some(end);
        }
        Run::of(api, &job, pods).step()
    }
}

/// A Job that is not over, at one moment.
struct Run<'a> {
    api: &'a Api,
    job: &'a Value,
    pods: Vec<Arc<Object>>,
    /// The status that is to be.
    status: Value,
    suspended: bool,
    /// When to look again.
    again: Option<Timestamp>,
}

impl<'a> Run<'a> {
    fn of(api: &'a Api, job: &'a Value, pods: Vec<Arc<Object>>) -> Self {
        Self {
            api,
            job,
            pods,
            status: job["status"].clone(),
            suspended: job["spec"]["suspend"] == true,
            again: None,
        }
    }

    fn step(mut self) -> Option<Timestamp> {
        if self.status["startTime"].is_null() && !self.suspended {
            self.status["startTime"] = json!(owned::now(self.api));
        }
        let (succeeded, failed) = (self.ended("Succeeded"), self.ended("Failed"));
        let number = |status: &Value, name: &str| status[name].as_i64().unwrap_or(0);
        for (name, ended) in [("succeeded", &succeeded), ("failed", &failed)] {
            let count = number(&self.status, name) + i64::try_from(ended.len()).unwrap_or(0);
            if count > 0 {
                self.status[name] = json!(count);
            }
        }
        let mut active: Vec<_> = self
            .pods
            .iter()
            .filter(|pod| owned::is_active(pod))
            .cloned()
            .collect();
        let done = number(&self.status, "succeeded");
        match self.failure(number(&self.status, "failed")) {
            Some((reason, message)) => {
                for pod in active.drain(..) {
                    owned::delete_pod(self.api, WHO, self.job, &pod);
                }
                self.set("FailureTarget", "True", reason, &message);
            }
            None if self.is_met(done, active.len()) => {
                for pod in active.drain(..) {
                    owned::delete_pod(self.api, WHO, self.job, &pod);
                }
                let message = "Reached expected number of succeeded pods";
                self.set("SuccessCriteriaMet", "True", "CompletionsReached", message);
            }
            None if !self.job.is_terminating() => self.populate(&mut active, done),
            None => {}
        }
        let (ready, ..) = owned::readiness(self.api, &Value::Null, &active);
        let kind = self.api.kind("pods").ok()?;
        let stopping = |pod: &&Arc<Object>| {
            let pod = self.api.get(&kind, pod.namespace(), pod.name());
            pod.is_ok_and(|pod| pod.is_terminating() && !owned::is_over(&pod))
        };
        let stopping = self.pods.iter().filter(stopping).count();
        match active.len() {
            0 => drop(
                self.status
                    .as_object_mut()
                    .and_then(|status| status.remove("active")),
            ),
            count => self.status["active"] = json!(count),
        }
        self.status["ready"] = json!(ready);
        self.status["terminating"] = json!(stopping);
        self.status["uncountedTerminatedPods"] = json!({});
        if stopping == 0 {
            self.end();
        }
        owned::set_status(self.api, WHO, self.job, &self.status);
        succeeded
            .iter()
            .chain(&failed)
            .for_each(|pod| untrack(self.api, pod));
        self.again
    }

    /// The pods that ended so and were not counted. One that is deleted while it runs has failed.
    fn ended(&self, phase: &str) -> Vec<Arc<Object>> {
        let so = |pod: &&Arc<Object>| {
            let ended = pod["status"]["phase"] == phase
                || phase == "Failed" && pod.is_terminating() && pod["status"]["phase"] != "Succeeded";
            ended && is_tracked(pod)
        };
        self.pods.iter().filter(so).cloned().collect()
    }

    /// Why the Job has failed, if it has.
    fn failure(&mut self, failed: i64) -> Option<(&'static str, String)> {
        if let Some(target) = ending(&self.status, &["FailureTarget"]) {
            let reason = if target["reason"] == "DeadlineExceeded" {
                "DeadlineExceeded"
            } else {
                "BackoffLimitExceeded"
            };
            return Some((reason, target.text("/message").to_owned()));
        }
        let limit = self.job.number("/spec/backoffLimit").unwrap_or(6);
        let restarts = |pod: &Arc<Object>| -> i64 {
            let containers = pod
                .list("/status/initContainerStatuses")
                .iter()
                .chain(pod.list("/status/containerStatuses"));
            containers
                .filter_map(|container| container["restartCount"].as_i64())
                .sum()
        };
        let restarts: i64 = match self.job.text("/spec/template/spec/restartPolicy") {
            "OnFailure" => self
                .pods
                .iter()
                .filter(|pod| !owned::is_over(pod))
                .map(restarts)
                .sum(),
            _ => 0,
        };
        if failed > limit || restarts > 0 && restarts >= limit {
            return Some((
                "BackoffLimitExceeded",
                "Job has reached the specified backoff limit".into(),
            ));
        }
        let deadline = SignedDuration::from_secs(self.job.number("/spec/activeDeadlineSeconds")?);
        let deadline = owned::time(&self.status, "startTime").filter(|_| !self.suspended)? + deadline;
        if deadline <= self.api.clock.now() {
            return Some((
                "DeadlineExceeded",
                "Job was active longer than specified deadline".into(),
            ));
        }
        self.again = Some(deadline);
        None
    }

    /// Whether enough pods did well.
    fn is_met(&self, done: i64, active: usize) -> bool {
        match self.job.number("/spec/completions") {
            Some(completions) => done >= completions,
            None => done > 0 && active == 0,
        }
    }

    /// Makes or deletes pods.
    fn populate(&mut self, active: &mut Vec<Arc<Object>>, done: i64) {
        self.note_suspension();
        let parallel = self.job.number("/spec/parallelism").unwrap_or(1);
        let wanted = match self.job.number("/spec/completions") {
            _ if self.suspended => 0,
            Some(completions) => parallel.min(completions - done),
            None if done > 0 => parallel.min(i64::try_from(active.len()).unwrap_or(0)),
            None => parallel,
        };
        let wanted = usize::try_from(wanted).unwrap_or(0);
        while active.len() > wanted {
            if let Some(pod) = active.pop() {
                // It was not the pod that failed.
                untrack(self.api, &pod);
                owned::delete_pod(self.api, WHO, self.job, &pod);
            }
        }
        if active.len() == wanted {
            return;
        }
        if let Some(at) = self.backoff().filter(|at| *at > self.api.clock.now()) {
            self.again = Some(self.again.map_or(at, |again| again.min(at)));
            return;
        }
        while active.len() < wanted {
            let mut pod = owned::pod(self.job, &self.job["spec"]["template"]);
            pod["metadata"]["finalizers"] = json!([TRACKED]);
            match owned::create(self.api, WHO, self.job, "pods", pod) {
                Ok(pod) => active.push(pod),
                Err(_) => {
                    self.again = Some(self.api.clock.now() + SignedDuration::from_secs(10));
                    return;
                }
            }
        }
    }

    /// When the next pod may be made: the longer after the last failure, the more there were in a row.
    fn backoff(&self) -> Option<Timestamp> {
        let end = |pod: &&Arc<Object>| {
            let ends = pod.list("/status/containerStatuses").iter();
            let ends =
                ends.filter_map(|container| owned::time(&container["state"]["terminated"], "finishedAt"));
            ends.max()
                .or_else(|| owned::time(&pod["metadata"], "deletionTimestamp"))
        };
        let ends = |phase: &str| {
            let pods = self.pods.iter().filter(|pod| pod["status"]["phase"] == phase);
            pods.filter_map(|pod| end(&pod)).collect::<Vec<_>>()
        };
        let well = ends("Succeeded").into_iter().max();
        let mut failures = ends("Failed");
        failures.retain(|at| well.is_none_or(|well| *at > well));
        let wait = 10_i64 << failures.len().saturating_sub(1).min(6);
        Some(failures.into_iter().max()? + SignedDuration::from_secs(wait.min(600)))
    }

    fn note_suspension(&mut self) {
        let was = ending(&self.status, &["Suspended"]).is_some();
        if self.suspended == was {
            return;
        }
        let (status, reason, message) = match self.suspended {
            true => ("True", "Suspended", "Job suspended"),
            false => ("False", "Resumed", "Job resumed"),
        };
        self.set("Suspended", status, &format!("Job{reason}"), message);
        match self.suspended {
            true => drop(
                self.status
                    .as_object_mut()
                    .and_then(|status| status.remove("startTime")),
            ),
            false => self.status["startTime"] = json!(owned::now(self.api)),
        }
        owned::teller(WHO).normal(self.api, self.job, reason, message);
    }

    /// Ends the Job, if it is decided how.
    fn end(&mut self) {
        let Some(decided) = ending(&self.status, &["FailureTarget", "SuccessCriteriaMet"]).cloned() else {
            return;
        };
        let (reason, message) = (decided.text("/reason"), decided.text("/message"));
        let teller = owned::teller(WHO);
        if decided["type"] == "FailureTarget" {
            self.set("Failed", "True", reason, message);
            teller.warning(self.api, self.job, reason, message);
        } else {
            self.set("Complete", "True", reason, message);
            self.status["completionTime"] = json!(owned::now(self.api));
            teller.normal(self.api, self.job, "Completed", "Job completed");
        }
        self.again = Some(self.api.clock.now());
    }

    fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        if ending(&self.status, &[kind]).is_some() && status == "True" {
            return;
        }
        let now = owned::now(self.api);
        let condition = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastProbeTime": now, "lastTransitionTime": now,
        });
        let mut conditions = self.status.list("/conditions").to_vec();
        conditions.retain(|condition| condition["type"] != kind);
        conditions.push(condition);
        self.status["conditions"] = Value::Array(conditions);
    }
}

/// The first of these conditions that is true.
fn ending<'a>(status: &'a Value, kinds: &[&str]) -> Option<&'a Value> {
    let mut conditions = kinds.iter().filter_map(|kind| owned::condition(status, kind));
    conditions.find(|condition| condition["status"] == "True")
}

fn is_tracked(pod: &Value) -> bool {
    pod.list("/metadata/finalizers").contains(&json!(TRACKED))
}

/// Lets a pod go that was counted, or need not be.
fn untrack(api: &Api, pod: &Value) {
    if is_tracked(pod) {
        // What is gone already needs no letting go.
        drop(owned::update(api, WHO, pod, |pod| {
            let mut finalizers = pod.list("/metadata/finalizers").to_vec();
            finalizers.retain(|finalizer| finalizer != TRACKED);
            pod["metadata"]["finalizers"] = Value::Array(finalizers);
        }));
    }
}
