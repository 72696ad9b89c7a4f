//! Who asks.

use http::{HeaderMap, HeaderName, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{
    rbac::{self, Attributes},
    server::Api,
    status::{Failure, Result},
    token::AUDIENCE,
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
/// The API group of what users are known by.
const AUTHENTICATION: &str = "authentication.k8s.io";

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
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            info["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            info["extra"] = Value::Object(self.extra.clone());
        }
        info
    }
}

/// The user of a request: whose token it is, or who that one asks to be taken for.
///
/// # Errors
/// 401 for a token that nobody has; 403 for who may not act for the other.
pub(crate) fn user(api: &Api, headers: &HeaderMap, asked: &Attributes) -> Result<User> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let user = match token {
        None => User::new(ANONYMOUS, &[UNAUTHENTICATED]),
        Some(token) => match bearer(api, token) {
            Some((user, audiences)) if audiences.iter().any(|audience| audience == AUDIENCE) => user,
            _ => return Err(Failure::unauthorized()),
        },
    };
    impersonated(api, user, headers, asked)
}

/// Whose token it is, and for whom it is meant.
pub(crate) fn bearer(api: &Api, token: &str) -> Option<(User, Vec<String>)> {
    match token {
        ADMIN_TOKEN => Some((User::admin(), vec![AUDIENCE.into()])),
        token => api.tokens.bearer(api, token),
    }
}

/// The user that the `Impersonate-` headers name, if the one who asks may act for them.
fn impersonated(api: &Api, by: User, headers: &HeaderMap, asked: &Attributes) -> Result<User> {
    let all = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        values
            .filter_map(|value| Some(value.to_str().ok()?.to_owned()))
            .collect()
    };
    let one = |name| all(name).into_iter().next().unwrap_or_default();
    let (name, uid, groups) = (
        one("impersonate-user"),
        one("impersonate-uid"),
        all("impersonate-group"),
    );
    let mut extra = Map::new();
    for header in headers.keys().map(HeaderName::as_str) {
        if let Some(key) = header.strip_prefix("impersonate-extra-") {
            let key = percent_decode_str(key).decode_utf8_lossy().into_owned();
            extra.insert(key, json!(all(header)));
        }
    }
    if name.is_empty() {
        if groups.is_empty() && uid.is_empty() && extra.is_empty() {
            return Ok(by);
        }
        let groups = match groups.is_empty() {
            true => "(nil)".into(),
            false => format!("{groups:?}").replace('[', "{").replace(']', "}"),
        };
        return Err(Failure::bad_request(format!(
            "requested &user.DefaultInfo{{Name:\"\", UID:{uid:?}, Groups:[]string{groups}, \
             Extra:map[string][]string(nil)}} without impersonating a user name"
        )));
    }
    let account = name
        .strip_prefix("system:serviceaccount:")
        .and_then(|account| account.split_once(':'));
    // A real one asks first for the newer rights, one a verb, and tells of those when it refuses.
    let (mut user, mode, right) = match account {
        Some((namespace, account)) => {
            let right = ("", "serviceaccounts", "", namespace, account);
            (User::account(namespace, account), "serviceaccount", right)
        }
        None => {
            let is_node = name.starts_with("system:node:");
            let mode = if is_node { "arbitrary-node" } else { "user-info" };
            (User::new(&*name, &[]), mode, ("", "users", "", "", &*name))
        }
    };
    let mut rights = vec![right];
    rights.extend(groups.iter().map(|group| ("", "groups", "", "", &**group)));
    if !uid.is_empty() {
        rights.push((AUTHENTICATION, "uids", "", "", &uid));
    }
    for (key, values) in &extra {
        let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
        rights.extend(values.map(|value| (AUTHENTICATION, "userextras", &**key, "", value)));
    }
    for (group, resource, subresource, namespace, name) in rights {
        let right = Attributes::new("impersonate", group, (resource, subresource), namespace, name);
        rbac::authorize(api, &by, &right).map_err(|_| {
            let mut asked = asked.clone();
            asked.verb = format!("impersonate-on:{mode}:{}", asked.verb);
            rbac::denied(&by, &asked, "")
        })?;
    }
    if account.is_none() || !groups.is_empty() {
        user.groups = groups;
        let known = match &*name {
            ANONYMOUS => UNAUTHENTICATED,
            _ => AUTHENTICATED,
        };
        if !user.groups.iter().any(|group| group == known) {
            user.groups.push(known.into());
        }
    }
    Ok(User { uid, extra, ..user })
}
