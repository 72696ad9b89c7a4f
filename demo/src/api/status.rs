//! What the API says when it refuses: a `Status`, as the real one words it.

use serde_json::{Map, Value, json};

use super::kinds::{Kind, qualified};

/// The outcome of a request.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// A refusal: HTTP status, reason, message and details of a `Status` object.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    /// The HTTP status.
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    /// Boxed, so that an outcome is not large for the sake of its failures.
    details: Option<Box<Map<String, Value>>>,
}

/// One thing that is wrong with an object.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, `FieldValueNotSupported`, `FieldValueForbidden`, ….
    pub(crate) reason: &'static str,
    /// What, without the path.
    pub(crate) message: String,
    /// Where, as `spec.containers[0].image`.
    pub(crate) field: String,
}

impl Cause {
    fn new(reason: &'static str, field: &str, message: String) -> Self {
        Self {
            reason,
            message,
            field: field.into(),
        }
    }

    /// A value that is not allowed where it stands.
    pub(crate) fn invalid(field: &str, value: &Value, why: &str) -> Self {
        let message = format!("Invalid value: {value}: {why}");
        Self::new("FieldValueInvalid", field, message)
    }

    /// A value of another type.
    pub(crate) fn of_type(field: &str, found: &str, why: &str) -> Self {
        let message = format!("Invalid value: {found:?}: {why}");
        Self::new("FieldValueTypeInvalid", field, message)
    }

    /// Nothing where something must be.
    pub(crate) fn required(field: &str, why: &str) -> Self {
        let message = format!("Required value: {why}");
        let message = message.trim_end_matches(": ").to_owned();
        Self::new("FieldValueRequired", field, message)
    }

    /// What must not be there, or not be changed.
    pub(crate) fn forbidden(field: &str, why: &str) -> Self {
        Self::new("FieldValueForbidden", field, format!("Forbidden: {why}"))
    }

    /// None of the values that are known.
    pub(crate) fn unsupported(field: &str, value: &Value, known: &[String]) -> Self {
        let known = known.join(", ");
        let message = format!("Unsupported value: {value}: supported values: {known}");
        Self::new("FieldValueNotSupported", field, message)
    }

    /// What is there already.
    pub(crate) fn duplicate(field: &str, value: &Value) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {value}"))
    }

    /// What nothing is found under.
    pub(crate) fn unknown(field: &str, name: &str) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {name:?}"))
    }

    /// A text of more bytes than may be.
    pub(crate) fn too_long(field: &str, most: f64) -> Self {
        let message = format!("Too long: may not be more than {most} bytes");
        Self::new("FieldValueTooLong", field, message)
    }

    /// More items than may be.
    pub(crate) fn too_many(field: &str, count: f64, most: f64) -> Self {
        let message = format!("Too many: {count}: must have at most {most} items");
        Self::new("FieldValueTooMany", field, message)
    }
}

/// What tells that something was done that makes no object.
pub(crate) fn success(more: (&str, Value)) -> Value {
    let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"});
    status[more.0] = more.1;
    status
}

impl Failure {
    fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    fn about(self, kind: &Kind, name: &str) -> Self {
        self.about_one(&kind.group, &kind.plural, name)
    }

