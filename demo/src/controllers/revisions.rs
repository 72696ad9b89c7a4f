//! The templates that a StatefulSet or a DaemonSet had, kept as ControllerRevisions.

use std::sync::Arc;

use serde_json::{Value, json};

use super::owned;
use crate::api::{
    Api,
    object::{Meta as _, Object},
};

/// The revisions of an owner, oldest first; the last is of its present template.
pub(crate) fn of(api: &Api, who: &str, owner: &Value, label: &str) -> Vec<Arc<Object>> {
    let mut all = owned::claim(api, who, owner, "controllerrevisions.apps");
    all.sort_by_key(|revision| revision["revision"].as_i64());
    let mut template = owner["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    let data = json!({"spec": {"template": template}});
    let next = all.last().and_then(|last| last["revision"].as_i64()).unwrap_or(0) + 1;
    let present = match all.iter().position(|revision| revision["data"] == data) {
        Some(at) if at + 1 == all.len() => return all,
        // An earlier template again: its revision becomes the latest.
        Some(at) => owned::update(api, who, &all.remove(at), |revision| {
            revision["revision"] = json!(next)
        }),
        None => {
            let hash = owned::hash(&owner["spec"]["template"], 0);
            let mut labels = owner["spec"]["template"]["metadata"]["labels"].clone();
            labels[label] = json!(hash);
            let meta = json!({
                "name": format!("{}-{hash}", owner.name()),
                "labels": labels,
                "annotations": owner["metadata"]["annotations"],
                "ownerReferences": [owned::reference(owner)],
            });
            let revision = json!({"metadata": meta, "data": data, "revision": next});
            owned::create(api, who, owner, "controllerrevisions.apps", revision)
        }
    };
    all.extend(present);
    all
}

/// Deletes the oldest revisions that no pod is of, beyond those that are kept.
pub(crate) fn trim(
    api: &Api,
    who: &str,
    owner: &Value,
    past: &[Arc<Object>],
    used: impl Fn(&Object) -> bool,
) {
    let limit = owner.number("/spec/revisionHistoryLimit").unwrap_or(10);
    let idle: Vec<_> = past.iter().filter(|revision| !used(revision)).collect();
    let excess = idle.len().saturating_sub(usize::try_from(limit).unwrap_or(0));
    for revision in &idle[..excess] {
        owned::delete(api, who, revision);
    }
}
