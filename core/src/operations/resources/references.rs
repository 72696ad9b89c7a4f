//! `resources.references`.

mod named;
mod service;

use std::collections::HashMap;

use futures::future::join_all;

use self::named::{Kind, Named};
use super::{endpoints, gathered::Gathered};
use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Result},
    cluster::{Include, Resource, TableView},
    monitoring::status::{CellRule, Verdict},
    operation,
    operations::{builtin, lister::cell_text, locate, mixed::Entry, selection::Selection},
    output::{Health, ObjectId, Table},
};

/// What an object refers to, each with its state, `missing` if it does not exist: what a pod or its template needs
/// (ConfigMaps, Secrets, claims, account), a Service's endpoints by workload, the services of an Ingress or
/// HTTPRoute, an autoscaler's target, a claim's volume and class, a volume's claim, a binding's role and subjects.
#[operation("resources.references", read, needs("get $kind"))]
pub async fn references(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<Table> {
    let found = locate::object(cx, "resources.references", &kind, &name, namespace.as_deref()).await?;
    let mut gathered = Gathered::default();
    if found.resource.group.is_empty() && found.resource.kind == "Service" {
        service::endpoints(cx, &found, &mut gathered).await?;
    } else {
        look_up(cx, named::by(&found), &mut gathered).await?;
    }
    Ok(gathered.table(format!("What {} {name} refers to", found.resource.kind), &found))
}

/// Objects of one kind in one namespace, which one request looks up.
struct Batch {
    resource: Resource,
    namespace: Option<String>,
    named: Vec<Named>,
}

/// Adds what was named, as it is.
async fn look_up(cx: &Cx, named: Vec<Named>, gathered: &mut Gathered) -> Result<(), Error> {
    let mut batches: Vec<Batch> = Vec::new();
    for one in named {
        let resource = match &one.kind {
            Kind::Known(resource) => resource.clone(),
            Kind::Said(kind) => match cx.resolve(kind).await {
                Ok(resource) => resource,
                Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
                Err(error) => {
                    gathered.notes.push(error.message);
                    let kind = kind.0.rsplit('/').next().unwrap_or_default().to_owned();
                    gathered.entries.push(entry(&kind, one, None));
                    continue;
                }
            },
            Kind::Subject(kind) => {
                let kind = kind.clone();
                gathered.entries.push(entry(&kind, one, Some(Seen::default())));
                continue;
            }
        };
        let known = batches
            .iter_mut()
            .find(|batch| batch.resource == resource && batch.namespace == one.namespace);
        match known {
            Some(batch) => batch.named.push(one),
            None => batches.push(Batch {
                resource,
                namespace: one.namespace.clone(),
                named: vec![one],
            }),
        }
    }
    let reads = join_all(batches.iter().map(|batch| seen(cx, batch))).await;
    for (batch, read) in batches.into_iter().zip(reads) {
        let kind = &batch.resource.kind;
        let seen = gathered.taken(&batch.resource, read.map(Some))?;
        let services = if batch.resource.group.is_empty() && kind == "Service" {
            ready(cx, &batch, gathered).await?
        } else {
            HashMap::new()
        };
        for one in batch.named {
            let state = match &seen {
                // Nobody knows.
                None => Some(Seen::default()),
                Some(seen) => seen.get(&one.name).cloned(),
            };
            let endpoints = state.as_ref().and_then(|_| services.get(&one.name));
            let mut entry = entry(kind, one, state);
            if let Some(endpoints) = endpoints {
                entry.verdict.health = endpoints.health();
                entry.own = vec![joined(&entry.own.concat(), &endpoints.words())];
            }
            gathered.entries.push(entry);
        }
    }
    Ok(())
}

/// How an object is that was looked up.
#[derive(Clone, Debug, Default)]
struct Seen {
    verdict: Verdict<'static>,
    age: Option<u64>,
}

/// Those of a batch that exist.
async fn seen(cx: &Cx, batch: &Batch) -> Result<HashMap<String, Seen>, Error> {
    let mut selection = Selection::default();
    // Of one the API server looks up the name.
    if let [only] = batch.named.as_slice() {
        selection = selection.with_field("metadata.name", &only.name);
    }
    let namespace = batch.namespace.as_deref();
    let bytes = cx
        .client()
        .table(&batch.resource, namespace, &selection.query(), Include::None)
        .await?;
    let table = TableView::read(&bytes)?;
    let rule = CellRule::new(&batch.resource.group, &batch.resource.kind, &table.columns);
    let rows = table.rows.iter().filter_map(|row| {
        let name = row.cells.first().map(cell_text)?.into_owned();
        let seen = Seen {
            verdict: rule.judge(&row.cells).into_owned(),
            age: rule.age(&row.cells),
        };
        Some((name, seen))
    });
    Ok(rows.collect())
}

/// The endpoints of a batch of services.
async fn ready(
    cx: &Cx,
    batch: &Batch,
    gathered: &mut Gathered,
) -> Result<HashMap<String, endpoints::Endpoints>, Error> {
    let names: Vec<String> = batch.named.iter().map(|named| named.name.clone()).collect();
    let namespace = batch.namespace.as_deref().unwrap_or_default();
    let read = endpoints::of_services(cx, namespace, &names).await;
    gathered.taken(&builtin::endpoint_slices(), read)
}

/// The entry of something named; it is missing if it was not seen.
fn entry(kind: &str, named: Named, seen: Option<Seen>) -> Entry {
    let id = ObjectId {
        cluster: None,
        kind: kind.to_owned(),
        namespace: named.namespace,
        name: named.name,
    };
    let mut entry = match seen {
        Some(Seen { verdict, age }) => Entry {
            id,
            verdict,
            age,
            own: Vec::new(),
        },
        None => Entry::unread(id, "missing"),
    };
    let mut detail = named.detail;
    if named.optional && entry.verdict.word == "missing" {
        entry.verdict.health = Health::Healthy;
        detail = joined(&detail, "optional");
    }
    entry.own = vec![detail];
    entry
}

fn joined(first: &str, second: &str) -> String {
    if first.is_empty() {
        second.to_owned()
    } else {
        format!("{first}, {second}")
    }
}
