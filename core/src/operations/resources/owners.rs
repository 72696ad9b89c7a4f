//! `resources.owners`.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Result},
    operation,
    operations::{
        locate,
        mixed::{self, Entry},
    },
    output::{ObjectId, Table},
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
    let found = locate::object(cx, "resources.owners", &kind, &name, namespace.as_deref()).await?;
    let entry = Entry::new(&found.resource, &found.object, Timestamp::now());
    let mut rows = vec![entry.row(false)];
    let mut owner = controller(&found.object).and_then(Reference::read);
    while let Some(reference) = owner.take().filter(|_| rows.len() <= GENERATIONS) {
        let (entry, object) = look_up(cx, reference, found.namespace()).await?;
        rows.push(entry.row(false));
        owner = object.as_ref().and_then(controller).and_then(Reference::read);
    }
    let subject = format!("{} {name} and its owners", found.resource.kind);
    Ok(Table {
        notes: found.note.clone().into_iter().collect(),
        ..Table::of(subject, found.scope(), mixed::columns(false, &[]), rows)
    })
}

/// The reference to the owner that manages an object, or else to its first.
pub(in crate::operations) fn controller(object: &Value) -> Option<&Value> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    let manager = owners.iter().find(|owner| owner["controller"] == true);
    manager.or(owners.first())
}

/// An owner as an object names it.
struct Reference {
    kind: KindRef,
    id: ObjectId,
}

impl Reference {
    fn read(owner: &Value) -> Option<Self> {
        let text = |field: &str| owner[field].as_str();
        let kind = text("kind")?;
        Some(Self {
            kind: KindRef(format!("{}/{kind}", text("apiVersion")?)),
            id: ObjectId {
                kind: kind.to_owned(),
                name: text("name")?.to_owned(),
                ..ObjectId::default()
            },
        })
    }
}

/// An owner; its object is none if it cannot be had, which its status says.
async fn look_up(
    cx: &Cx,
    owner: Reference,
    namespace: Option<&str>,
) -> Result<(Entry, Option<Value>), Error> {
    let answer = match cx.resolve(&owner.kind).await {
        Ok(resource) => {
            let namespace = namespace.filter(|_| resource.namespaced);
            let object = cx.client().get(&resource, namespace, &owner.id.name).await;
            object.map(|object| (Entry::new(&resource, &object, Timestamp::now()), Some(object)))
        }
        Err(error) => Err(error),
    };
    let why = match answer {
        Ok(found) => return Ok(found),
        Err(error) if error.kind == ErrorKind::NotFound => "gone",
        Err(error) if error.kind == ErrorKind::Forbidden => "not allowed to read it",
        Err(error) => return Err(error),
    };
    let id = ObjectId {
        namespace: namespace.map(str::to_owned),
        ..owner.id
    };
    Ok((Entry::unread(id, why), None))
}
