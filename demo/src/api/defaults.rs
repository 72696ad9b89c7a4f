//! What an object gets that its author left out.

use serde_json::Value;

use super::{kinds::Kind, server::Api};

/// Fills in what the API server does: defaults of the kind, and what admission adds.
pub(crate) fn fill(_api: &Api, _kind: &Kind, _object: &mut Value) {}
