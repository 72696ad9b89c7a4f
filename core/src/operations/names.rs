//! Names: which there are, and what is said where one is not among them.

use serde_json::Value;

use super::{builtin, selection::Selection};
use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{Cell, Include, Resource, TableView},
    nearest::nearest,
    output::{Column, Next, ObjectId, Role, Row, Scope, Table},
};

/// How many names a sentence lists.
const NAMED: usize = 5;

/// The name of an object.
pub(super) fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The names of all objects of a kind.
pub(super) async fn names_of(
    cx: &Cx,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Vec<String>, Error> {
    let query = Selection::default().query();
    let bytes = cx
        .client()
        .table(resource, namespace, &query, Include::None)
        .await?;
    let table = TableView::read(&bytes)?;
    let at = table.name_column();
    let cells = table.rows.iter().filter_map(|row| row.cells.get(at));
    Ok(cells
        .filter_map(|cell| match cell {
            Cell::Text(name) => Some(name.clone().into_owned()),
            _ => None,
        })
        .collect())
}

/// A few names, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}

/// A namespace that does not exist has no objects; that is no answer to what was asked. `again` is the call, without
/// its namespace.
///
/// # Errors
/// If it does not exist. Whether it does may not be ours to see: that is no error.
pub(super) async fn check_namespace(cx: &Cx, namespace: Option<&str>, again: Next) -> Result<(), Error> {
    match namespace {
        Some(namespace) => check(cx, &builtin::namespaces(), namespace, again).await,
        None => Ok(()),
    }
}

/// The same of whatever holds objects, a node say; `again` is the call without it.
pub(super) async fn check(cx: &Cx, holder: &Resource, name: &str, again: Next) -> Result<(), Error> {
    match cx.client().get(holder, None, name).await {
        Err(error) if error.kind == ErrorKind::NotFound => {}
        _ => return Ok(()),
    }
    let names = names_of(cx, holder, None).await.unwrap_or_default();
    let near = nearest(name, names.iter().map(String::as_str));
    let hint = match near {
        Some(near) => format!("; nearest: {near}"),
        None if names.is_empty() => String::new(),
        None => format!("; {}: {}", holder.plural, listed(&names)),
    };
    let next = match near {
        Some(near) => again.arg(holder.singular.clone(), near),
        None => Next::op("resources.list").arg("kind", &holder.kind),
    };
    Err(Error::not_found(format!("there is no {} {name}{hint}", holder.singular)).next(next))
}

/// A table of one column, as a completion reads it.
pub(super) fn name_table(
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
    let scope = namespace.map_or(Scope::Cluster, Scope::Namespace);
    let columns = vec![Column::new("NAME", Role::Name)];
    Table::of(format!("Names of {kind}"), scope, columns, rows)
}
