//! `resources.names`.

use crate::{
    call::{Cx, KindRef, Result},
    operation,
    operations::names::{name_table, names_of},
    output::Table,
};

/// The names of a kind's objects, for completion.
#[operation("resources.names", read, needs("list $kind"))]
pub async fn names(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The context's if left out; `_` for a cluster-scoped kind.
    namespace: Option<String>,
    /// Only names that start so.
    prefix: Option<String>,
) -> Result<Table> {
    let resource = cx.resolve(&kind).await?;
    let namespace = resource
        .namespaced
        .then(|| namespace.filter(|namespace| namespace != "_"))
        .map(|namespace| namespace.unwrap_or_else(|| cx.default_namespace().to_owned()));
    let names = names_of(cx, &resource, namespace.as_deref()).await?;
    Ok(name_table(&resource.kind, namespace, names, prefix.as_deref()))
}
