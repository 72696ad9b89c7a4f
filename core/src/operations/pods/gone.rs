//! A pod that is no more, and what took its place.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{ListQuery, Resource},
    operations::{
        builtin,
        events::last_of,
        names::{listed, name_of},
        scan,
        selection::{Selection, of_workload},
    },
    output::size::{age, short_age},
};

/// A pod from before the last rollout.
pub(in crate::operations) struct Gone {
    /// That it is gone, since when, and which pods there are in its place.
    pub(in crate::operations) message: String,
    /// The kind of the workload that it was of.
    pub(in crate::operations) kind: String,
    /// That workload's name.
    pub(in crate::operations) name: String,
}

/// What took the place of a pod that is not there, if it was a workload's.
pub(in crate::operations) async fn gone(cx: &Cx, namespace: &str, name: &str) -> Option<Gone> {
    // `checkout-7d9c6bf6d4-2xkqp` is of `checkout-7d9c6bf6d4`, and that of `checkout`; `db-0` is of `db`.
    let mut stem = name;
    while let Some((shorter, _)) = stem.rsplit_once('-') {
        stem = shorter;
        match workload(cx, namespace, stem).await {
            Ok(Some((resource, owner))) if resource.kind != "ReplicaSet" => {
                return Some(Gone {
                    message: message(cx, namespace, name, &resource, &owner).await,
                    kind: resource.kind,
                    name: stem.to_owned(),
                });
            }
            Ok(_) => {}
            Err(_) => return None,
        }
    }
    None
}

/// `Pod shop/web-1 is gone since 4m (Deployment web is at revision 9). Its pods now: web-2, web-3`
async fn message(cx: &Cx, namespace: &str, name: &str, resource: &Resource, owner: &Value) -> String {
    let owner_name = name_of(owner);
    let mut message = format!("Pod {namespace}/{name} is gone");
    if let Some(seconds) = last_seen(cx, namespace, name).await {
        message.push_str(&format!(" since {}", short_age(seconds)));
    }
    let revision = owner
        .pointer("/metadata/annotations/deployment.kubernetes.io~1revision")
        .and_then(Value::as_str);
    match revision {
        Some(revision) => message.push_str(&format!(
            " ({} {owner_name} is at revision {revision})",
            resource.kind
        )),
        None => message.push_str(&format!(" (it was of {} {owner_name})", resource.kind)),
    }
    let names = match of_workload(owner) {
        Some(selector) => pods(cx, namespace, selector).await.unwrap_or_default(),
        None => Vec::new(),
    };
    match names.is_empty() {
        true => message.push_str(". It has no pods now"),
        false => message.push_str(&format!(". Its pods now: {}", listed(&names))),
    }
    message
}

/// The names of the pods that a selector selects.
async fn pods(cx: &Cx, namespace: &str, selector: String) -> Result<Vec<String>, Error> {
    let query = ListQuery {
        selector: Some(selector),
        ..ListQuery::default()
    };
    let mut names = Vec::new();
    scan::objects(cx, &builtin::pods(), Some(namespace), &query, |pod| {
        names.push(name_of(&pod).to_owned());
    })
    .await?;
    names.sort();
    Ok(names)
}

/// How long ago the last event of a pod was that tells of its end, in seconds.
async fn last_seen(cx: &Cx, namespace: &str, name: &str) -> Option<u64> {
    let query = Selection::default()
        .with_field("involvedObject.name", name)
        .with_field("reason", "Killing")
        .query();
    let mut last: Option<Timestamp> = None;
    let seen = scan::objects(cx, &builtin::events(), Some(namespace), &query, |event| {
        last = last.max(last_of(&event));
    })
    .await;
    seen.ok()?;
    Some(age(last?, Timestamp::now()))
}

/// The workload of this name, whatever kind it is of.
pub(in crate::operations) async fn workload(
    cx: &Cx,
    namespace: &str,
    name: &str,
) -> Result<Option<(Resource, Value)>, Error> {
    let kinds = [
        builtin::deployments(),
        builtin::stateful_sets(),
        builtin::daemon_sets(),
        builtin::jobs(),
        builtin::cron_jobs(),
        builtin::replica_sets(),
    ];
    let client = cx.client();
    let answers =
        futures::future::join_all(kinds.iter().map(|kind| client.get(kind, Some(namespace), name))).await;
    for (kind, answer) in kinds.into_iter().zip(answers) {
        match answer {
            Ok(object) => return Ok(Some((kind, object))),
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Forbidden) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
