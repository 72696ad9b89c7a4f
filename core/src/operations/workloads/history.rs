//! Revisions of workloads: what each changed, and where the rollout stands.

mod changes;
mod revisions;
mod rollout;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use self::revisions::Revision;
use crate::{
    Error, ErrorKind, Record,
    call::{Cx, KindRef, Result},
    operation,
    operations::{
        locate::{self, Found, Wanted},
        next::look_into,
        pods::gone::workload,
        resources::owners::controller,
    },
    output::{self, Column, Health, Next, ObjectId, Role, Row, Table, cleaned, size::short_age},
};

/// Changes of one revision that a list shows.
const CHANGES: usize = 6;
/// Owners of owners: no chain down to a workload with revisions is longer.
const GENERATIONS: usize = 3;

/// Revisions of a Deployment, StatefulSet or DaemonSet, newest first: what each changed against the one before it,
/// who made it where that is known, and the pods that it still has. The heading tells where the rollout stands.
#[operation(
    "workloads.history",
    read,
    needs(
        "get $kind",
        "list replicasets.apps",
        "list controllerrevisions.apps",
        "list pods"
    )
)]
pub async fn history(
    cx: &Cx,
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    kind: KindRef,
    /// The workload's name.
    name: String,
    /// The context's if left out, or the only one that has such a workload.
    namespace: Option<String>,
) -> Result<Table> {
    let workload = find(cx, "workloads.history", &kind, &name, namespace.as_deref()).await?;
    let revisions = revisions::read(cx, &workload).await?;
    let now = Timestamp::now();
    let columns = [
        ("REV", Role::Name),
        ("WHEN", Role::Age),
        ("READY", Role::Ready),
        ("CHANGED", Role::Text),
        ("BY", Role::Text),
    ];
    let rows = revisions.iter().enumerate().map(|(at, revision)| {
        let age = revision.age(now);
        let mut changed = changed(revision, revisions.get(at + 1));
        if changed.len() > CHANGES {
            let more = format!("{} more", changed.len() - CHANGES);
            changed.truncate(CHANGES);
            changed.push(more);
        }
        Row {
            id: revision.id.clone(),
            health: Health::Healthy,
            ready: (revision.pods.total > 0).then_some((revision.pods.ready, revision.pods.total)),
            age,
            cells: vec![
                revision.number.to_string(),
                age.map_or_else(String::new, short_age),
                ready(revision).unwrap_or_default(),
                changed.join(", "),
                revision.by.clone(),
            ],
            ..Row::default()
        }
    });
    let ObjectId { kind, name, .. } = &workload.id;
    let columns = columns.map(|(header, role)| Column::new(header, role)).to_vec();
    let stuck = revisions
        .first()
        .is_some_and(|newest| newest.pods.worst.is_some());
    Ok(Table {
        heading: Some(format!(
            "{}: {}",
            whole_name(&workload.id),
            rollout::standing(&workload, &revisions)
        )),
        notes: workload.note.clone().into_iter().collect(),
        next: stuck.then(|| look_into(&workload.id)).into_iter().collect(),
        ..Table::of(
            format!("Revisions of {kind} {name}"),
            workload.scope(),
            columns,
            rows.collect(),
        )
    })
}

/// One revision in full.
#[derive(Debug, Default, Serialize, Record)]
pub struct Full {
    /// How long ago it was made, where that is known.
    pub when: Option<String>,
    /// Pods of it that are ready, and pods of it, if it has any.
    pub ready: Option<String>,
    /// What it changed against the one before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// Who made it, and why, where that is known.
    pub by: Option<String>,
    /// The object that keeps it, e.g. `ReplicaSet web-5c6b7ddd64`.
    pub kept_in: String,
    /// Its pod template, without secret values and defaults.
    pub template: Value,
}

