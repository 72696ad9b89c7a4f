//! A folder as the scan finds it.

pub mod nested;

/// An operation of the folder itself.
#[operation("top.level", read)]
pub async fn top(cx: &Cx) -> Result<Table> {}
