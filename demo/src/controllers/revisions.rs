//! The templates that a StatefulSet or a DaemonSet had, kept as ControllerRevisions.

use std::sync::Arc;

use serde_json::json;

use super::work::{self, Work};
use crate::api::object::{Meta as _, Object};

/// The revisions of an object, oldest first; the last is of its present template.
pub(crate) fn of(work: &Work, label: &str) -> Vec<Arc<Object>> {
    let mut all = work.owned("controllerrevisions.apps");
    all.sort_by_key(|revision| revision["revision"].as_i64());
    let mut template = work["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    let data = json!({"spec": {"template": template}});
    let next = all.last().and_then(|last| last["revision"].as_i64()).unwrap_or(0) + 1;
    let present = match all.iter().position(|revision| revision["data"] == data) {
        Some(at) if at + 1 == all.len() => return all,
        // An earlier template again: its revision becomes the latest.
        Some(at) => work.update(&all.remove(at), |revision| revision["revision"] = json!(next)),
        None => {
            let template = &work["spec"]["template"];
            let (hash, mut labels) = (work::hash(template), template["metadata"]["labels"].clone());
            labels[label] = json!(hash);
            let meta = json!({
                "name": format!("{}-{hash}", work.name()), "labels": labels,
                "annotations": work["metadata"]["annotations"], "ownerReferences": [work.reference()],
            });
            let revision = json!({"metadata": meta, "data": data, "revision": next});
            work.create("controllerrevisions.apps", revision)
        }
    };
    all.extend(present);
    all
}

/// Deletes the oldest revisions that are not in use, beyond those that are kept.
pub(crate) fn trim(work: &Work, all: &[Arc<Object>], used: impl Fn(&Object) -> bool) {
    let limit = work["spec"]["revisionHistoryLimit"].as_u64().unwrap_or(10) as usize;
    let idle: Vec<_> = all.iter().filter(|revision| !used(revision)).collect();
    for revision in &idle[..idle.len().saturating_sub(limit)] {
        work.delete(revision, "");
    }
}
