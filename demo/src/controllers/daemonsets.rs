//! DaemonSets: a pod on each node that fits.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Controller, owned, revisions};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    selector::selects,
    store::{Change, Key},
};

const WHO: &str = "daemonset-controller";
const REVISION: &str = "controller-revision-hash";

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
            node.as_ref()
                .map(|node| (node["spec"].clone(), node["metadata"]["labels"].clone()))
        };
        if &*change.key.resource == "nodes" && place(&change.before) != place(&change.now) {
            let all = api.all("daemonsets.apps", None);
            return all
                .iter()
                .map(|set| Key::new("daemonsets.apps", set.namespace(), set.name()))
                .collect();
        }
        owned::concerned(
            api,
            change,
            ("daemonsets.apps", "DaemonSet"),
            &["pods", "controllerrevisions.apps"],
        )
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let set = api.store.get(key)?;
        let revisions = revisions::of(api, WHO, &set, REVISION);
        let hash = revisions
            .last()?
            .text("/metadata/labels/controller-revision-hash");
        let mut pods: BTreeMap<String, Vec<Arc<Object>>> = BTreeMap::new();
        let all = owned::claim(api, WHO, &set, "pods");
        for pod in &all {
            pods.entry(target(pod).to_owned()).or_default().push(pod.clone());
        }
        let is_new = |pod: &Value| pod["metadata"]["labels"][REVISION] == hash;
        let is_available = |pod: &Value| {
            let at = owned::available_at(pod, &set);
            at.is_some_and(|at| at <= api.clock.now()) && !pod.is_terminating()
        };
        let nodes = api.all("nodes", None);
        let (mut wanted, mut astray, mut news, mut candidates) = (0, 0, 0, Vec::new());
        let mut oldest = Vec::new();
        for node in &nodes {
            let mut here = pods.remove(node.name()).unwrap_or_default();
            here.sort_by_key(|pod| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned));
            let (runs, stays) = fits(&set["spec"]["template"]["spec"], node);
            wanted += usize::from(runs);
            astray += usize::from(!runs && !here.is_empty());
            if set.is_terminating() {
                continue;
            }
            if runs && here.is_empty() {
                drop(owned::create(api, WHO, &set, "pods", pod_for(&set, node, hash)));
            }
            let kept = here
                .iter()
                .position(|pod| owned::is_active(pod))
                .filter(|_| stays);
            for (at, pod) in here.iter().enumerate() {
                if Some(at) != kept && !pod.is_terminating() {
                    owned::delete_pod(api, WHO, &set, pod);
                }
            }
            if let Some(pod) = here.get(kept.unwrap_or(0)).filter(|_| runs) {
                news += usize::from(is_new(pod));
                candidates.extend((!is_new(pod) && kept.is_some()).then(|| pod.clone()));
                oldest.push(pod.clone());
            }
        }
        for pod in pods.into_values().flatten().filter(|pod| !pod.is_terminating()) {
            owned::delete_pod(api, WHO, &set, &pod);
        }
        let (ready, available, next) = owned::readiness(api, &set, &oldest);
        if set["spec"]["updateStrategy"]["type"] != "OnDelete" && !set.is_terminating() {
            let bound = set
                .pointer("/spec/updateStrategy/rollingUpdate/maxUnavailable")
                .cloned()
                .unwrap_or(json!(1));
            let bound = owned::share(&bound, i64::try_from(wanted).unwrap_or(0), true).max(1);
            let gone =
                oldest.iter().filter(|pod| !is_available(pod)).count() + wanted.saturating_sub(oldest.len());
            let mut room = usize::try_from(bound).unwrap_or(1).saturating_sub(gone);
            for pod in candidates {
                // What is not available anyway costs nothing to replace.
                if is_available(&pod) {
                    let Some(rest) = room.checked_sub(1) else { continue };
                    room = rest;
                }
                owned::delete_pod(api, WHO, &set, &pod);
            }
        }
        revisions::trim(api, WHO, &set, &revisions[..revisions.len() - 1], |revision| {
            let hash = &revision["metadata"]["labels"][REVISION];
            all.iter().any(|pod| pod["metadata"]["labels"][REVISION] == *hash)
        });
        let mut status = owned::counts(&[
            ("updatedNumberScheduled", news),
            ("numberAvailable", available),
            ("numberUnavailable", wanted.saturating_sub(available)),
        ]);
        status["desiredNumberScheduled"] = json!(wanted);
        status["currentNumberScheduled"] = json!(oldest.len());
        status["numberMisscheduled"] = json!(astray);
        status["numberReady"] = json!(ready);
        status["observedGeneration"] = set["metadata"]["generation"].clone();
        owned::set_status(api, WHO, &set, &status);
        next
    }
}

/// The node that a pod is on, or is meant for.
fn target(pod: &Value) -> &str {
    match pod.text("/spec/nodeName") {
        "" => pod.text(
            "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
        ),
        node => node,
    }
}

/// The pod for a node.
fn pod_for(set: &Value, node: &Value, hash: &str) -> Value {
    let mut pod = owned::pod(set, &set["spec"]["template"]);
    let labels = map_at(&mut pod["metadata"], "labels");
    labels.insert(REVISION.into(), json!(hash));
    let generation = owned::annotation(set, "deprecated.daemonset.template.generation");
    labels.insert("pod-template-generation".into(), json!(generation));
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node.name()]});
    let term = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
    pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = term;
    pod["spec"]["tolerations"] = tolerations(&set["spec"]["template"]["spec"]);
    pod
}

fn tolerations(spec: &Value) -> Value {
    let mut all = spec.list("/tolerations").to_vec();
    for (name, effect) in TOLERATED {
        let toleration =
            json!({"key": format!("node.kubernetes.io/{name}"), "operator": "Exists", "effect": effect});
        if !all.contains(&toleration) {
            all.push(toleration);
        }
    }
    Value::Array(all)
}

/// Whether a pod of this template starts on a node, and whether one that is there stays.
fn fits(spec: &Value, node: &Value) -> (bool, bool) {
    let tolerations = tolerations(spec);
    let is_kept_off = |effect: &str| {
        node.list("/spec/taints").iter().any(|taint| {
            let tolerates = |tolerated: &Value| {
                let same = |name| tolerated.text(name) == taint.text(name);
                let key = tolerated.text("/key").is_empty() || same("/key");
                let effect = tolerated.text("/effect").is_empty() || same("/effect");
                key && effect && (tolerated["operator"] == "Exists" || same("/value"))
            };
            taint["effect"] == effect && !tolerations.list("").iter().any(tolerates)
        })
    };
    let terms = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = spec.list(terms);
    let meant = selects(&json!({"matchLabels": spec["nodeSelector"]}), node)
        && (terms.is_empty() || terms.iter().any(|term| selects(term, node)));
    let stays = meant && !is_kept_off("NoExecute");
    (stays && !is_kept_off("NoSchedule"), stays)
}
