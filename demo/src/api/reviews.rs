//! Questions about users and rights: they are answered, not kept.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    access::{self, User},
    decode,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::{Meta as _, map_at},
    rbac::{self, Attributes},
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
    token::AUDIENCE,
};
use crate::clock::seconds;

const RESOURCE: &str = "spec.resourceAttributes";
const PATH: &str = "spec.nonResourceAttributes";

/// Whether objects of a kind are such questions.
pub(crate) fn is_review(kind: &Kind) -> bool {
    kind.kind.ends_with("Review") && kind.group.ends_with(".k8s.io")
}

/// `POST` of a question.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, user) = (&target.kind, &asked.user);
    let spec = decode::body(asked, kind)?["spec"].take();
    let mut review =
        json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": {}, "spec": spec});
    review["status"] = match &*kind.kind {
        "SelfSubjectReview" => {
            map_at(&mut review, "metadata")
                .insert("creationTimestamp".into(), json!(seconds(api.clock.now())));
            json!({"userInfo": user.info()})
        }
        "SelfSubjectRulesReview" => rules(api, user, spec.text("/namespace"))?,
        "TokenReview" => token(api, &spec)?,
        "SelfSubjectAccessReview" => access(api, user, &spec, vec![])?,
        _ => {
            let (given, mut causes) = (&spec["resourceAttributes"]["namespace"], Vec::new());
            if let Some(namespace) = &target.namespace {
                review["metadata"]["namespace"] = json!(namespace);
                if given != namespace {
                    let field = format!("{RESOURCE}.namespace");
                    causes.push(Cause::invalid(&field, given, "must match metadata.namespace"));
                }
            }
            let groups = spec
                .list("/groups")
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned);
            let subject = User {
                name: spec.text("/user").into(),
                groups: groups.collect(),
                ..User::default()
            };
            if subject.name.is_empty() && subject.groups.is_empty() {
                let why = "at least one of user or group must be specified";
                causes.push(Cause::invalid("spec.user", &json!(""), why));
            }
            access(api, &subject, &spec, causes)?
        }
    };
    match &*kind.kind {
        "SelfSubjectReview" => drop(review.as_object_mut().and_then(|review| review.remove("spec"))),
        "SelfSubjectRulesReview" => review["spec"] = json!({}),
        _ => {}
    }
    Ok(json_response(201, review.to_string().into()))
}

/// Whether somebody may do something, if nothing is wrong with the question.
fn access(api: &Api, user: &User, spec: &Value, mut causes: Vec<Cause>) -> Result<Value> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    match (resource.is_null(), path.is_null()) {
        (true, true) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            causes.insert(0, Cause::invalid(RESOURCE, &Value::Null, why));
        }
        (false, false) => {
            let path = json!({"Path": path.text("/path"), "Verb": path.text("/verb")});
            causes.insert(
                0,
                Cause::invalid(
                    PATH,
                    &path,
                    "cannot be specified in combination with resourceAttributes",
                ),
            );
        }
        _ => {}
    }
    if !causes.is_empty() {
        return Err(Failure::invalid_of("authorization.k8s.io", "", "", causes));
    }
    let asked = if path.is_null() { resource } else { path };
    let asked: Attributes =
        serde_json::from_value(asked.clone()).map_err(|error| Failure::bad_request(error.to_string()))?;
    Ok(match rbac::decide(api, user, &asked) {
        (allowed, why) if why.is_empty() => json!({"allowed": allowed}),
        (allowed, why) => json!({"allowed": allowed, "reason": why}),
    })
}

/// All that somebody may do in a namespace.
fn rules(api: &Api, user: &User, namespace: &str) -> Result<Value> {
    if namespace.is_empty() {
        return Err(Failure::bad_request("no namespace on request"));
    }
    let (grants, errors) = rbac::grants(api, user, namespace);
    let rules = grants.iter().flat_map(|grant| grant.role.list("/rules"));
    let (resources, paths): (Vec<_>, Vec<_>) =
        rules.partition(|rule| rule.list("/nonResourceURLs").is_empty());
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
    let Some((user, audiences)) = access::bearer(api, token) else {
        return Ok(json!({"user": {}, "error": "invalid bearer token"}));
    };
    let here = [json!(AUDIENCE)];
    let wanted = match spec.list("/audiences") {
        [] => &here,
        wanted => wanted,
    };
    let common: Vec<_> = audiences
        .iter()
        .filter(|audience| wanted.contains(&json!(audience)))
        .collect();
    if common.is_empty() {
        let error = format!(
            "[invalid bearer token, token audiences {audiences:?} is invalid for the target audiences {}]",
            json!(wanted)
        );
        return Ok(json!({"user": {}, "error": error}));
    }
    Ok(json!({"authenticated": true, "user": user.info(), "audiences": common}))
}
