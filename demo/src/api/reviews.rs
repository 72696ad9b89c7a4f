//! Questions about rights: they are answered, not kept.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    access::User,
    decode,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::Meta as _,
    rbac::{self, Attributes},
    route::Target,
    server::Api,
    status::{Failure, Result},
};
use crate::clock::seconds;

/// Whether objects of a kind are such questions.
pub(crate) fn is_review(kind: &Kind) -> bool {
    kind.kind.ends_with("Review") && kind.group.ends_with(".k8s.io")
}

/// `POST` of a question.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, user) = (&target.kind, &asked.user);
    let spec = decode::body(asked, kind)?["spec"].take();
    let mut review = json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": {}});
    match &*kind.kind {
        "SelfSubjectReview" => {
            review["metadata"]["creationTimestamp"] = json!(seconds(api.clock.now()));
            review["status"] = json!({"userInfo": user.info()});
        }
        "SelfSubjectRulesReview" => {
            let grants = rbac::grants(api, user, spec.text("/namespace"));
            let rules = grants.iter().flat_map(|grant| grant.role.list("/rules"));
            let (resources, paths): (Vec<_>, Vec<_>) =
                rules.partition(|rule| rule.list("/nonResourceURLs").is_empty());
            review["spec"] = json!({});
            review["status"] =
                json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false});
        }
        _ => {
            let of = match &*kind.kind {
                "SubjectAccessReview" => &subject(&spec),
                _ => user,
            };
            review["status"] = match rbac::decide(api, of, &attributes(&spec)?) {
                (allowed, why) if why.is_empty() => json!({"allowed": allowed}),
                (allowed, why) => json!({"allowed": allowed, "reason": why}),
            };
            review["spec"] = spec;
        }
    }
    Ok(json_response(201, review.to_string().into()))
}

/// Whom it is asked about, if not oneself.
fn subject(spec: &Value) -> User {
    let groups = spec.list("/groups").iter().filter_map(Value::as_str);
    User {
        name: spec.text("/user").into(),
        groups: groups.map(str::to_owned).collect(),
        ..User::default()
    }
}

/// What is asked about: a resource, or a path that is none.
fn attributes(spec: &Value) -> Result<Attributes> {
    let (resource, path) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    let asked = match (resource.is_null(), path.is_null()) {
        (false, true) => resource,
        (true, false) => path,
        _ => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            return Err(Failure::bad_request(why));
        }
    };
    serde_json::from_value(asked.clone()).map_err(|error| Failure::bad_request(error.to_string()))
}
