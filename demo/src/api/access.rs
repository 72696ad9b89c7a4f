//! Who asks.

use http::{HeaderMap, header::AUTHORIZATION};

use super::status::{Failure, Result};

/// The token of the administrator in the kubeconfig that the cluster gives out.
pub(crate) const ADMIN_TOKEN: &str = "kube-mcp-demo";

/// Who asks.
#[derive(Clone, Debug)]
pub(crate) struct User {
    /// As `system:serviceaccount:shop:web`.
    pub(crate) name: String,
    /// As `system:masters`.
    pub(crate) groups: Vec<String>,
}

impl User {
    /// The administrator, who may do everything.
    pub(crate) fn admin() -> Self {
        Self {
            name: "admin".into(),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        }
    }

    /// A part of the cluster itself.
    pub(crate) fn component(name: &str) -> Self {
        Self {
            name: format!("system:{name}"),
            groups: vec!["system:masters".into(), "system:authenticated".into()],
        }
    }
}

/// The user of a request.
///
/// # Errors
/// 401 for a token that nobody has.
pub(crate) fn user(headers: &HeaderMap) -> Result<User> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    match token {
        // kubectl sends no token where there is no TLS.
        None | Some(ADMIN_TOKEN) => Ok(User::admin()),
        _ => Err(Failure::unauthorized()),
    }
}
