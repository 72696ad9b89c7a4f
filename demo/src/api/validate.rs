//! What an object must not be.

use serde_json::Value;

use super::{kinds::Kind, status::Result};

/// Checks an object, new or changed.
///
/// # Errors
/// 422 with a cause for each mistake.
pub(crate) fn object(_kind: &Kind, _object: &Value, _before: Option<&Value>) -> Result<()> {
    Ok(())
}
