//! The stories that a cluster can have behind it, played in it from its first day to now.
//!
//! A story is a timeline: manifests that are applied at a time before now, by somebody. Everything else (ages, restarts,
//! events, revisions) comes about as on a real cluster, while its time is moved on.

use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    Cluster,
    api::{access::ADMIN_TOKEN, object::Meta as _},
};

/// The files of `story/` by name.
macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../story/", $name)))),*]
    };
}

const FILES: &[(&str, &str)] = files!["empty.yaml", "timeline.yaml"];

/// What a cluster has behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// A small shop over three namespaces, in which eight things are wrong.
    Shop,
    /// One node, and nothing that was not there from the beginning.
    Empty,
}

/// Why a story could not be told: it is ours, so this is a bug.
#[derive(Debug)]
pub struct StoryError(String);

impl std::fmt::Display for StoryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the story of the embedded cluster cannot be told: {}", self.0)
    }
}

impl std::error::Error for StoryError {}

/// What happens at one time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// How long before now, as `3d 4h` or `42m`.
    ago: SignedDuration,
    /// The files whose manifests are applied.
    #[serde(default)]
    apply: Vec<String>,
    /// The files whose manifests' status is applied: what a part of the cluster that is not simulated finds out.
    #[serde(default)]
    status: Vec<String>,
    /// Who does it: the field manager.
    #[serde(default = "kubectl")]
    by: String,
}

fn kubectl() -> String {
    "kubectl".to_owned()
}

impl Story {
    /// A cluster that has this behind it, in which it is now and time stands still.
    ///
    /// # Errors
    /// If the API server refuses one of its manifests.
    pub fn tell(self, now: Timestamp) -> Result<Cluster, StoryError> {
        let timeline = match self {
            Self::Shop => "timeline.yaml",
            Self::Empty => "empty.yaml",
        };
        let mut steps: Vec<Step> = read(timeline)?;
        steps.sort_by_key(|step| std::cmp::Reverse(step.ago));
        let mut at = now - steps.first().map_or(SignedDuration::ZERO, |step| step.ago);
        let cluster = Cluster::new(at);
        for step in steps {
            let then = now - step.ago;
            cluster.advance(then.duration_since(at).unsigned_abs());
            at = then;
            for file in &step.apply {
                apply(&cluster, file, None, &step.by)?;
            }
            for file in &step.status {
                apply(&cluster, file, Some("status"), &step.by)?;
            }
        }
        cluster.advance(now.duration_since(at).unsigned_abs());
        Ok(cluster)
    }
}

/// A file of `story/`.
fn text(file: &str) -> Result<&'static str, StoryError> {
    let found = FILES.iter().find(|(name, _)| *name == file);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| StoryError(format!("there is no {file}")))
}

fn read<T: serde::de::DeserializeOwned>(file: &str) -> Result<T, StoryError> {
    serde_yaml::from_str(text(file)?).map_err(|error| StoryError(format!("{file}: {error}")))
}

/// Applies the manifests of a file as `kubectl apply --server-side` does.
fn apply(cluster: &Cluster, file: &str, subresource: Option<&str>, by: &str) -> Result<(), StoryError> {
    let manifests: Vec<Value> =
        serde_yaml::from_multiple(text(file)?).map_err(|error| StoryError(format!("{file}: {error}")))?;
    for manifest in manifests {
        let (kind, name) = (manifest.text("/kind"), manifest.name());
        let wrong = |what: String| StoryError(format!("{file}: {kind} {name}: {what}"));
        let path = path_of(cluster, &manifest).ok_or_else(|| wrong("no such kind is served".to_owned()))?;
        let under = subresource.map(|name| format!("/{name}")).unwrap_or_default();
        let request = Request::builder()
            .method(Method::PATCH)
            .uri(format!("{path}{under}?fieldManager={by}&force=true"))
            .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
            .header(header::CONTENT_TYPE, "application/apply-patch+yaml")
            .body(Bytes::from(manifest.to_string()))
            .map_err(|error| wrong(error.to_string()))?;
        let answered = cluster
            .respond(request)
            .now_or_never()
            .ok_or_else(|| wrong("no answer".to_owned()))?;
        if !answered.status().is_success() {
            let body = answered.into_body().collect().now_or_never();
            let body = body.and_then(Result::ok).unwrap_or_default().to_bytes();
            let status: Value = serde_json::from_slice(&body).unwrap_or_default();
            return Err(wrong(status.text("/message").to_owned()));
        }
    }
    Ok(())
}

/// Where an object is served; `None` if its kind is not.
fn path_of(cluster: &Cluster, manifest: &Value) -> Option<String> {
    let kinds = cluster.api().kinds();
    let kind = kinds.of(manifest.text("/apiVersion"), manifest.text("/kind"))?;
    let root = if kind.group.is_empty() { "api" } else { "apis" };
    let place = match (kind.namespaced, manifest.namespace()) {
        (false, _) => String::new(),
        (true, "") => "namespaces/default/".to_owned(),
        (true, namespace) => format!("namespaces/{namespace}/"),
    };
    Some(format!(
        "/{root}/{}/{place}{}/{}",
        kind.api_version(),
        kind.plural,
        manifest.name()
    ))
}
