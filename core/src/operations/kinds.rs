//! Kinds.

pub mod explain;
pub mod list;

use super::names::name_table;
use crate::{
    call::{Cx, Result},
    operation,
    output::Table,
};

/// The names of the kinds that the cluster serves, for completion: a kind that several groups have is told with
/// its group.
#[operation("kinds.names", read)]
pub async fn names(
    cx: &Cx,
    /// Only names that start so.
    prefix: Option<String>,
) -> Result<Table> {
    let resources = cx.resources().await?;
    let names = resources
        .iter()
        .filter(|resource| resource.can("get"))
        .map(|resource| {
            let twins = resources
                .iter()
                .filter(|other| other.kind == resource.kind)
                .count();
            if twins > 1 && !resource.group.is_empty() {
                format!("{}.{}", resource.kind, resource.group)
            } else {
                resource.kind.clone()
            }
        });
    Ok(name_table("Kind", None, names, prefix.as_deref()))
}
