//! Workloads: five kinds under one status rule.

pub mod history;
pub(super) mod pods;

use std::collections::HashMap;

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    allowed::refused,
    builtin,
    mixed::{self, Entry},
    names::check_namespace,
    next::{look_into_first, wider},
    scan,
    selection::{Selection, of_workload},
    status_filter::StatusFilter,
    unread::Unread,
};
use crate::{
    Error, ErrorKind,
    call::{Cx, Page, Result},
    cluster::Resource,
    operation,
    output::{
        Health, Next, ObjectId, Scope, Table,
        filter::{Collector, Query},
        size::short_age,
    },
};

/// Deployments, stateful and daemon sets, jobs and cron jobs with health and reason; totals by status come first,
/// then the unhealthy. Jobs of a cron job are shown only where they went wrong.
#[operation(
    "workloads.list",
    read,
    needs(
        "list deployments.apps",
        "list statefulsets.apps",
        "list daemonsets.apps",
        "list jobs.batch",
        "list cronjobs.batch",
        "list pods"
    )
)]
pub async fn list(
    cx: &Cx,
    /// All if left out.
    namespace: Option<String>,
    /// Labels, e.g. `app=web`.
    selector: Option<String>,
    /// `healthy`, `progressing`, `degraded`, `failed`, or `unhealthy`.
    status: Option<String>,
    page: Page,
) -> Result<Table> {
    let selection = Selection::parse(selector.as_deref(), None)?;
    let kinds = [
        builtin::deployments(),
        builtin::stateful_sets(),
        builtin::daemon_sets(),
        builtin::jobs(),
        builtin::cron_jobs(),
    ];
    let reads = kinds
        .iter()
        .map(|kind| read(cx, kind, namespace.as_deref(), &selection));
    let reads = join_all(reads).await;
    let mut unread = Unread::default();
    let mut complete = true;
    let mut found: Vec<Found> = Vec::new();
    let mut failures: Vec<Error> = Vec::new();
    for (kind, read) in kinds.iter().zip(reads) {
        match read {
            Ok(read) => {
                complete &= read.complete;
                found.extend(read.found);
            }
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error.into()),
            Err(error) => {
                unread.add(kind, &error);
                failures.push(error);
            }
        }
    }
    if failures.len() == kinds.len()
        && let Some(error) = failures.into_iter().next()
    {
        let (namespace, again) = (namespace.as_deref(), Next::op("workloads.list"));
        return Err(refused(cx, &kinds[0], namespace, again, error).await.into());
    }
    runs_of_cron_jobs(&mut found);
    pods::judge_new(cx, &mut found).await;
    let columns = mixed::columns(namespace.is_none(), &[]);
    let identity = format!(
        "workloads {} {selection:?} {}",
        namespace.as_deref().unwrap_or("*"),
        status.as_deref().unwrap_or_default()
    );
    let query = Query {
        several_kinds: true,
        ..page.query(&identity)
    };
    let mut collector = Collector::new(page.row_filter(&columns)?, &query)?.redacting(&cx.call().redactor);
    let mut selectors: HashMap<ObjectId, String> = HashMap::new();
    let is_empty = found.is_empty();
    let mut filter = StatusFilter::new(status.as_deref());
    for mut workload in found {
        if !filter.takes(&workload.entry.verdict) {
            continue;
        }
        if let Some(selector) = workload.selector.take() {
            selectors.insert(workload.entry.id.clone(), selector);
        }
        let severity = workload.entry.verdict.severity;
        collector.push(workload.entry.row(namespace.is_none()), severity, None);
    }
    let mut table = collector.finish(Table {
        subject: format!("Workloads{}", selection.words()),
        scope: namespace.clone().map_or(Scope::AllNamespaces, Scope::Namespace),
        complete,
        notes: unread.into_notes(),
        ..Table::default()
    });
    filter.tell(&mut table);
    if is_empty {
        let again = Next::op("workloads.list");
        check_namespace(cx, namespace.as_deref(), again.clone()).await?;
        let is_narrowed = selection != Selection::default();
        table.next.extend(wider(again, namespace.as_deref(), is_narrowed));
    }
    pods::explain(cx, &mut table, &selectors).await;
    table.next.extend(look_into_first(&table));
    Ok(table)
}

/// A workload, without its object.
#[derive(Debug)]
struct Found {
    entry: Entry,
    uid: String,
    /// The uid of the cron job that it is a run of.
    cron_job: Option<String>,
    created: Option<Timestamp>,
    /// What selects its pods, if it is unhealthy: they know why.
    selector: Option<String>,
}

impl Found {
    fn new(kind: &Resource, object: &Value, now: Timestamp) -> Self {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut entry = Entry::new(kind, object, now);
        let verdict = &mut entry.verdict;
        verdict.word = match &*verdict.word {
            "Suspended" | "suspended" => "suspended".into(),
            "Terminating" | "terminating" => "terminating".into(),
            _ => verdict.health.word().into(),
        };
        let is_unhealthy = verdict.health.is_unhealthy();
        Self {
            entry,
            uid: text(&metadata["uid"]).unwrap_or_default(),
            cron_job: metadata["ownerReferences"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|owner| owner["kind"] == "CronJob")
                .and_then(|owner| text(&owner["uid"])),
            created: metadata["creationTimestamp"]
                .as_str()
                .and_then(|time| time.parse().ok()),
            selector: is_unhealthy.then(|| of_workload(object)).flatten(),
        }
    }

    fn is_a(&self, kind: &str) -> bool {
        self.entry.id.kind == kind
    }
}

struct ReadKind {
    found: Vec<Found>,
    complete: bool,
}

async fn read(
    cx: &Cx,
    kind: &Resource,
    namespace: Option<&str>,
    selection: &Selection,
) -> Result<ReadKind, Error> {
    let now = Timestamp::now();
    let mut found = Vec::new();
    let complete = scan::objects(cx, kind, namespace, &selection.query(), |object| {
        found.push(Found::new(kind, &object, now));
    })
    .await?;
    Ok(ReadKind { found, complete })
}

/// Tells of each cron job how its last run went, and drops the runs that went well: they are the cron job's.
fn runs_of_cron_jobs(found: &mut Vec<Found>) {
    let mut last: HashMap<String, (Option<Timestamp>, String)> = HashMap::new();
    for job in found.iter().filter(|job| job.is_a("Job")) {
        let Some(cron_job) = &job.cron_job else { continue };
        let age = job.entry.age.unwrap_or(0);
        let done = job
            .entry
            .verdict
            .ready
            .is_some_and(|(done, wanted)| done >= wanted);
        let how = match job.entry.verdict.health {
            Health::Failed => "failed",
            _ if done => "succeeded",
            _ => "is running",
        };
        let known = last.entry(cron_job.clone()).or_default();
        if job.created >= known.0 {
            *known = (job.created, format!("last run {} ago {how}", short_age(age)));
        }
    }
    let cron_jobs: Vec<String> = found
        .iter()
        .filter(|workload| workload.is_a("CronJob"))
        .map(|workload| workload.uid.clone())
        .collect();
    found.retain(|workload| {
        let is_run = workload
            .cron_job
            .as_ref()
            .is_some_and(|uid| cron_jobs.contains(uid));
        !is_run || workload.entry.verdict.health.is_unhealthy()
    });
    for cron_job in found.iter_mut().filter(|workload| workload.is_a("CronJob")) {
        if let Some((_, how)) = last.remove(&cron_job.uid) {
            cron_job.entry.verdict.reason = how.into();
        }
    }
}
