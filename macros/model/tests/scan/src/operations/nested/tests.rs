//! Tests are not scanned.

/// Never found.
#[operation("pods.logs", read)]
pub async fn logs(cx: &Cx) -> Result<Lines> {}
