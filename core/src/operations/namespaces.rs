//! Namespaces.

use super::{builtin, locate, resources::names::name_table};
use crate::operation;
use crate::{
    call::{Cx, Result},
    output::Table,
};

/// The names of the namespaces, for completion.
#[operation("namespaces.names", read, needs("list namespaces"))]
pub async fn names(
    cx: &Cx,
    /// Only names that start so.
    prefix: Option<String>,
) -> Result<Table> {
    let names = locate::names(cx, &builtin::namespaces(), None).await?;
    Ok(name_table("Namespace", None, names, prefix.as_deref()))
}
