//! CronJobs: a Job whenever the clock says so.

use std::sync::Arc;

use cronexpr::{Crontab, MakeTimestamp};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::{
    api::{
        Api,
        object::{Meta as _, Object},
        store::{Change, Key},
    },
    clock::seconds,
};

/// Sees to the Jobs of CronJobs.
pub(crate) struct CronJobs;

impl Controller for CronJobs {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        work::concerned(api, change, ("cronjobs.batch", "CronJob"), &["jobs.batch"])
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let cron = Work::on(api, "cronjob-controller", key)?;
        let mut jobs = api.all("jobs.batch", Some(&key.namespace));
        jobs.retain(|job| job.controller().is_some_and(|by| by["uid"] == cron.uid()));
        let mut status = cron["status"].clone();
        follow(&cron, &jobs, &mut status);
        let rests = cron.is_terminating() || cron["spec"]["suspend"] == true;
        let next = if rests {
            None
        } else {
            start(&cron, &jobs, &mut status)
        };
        cron.set_status(&status);
        next
    }
}

/// Takes note of Jobs that ended, and deletes those that are not to be kept.
fn follow(cron: &Work, jobs: &[Arc<Object>], status: &mut Value) {
    let mut active = cron.list("/status/active").to_vec();
    active.retain(|job| {
        let job = jobs.iter().find(|now| now.uid() == job["uid"]);
        let end = job.and_then(|job| Some((job.name(), end(job)?)));
        if let Some((name, end)) = end {
            let message = format!("Saw completed job: {name}, condition: {end}");
            cron.normal("SawCompletedJob", &message);
        }
        job.is_some() && end.is_none()
    });
    put_active(status, active);
    let known = cron.list("/status/active");
    for job in jobs {
        let done = job.text("/status/completionTime");
        if end(job) == Some("Complete") && done > status.text("/lastSuccessfulTime") {
            status["lastSuccessfulTime"] = done.into();
        }
        // Somebody else made it, as `create job --from` does.
        if end(job).is_none() && !known.iter().any(|active| active["uid"] == job.uid()) {
            let name = job.name();
            let message = format!("Saw a job that the controller did not create or forgot: {name}");
            cron.warning("UnexpectedJob", &message);
        }
    }
    for (kind, limit) in [("Complete", "successful"), ("Failed", "failed")] {
        let limit = &cron["spec"][format!("{limit}JobsHistoryLimit")];
        let mut past = jobs.to_vec();
        past.retain(|job| end(job) == Some(kind) && !job.is_terminating());
        past.sort_by_key(|job| work::time(&job["status"], "startTime"));
        let excess = past.len().saturating_sub(limit.as_u64().unwrap_or(1) as usize);
        past[..excess].iter().for_each(|job| delete(cron, job));
    }
}

/// Starts a Job, if it is time to. Gives when it is time again.
fn start(cron: &Work, jobs: &[Arc<Object>], status: &mut Value) -> Option<Timestamp> {
    let zone = cron["spec"]["timeZone"].as_str().unwrap_or("UTC");
    let table = schedule(cron.text("/spec/schedule"), zone).ok()?;
    let after = |at| table.find_next(MakeTimestamp(at)).ok();
    let now = cron.api.clock.now();
    let next = Some(after(now)?.timestamp());
    let since = work::time(&cron["status"], "lastScheduleTime");
    let mut since = since.or_else(|| work::time(&cron["metadata"], "creationTimestamp"))?;
    let mut due = None;
    while let Some(at) = after(since).filter(|at| at.timestamp() <= now) {
        since = at.timestamp();
        due = Some(at);
    }
    let Some(due) = due else { return next };
    let active: Vec<_> = jobs.iter().filter(|job| end(job).is_none()).collect();
    match cron.text("/spec/concurrencyPolicy") {
        "Forbid" if !active.is_empty() => {
            let why = "Not starting job because prior execution is running and concurrency policy is Forbid";
            cron.normal("JobAlreadyActive", why);
            return next;
        }
        "Replace" => {
            active.iter().for_each(|job| delete(cron, job));
            put_active(status, vec![]);
        }
        _ => {}
    }
    let template = &cron["spec"]["jobTemplate"];
    let mut job = cron.pod(template);
    work::remove(&mut job["metadata"], "generateName");
    job["metadata"]["name"] = json!(format!("{}-{}", cron.name(), due.timestamp().as_second() / 60));
    let at = seconds(due.timestamp());
    let here = match zone {
        "UTC" => at.clone(),
        _ => due.strftime("%FT%T%:z").to_string(),
    };
    work::annotate(&mut job, "batch.kubernetes.io/cronjob-scheduled-timestamp", here);
    match cron.create("jobs.batch", job) {
        Ok(job) => {
            cron.normal("SuccessfulCreate", &format!("Created job {}", job.name()));
            let mut active = status.list("/active").to_vec();
            active.push(json!({
                "apiVersion": "batch/v1", "kind": "Job", "namespace": job.namespace(), "name": job.name(),
                "uid": job.uid(), "resourceVersion": job["metadata"]["resourceVersion"],
            }));
            put_active(status, active);
        }
        Err(failure) => {
            let message = format!("Error creating job: {}", work::why(&failure));
            cron.warning("FailedCreate", &message);
        }
    }
    status["lastScheduleTime"] = json!(at);
    next
}

fn put_active(status: &mut Value, active: Vec<Value>) {
    work::remove(status, "active");
    if !active.is_empty() {
        status["active"] = Value::Array(active);
    }
}

fn delete(cron: &Work, job: &Value) {
    cron.delete(job, &format!("Deleted job {}", job.name()));
}

/// How a Job ended, if it did.
fn end(job: &Value) -> Option<&'static str> {
    let mut ends = ["Complete", "Failed"].into_iter();
    ends.find(|kind| work::condition(&job["status"], kind).is_some_and(|end| end["status"] == "True"))
}

/// A schedule as cron writes it, with its nicknames.
pub(crate) fn schedule(text: &str, zone: &str) -> Result<Crontab, cronexpr::Error> {
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
