//! DaemonSets: a pod on each node that fits.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller, revisions, scheduler,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    store::{Change, Key},
};

const SETS: &str = "daemonsets.apps";
const REVISION: &str = "controller-revision-hash";

/// Where a pod says which nodes it is meant for.
const TERMS: &str = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// What a pod of a DaemonSet puts up with besides what its template says.
const TOLERATED: [(&str, &str); 6] = [
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
];

/// Sees to the pods of DaemonSets.
pub(crate) struct DaemonSets;

impl Controller for DaemonSets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        // A node's heartbeat is none of their business.
        let place = |node: &Option<Arc<Object>>| {
            let node = node.as_ref()?;
            Some((node["spec"].clone(), node["metadata"]["labels"].clone()))
        };
        if &*change.key.resource == "nodes" && place(&change.before) != place(&change.now) {
            let all = api.all(SETS, None);
            let key = |set: &Arc<Object>| Key::new(SETS, set.namespace(), set.name());
            return all.iter().map(key).collect();
        }
        let owned = ["pods", "controllerrevisions.apps"];
        work::concerned(api, change, (SETS, "DaemonSet"), &owned)
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let set = Work::on(api, "daemonset-controller", key)?;
        let revisions = revisions::of(&set, REVISION);
        let new = hash(revisions.last()?);
        let is_there = |pod: &Value| set.is_available(pod) && !pod.is_terminating();
        let mut pods = set.owned("pods");
        pods.sort_by_cached_key(|pod| work::time(&pod["metadata"], "creationTimestamp"));
        let mut by_node: BTreeMap<&str, Vec<&Arc<Object>>> = BTreeMap::new();
        for pod in &pods {
            by_node.entry(target(pod)).or_default().push(pod);
        }
        let (mut wanted, mut astray) = (0, 0);
        // The pod of each node, and those that are to go.
        let (mut kept, mut excess) = (Vec::new(), Vec::new());
        for node in api.all("nodes", None) {
            let mut here = by_node.remove(node.name()).unwrap_or_default();
            let (starts, stays) = fits(&set["spec"]["template"]["spec"], &node);
            wanted += usize::from(starts);
            astray += usize::from(!starts && !here.is_empty());
            if starts && here.is_empty() && !set.is_terminating() {
                drop(set.create_pod(pod_for(&set, &node, new)));
            }
            here.sort_by_key(|pod| !work::is_active(pod));
            kept.extend(here.first().filter(|_| starts).map(|pod| (*pod).clone()));
            // The oldest that goes on is kept.
            let is_kept = stays && here.first().is_some_and(|pod| work::is_active(pod));
            excess.extend(here.into_iter().skip(usize::from(is_kept)));
        }
        excess.extend(by_node.into_values().flatten());
        let gone = wanted - kept.iter().filter(|pod| is_there(pod)).count();
        if set["spec"]["updateStrategy"]["type"] != "OnDelete" {
            let bound = &set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
            let bound = work::share(bound, wanted as i64, true).max(1);
            let mut room = (bound as usize).saturating_sub(gone);
            for pod in kept.iter().filter(|pod| hash(pod) != new) {
                // What is not available anyway costs nothing to replace.
                if !is_there(pod) {
                    excess.push(pod);
                } else if room > 0 {
                    room -= 1;
                    excess.push(pod);
                }
            }
        }
        excess.retain(|pod| !pod.is_terminating() && !set.is_terminating());
        excess.iter().for_each(|pod| set.delete_pod(pod));
        revisions::trim(&set, &revisions, |revision| {
            hash(revision) == new || pods.iter().any(|pod| hash(pod) == hash(revision))
        });
        let (ready, available, next) = set.readiness(&kept);
        let mut status = json!({
            "desiredNumberScheduled": wanted, "currentNumberScheduled": kept.len(), "numberReady": ready,
            "numberMisscheduled": astray, "observedGeneration": set["metadata"]["generation"],
        });
        let news = kept.iter().filter(|pod| hash(pod) == new).count();
        let counts = [
            ("updatedNumberScheduled", news),
            ("numberAvailable", available),
            ("numberUnavailable", wanted.saturating_sub(available)),
        ];
        work::put_counts(&mut status, &counts);
        set.set_status(&status);
        next
    }
}

/// What tells the revision of a pod from others.
fn hash(object: &Value) -> &Value {
    &object["metadata"]["labels"][REVISION]
}

/// The node that a pod is on, or is meant for.
fn target(pod: &Value) -> &str {
    let meant = pod["spec"].list(TERMS).first();
    match pod.text("/spec/nodeName") {
        "" => meant.map_or("", |term| term.text("/matchFields/0/values/0")),
        node => node,
    }
}

/// The pod for a node.
fn pod_for(set: &Work, node: &Value, hash: &Value) -> Value {
    let mut pod = set.pod(&set["spec"]["template"]);
    let labels = map_at(&mut pod["metadata"], "labels");
    labels.insert(REVISION.into(), hash.clone());
    let generation = work::annotation(set, "deprecated.daemonset.template.generation");
    labels.insert("pod-template-generation".into(), json!(generation));
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node.name()]});
    let required = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = required;
    pod["spec"]["tolerations"] = json!(tolerations(&set["spec"]["template"]["spec"]));
    pod
}

fn tolerations(spec: &Value) -> Vec<Value> {
    let own = spec.list("/tolerations").iter().cloned();
    let added = TOLERATED.iter().map(|(name, effect)| {
        let key = format!("node.kubernetes.io/{name}");
        json!({"key": key, "operator": "Exists", "effect": effect})
    });
    own.chain(added).collect()
}

/// Whether a pod of this template starts on a node, and whether one that is there stays.
fn fits(spec: &Value, node: &Value) -> (bool, bool) {
    let mut pod = json!({"spec": spec});
    pod["spec"]["tolerations"] = tolerations(spec).into();
    let keeps_off = |effect: &str| {
        let mut taints = node.list("/spec/taints").iter();
        taints.any(|taint| taint["effect"] == effect && !scheduler::tolerates(&pod, taint))
    };
    let stays = scheduler::wants(&pod, node) && !keeps_off("NoExecute");
    (stays && !keeps_off("NoSchedule"), stays)
}
