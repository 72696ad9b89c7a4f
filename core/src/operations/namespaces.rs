//! Namespaces.

use super::{
    builtin,
    names::{name_table, names_of},
};
use crate::{
    call::{Cx, Result},
    operation,
    output::Table,
};

/// The names of the namespaces, for completion.
#[operation("namespaces.names", read, needs("list namespaces"))]
pub async fn names(
    cx: &Cx,
    /// Only names that start so.
    prefix: Option<String>,
) -> Result<Table> {
    let names = names_of(cx, &builtin::namespaces(), None).await?;
    Ok(name_table("Namespace", None, names, prefix.as_deref()))
}
