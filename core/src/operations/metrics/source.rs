//! The metrics API: reads it, and says why it cannot be read.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{ListQuery, Resource},
    monitoring::metrics::Sample,
    operations::{allowed::refused, builtin, next::look_into, scan},
    output::{
        Next, ObjectId,
        size::{age, short_age},
    },
};

/// How new the newest sample is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Freshness {
    time: Option<Timestamp>,
    window: Option<u64>,
}

impl Freshness {
    /// `; metrics 12s old, over 15s`
    pub(super) fn words(self, now: Timestamp) -> String {
        let mut words = String::new();
        if let Some(time) = self.time {
            // Writing to a string cannot fail.
            _ = write!(words, "; metrics {} old", short_age(age(time, now)));
            if let Some(window) = self.window {
                _ = write!(words, ", over {}", short_age(window));
            }
        }
        words
    }
}

/// All samples of a kind: pods or nodes. `again` is the call, to be suggested for another namespace.
pub(super) async fn samples(
    cx: &Cx,
    measured: Resource,
    namespace: Option<&str>,
    query: &ListQuery,
    again: Next,
) -> Result<(Vec<Sample>, Freshness), Error> {
    // The API has had one version since 2017, so that its path is known without discovery, which would go on for
    // minutes to tell that it is, or is not, served.
    let kind = Resource {
        group: "metrics.k8s.io".to_owned(),
        version: "v1beta1".to_owned(),
        ..measured
    };
    let mut samples = Vec::new();
    let mut freshness = Freshness::default();
    let read = scan::objects(cx, &kind, namespace, query, |object| {
        let sample = Sample::read(&object);
        if sample.time > freshness.time {
            freshness = Freshness {
                time: sample.time,
                window: sample.window,
            };
        }
        samples.push(sample);
    });
    match read.await {
        Ok(_) => Ok((samples, freshness)),
        Err(error) => Err(explain(cx, &kind, namespace, again, error).await),
    }
}

async fn explain(cx: &Cx, kind: &Resource, namespace: Option<&str>, again: Next, error: Error) -> Error {
    let claims = Next::op("resources.list")
        .arg("kind", "Pod")
        .arg_if("namespace", namespace)
        .arg("fields", "spec.nodeName,spec.containers[*].resources")
        .remark("requests and limits, which need no metrics");
    match error.kind {
        ErrorKind::NotFound => Error::not_found(format!(
            "no metrics: {} does not serve {}; ask an administrator for metrics-server",
            cx.cluster().name(),
            kind.group
        ))
        .next(claims),
        ErrorKind::Forbidden if namespace.is_none() && kind.namespaced => {
            refused(cx, kind, namespace, again, error).await
        }
        ErrorKind::Forbidden => error.next(claims),
        ErrorKind::Server => out_of_order(cx, kind, error).await,
        _ => error,
    }
}

/// The API is registered, and what serves it fails: the API server knows why.
async fn out_of_order(cx: &Cx, kind: &Resource, error: Error) -> Error {
    let message = format!(
        "no metrics: {} is served, but fails: {}",
        kind.group, error.message
    );
    let name = format!("{}.{}", kind.version, kind.group);
    let Ok(service) = cx.client().get(&builtin::api_services(), None, &name).await else {
        return Error::new(error.kind, message);
    };
    let available = service["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == "Available" && condition["status"] != "True");
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let why = available.and_then(|condition| text(&condition["message"]));
    let message = match why {
        Some(why) => format!("{message}; its APIService is not available: {why}"),
        None => message,
    };
    let backend = &service["spec"]["service"];
    let next = text(&backend["name"]).map(|name| {
        look_into(&ObjectId {
            kind: "Service".to_owned(),
            namespace: text(&backend["namespace"]),
            name,
            cluster: None,
        })
    });
    Error {
        next: next.into_iter().collect(),
        ..Error::new(error.kind, message)
    }
}
