//! What is served, told to clients.

use serde_json::{Value, json};

use super::server::Api;

/// The answer to a path that is not about objects; `None` if nothing is there.
pub(crate) fn answer(_api: &Api, path: &str) -> Option<Value> {
    match path {
        "/version" => Some(
            json!({"major": "1", "minor": "36", "gitVersion": "v1.36.2+kube-mcp-demo", "platform": "simulation/demo"}),
        ),
        _ => None,
    }
}
