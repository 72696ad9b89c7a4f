//! Who asks.

use http::{HeaderMap, header::AUTHORIZATION};
use serde_json::{Map, Value, json};

use super::{
    rbac::{self, Attributes},
    server::Api,
    status::{Failure, Result},
};

/// The token of the administrator in the kubeconfig that the cluster gives out.
pub const ADMIN_TOKEN: &str = "simulated-admin";

/// The group of those who may do everything.
const MASTERS: &str = "system:masters";
/// The group of all whose name is known.
const AUTHENTICATED: &str = "system:authenticated";
/// Who gives no token, and the group of such.
const ANONYMOUS: &str = "system:anonymous";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Who asks.
#[derive(Clone, Debug, Default)]
pub(crate) struct User {
    /// As `system:serviceaccount:shop:web`.
    pub(crate) name: String,
    /// As `system:masters`.
    pub(crate) groups: Vec<String>,
    /// That of a service account; of others there is none.
    pub(crate) uid: String,
    /// What else is known: lists of texts.
    pub(crate) extra: Map<String, Value>,
}

impl User {
    /// Somebody of this name, in these groups.
    fn new(name: impl Into<String>, groups: &[&str]) -> Self {
        Self {
            name: name.into(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..Self::default()
        }
    }

    /// The administrator, who may do everything.
    pub(crate) fn admin() -> Self {
        Self::new("admin", &[MASTERS, AUTHENTICATED])
    }

    /// A service account.
    pub(crate) fn account(namespace: &str, name: &str) -> Self {
        let all = format!("system:serviceaccounts:{namespace}");
        Self::new(
            format!("system:serviceaccount:{namespace}:{name}"),
            &["system:serviceaccounts", &all, AUTHENTICATED],
        )
    }

    /// Whether it may do everything, whatever the roles say.
    pub(crate) fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }

    /// As reviews tell it (`UserInfo`).
    pub(crate) fn info(&self) -> Value {
        let mut info = json!({"username": self.name, "groups": self.groups});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
            info["extra"] = Value::Object(self.extra.clone());
        }
        info
    }
}

/// The user of a request: whose token it is, or who that one asks to be taken for.
///
/// # Errors
/// 401 for a token that nobody has; 403 for who may not act for the other.
pub(crate) fn user(api: &Api, headers: &HeaderMap) -> Result<User> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let user = match token {
        None => User::new(ANONYMOUS, &[UNAUTHENTICATED]),
        Some(ADMIN_TOKEN) => User::admin(),
        Some(token) => api.tokens.bearer(api, token).ok_or_else(Failure::unauthorized)?,
    };
    impersonated(api, user, headers)
}

/// The user that the `Impersonate-` headers name, if the one who asks may act for them.
fn impersonated(api: &Api, by: User, headers: &HeaderMap) -> Result<User> {
    let all = |name: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
    };
    let mut groups: Vec<String> = all("impersonate-group").map(str::to_owned).collect();
    let Some(name) = all("impersonate-user").next() else {
        return match groups.is_empty() {
            true => Ok(by),
            false => Err(Failure::bad_request(
                "requested groups without impersonating a user name",
            )),
        };
    };
    let may = |resource: &str, namespace: &str, name: &str| {
        let right = Attributes {
            verb: "impersonate".into(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
            ..Attributes::default()
        };
        rbac::authorize(api, &by, &right)
    };
    groups.iter().try_for_each(|group| may("groups", "", group))?;
    let account = name.strip_prefix("system:serviceaccount:");
    if let Some((namespace, account)) = account.and_then(|account| account.split_once(':')) {
        may("serviceaccounts", namespace, account)?;
        if groups.is_empty() {
            return Ok(User::account(namespace, account));
        }
    } else {
        may("users", "", name)?;
    }
    let known = match name {
        ANONYMOUS => UNAUTHENTICATED,
        _ => AUTHENTICATED,
    };
    if !groups.iter().any(|group| group == known) {
        groups.push(known.into());
    }
    Ok(User {
        name: name.into(),
        groups,
        ..User::default()
    })
}
