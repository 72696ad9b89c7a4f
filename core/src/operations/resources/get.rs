//! `resources.get`.

use crate::operation;
use crate::{
    call::{Cx, KindRef, Result},
    monitoring::status,
    operations::{lister::look_into, locate::Wanted},
    output::{Next, Object, Part},
};
use jiff::Timestamp;

/// One object of any kind. Without a namespace it is looked for in the context's, then in all others.
#[operation("resources.get", read, needs("get $kind"))]
pub async fn get(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<Object> {
    let resource = cx.resolve(&kind).await?;
    let wanted = Wanted {
        again: Next::op("resources.get").arg("kind", &resource.kind),
        resource: &resource,
        namespace: namespace.as_deref(),
        name: &name,
    };
    let found = wanted.for_read(cx).await?;
    let verdict = status::of_object(&resource.group, &resource.kind, &found.object, Timestamp::now());
    let id = wanted.id(found.namespace);
    Ok(Object {
        next: verdict
            .health
            .is_unhealthy()
            .then(|| look_into(&id))
            .into_iter()
            .collect(),
        parts: vec![Part {
            id,
            api_version: resource.api_version(),
            value: found.object,
        }],
        notes: found.note.into_iter().collect(),
        ..Object::default()
    })
}
