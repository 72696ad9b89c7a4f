//! Calls that several operations suggest.

use crate::output::{Next, ObjectId, Table};

/// The call that tells more of an object. What describes an object starts with finding it, its state and its owners,
/// so this is how it is named: an operation is found in the tools that bind it, a composed one too.
pub(super) fn look_into(id: &ObjectId) -> Next {
    Next::op("resources.owners")
        .arg("kind", &id.kind)
        .arg("name", &id.name)
        .arg_if("namespace", id.namespace.as_deref())
}

/// A look into the first unhealthy row, if there is one.
pub(super) fn look_into_first(table: &Table) -> Option<Next> {
    let row = table.rows.iter().find(|row| row.health.is_unhealthy())?;
    Some(look_into(&row.id))
}

/// The list of more than one that found nothing: without what narrows it, else of all namespaces. `again` is the list
/// without namespace and filters.
pub(super) fn wider(again: Next, namespace: Option<&str>, is_narrowed: bool) -> Option<Next> {
    match (is_narrowed, namespace) {
        (true, namespace) => Some(again.arg_if("namespace", namespace)),
        (false, Some(_)) => Some(again),
        (false, None) => None,
    }
}
