//! Changes objects, or rehearses a change.

use http::{HeaderMap, Method};
use serde_json::{Value, json};

use super::{Client, JSON, Sent};
use crate::{
    Error,
    cluster::{Resource, query::Target},
};

/// A change to some fields of an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// Kubernetes' own, which knows merge keys; built-in kinds only.
    Strategic(Value),
}

/// What has to hold for a write to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The object is still the one that was looked at.
    pub uid: Option<String>,
    /// Nobody has changed it since.
    pub resource_version: Option<String>,
}

/// Who changes fields, in the API server's books.
const FIELD_MANAGER: &str = "kube-mcp";

impl Client {
    /// Changes some fields of an object; answers with the object as it is (or, rehearsed, would be) afterwards
    /// and the API server's warnings.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a precondition does not hold.
    pub async fn patch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Patch,
        preconditions: &Preconditions,
    ) -> Result<(Value, Vec<String>), Error> {
        let (content_type, body) = patch.with(preconditions)?;
        let target = self
            .change(self.object(resource, namespace, name)?)
            .with("fieldManager", FIELD_MANAGER)
            .with("fieldValidation", "Strict");
        let sent = Sent {
            content_type: Some(content_type),
            body: body.to_string().into(),
            ..Sent::of(resource)
        };
        let reply = self.exchange(Method::PATCH, &target, sent).await?;
        Ok((self.parse(&target, &reply.body)?, warnings(&reply.headers)))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a precondition does not hold.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        preconditions: &Preconditions,
    ) -> Result<Vec<String>, Error> {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
        let mut held = serde_json::Map::new();
        if let Some(uid) = &preconditions.uid {
            held.insert("uid".to_owned(), uid.as_str().into());
        }
        if let Some(version) = &preconditions.resource_version {
            held.insert("resourceVersion".to_owned(), version.as_str().into());
        }
        if !held.is_empty() {
            options["preconditions"] = held.into();
        }
        // With a body the API server does not look at the query: a dry run has to be asked for in both.
        if self.grant.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        let target = self.change(self.object(resource, namespace, name)?);
        let sent = Sent {
            content_type: Some(JSON),
            body: options.to_string().into(),
            ..Sent::of(resource)
        };
        let reply = self.exchange(Method::DELETE, &target, sent).await?;
        Ok(warnings(&reply.headers))
    }

    /// A target of a change: a dry run where nothing else was granted.
    fn change(&self, path: String) -> Target {
        Target::new(path).with_some("dryRun", self.grant.dry_run.then_some("All"))
    }
}

impl Patch {
    /// The content type, and the body with the preconditions in it.
    fn with(&self, preconditions: &Preconditions) -> Result<(&'static str, Value), Error> {
        let held = [
            ("uid", &preconditions.uid),
            ("resourceVersion", &preconditions.resource_version),
        ];
        let held = held
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let (content_type, patch) = match self {
            Self::Merge(patch) => ("application/merge-patch+json", patch),
            Self::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            Self::Json(patch) => {
                let Some(steps) = patch.as_array() else {
                    return Err(Error::invalid("a JSON patch is a list of operations"));
                };
                // Set and not tested: what was set to something else is a conflict, while a test that fails is
                // told as any other bad patch.
                let held = held.map(
                    |(key, value)| json!({"op": "add", "path": format!("/metadata/{key}"), "value": value}),
                );
                let steps: Vec<_> = steps.iter().cloned().chain(held).collect();
                return Ok(("application/json-patch+json", steps.into()));
            }
        };
        let mut patch = patch.clone();
        let Some(fields) = patch.as_object_mut() else {
            return Err(Error::invalid("a merge patch is an object"));
        };
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        let Some(metadata) = metadata.as_object_mut() else {
            return Err(Error::invalid("a patch's metadata is an object"));
        };
        for (key, value) in held {
            metadata.insert(key.to_owned(), value.as_str().into());
        }
        Ok((content_type, patch))
    }
}

/// The API server's warnings: `Warning: 299 - "…"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(http::header::WARNING)
        .iter()
        .filter_map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let quoted = text.split_once('"')?.1;
            let quoted = &quoted[..quoted.rfind('"').unwrap_or(quoted.len())];
            Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\"))
        })
        .collect()
}
