include!("core.rs");

use kube_mcp_macros::operation;

use crate::{
    call::{Cx, Result},
    output::Table,
};

#[derive(Clone, Debug)]
pub struct Plain;

/// A type that derives neither `Choice` nor `Text`.
#[operation("things.list", read)]
pub async fn list(_cx: &Cx, kind: Option<Plain>) -> Result<Table> {
    let _ = kind;
    Ok(Table)
}

fn main() {}
