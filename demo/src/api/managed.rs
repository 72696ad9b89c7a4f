//! Who wrote which field (`metadata.managedFields`).

use serde_json::Value;

use super::{server::Api, write::Write};

/// Notes what a create or an update wrote.
pub(crate) fn note(_api: &Api, _how: &Write, _before: Option<&Value>, _object: &mut Value) {}
