//! What a request asks for, read from its method and path as the API server reads it (its RequestInfo resolver).

use std::{borrow::Cow, fmt};

use http::{Method, Uri};
use percent_encoding::percent_decode_str;

use crate::call::Access;

/// What a request asks for, in RBAC's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RequestInfo {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; for a path that is no
    /// resource the HTTP method in lower case.
    pub(crate) verb: String,
    /// Whether it is about a resource at all.
    pub(crate) is_resource: bool,
    /// API group, empty for the core group.
    pub(crate) group: String,
    /// API version.
    pub(crate) version: String,
    /// Plural name of the resource.
    pub(crate) resource: String,
    /// Subresource, e.g. `exec`.
    pub(crate) subresource: Option<String>,
    /// Namespace.
    pub(crate) namespace: Option<String>,
    /// Name of the object.
    pub(crate) name: Option<String>,
    /// The decoded path.
    pub(crate) path: String,
}

/// A path that cannot be read with certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

/// Subresources that run code in, or open a way into, a workload, whatever the HTTP verb.
const EXEC: [&str; 5] = ["exec", "attach", "portforward", "proxy", "ephemeralcontainers"];

/// The reviews about ourselves, which read although they are created: group and plural.
const SELF_REVIEWS: [(&str, &str); 3] = [
    ("authentication.k8s.io", "selfsubjectreviews"),
    ("authorization.k8s.io", "selfsubjectaccessreviews"),
    ("authorization.k8s.io", "selfsubjectrulesreviews"),
];

impl RequestInfo {
    /// Reads a request.
    ///
    /// # Errors
    /// If the path could mean one thing here and another there: empty, `.` or `..` segments, encoded slashes, what
    /// is not UTF-8, or a control character.
    pub(crate) fn read(method: &Method, uri: &Uri) -> Result<Self, Unclear> {
        let path = uri.path();
        let mut segments = Vec::new();
        for segment in path.strip_prefix('/').ok_or(Unclear)?.split('/') {
            let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| Unclear)?;
            if decoded.contains(['/', '\\', '%']) || decoded.contains(char::is_control) {
                return Err(Unclear);
            }
            segments.push(decoded);
        }
        // One slash at the end means nothing: `/api/`.
        if segments.last().is_some_and(|last| last.is_empty()) {
            segments.pop();
        }
        if segments.iter().any(|s| s.is_empty() || s == "." || s == "..") {
            return Err(Unclear);
        }
        let mut info = Self {
            verb: method.as_str().to_ascii_lowercase(),
            path: format!("/{}", segments.join("/")),
            ..Self::default()
        };
        info.read_resource(method, uri, &segments);
        Ok(info)
    }

    fn read_resource(&mut self, method: &Method, uri: &Uri, segments: &[Cow<'_, str>]) {
        let rest = match segments {
            [root, version, rest @ ..] if root == "api" && !rest.is_empty() => {
                self.version = version.to_string();
                rest
            }
            [root, group, version, rest @ ..] if root == "apis" && !rest.is_empty() => {
                self.group = group.to_string();
                self.version = version.to_string();
                rest
            }
            _ => return,
        };
        self.is_resource = true;
        self.verb = match *method {
            Method::GET | Method::HEAD => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "",
        }
        .to_owned();
        // Old paths put these before everything else.
        let rest = match rest {
            [special, rest @ ..] if (special == "proxy" || special == "watch") && !rest.is_empty() => {
                self.verb = special.to_string();
                rest
            }
            rest => rest,
        };
        match rest {
            // The namespace itself, or a subresource of it.
            [namespaces, name] if namespaces == "namespaces" => self.namespace_itself(name, None),
            [namespaces, name, sub]
                if namespaces == "namespaces" && (sub == "status" || sub == "finalize") =>
            {
                self.namespace_itself(name, Some(sub));
            }
            [namespaces, namespace, rest @ ..] if namespaces == "namespaces" => {
                self.namespace = Some(namespace.to_string());
                self.object(rest);
            }
            rest => self.object(rest),
        }
        if self.name.is_none() {
            let watches = uri.query().is_some_and(|query| {
                query
                    .split('&')
                    .any(|pair| matches!(pair.split_once('='), Some(("watch", value)) if value != "0" && value != "false"))
            });
            self.verb = match self.verb.as_str() {
                "get" if watches => "watch".to_owned(),
                "get" => "list".to_owned(),
                "delete" => "deletecollection".to_owned(),
                verb => verb.to_owned(),
            };
        }
    }

    fn namespace_itself(&mut self, name: &str, sub: Option<&Cow<'_, str>>) {
        self.resource = "namespaces".to_owned();
        self.namespace = Some(name.to_owned());
        self.name = Some(name.to_owned());
        self.subresource = sub.map(ToString::to_string);
    }

    fn object(&mut self, path: &[Cow<'_, str>]) {
        let mut path = path.iter().map(ToString::to_string);
        self.resource = path.next().unwrap_or_default();
        self.name = path.next();
        self.subresource = path.next();
    }

    /// How much access the request needs.
    pub(crate) fn access(&self) -> Access {
        if self.verb == "proxy" || self.subresource.as_deref().is_some_and(|sub| EXEC.contains(&sub)) {
            return Access::Exec;
        }
        match self.verb.as_str() {
            "get" | "head" | "list" | "watch" => Access::Read,
            "create" if self.is_self_review() => Access::Read,
            "create" | "update" | "patch" => Access::Write,
            "delete" | "deletecollection" => Access::Destructive,
            // Whatever else there may be: what is not known is taken for the worst.
            _ => Access::Exec,
        }
    }

    /// Whether it asks who we are, or what we may do.
    pub(crate) fn is_self_review(&self) -> bool {
        self.verb == "create"
            && self.subresource.is_none()
            && self.name.is_none()
            && SELF_REVIEWS.contains(&(self.group.as_str(), self.resource.as_str()))
    }

    /// The resource as RBAC and kubectl write it: `pods`, `pods/exec`, `deployments.apps/scale`.
    pub(crate) fn qualified(&self) -> String {
        let mut text = self.resource.clone();
        if !self.group.is_empty() {
            text.push('.');
            text.push_str(&self.group);
        }
        if let Some(sub) = &self.subresource {
            text.push('/');
            text.push_str(sub);
        }
        text
    }
}

impl fmt::Display for RequestInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.is_resource {
            return write!(f, "{} {}", self.verb, self.path);
        }
        write!(f, "{} {}", self.verb, self.qualified())?;
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        if let Some(namespace) = self.namespace.as_ref().filter(|_| self.resource != "namespaces") {
            write!(f, " in namespace {namespace}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
