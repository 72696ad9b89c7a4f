//! Why a workload is unhealthy: its pods know.

use std::{collections::HashMap, ops::ControlFlow};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;

use super::Found;
use crate::{
    call::Cx,
    cluster::ListQuery,
    monitoring::status::{self, Verdict},
    operations::builtin,
    output::{Health, ObjectId, Table},
};

/// Workloads whose pods are looked at.
const WORKLOADS: usize = 20;
/// Requests under way at once.
const AT_ONCE: usize = 8;

/// Adds to the REASON of the unhealthy rows what the worst of their pods suffers from. What cannot be read adds
/// nothing: the row stands without it.
pub(in crate::operations) async fn explain(
    cx: &Cx,
    table: &mut Table,
    selectors: &HashMap<ObjectId, String>,
) {
    let Some(column) = table.columns.iter().position(|column| column.header == "REASON") else {
        return;
    };
    let unhealthy: Vec<(usize, ObjectId, String)> = table
        .rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.health.is_unhealthy())
        .filter_map(|(index, row)| Some((index, row.id.clone(), selectors.get(&row.id)?.clone())))
        .take(WORKLOADS)
        .collect();
    let reasons: Vec<(usize, Option<Worst>)> = stream::iter(unhealthy)
        .map(async |(index, id, selector)| (index, worst(cx, &id, selector).await))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    for (index, reason) in reasons {
        let Some(Worst { reason, .. }) = reason else {
            continue;
        };
        if let Some(cell) = table
            .rows
            .get_mut(index)
            .and_then(|row| row.cells.get_mut(column))
        {
            if cell.is_empty() {
                *cell = reason;
            } else {
                cell.push_str("; ");
                cell.push_str(&reason);
            }
        }
    }
}

/// Workloads that are new may well be on their way; those whose pods crash already are not.
pub(super) async fn judge_new(cx: &Cx, found: &mut [Found]) {
    let requests: Vec<_> = found
        .iter()
        .enumerate()
        .filter(|(_, Found { entry, .. })| {
            let Verdict { health, ready, .. } = entry.verdict;
            health == Health::Progressing && ready.is_some_and(|(ready, desired)| ready < desired)
        })
        .filter_map(|(index, workload)| Some((index, workload.entry.id.clone(), workload.selector.clone()?)))
        .take(WORKLOADS)
        .map(async |(index, id, selector)| (index, worst(cx, &id, selector).await))
        .collect();
    let pods: Vec<(usize, Option<Worst>)> = stream::iter(requests).buffer_unordered(AT_ONCE).collect().await;
    for (index, worst) in pods {
        let (Some(workload), Some(worst)) = (found.get_mut(index), worst) else {
            continue;
        };
        if worst.health == Health::Progressing {
            continue;
        }
        let verdict = &mut workload.entry.verdict;
        verdict.health = match verdict.ready {
            Some((0, _)) => Health::Failed,
            _ => Health::Degraded,
        };
        verdict.severity = 0;
        verdict.word = verdict.health.word().into();
    }
}

/// The worst pod of a workload.
#[derive(Debug)]
pub(super) struct Worst {
    pub(super) rank: u8,
    pub(super) health: Health,
    /// What it suffers from.
    pub(super) reason: String,
}

impl Worst {
    /// What a pod suffers from, if it does.
    pub(super) fn of(pod: &Value, now: Timestamp) -> Option<Self> {
        let verdict = status::of_object("", "Pod", pod, now);
        verdict.health.is_unhealthy().then(|| Self {
            rank: verdict.rank(),
            health: verdict.health,
            reason: match (&*verdict.word, &*verdict.reason) {
                (word, "") => word.to_owned(),
                // `CrashLoopBackOff: exit 1` says the word itself.
                (word, reason) if reason.starts_with(word) => reason.to_owned(),
                (word, reason) => format!("{word}: {reason}"),
            },
        })
    }
}

/// What the worst pod suffers from.
async fn worst(cx: &Cx, id: &ObjectId, selector: String) -> Option<Worst> {
    let now = Timestamp::now();
    let query = ListQuery {
        selector: Some(selector),
        ..ListQuery::default()
    };
    let mut worst: Option<Worst> = None;
    let client = cx.client();
    let pods = builtin::pods();
    let read = client.for_each(&pods, id.namespace.as_deref(), &query, |pod| {
        // A pod that is over was replaced long ago, by one that may suffer from something else.
        let is_over =
            id.kind != "Job" && matches!(pod["status"]["phase"].as_str(), Some("Failed" | "Succeeded"));
        if let Some(mut found) = Worst::of(&pod, now) {
            found.rank += if is_over { u8::MAX / 2 } else { 0 };
            if worst.as_ref().is_none_or(|worst| found.rank < worst.rank) {
                worst = Some(found);
            }
        }
        ControlFlow::Continue(())
    });
    read.await.ok()?;
    worst
}
