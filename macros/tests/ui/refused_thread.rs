include!("core.rs");

use std::rc::Rc;

use kube_mcp_macros::operation;

use crate::{
    call::{Cx, Result},
    output::Table,
};

/// What is held over an await keeps the call on one thread.
#[operation("things.list", read)]
pub async fn list(_cx: &Cx) -> Result<Table> {
    let held = Rc::new(());
    std::future::ready(()).await;
    drop(held);
    Ok(Table)
}

fn main() {}
