//! The stories that a cluster can have behind it, played in it from its first day to now.
//!
//! A story is a timeline: manifests that are applied at a time before now, by somebody. Everything else (ages, restarts,
//! events, revisions) comes about as on a real cluster, while its time is moved on.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::FutureExt as _;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::{
    Cluster,
    api::{access::ADMIN_TOKEN, object::Meta as _},
    kubelet::images::Images,
};

/// The documents of each file of `story/`, by the file's name.
const FILES: &str = include_str!(concat!(env!("OUT_DIR"), "/story.json"));

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
    #[serde(deserialize_with = "days_and_hours")]
    ago: SignedDuration,
    /// Who does it: the field manager.
    by: String,
    /// The files whose manifests are applied.
    #[serde(default)]
    apply: Vec<String>,
    /// The files whose manifests' status is applied: what is found out by parts that are not simulated.
    #[serde(default)]
    status: Vec<String>,
    /// Strategic merge patches.
    #[serde(default)]
    patch: Vec<Value>,
}

fn days_and_hours<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SignedDuration, D::Error> {
    let span: Span = String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)?;
    span.to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(D::Error::custom)
}

/// What is in the files.
type Files = BTreeMap<String, Vec<Value>>;

/// How a manifest is sent.
#[derive(Clone, Copy, Debug)]
enum How {
    /// As a whole, with server-side apply.
    Apply,
    /// The same, of its status.
    ApplyStatus,
    /// As a strategic merge patch.
    Patch,
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
        let files: Files = serde_json::from_str(FILES).map_err(|error| StoryError(error.to_string()))?;
        let mut steps: Vec<Step> = Vec::new();
        for list in documents(&files, timeline)? {
            let list = Vec::deserialize(list);
            steps.extend::<Vec<Step>>(list.map_err(|error| StoryError(format!("{timeline}: {error}")))?);
        }
        steps.sort_by_key(|step| std::cmp::Reverse(step.ago));
        let mut at = now - steps.first().map_or(SignedDuration::ZERO, |step| step.ago);
        let images = documents(&files, "images.yaml")?.first().unwrap_or(&Value::Null);
        let images =
            Images::deserialize(images).map_err(|error| StoryError(format!("images.yaml: {error}")))?;
        let cluster = Cluster::of(at, images);
        for step in steps {
            let then = now - step.ago;
            cluster.advance(then.duration_since(at).unsigned_abs());
            at = then;
            for file in &step.apply {
                send_all(&cluster, documents(&files, file)?, How::Apply, &step.by)?;
            }
            for file in &step.status {
                send_all(&cluster, documents(&files, file)?, How::ApplyStatus, &step.by)?;
            }
            send_all(&cluster, &step.patch, How::Patch, &step.by)?;
        }
        cluster.advance(now.duration_since(at).unsigned_abs());
        Ok(cluster)
    }
}

/// The documents of a file.
fn documents<'a>(files: &'a Files, file: &str) -> Result<&'a [Value], StoryError> {
    let found = files.get(file).map(Vec::as_slice);
    found.ok_or_else(|| StoryError(format!("there is no {file}")))
}

fn send_all(cluster: &Cluster, manifests: &[Value], how: How, by: &str) -> Result<(), StoryError> {
    for manifest in manifests {
        let named = |what| {
            let (kind, namespace, name) = (manifest.text("/kind"), manifest.namespace(), manifest.name());
            StoryError(format!("{kind} {namespace}/{name}: {what}"))
        };
        send(cluster, manifest, how, by).map_err(named)?;
    }
    Ok(())
}

/// Sends a manifest to the API server, as a client does.
fn send(cluster: &Cluster, manifest: &Value, how: How, by: &str) -> Result<(), String> {
    let path = path_of(cluster, manifest).ok_or("no such kind is served")?;
    let (under, query, form) = match how {
        How::Apply => ("", "&force=true", "application/apply-patch+yaml"),
        How::ApplyStatus => ("/status", "&force=true", "application/apply-patch+yaml"),
        How::Patch => ("", "", "application/strategic-merge-patch+json"),
    };
    let request = Request::builder()
        .method(Method::PATCH)
        .uri(format!("{path}{under}?fieldManager={by}{query}"))
        .header(header::AUTHORIZATION, format!("Bearer {ADMIN_TOKEN}"))
        .header(header::CONTENT_TYPE, form)
        .body(Bytes::from(manifest.to_string()))
        .map_err(|error| error.to_string())?;
    // Nothing is waited for in a write.
    let answered = cluster.respond(request).now_or_never().ok_or("no answer")?;
    if answered.status().is_success() {
        return Ok(());
    }
    let body = answered.into_body().collect().now_or_never();
    let body = body.and_then(Result::ok).unwrap_or_default().to_bytes();
    let status: Value = serde_json::from_slice(&body).unwrap_or_default();
    Err(status.text("/message").to_owned())
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
