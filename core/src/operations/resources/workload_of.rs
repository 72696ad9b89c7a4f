//! Which workload a pod is one of.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::owners::controller;
use crate::{
    call::Cx,
    operations::{builtin, names::name_of},
};

/// Jobs that are asked whether they are a cron job's run.
const JOBS: usize = 20;
/// Requests under way at once.
const AT_ONCE: usize = 8;

/// A workload by kind and name.
pub(super) type Workload = (String, String);

/// The workload that a pod is one of, as far as the pod tells: its owner, the deployment of its replica set, or the
/// pod itself.
pub(super) fn workload_of(pod: &Value) -> Workload {
    let own = || ("Pod".to_owned(), name_of(pod).to_owned());
    let Some(owner) = controller(pod) else {
        return own();
    };
    let (Some(kind), Some(name)) = (owner["kind"].as_str(), owner["name"].as_str()) else {
        return own();
    };
    match kind {
        // A mirror of what the node's kubelet runs by itself.
        "Node" => own(),
        "ReplicaSet" => {
            // The deployment's controller makes the set's name of this label, which nothing else sets.
            let hash = pod["metadata"]["labels"]["pod-template-hash"].as_str();
            let deployment = hash.and_then(|hash| name.strip_suffix(hash)?.strip_suffix('-'));
            match deployment {
                Some(deployment) => ("Deployment".to_owned(), deployment.to_owned()),
                None => (kind.to_owned(), name.to_owned()),
            }
        }
        _ => (kind.to_owned(), name.to_owned()),
    }
}

/// Puts what is known of a cron job's runs under the cron job.
pub(super) async fn join_cron_jobs<T>(
    cx: &Cx,
    namespace: &str,
    mut workloads: BTreeMap<Workload, T>,
    mut join: impl FnMut(&mut T, T),
) -> BTreeMap<Workload, T> {
    let jobs: Vec<String> = workloads
        .keys()
        .filter(|(kind, _)| kind == "Job")
        .map(|(_, name)| name.clone())
        .take(JOBS)
        .collect();
    let reads: Vec<_> = jobs
        .into_iter()
        .map(|job| cron_job_of(cx, namespace, job))
        .collect();
    let found: Vec<_> = stream::iter(reads).buffered(AT_ONCE).collect().await;
    for (job, cron_job) in found.into_iter().flatten() {
        let Some(known) = workloads.remove(&("Job".to_owned(), job)) else {
            continue;
        };
        match workloads.entry(("CronJob".to_owned(), cron_job)) {
            std::collections::btree_map::Entry::Occupied(mut entry) => join(entry.get_mut(), known),
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(known);
            }
        }
    }
    workloads
}

/// The cron job that a job is a run of; none if it is not, or cannot be read: then it stands for itself.
async fn cron_job_of(cx: &Cx, namespace: &str, job: String) -> Option<(String, String)> {
    let object = cx
        .client()
        .get(&builtin::jobs(), Some(namespace), &job)
        .await
        .ok()?;
    let owner = controller(&object).filter(|owner| owner["kind"] == "CronJob")?;
    Some((job, owner["name"].as_str()?.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_tells_whose_it_is() {
        let pod = |kind: &str, name: &str| {
            workload_of(
                &json!({"metadata": {"name": "web-5d9-x", "labels": {"pod-template-hash": "5d9"},
                "ownerReferences": [{"kind": kind, "name": name, "controller": true}]}}),
            )
        };
        let is = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
        assert_eq!(pod("ReplicaSet", "web-5d9"), is("Deployment", "web"));
        assert_eq!(pod("ReplicaSet", "web"), is("ReplicaSet", "web"));
        assert_eq!(pod("StatefulSet", "db"), is("StatefulSet", "db"));
        assert_eq!(pod("Node", "node-1"), is("Pod", "web-5d9-x"));
        assert_eq!(
            workload_of(&json!({"metadata": {"name": "one"}})),
            is("Pod", "one")
        );
    }
}
