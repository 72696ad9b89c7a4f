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
        selection::of_workload, unread::Unread,
    },
    output::{ObjectId, Role, size::counted},
};

/// The columns that only this table has: OWNER is the name of the one above, DEPTH how many there are above but
/// for the object itself; COUNT is how many healthy pods a row stands for, of which it names one.
pub(super) const OWN: &[(&str, Role)] = &[
    ("REVISION", Role::Text),
    ("RESTARTS", Role::Number),
    ("COUNT", Role::Number),
    ("OWNER", Role::Text),
    ("DEPTH", Role::Number),
];

/// Objects of one kind that are looked through.
const OBJECTS: usize = 5_000;
/// Objects a page.
const PAGE: usize = 500;
/// Kinds read at once.
const AT_ONCE: usize = 6;
/// Rows of the answer.
const ROWS: usize = 100;

/// What an object owns, each with the cells of [`OWN`].
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
    /// Of a replica set.
    revision: Option<String>,
    /// Empty for what does not restart.
    restarts: String,
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
    let (mut all, mut unread) = (Vec::new(), Unread::default());
    for (kind, read) in kinds.iter().zip(reads) {
        match read {
            Ok((candidates, complete)) => {
                family.complete &= complete;
                all.extend(candidates);
            }
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound) => {
                unread.add(kind, &error);
            }
            Err(error) => return Err(error),
        }
    }
    family.complete &= unread.is_empty();
    family.notes.extend(unread.into_notes());
    let mut by_owner: HashMap<String, Vec<Candidate>> = HashMap::new();
    for candidate in all {
        by_owner
            .entry(candidate.owner.clone())
            .or_default()
            .push(candidate);
    }
    let root = found.object["metadata"]["uid"].as_str().unwrap_or_default();
    let mut walk = Walk {
        by_owner,
        entries: Vec::new(),
        empty: 0,
    };
    walk.below(root, &found.id.name, 0);
    let Walk { entries, empty, .. } = walk;
    family.entries = entries;
    if empty > 0 {
        family
            .notes
            .push(format!("{} without pods", counted(empty, "replica set")));
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
                revision: object["metadata"]["annotations"]["deployment.kubernetes.io/revision"]
                    .as_str()
                    .map(str::to_owned),
                restarts: restarts.unwrap_or_default().to_owned(),
                entry: Entry {
                    id: ObjectId {
                        namespace: Some(namespace.to_owned()),
                        ..ObjectId::of(&kind.kind, object)
                    },
                    verdict: rule.judge(&row.cells).into_owned(),
                    age: rule.age(&row.cells),
                    own: Vec::new(),
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

/// Goes from owner to owned.
struct Walk {
    by_owner: HashMap<String, Vec<Candidate>>,
    entries: Vec<Entry>,
    /// Replica sets that are kept for a rollback: they are counted only.
    empty: usize,
}

impl Walk {
    /// Adds what an owner owns below it: first how many pods are well, then the worst first.
    fn below(&mut self, owner: &str, owner_name: &str, depth: usize) {
        // An owner is taken out as it is walked: a loop of owners ends.
        let mut children = self.by_owner.remove(owner).unwrap_or_default();
        children.sort_by(|a, b| a.place().cmp(&b.place()));
        let (well, mut others): (Vec<_>, Vec<_>) = children.into_iter().partition(Candidate::is_well);
        if well.len() > 1 {
            let count = well.len().to_string();
            if let Some(first) = well.into_iter().next() {
                self.entries.push(first.entry(count, owner_name, depth));
            }
        } else {
            others.extend(well);
        }
        for child in others {
            if child.entry.id.kind == "ReplicaSet" && child.entry.verdict.ready == Some((0, 0)) {
                self.empty += 1;
                continue;
            }
            let (uid, name) = (child.uid.clone(), child.entry.id.name.clone());
            self.entries.push(child.entry(String::new(), owner_name, depth));
            self.below(&uid, &name, depth + 1);
        }
    }
}

impl Candidate {
    /// Its place among its siblings.
    fn place(&self) -> impl Ord + use<'_> {
        let Entry { id, verdict, age, .. } = &self.entry;
        (verdict.health, &id.kind, age, &id.name)
    }

    /// Whether it is a pod of which nothing is to be told but that there is one more.
    fn is_well(&self) -> bool {
        let Self { entry, restarts, .. } = self;
        entry.id.kind == "Pod"
            && !entry.verdict.health.is_unhealthy()
            && matches!(restarts.as_str(), "" | "0")
    }

    fn entry(self, count: String, owner: &str, depth: usize) -> Entry {
        let revision = self.revision.unwrap_or_default();
        Entry {
            own: vec![
                revision,
                self.restarts,
                count,
                owner.to_owned(),
                depth.to_string(),
            ],
            ..self.entry
        }
    }
}
