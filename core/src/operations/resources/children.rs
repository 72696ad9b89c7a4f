//! `resources.children`.

mod family;

use jiff::Timestamp;

use self::family::{Family, OWN};
use crate::{
    call::{Cx, KindRef, Result},
    monitoring::status,
    operation,
    operations::{
        builtin, locate,
        mixed::{self, Entry},
    },
    output::Table,
};

/// Pods that are asked what they suffer from.
const PODS: usize = 5;

/// What an object owns, down to the pods, each with its state; what is owned comes below its owner. Pods of one owner
/// that are well are one row.
#[operation("resources.children", read, needs("get $kind"))]
pub async fn children(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<Table> {
    let found = locate::object(cx, "resources.children", &kind, &name, namespace.as_deref()).await?;
    let Family {
        mut entries,
        notes,
        complete,
    } = family::read(cx, &found).await?;
    explain(cx, &mut entries).await;
    Ok(Table {
        complete,
        notes: found.note.iter().cloned().chain(notes).collect(),
        ..Table::of(
            format!("What {} {name} owns", found.resource.kind),
            found.scope(),
            mixed::columns(false, OWN),
            entries.into_iter().map(|entry| entry.row(false)).collect(),
        )
    })
}

/// Adds to the worst pods what they suffer from, which cells do not tell. What cannot be read adds nothing: the row
/// stands without it.
async fn explain(cx: &Cx, entries: &mut [Entry]) {
    let client = cx.client();
    let (client, pods) = (&client, &builtin::pods());
    let unhealthy = entries
        .iter_mut()
        .filter(|entry| entry.id.kind == "Pod" && entry.verdict.health.is_unhealthy());
    let reads = unhealthy.take(PODS).map(async |entry| {
        let namespace = entry.id.namespace.as_deref();
        if let Ok(pod) = client.get(pods, namespace, &entry.id.name).await {
            let verdict = status::of_object("", "Pod", &pod, Timestamp::now());
            entry.verdict.reason = verdict.reason;
        }
    });
    futures::future::join_all(reads).await;
}