    fn about_one(mut self, group: &str, kind: &str, name: &str) -> Self {
        let details = self.details.get_or_insert_default();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.into(), value.into());
            }
        }
        self
    }

    /// 400: the request itself is wrong.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// 401: nobody we know.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, "Unauthorized", "Unauthorized")
    }

    /// 403, with the message as it is.
    pub(crate) fn forbidden(kind: &Kind, name: &str, why: &str) -> Self {
        Self::forbidden_to(&kind.group, &kind.plural, name, why)
    }

    /// 403 for a resource, whether it is served or not.
    pub(crate) fn forbidden_to(group: &str, plural: &str, name: &str, why: &str) -> Self {
        let resource = qualified(plural, group);
        let message = match name {
            "" => format!("{resource} is forbidden: {why}"),
            name => format!("{resource} {name:?} is forbidden: {why}"),
        };
        Self::new(403, "Forbidden", message).about_one(group, plural, name)
    }

    /// 403 for a path that is no resource.
    pub(crate) fn forbidden_path(user: &str, verb: &str, path: &str) -> Self {
        let message = format!("forbidden: User {user:?} cannot {verb} path {path:?}");
        Self::new(403, "Forbidden", message).about_one("", "", "")
    }

    /// 404 for an object.
    pub(crate) fn not_found(kind: &Kind, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{} {name:?} not found", kind.resource())).about(kind, name)
    }

    /// 404 for a path under which nothing is served.
    pub(crate) fn nothing_here() -> Self {
        Self::new(
            404,
            "NotFound",
            "the server could not find the requested resource",
        )
    }

    /// 405.
    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(405, "MethodNotAllowed", message).about_one("", "", "")
    }

    /// 409: it is there already.
    pub(crate) fn already_exists(kind: &Kind, name: &str) -> Self {
        let message = format!("{} {name:?} already exists", kind.resource());
        Self::new(409, "AlreadyExists", message).about(kind, name)
    }

    /// 409: what the request builds on is no longer so.
    pub(crate) fn conflict(kind: &Kind, name: &str, why: &str) -> Self {
        Self::conflict_of(&kind.group, &kind.plural, name, why)
    }

    /// 409 that names the kind, not the resource.
    pub(crate) fn conflict_of(group: &str, kind: &str, name: &str, why: &str) -> Self {
        let subject = qualified(kind, group);
        let message = format!("Operation cannot be fulfilled on {subject} {name:?}: {why}");
        Self::new(409, "Conflict", message).about_one(group, kind, name)
    }

    /// 409 of server-side apply: others own the fields. The causes are given as they are.
    pub(crate) fn owned_by_others(message: String, causes: Vec<Cause>) -> Self {
        Self::new(409, "Conflict", message).with_causes(causes)
    }

    /// 410: the resource version is older than what is kept.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    /// 406: no form that is spoken here.
    pub(crate) fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(406, "NotAcceptable", message)
    }

    /// 415: no content type that is read here.
    pub(crate) fn unsupported_media(message: impl Into<String>) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    /// 422: a patch cannot be done.
    pub(crate) fn rejected() -> Self {
        let message = "the server rejected our request due to an error in our request";
        Self::new(422, "Invalid", message).about_one("", "", "")
    }

    /// 422: the object breaks rules.
    pub(crate) fn invalid(kind: &Kind, name: &str, causes: Vec<Cause>) -> Self {
        Self::invalid_of(&kind.group, &kind.kind, name, causes)
    }

    /// 422 for what is no object that is kept.
    pub(crate) fn invalid_of(group: &str, kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let mut told: Vec<_> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        // What is wrong twice is told once.
        told.dedup();
        let told = match told.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        // The message and the details name the kind: not the resource, as elsewhere.
        let message = format!("{} {name:?} is invalid: {told}", qualified(kind, group));
        Self::new(422, "Invalid", message)
            .about_one(group, kind, name)
            .with_causes(causes)
    }

    /// 429: a disruption budget does not allow it.
    pub(crate) fn too_many_requests(message: impl Into<String>) -> Self {
        Self::new(429, "TooManyRequests", message)
    }

    /// 500 without a reason, as of an error that nobody foresaw.
    pub(crate) fn unexplained(message: impl Into<String>) -> Self {
        Self::new(500, "", message)
    }

    /// 501: there is nothing to connect to.
    pub(crate) fn simulated() -> Self {
        let message =
            "this cluster is a simulation: no container runs in it, so there is nothing to connect to";
        Self::new(501, "NotImplemented", message)
    }

    /// With causes in its details.
    pub(crate) fn with_causes(mut self, causes: Vec<Cause>) -> Self {
        let causes = causes.into_iter().map(|cause| match &*cause.field {
            "" => json!({"reason": cause.reason, "message": cause.message}),
            field => json!({"reason": cause.reason, "message": cause.message, "field": field}),
        });
        let details = self.details.get_or_insert_default();
        details.insert("causes".into(), causes.collect());
        self
    }

    /// Whether this is a 404 for an object.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code == 404
    }

    /// The `Status` object.
    pub(crate) fn to_status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = Value::Object((**details).clone());
        }
        status["code"] = self.code.into();
        status
    }
}
