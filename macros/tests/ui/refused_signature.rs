include!("core.rs");

use std::collections::HashMap;

use kube_mcp_macros::operation;

use crate::{
    call::{Cx, Result},
    output::Table,
};

/// Everything about it is told at once, and the function stays.
#[operation("things.list", read)]
pub fn list(_cx: &Cx, labels: HashMap<String, String>, name: &str) -> Table {
    let _ = (labels, name);
    Table
}

/// An access that there is not.
#[operation("things.get", reads)]
pub async fn get(_cx: &Cx) -> Result<Table> {
    Ok(Table)
}

fn main() {
    let _ = list(&Cx, HashMap::new(), "web");
    let _ = get(&Cx);
}
