//! `resources.get`.

use crate::{
    call::{Cx, KindRef, Result},
    operation,
    operations::{locate, next::look_into},
    output::{Object, Part},
};

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
    let found = locate::object(cx, "resources.get", &kind, &name, namespace.as_deref()).await?;
    let is_unhealthy = found.verdict().health.is_unhealthy();
    Ok(Object {
        next: is_unhealthy.then(|| look_into(&found.id)).into_iter().collect(),
        parts: vec![Part {
            id: found.id,
            api_version: found.resource.api_version(),
            value: found.object,
        }],
        notes: found.note.into_iter().collect(),
        ..Object::default()
    })
}
