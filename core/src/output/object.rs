//! API objects: the answer of a get.

use serde_json::Value;

use super::{Next, ObjectId};

/// One or more API objects, or parts of them. Redaction and the removal of noise happen in the output stage,
/// which knows kind and path.
#[derive(Clone, Debug, Default)]
pub struct Object {
    /// The objects, each whole as the API server gave it.
    pub parts: Vec<Part>,
    /// Only these paths of each object, as they were asked for; all if empty.
    pub fields: Vec<String>,
    /// Remarks, e.g. that it was found in another namespace.
    pub notes: Vec<String>,
    /// Calls worth making next.
    pub next: Vec<Next>,
}

/// One API object.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// Its identity.
    pub id: ObjectId,
    /// Its API version, e.g. `apps/v1`.
    pub api_version: String,
    /// The object as the API server gave it.
    pub value: Value,
}