/// One revision of a Deployment, StatefulSet or DaemonSet in full, with its pod template.
#[operation(
    "workloads.revision",
    read,
    needs(
        "get $kind",
        "list replicasets.apps",
        "list controllerrevisions.apps",
        "list pods"
    )
)]
pub async fn revision(
    cx: &Cx,
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    kind: KindRef,
    /// The workload's name.
    name: String,
    /// The context's if left out, or the only one that has such a workload.
    namespace: Option<String>,
    /// Its number; the newest if left out.
    revision: Option<i64>,
) -> Result<output::Record<Full>> {
    let workload = find(cx, "workloads.revision", &kind, &name, namespace.as_deref()).await?;
    let all = revisions::read(cx, &workload).await?;
    let (chosen, before) = revisions::chosen(&all, revision, &workload)?;
    let facts = Full {
        when: chosen.age(Timestamp::now()).map(short_age),
        ready: ready(chosen),
        changed: changed(chosen, before),
        by: Some(chosen.by.clone()).filter(|by| !by.is_empty()),
        kept_in: format!("{} {}", chosen.id.kind, chosen.id.name),
        template: cleaned(chosen.template.shown()),
    };
    let mut record = output::Record::new(
        format!("{}: revision {} in full", whole_name(&workload.id), chosen.number),
        facts,
    );
    record.notes.extend(workload.note);
    Ok(record)
}

/// `Deployment shop/checkout`
fn whole_name(id: &ObjectId) -> String {
    let namespace = id.namespace.iter().map(|namespace| format!("{namespace}/"));
    format!("{} {}{}", id.kind, namespace.collect::<String>(), id.name)
}

/// `1/2`; none without pods.
fn ready(revision: &Revision) -> Option<String> {
    let pods = &revision.pods;
    (pods.total > 0).then(|| format!("{}/{}", pods.ready, pods.total))
}

fn changed(revision: &Revision, before: Option<&Revision>) -> Vec<String> {
    match before {
        Some(before) => revision.template.changes_since(&before.template),
        None if revision.number == 1 => vec!["first revision".to_owned()],
        None => vec!["oldest that is kept".to_owned()],
    }
}

/// The workload; an error for one of a kind that has no revisions names the owner that does.
async fn find(
    cx: &Cx,
    op: &'static str,
    kind: &KindRef,
    name: &str,
    namespace: Option<&str>,
) -> Result<Found, Error> {
    let resource = cx.resolve(kind).await?;
    let wanted = Wanted::of(op, &resource, name, namespace);
    let found = match wanted.for_read(cx).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            return of_another_kind(cx, name, namespace).await.ok_or(error);
        }
        found => found?,
    };
    if has_revisions(&found) {
        return Ok(found);
    }
    let message = format!(
        "{} {name} has no revisions: Deployment, StatefulSet and DaemonSet do",
        found.resource.kind
    );
    let mut owner = owner(cx, &found).await;
    for _ in 0..GENERATIONS {
        let Some(found) = owner else { break };
        if has_revisions(&found) {
            let next = Next::op(op)
                .arg("kind", &found.id.kind)
                .arg("name", &found.id.name)
                .arg_if("namespace", found.namespace());
            let owner = format!("{message}; its owner {} {} does", found.id.kind, found.id.name);
            return Err(Error::invalid(owner).next(next));
        }
        owner = self::owner(cx, &found).await;
    }
    Err(Error::invalid(message).next(look_into(&found.id)))
}

/// The workload of this name that is of another kind than was asked for, or taken for granted.
async fn of_another_kind(cx: &Cx, name: &str, namespace: Option<&str>) -> Option<Found> {
    let namespace = namespace.unwrap_or_else(|| cx.default_namespace());
    let (resource, object) = workload(cx, namespace, name).await.ok()??;
    let found = Found {
        note: Some(format!("{name} is a {}", resource.kind)),
        id: ObjectId::of(&resource.kind, &object),
        resource,
        object,
    };
    has_revisions(&found).then_some(found)
}

fn has_revisions(found: &Found) -> bool {
    let resource = &found.resource;
    resource.group == "apps" && matches!(resource.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// What manages an object, if it can be read.
async fn owner(cx: &Cx, found: &Found) -> Option<Found> {
    let owner = controller(&found.object)?;
    let text = |field: &str| owner[field].as_str();
    let kind = KindRef(format!("{}/{}", text("apiVersion")?, text("kind")?));
    let found = locate::object(cx, "workloads.history", &kind, text("name")?, found.namespace()).await;
    found.ok()
}
