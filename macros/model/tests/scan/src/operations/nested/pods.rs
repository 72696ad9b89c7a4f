//! A file in a folder in it.

/// Reads logs.
#[operation("pods.logs", read)]
pub async fn logs(cx: &Cx, kind: KindRef) -> Result<Lines> {}
