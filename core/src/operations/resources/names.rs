//! `resources.names`.

use crate::operation;
use crate::{
    call::{Cx, KindRef, Result},
    cluster::Include,
    operations::{locate, selection::Selection},
    output::{Column, ObjectId, Role, Row, Scope, Table},
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
    let query = Selection::default().query();
    let bytes = cx
        .client()
        .table(&resource, namespace.as_deref(), &query, Include::None)
        .await?;
    let names = locate::names_in(&locate::parse(&bytes)?);
    Ok(name_table(&resource.kind, namespace, names, prefix.as_deref()))
}

/// A table of one column, as a completion reads it.
pub(in crate::operations) fn name_table(
    kind: &str,
    namespace: Option<String>,
    names: impl IntoIterator<Item = String>,
    prefix: Option<&str>,
) -> Table {
    let prefix = prefix.unwrap_or_default();
    let mut rows: Vec<Row> = names
        .into_iter()
        .filter(|name| name.starts_with(prefix))
        .map(|name| Row {
            id: ObjectId {
                cluster: None,
                kind: kind.to_owned(),
                namespace: namespace.clone(),
                name: name.clone(),
            },
            cells: vec![name],
            ..Row::default()
        })
        .collect();
    rows.sort_by(|a, b| a.id.name.cmp(&b.id.name));
    Table {
        subject: format!("Names of {kind}"),
        scope: namespace.map_or(Scope::Cluster, Scope::Namespace),
        columns: vec![Column::new("NAME", Role::Name)],
        total: rows.len(),
        rows,
        complete: true,
        ..Table::default()
    }
}
