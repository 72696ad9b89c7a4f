//! Finds what an object owns. The API keeps owners and no children, so the kinds that may be owned are read with
//! their metadata and matched by uid.

use std::collections::HashMap;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{Include, ListQuery, Resource, TableView},
    monitoring::status::CellRule,
    operations::{
        builtin, lister::cell_text, locate::Found, mixed::Entry, resources::owners::controller,
        selection::of_workload,
    },
    output::ObjectId,
};

/// Objects of one kind that are looked through.
const OBJECTS: usize = 5_000;
/// Objects a page.
const PAGE: usize = 500;
/// Kinds read at once.
const AT_ONCE: usize = 6;
/// Rows of the answer.
const ROWS: usize = 100;

/// What an object owns, each with the cells RESTARTS and OWNER.
#[derive(Debug, Default)]
pub(super) struct Family {
    pub(super) entries: Vec<Entry>,
    pub(super) notes: Vec<String>,
    pub(super) complete: bool,
}

/// An object that may be owned.
#[derive(Debug)]
struct Candidate {
    uid: String,
    /// The uid of its owner: the one that manages it, if it has several.
    owner: String,
    entry: Entry,
}

pub(super) async fn read(cx: &Cx, found: &Found) -> Result<Family, Error> {
    let mut family = Family {
        complete: true,
        ..Family::default()
    };
    // What is cluster-scoped may own things anywhere; to look everywhere is not worth it.
    let Some(namespace) = found.namespace() else {
        return Ok(family);
    };
    let (kinds, selector) = may_own(&found.resource, &found.object);
    let query = ListQuery {
        selector,
        page_size: Some(PAGE),
        ..ListQuery::default()
    };
    let requests: Vec<_> = kinds
        .iter()
        .map(|kind| candidates(cx, kind, namespace, query.clone()))
        .collect();
    let reads: Vec<_> = stream::iter(requests).buffered(AT_ONCE).collect().await;
    let mut all = Vec::new();
    for (kind, read) in kinds.iter().zip(reads) {
        match read {
            Ok((candidates, complete)) => {
                family.complete &= complete;
                all.extend(candidates);
            }
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => {
                family.notes.push(format!(
                    "{} could not be read: {}",
                    kind.qualified(),
                    error.message
                ));
            }
            Err(error) => return Err(error),
        }
    }
    let mut by_owner: HashMap<String, Vec<Candidate>> = HashMap::new();
    for candidate in all {
        by_owner
            .entry(candidate.owner.clone())
            .or_default()
            .push(candidate);
    }
    let root = found.object["metadata"]["uid"].as_str().unwrap_or_default();
    let mut empty = 0;
    walk(
        root,
        &found.id.name,
        &mut by_owner,
        &mut family.entries,
        &mut empty,
    );
    if empty > 0 {
        family
            .notes
            .push(format!("{empty} old replica sets without pods"));
    }
    if family.entries.len() > ROWS {
        family
            .notes
            .push(format!("first {ROWS} of {}", family.entries.len()));
        family.entries.truncate(ROWS);
    }
    Ok(family)
}

/// The kinds that an object of this kind may own, down to the last, and a selector that all of them bear.
fn may_own(resource: &Resource, object: &Value) -> (Vec<Resource>, Option<String>) {
    match (resource.group.as_str(), resource.kind.as_str()) {
        ("apps", "Deployment") => (
            vec![builtin::replica_sets(), builtin::pods()],
            of_workload(object),
        ),
        ("apps", "ReplicaSet" | "DaemonSet" | "StatefulSet")
        | ("batch", "Job")
        | ("", "ReplicationController") => (vec![builtin::pods()], of_workload(object)),
        ("batch", "CronJob") => (vec![builtin::jobs(), builtin::pods()], None),
        (
            "",
            "Pod"
            | "Service"
            | "ConfigMap"
            | "Secret"
            | "Event"
            | "Namespace"
            | "Node"
            | "PersistentVolumeClaim",
        ) => (Vec::new(), None),
        // What an operator makes of a custom resource.
        _ => (
            vec![
                builtin::deployments(),
                builtin::stateful_sets(),
                builtin::daemon_sets(),
                builtin::replica_sets(),
                builtin::cron_jobs(),
                builtin::jobs(),
                builtin::pods(),
                builtin::services(),
                builtin::ingresses(),
                builtin::config_maps(),
                builtin::secrets(),
                builtin::claims(),
            ],
            None,
        ),
    }
}

/// The objects of a kind that have owners, and whether all were seen.
async fn candidates(
    cx: &Cx,
    kind: &Resource,
    namespace: &str,
    mut query: ListQuery,
) -> Result<(Vec<Candidate>, bool), Error> {
    let client = cx.client();
    let mut found = Vec::new();
    let mut seen = 0;
    loop {
        let bytes = client
            .table(kind, Some(namespace), &query, Include::Metadata)
            .await?;
        let table = TableView::read(&bytes)?;
        let rule = CellRule::new(&kind.group, &kind.kind, &table.columns);
        let restarts = table.columns.iter().position(|column| column.name == "Restarts");
        seen += table.rows.len();
        for row in &table.rows {
            let Some(object) = &row.object else { continue };
            let Some(owner) = controller(object).and_then(|owner| owner["uid"].as_str()) else {
                continue;
            };
            let restarts = restarts.and_then(|column| row.cells.get(column)).map(cell_text);
            let restarts = restarts.as_deref().and_then(|cell| cell.split(' ').next());
            found.push(Candidate {
                uid: object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
                owner: owner.to_owned(),
                entry: Entry {
                    id: ObjectId {
                        namespace: Some(namespace.to_owned()),
                        ..ObjectId::of(&kind.kind, object)
                    },
                    verdict: rule.judge(&row.cells).into_owned(),
                    age: rule.age(&row.cells),
                    own: vec![restarts.unwrap_or_default().to_owned()],
                },
            });
        }
        match table.metadata.continue_token.as_deref() {
            None | Some("") => return Ok((found, true)),
            Some(_) if seen >= OBJECTS => return Ok((found, false)),
            Some(token) => query.continue_token = Some(token.to_owned()),
        }
    }
}

/// Adds what an owner owns below it, the worst first. Replica sets that are kept for a rollback are counted only.
fn walk(
    owner: &str,
    owner_name: &str,
    by_owner: &mut HashMap<String, Vec<Candidate>>,
    entries: &mut Vec<Entry>,
    empty: &mut usize,
) {
    // An owner is taken out as it is walked: a loop of owners ends.
    let mut children = by_owner.remove(owner).unwrap_or_default();
    children.sort_by(|a, b| a.place().cmp(&b.place()));
    for Candidate { uid, mut entry, .. } in children {
        if entry.id.kind == "ReplicaSet" && entry.verdict.ready == Some((0, 0)) {
            *empty += 1;
            continue;
        }
        let name = entry.id.name.clone();
        entry.own.push(owner_name.to_owned());
        entries.push(entry);
        walk(&uid, &name, by_owner, entries, empty);
    }
}

impl Candidate {
    /// Its place among its siblings.
    fn place(&self) -> impl Ord + use<'_> {
        let Entry { id, verdict, age, .. } = &self.entry;
        (verdict.health, &id.kind, age, &id.name)
    }
}
