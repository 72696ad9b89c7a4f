//! Asks the API server about rights and identity: what is posted changes nothing.

use http::Method;
use serde_json::{Value, json};

use super::{Client, JSON, Sent};
use crate::{
    Error,
    cluster::{Identity, RequestInfo, query::Target},
};

/// What the API server says of a right (`SubjectAccessReviewStatus`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decision {
    /// Whether it is allowed.
    pub(crate) allowed: bool,
    /// Why, in the authorizer's words; often empty for what is not.
    pub(crate) reason: String,
}

impl Client {
    /// A POST of one of the reviews that only read (`SelfSubjectReview`, `SelfSubjectAccessReview`, …).
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn review(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let target = Target::new(path);
        let sent = Sent {
            content_type: Some(JSON),
            body: body.to_string().into(),
            cluster_scoped: true,
            ..Sent::default()
        };
        let reply = self.exchange(Method::POST, &target, sent).await?;
        self.parse(&target, &reply.body)
    }

    /// Whether we may send such a request (`SelfSubjectAccessReview`). No namespace means all of them.
    ///
    /// # Errors
    /// As they come, explained.
    pub(crate) async fn may(&self, request: &RequestInfo) -> Result<Decision, Error> {
        let attributes = json!({
            "verb": request.verb,
            "group": request.group,
            "resource": request.resource,
            "subresource": request.subresource.as_deref().unwrap_or_default(),
            "namespace": request.namespace.as_deref().unwrap_or_default(),
            "name": request.name.as_deref().unwrap_or_default(),
        });
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let review = self
            .review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &body)
            .await?;
        let status = &review["status"];
        Ok(Decision {
            allowed: status["allowed"] == true,
            reason: status["reason"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Who the API server takes us for.
    pub(in crate::cluster) async fn identity(&self) -> Result<Identity, Error> {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let review = self
            .review("/apis/authentication.k8s.io/v1/selfsubjectreviews", &body)
            .await?;
        let user = &review["status"]["userInfo"];
        Ok(Identity {
            user: user["username"].as_str().unwrap_or_default().to_owned(),
            groups: user["groups"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|group| group.as_str().map(str::to_owned))
                .collect(),
        })
    }
}
