//! CronJobs: a Job whenever the clock says so.

use std::sync::Arc;

use cronexpr::Crontab;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Controller, owned};
use crate::{
    api::{
        Api,
        object::{Meta as _, Object},
        store::{Change, Key},
    },
    clock::seconds,
};

const WHO: &str = "cronjob-controller";

/// Sees to the Jobs of CronJobs.
pub(crate) struct CronJobs;

impl Controller for CronJobs {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let mut keys = owned::concerned(api, change, ("cronjobs.batch", "CronJob"), &["jobs.batch"]);
        keys.dedup();
        keys
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let cron = api.store.get(key)?;
        let all = api.all("jobs.batch", Some(&key.namespace));
        let mine = |job: &Arc<Object>| {
            job.controller()
                .is_some_and(|by| by["uid"] == cron["metadata"]["uid"])
        };
        let jobs: Vec<_> = all.into_iter().filter(mine).collect();
        let mut status = cron["status"].clone();
        follow(api, &cron, &jobs, &mut status);
        let next = match cron.is_terminating() || cron["spec"]["suspend"] == true {
            true => None,
            false => start(api, &cron, &jobs, &mut status),
        };
        owned::set_status(api, WHO, &cron, &status);
        next
    }
}

/// Takes note of Jobs that ended, and deletes those that are not to be kept.
fn follow(api: &Api, cron: &Value, jobs: &[Arc<Object>], status: &mut Value) {
    let teller = owned::teller(WHO);
    let mut active = cron.list("/status/active").to_vec();
    active.retain(|job| {
        let Some(now) = jobs.iter().find(|now| now.uid() == job["uid"]) else {
            let message = format!("Active job went missing: {}", job.text("/name"));
            teller.normal(api, cron, "MissingJob", &message);
            return false;
        };
        let Some(end) = end(now) else { return true };
        let message = format!("Saw completed job: {}, condition: {end}", now.name());
        teller.normal(api, cron, "SawCompletedJob", &message);
        if end == "Complete" {
            status["lastSuccessfulTime"] = now["status"]["completionTime"].clone();
        }
        false
    });
    put_active(status, active);
    for (kind, limit, usual) in [("Complete", "successful", 3), ("Failed", "failed", 1)] {
        let mut past: Vec<_> = jobs
            .iter()
            .filter(|job| end(job) == Some(kind) && !job.is_terminating())
            .collect();
        past.sort_by_key(|job| owned::time(&job["status"], "startTime"));
        let limit = cron["spec"][format!("{limit}JobsHistoryLimit")]
            .as_u64()
            .unwrap_or(usual);
        let excess = past.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
        past[..excess].iter().for_each(|job| delete(api, cron, job));
    }
}

/// Starts a Job, if it is time to. Gives when it is time again.
fn start(api: &Api, cron: &Value, jobs: &[Arc<Object>], status: &mut Value) -> Option<Timestamp> {
    let teller = owned::teller(WHO);
    let now = api.clock.now();
    let zone = cron["spec"]["timeZone"].as_str().unwrap_or("UTC");
    let table = match schedule(cron.text("/spec/schedule"), zone) {
        Ok(table) => table,
        Err(error) => {
            teller.warning(
                api,
                cron,
                "UnparseableSchedule",
                &format!("unparseable schedule: {error}"),
            );
            return None;
        }
    };
    let after = |at: Timestamp| table.find_next(cronexpr::MakeTimestamp(at)).ok();
    let next = after(now)?.timestamp();
    let patience = cron
        .number("/spec/startingDeadlineSeconds")
        .map(SignedDuration::from_secs);
    let mut since = owned::time(&cron["status"], "lastScheduleTime")
        .or_else(|| owned::time(&cron["metadata"], "creationTimestamp"))?;
    if let Some(patience) = patience {
        since = since.max(now - patience);
    }
    let mut due = None;
    while let Some(at) = after(since).filter(|at| at.timestamp() <= now) {
        since = at.timestamp();
        due = Some(at);
    }
    let Some(due) = due else { return Some(next) };
    let is_active = |job: &&Arc<Object>| end(job).is_none();
    match cron.text("/spec/concurrencyPolicy") {
        "Forbid" if jobs.iter().any(|job| is_active(&job)) => {
            let message =
                "Not starting job because prior execution is running and concurrency policy is Forbid";
            teller.normal(api, cron, "JobAlreadyActive", message);
            return Some(next);
        }
        "Replace" => {
            jobs.iter()
                .filter(is_active)
                .for_each(|job| delete(api, cron, job));
            put_active(status, Vec::new());
        }
        _ => {}
    }
    let template = &cron["spec"]["jobTemplate"];
    let mut meta = json!({
        "name": format!("{}-{}", cron.name(), due.timestamp().as_second() / 60),
        "annotations": template["metadata"]["annotations"],
        "ownerReferences": [owned::reference(cron)],
    });
    if let Some(labels) = template["metadata"].get("labels") {
        meta["labels"] = labels.clone();
    }
    meta["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = json!(match zone {
        "UTC" => seconds(due.timestamp()),
        _ => due.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
    });
    let job = json!({"metadata": meta, "spec": template["spec"]});
    match owned::create(api, WHO, cron, "jobs.batch", job) {
        Ok(job) => {
            teller.normal(
                api,
                cron,
                "SuccessfulCreate",
                &format!("Created job {}", job.name()),
            );
            let mut active = status.list("/active").to_vec();
            active.push(json!({
                "apiVersion": "batch/v1", "kind": "Job", "namespace": job.namespace(), "name": job.name(),
                "uid": job.uid(), "resourceVersion": job["metadata"]["resourceVersion"],
            }));
            put_active(status, active);
        }
        Err(failure) => {
            let message = format!("Error creating job: {}", owned::why(&failure));
            teller.warning(api, cron, "FailedCreate", &message);
        }
    }
    status["lastScheduleTime"] = json!(seconds(due.timestamp()));
    Some(next)
}

fn put_active(status: &mut Value, active: Vec<Value>) {
    match active.is_empty() {
        true => drop(status.as_object_mut().and_then(|status| status.remove("active"))),
        false => status["active"] = Value::Array(active),
    }
}

fn delete(api: &Api, cron: &Value, job: &Value) {
    if owned::delete(api, WHO, job) {
        owned::teller(WHO).normal(
            api,
            cron,
            "SuccessfulDelete",
            &format!("Deleted job {}", job.name()),
        );
    }
}

/// How a Job ended, if it did.
fn end(job: &Value) -> Option<&'static str> {
    ["Complete", "Failed"].into_iter().find(|kind| {
        owned::condition(&job["status"], kind).is_some_and(|condition| condition["status"] == "True")
    })
}

/// A schedule as cron writes it, with its nicknames.
fn schedule(text: &str, zone: &str) -> Result<Crontab, cronexpr::Error> {
    let text = match text {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        text => text,
    };
    cronexpr::parse_crontab(&format!("{text} {zone}"))
}
