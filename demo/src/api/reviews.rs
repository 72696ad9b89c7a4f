//! Questions about users and rights: they are answered, not kept.

use std::sync::Arc;

use http::Response;
use serde_json::{Map, Value, json};

use super::{
    access::{self, User},
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::Meta as _,
    rbac::{self, Attributes},
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
    token::AUDIENCE,
};
use crate::clock::seconds;

/// Whether objects of a kind are such questions.
pub(crate) fn is_review(kind: &Kind) -> bool {
    kind.kind.ends_with("Review") && matches!(&*kind.group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// `POST` of a question.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    let mut review = asked.object()?;
    let spec = review["spec"].take();
    let mut meta = json!({});
    let status = match &*kind.kind {
        "SelfSubjectReview" => {
            meta["creationTimestamp"] = json!(seconds(api.clock.now()));
            json!({"userInfo": asked.user.info()})
        }
        "SelfSubjectRulesReview" => rules(api, &asked.user, &spec)?,
        "TokenReview" => token(api, &spec)?,
        "SelfSubjectAccessReview" => access(api, &asked.user, &spec)?,
        _ => {
            if let Some(namespace) = &target.namespace {
                meta["namespace"] = json!(namespace);
                if spec.text("/resourceAttributes/namespace") != namespace {
                    let given = &spec["resourceAttributes"]["namespace"];
                    return Err(invalid(
                        "spec.resourceAttributes.namespace",
                        given,
                        "must match metadata.namespace",
                    ));
                }
            }
            access(api, &subject(&spec)?, &spec)?
        }
    };
    let spec = match &*kind.kind {
        "SelfSubjectReview" => Value::Null,
        "SelfSubjectRulesReview" => json!({}),
        _ => spec,
    };
    let mut answer = json!({
        "kind": kind.kind, "apiVersion": kind.api_version(), "metadata": meta, "spec": spec, "status": status,
    });
    if spec.is_null()
        && let Some(answer) = answer.as_object_mut()
    {
        answer.remove("spec");
    }
    Ok(json_response(201, answer.to_string().into()))
}

/// 422, as reviews are refused: without a kind.
fn invalid(field: &str, value: &Value, why: &str) -> Failure {
    let cause = Cause {
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {value}: {why}"),
        field: field.into(),
    };
    Failure::invalid_of("authorization.k8s.io", "", "", vec![cause])
}

/// The user that a question is about.
fn subject(spec: &Value) -> Result<User> {
    let groups = spec.list("/groups").iter().filter_map(Value::as_str);
    let user = User {
        name: spec.text("/user").into(),
        groups: groups.map(str::to_owned).collect(),
        uid: spec.text("/uid").into(),
        extra: Map::new(),
    };
    match user.name.is_empty() && user.groups.is_empty() {
        true => Err(invalid(
            "spec.user",
            &json!(""),
            "at least one of user or group must be specified",
        )),
        false => Ok(user),
    }
}

/// Whether somebody may do something.
fn access(api: &Api, user: &User, spec: &Value) -> Result<Value> {
    let text = |of: &str, field: &str| spec[of][field].as_str().unwrap_or_default().to_owned();
    const RESOURCE: &str = "resourceAttributes";
    const PATH: &str = "nonResourceAttributes";
    let asked = match (spec[RESOURCE].is_object(), spec[PATH].is_object()) {
        (true, false) => Attributes {
            verb: text(RESOURCE, "verb"),
            group: text(RESOURCE, "group"),
            resource: text(RESOURCE, "resource"),
            subresource: text(RESOURCE, "subresource"),
            namespace: text(RESOURCE, "namespace"),
            name: text(RESOURCE, "name"),
            path: String::new(),
        },
        (false, true) => Attributes {
            verb: text(PATH, "verb"),
            path: text(PATH, "path"),
            ..Attributes::default()
        },
        (both, _) => {
            let (field, why) = match both {
                true => (PATH, "cannot be specified in combination with resourceAttributes"),
                false => (
                    RESOURCE,
                    "exactly one of nonResourceAttributes or resourceAttributes must be specified",
                ),
            };
            return Err(invalid(&format!("spec.{field}"), &Value::Null, why));
        }
    };
    let (allowed, why) = rbac::decide(api, user, &asked);
    let mut status = json!({"allowed": allowed});
    if !why.is_empty() {
        status["reason"] = json!(why);
    }
    Ok(status)
}

/// All that somebody may do in a namespace.
fn rules(api: &Api, user: &User, spec: &Value) -> Result<Value> {
    let namespace = spec.text("/namespace");
    if namespace.is_empty() {
        return Err(Failure::bad_request("no namespace on request"));
    }
    let (grants, errors) = rbac::grants(api, user, namespace);
    let (mut resources, mut paths) = (Vec::new(), Vec::new());
    for rule in grants.iter().flat_map(|grant| grant.role.list("/rules")) {
        match rule.list("/nonResourceURLs") {
            [] => resources.push(rule),
            _ => paths.push(rule),
        }
    }
    let mut status = json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
    if !errors.is_empty() {
        status["evaluationError"] = json!(rbac::joined(&errors));
    }
    Ok(status)
}

/// Whose token something is.
fn token(api: &Api, spec: &Value) -> Result<Value> {
    let token = spec.text("/token");
    if token.is_empty() {
        return Err(Failure::bad_request(
            "token is required for TokenReview in authentication",
        ));
    }
    let here = [json!(AUDIENCE)];
    let wanted = match spec.list("/audiences") {
        [] => &here[..],
        wanted => wanted,
    };
    let refused = |error: String| Ok(json!({"user": {}, "error": error}));
    let Some((user, audiences)) = access::bearer(api, token) else {
        return refused("invalid bearer token".into());
    };
    let common: Vec<&String> = audiences
        .iter()
        .filter(|audience| wanted.contains(&json!(audience)))
        .collect();
    match common.is_empty() {
        true => refused(format!(
            "[invalid bearer token, token audiences {audiences:?} is invalid for the target audiences {}]",
            json!(wanted)
        )),
        false => Ok(json!({"authenticated": true, "user": user.info(), "audiences": common})),
    }
}
