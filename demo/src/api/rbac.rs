//! Who may do what (RBAC).

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{
    access::User,
    object::{Meta as _, Object},
    route::{self, Parameters},
    server::Api,
    status::{Failure, Result},
    store::Key,
};

/// What somebody wants to do, as RBAC sees it: with a resource, or with a path that is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Attributes {
    /// As `list`; with a path as `get`.
    pub(crate) verb: String,
    /// The API group.
    pub(crate) group: String,
    /// The plural; empty if it is about a path.
    pub(crate) resource: String,
    /// As `log`.
    pub(crate) subresource: String,
    /// Empty for all, and for what is in none.
    pub(crate) namespace: String,
    /// Empty for all.
    pub(crate) name: String,
    /// Where it is about no resource.
    pub(crate) path: String,
}

impl Attributes {
    /// Those of a request. Whether there is such a resource plays no part.
    pub(crate) fn of(method: &Method, path: &str, parameters: &Parameters) -> Self {
        let parts = route::parts(path);
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", _, rest @ ..] if !rest.is_empty() => ("", rest),
            ["apis", group, _, rest @ ..] if !rest.is_empty() => (*group, rest),
            _ => {
                return Self {
                    verb: method.as_str().to_ascii_lowercase(),
                    path: path.to_owned(),
                    ..Self::default()
                };
            }
        };
        // A namespace is in itself.
        let (namespace, rest) = match rest {
            ["namespaces", namespace] | ["namespaces", namespace, "status" | "finalize", ..] => {
                (*namespace, rest)
            }
            ["namespaces", namespace, rest @ ..] => (*namespace, rest),
            rest => ("", rest),
        };
        let part = |at: usize| rest.get(at).copied().unwrap_or_default();
        let name = part(1);
        let verb = match method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if name.is_empty() => "deletecollection",
            "DELETE" => "delete",
            _ if !name.is_empty() => "get",
            _ if parameters.flag("watch") => "watch",
            _ => "list",
        };
        Self {
            verb: verb.into(),
            group: group.into(),
            resource: part(0).into(),
            subresource: part(2).into(),
            namespace: namespace.into(),
            name: name.into(),
            path: String::new(),
        }
    }

    /// As a rule names it: `pods/log`.
    pub(crate) fn resource(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }

    /// Whether a rule allows it.
    fn allowed_by(&self, rule: &Value) -> bool {
        let any = |list: &str, fits: &dyn Fn(&str) -> bool| {
            let mut list = rule.list(list).iter().filter_map(Value::as_str);
            list.any(|given| given == "*" || fits(given))
        };
        if !any("/verbs", &|verb| verb == self.verb) {
            return false;
        }
        if self.resource.is_empty() {
            return any("/nonResourceURLs", &|url| match url.strip_suffix('*') {
                Some(start) => self.path.starts_with(start),
                None => url == self.path,
            });
        }
        let (resource, names) = (self.resource(), rule.list("/resourceNames"));
        let of_any = format!("*/{}", self.subresource);
        any("/apiGroups", &|group| group == self.group)
            && any("/resources", &|given| given == resource || given == of_any)
            && (names.is_empty() || names.iter().any(|name| *name == *self.name))
    }
}

/// A role that is bound to a user.
pub(crate) struct Grant {
    /// The role.
    pub(crate) role: Arc<Object>,
    /// How it comes to the user: `ClusterRoleBinding "x" of ClusterRole "y" to User "z"`.
    pub(crate) told: String,
}

/// All roles that are bound to a user, everywhere and in a namespace.
pub(crate) fn grants(api: &Api, user: &User, namespace: &str) -> Vec<Grant> {
    const GROUP: &str = "rbac.authorization.k8s.io";
    let mut bindings = api.all(&format!("clusterrolebindings.{GROUP}"), None);
    if !namespace.is_empty() {
        bindings.extend(api.all(&format!("rolebindings.{GROUP}"), Some(namespace)));
    }
    let mut grants = Vec::new();
    for binding in bindings {
        let mut subjects = binding.list("/subjects").iter();
        let Some(subject) = subjects.find(|subject| is_meant(subject, &binding, user)) else {
            continue;
        };
        let (kind, name) = (binding.text("/roleRef/kind"), binding.text("/roleRef/name"));
        let place = if kind == "Role" { binding.namespace() } else { "" };
        let resource = format!("{}s.{GROUP}", kind.to_lowercase());
        let Some(role) = api.store.get(&Key::new(&resource, place, name)) else {
            continue;
        };
        let qualified = |name: &str, namespace: &str| match namespace {
            "" => name.to_owned(),
            namespace => format!("{name}/{namespace}"),
        };
        let told = format!(
            "{} {:?} of {kind} {name:?} to {} {:?}",
            binding.text("/kind"),
            qualified(binding.name(), binding.namespace()),
            subject.text("/kind"),
            qualified(subject.text("/name"), subject.text("/namespace")),
        );
        grants.push(Grant { role, told });
    }
    grants
}

/// Whether a subject of a binding is this user.
fn is_meant(subject: &Value, binding: &Value, user: &User) -> bool {
    let name = subject.text("/name");
    match subject.text("/kind") {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let namespace = match subject.text("/namespace") {
                "" => binding.namespace(),
                namespace => namespace,
            };
            user.name == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

/// Whether a user may do something, and by what grant.
pub(crate) fn decide(api: &Api, user: &User, asked: &Attributes) -> (bool, String) {
    if user.is_master() {
        return (true, String::new());
    }
    let grants = grants(api, user, &asked.namespace);
    let allows = |grant: &&Grant| {
        let mut rules = grant.role.list("/rules").iter();
        rules.any(|rule| asked.allowed_by(rule))
    };
    let grant = grants.iter().find(allows);
    let why = grant.map(|grant| format!("RBAC: allowed by {}", grant.told));
    (why.is_some(), why.unwrap_or_default())
}

/// Lets a request pass, or not.
///
/// # Errors
/// 403, as the real one words it.
pub(crate) fn authorize(api: &Api, user: &User, asked: &Attributes) -> Result<()> {
    if decide(api, user, asked).0 {
        return Ok(());
    }
    if asked.resource.is_empty() {
        return Err(Failure::forbidden_path(&user.name, &asked.verb, &asked.path));
    }
    let place = match asked.namespace.as_str() {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let (name, verb, resource, group) = (&user.name, &asked.verb, asked.resource(), &asked.group);
    let why = format!("User {name:?} cannot {verb} resource {resource:?} in API group {group:?} {place}");
    Err(Failure::forbidden_to(group, &asked.resource, &asked.name, &why))
}
