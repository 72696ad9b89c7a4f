//! `resources.owners` and `resources.children`: what an object belongs to, and what belongs to it.

mod down;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Result},
    cluster::Resource,
    monitoring::status,
    operation,
    operations::{builtin, locate::Wanted},
    output::{Column, Health, Next, ObjectId, Role, Row, Scope, Table, size::short_age},
};

/// Owners of owners: a chain longer than this is a loop.
const GENERATIONS: usize = 8;

/// The object itself and what owns it, up to the top, each with its state and the reason for it.
#[operation("resources.owners", read, needs("get $kind"))]
pub async fn owners(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<Table> {
    let resource = cx.resolve(&kind).await?;
    let wanted = Wanted {
        again: Next::op("resources.owners").arg("kind", &resource.kind),
        resource: &resource,
        namespace: namespace.as_deref(),
        name: &name,
    };
    let found = wanted.for_read(cx).await?;
    let scope = found.namespace.clone().map_or(Scope::Cluster, Scope::Namespace);
    let mut rows = vec![row(&resource, &found.object)];
    let mut owner = controller(&found.object);
    while let Some(reference) = owner.take().filter(|_| rows.len() <= GENERATIONS) {
        let (next_row, object) = look_up(cx, &reference, found.namespace.as_deref()).await?;
        rows.push(next_row);
        owner = object.as_ref().and_then(controller);
    }
    Ok(Table {
        subject: format!("{} {name} and its owners", resource.kind),
        scope,
        columns: columns(&[("REASON", Role::Text)]),
        total: rows.len(),
        unhealthy: rows.iter().filter(|row| row.health.is_unhealthy()).count(),
        rows,
        sorted: true,
        complete: true,
        notes: found.note.into_iter().collect(),
        ..Table::default()
    })
}

/// What an object owns, down to the pods, each with its state; what is owned comes below its owner.
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
    let resource = cx.resolve(&kind).await?;
    let wanted = Wanted {
        again: Next::op("resources.children").arg("kind", &resource.kind),
        resource: &resource,
        namespace: namespace.as_deref(),
        name: &name,
    };
    let found = wanted.for_read(cx).await?;
    let family = down::read(cx, &resource, &found.object, found.namespace.as_deref()).await?;
    let mut notes: Vec<String> = found.note.into_iter().collect();
    notes.extend(family.notes);
    let mut rows = family.rows;
    explain(cx, &mut rows).await;
    Ok(Table {
        subject: format!("What {} {name} owns", resource.kind),
        scope: found.namespace.map_or(Scope::Cluster, Scope::Namespace),
        columns: columns(&[
            ("RESTARTS", Role::Number),
            ("OWNER", Role::Text),
            ("REASON", Role::Text),
        ]),
        total: rows.len(),
        unhealthy: rows.iter().filter(|row| row.health.is_unhealthy()).count(),
        rows,
        sorted: true,
        complete: family.complete,
        notes,
        ..Table::default()
    })
}

/// Adds to the worst pods, in REASON, what they suffer from, which cells do not tell. What cannot be read adds
/// nothing: the row stands without it.
async fn explain(cx: &Cx, rows: &mut [Row]) {
    const PODS: usize = 5;
    let client = cx.client();
    let (client, resource) = (&client, &builtin::pods());
    let unhealthy = rows
        .iter_mut()
        .filter(|row| row.id.kind == "Pod" && row.health.is_unhealthy());
    let reads = unhealthy.take(PODS).map(async |row| {
        let namespace = row.id.namespace.as_deref();
        let Ok(pod) = client.get(resource, namespace, &row.id.name).await else {
            return;
        };
        let verdict = status::of_object("", "Pod", &pod, Timestamp::now());
        // The last but one.
        if let Some(cell) = row.cells.iter_mut().rev().nth(1) {
            *cell = verdict.reason.into_owned();
        }
    });
    futures::future::join_all(reads).await;
}

fn columns(more: &[(&str, Role)]) -> Vec<Column> {
    let own = [
        ("KIND", Role::Text),
        ("NAME", Role::Name),
        ("READY", Role::Ready),
        ("STATUS", Role::Status),
    ];
    own.iter()
        .chain(more)
        .chain(&[("AGE", Role::Age)])
        .map(|&(header, role)| Column::new(header, role))
        .collect()
}

fn row(resource: &Resource, object: &Value) -> Row {
    let now = Timestamp::now();
    let verdict = status::of_object(&resource.group, &resource.kind, object, now);
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default().to_owned();
    let age = status::age_of(object, now);
    let ready = verdict.ready;
    Row {
        cells: vec![
            resource.kind.clone(),
            name.clone(),
            ready.map_or_else(String::new, |(ready, desired)| format!("{ready}/{desired}")),
            verdict.word.clone().into_owned(),
            verdict.reason.into_owned(),
            age.map_or_else(String::new, short_age),
        ],
        id: ObjectId {
            cluster: None,
            kind: resource.kind.clone(),
            namespace: metadata["namespace"].as_str().map(str::to_owned),
            name,
        },
        health: verdict.health,
        status: verdict.word.into_owned(),
        ready,
        age,
    }
}

/// An owner as an object names it.
struct Reference {
    api_version: String,
    kind: String,
    name: String,
}

/// The owner that manages the object, or else its first.
fn controller(object: &Value) -> Option<Reference> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let owner = owners
        .iter()
        .find(|owner| owner["controller"] == true)
        .or(owners.first())?;
    let text = |field: &str| owner[field].as_str().map(str::to_owned);
    Some(Reference {
        api_version: text("apiVersion")?,
        kind: text("kind")?,
        name: text("name")?,
    })
}

/// An owner's row; its object is none if it cannot be had, which the row says.
async fn look_up(cx: &Cx, owner: &Reference, namespace: Option<&str>) -> Result<(Row, Option<Value>), Error> {
    let kind = KindRef(format!("{}/{}", owner.api_version, owner.kind));
    let answer = match cx.resolve(&kind).await {
        Ok(resource) => {
            let namespace = namespace.filter(|_| resource.namespaced);
            let object = cx.client().get(&resource, namespace, &owner.name).await;
            object.map(|object| (row(&resource, &object), Some(object)))
        }
        Err(error) => Err(error),
    };
    let word = match answer {
        Ok(found) => return Ok(found),
        Err(error) if error.kind == ErrorKind::NotFound => "gone",
        Err(error) if error.kind == ErrorKind::Forbidden => "not allowed to read it",
        Err(error) => return Err(error),
    };
    let row = Row {
        id: ObjectId {
            cluster: None,
            kind: owner.kind.clone(),
            namespace: namespace.map(str::to_owned),
            name: owner.name.clone(),
        },
        health: Health::Degraded,
        status: word.to_owned(),
        cells: vec![
            owner.kind.clone(),
            owner.name.clone(),
            String::new(),
            word.to_owned(),
            String::new(),
            String::new(),
        ],
        ..Row::default()
    };
    Ok((row, None))
}
