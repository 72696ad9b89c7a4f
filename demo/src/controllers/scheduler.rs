//! The scheduler: puts pods on nodes.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    events::{News, Teller},
    quantity::{self, milli},
    work::{self, Work},
};
use crate::api::{
    Api, binding,
    object::{Meta as _, Object},
    selector::selects,
    store::{Change, Key},
    write::Write,
};

const WHO: &str = "default-scheduler";

/// What of a node scheduling depends on.
const ROOM: [&str; 3] = ["/spec", "/metadata/labels", "/status/allocatable"];

/// What scheduling looks at, of pods and nodes as they are.
struct Cluster {
    pods: Vec<Arc<Object>>,
    /// What the pods of each node ask for.
    taken: BTreeMap<String, BTreeMap<String, i64>>,
}

/// Puts pods on nodes.
pub(crate) struct Scheduler;

impl Controller for Scheduler {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let waits = |pod: &Value| {
            pod.text("/spec/nodeName").is_empty()
                && pod.text("/spec/schedulerName") == WHO
                && !pod.is_terminating()
        };
        let all = || {
            let pods = api.all("pods", None).into_iter().filter(|pod| waits(pod));
            pods.map(|pod| Key::new("pods", pod.namespace(), pod.name()))
                .collect()
        };
        let (before, now) = (change.before.as_deref(), change.now.as_deref());
        match &*change.key.resource {
            "pods" => match now {
                Some(pod) if waits(pod) && before.is_none_or(|before| before["spec"] != pod["spec"]) => {
                    vec![change.key.clone()]
                }
                // A pod that went, or ended, leaves room.
                Some(pod) if !work::is_over(pod) || before.is_some_and(|before| work::is_over(before)) => {
                    vec![]
                }
                _ => all(),
            },
            "nodes"
                if ROOM
                    .iter()
                    .any(|at| before.map(|node| node.pointer(at)) != now.map(|node| node.pointer(at))) =>
            {
                all()
            }
            "persistentvolumeclaims" | "persistentvolumes" | "storageclasses.storage.k8s.io" => all(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let pod = Work::on(api, WHO, key)?;
        if !pod.text("/spec/nodeName").is_empty() || pod.is_terminating() {
            return None;
        }
        let nodes = api.all("nodes", None);
        let late = match claims(api, &pod) {
            Ok(claims) => claims,
            Err(why) => {
                let all = nodes.len();
                refuse(&pod, &format!("0/{all} nodes are available: {why}. not found"));
                return None;
            }
        };
        let cluster = Cluster::of(api);
        let mut refusals = vec![];
        let mut best: Option<(f64, &str)> = None;
        for node in &nodes {
            let (why, hopeless) = cluster.refusals(api, &pod, node);
            if why.is_empty() {
                let load = cluster.load(&pod, node);
                if best.is_none_or(|(least, _)| load < least) {
                    best = Some((load, node.name()));
                }
            }
            refusals.push((why, hopeless));
        }
        let Some((_, node)) = best else {
            refuse(&pod, &explained(&refusals));
            return None;
        };
        // A claim that waits for its first consumer is told where that will be; the pod waits for the claim.
        for claim in &late {
            drop(pod.update(claim, |claim| {
                claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = json!(node);
            }));
        }
        if !late.is_empty() {
            return None;
        }
        let binding = json!({"metadata": {"name": key.name}, "target": {"kind": "Node", "name": node}});
        let bound = binding::bind(api, &key.namespace, &binding, &Write::by(WHO));
        if bound.is_ok() {
            let message = format!("Successfully assigned {}/{} to {node}", key.namespace, key.name);
            tell(
                api,
                &pod,
                News {
                    action: "Binding",
                    ..News::new(false, "Scheduled", &message)
                },
            );
        }
        None
    }
}

/// Why a pod fits on no node, of which each has its reasons, and whether it would not even if it were empty.
fn explained(refusals: &[(Vec<String>, bool)]) -> String {
    let all = refusals.len();
    if all == 0 {
        return "no nodes available to schedule pods".into();
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for why in refusals.iter().flat_map(|(why, _)| why) {
        *counts.entry(why).or_default() += 1;
    }
    let mut told: Vec<String> = counts
        .iter()
        .map(|(why, count)| format!("{count} {why}"))
        .collect();
    told.sort();
    let helpless = refusals.iter().filter(|(_, hopeless)| *hopeless).count();
    let help = [
        (all - helpless, "No preemption victims found for incoming pod"),
        (helpless, "Preemption is not helpful for scheduling"),
    ];
    let help = help.iter().filter(|(count, _)| *count > 0);
    let help: Vec<String> = help.map(|(count, why)| format!("{count} {why}")).collect();
    format!(
        "0/{all} nodes are available: {}. no new claims to deallocate, preemption: 0/{all} nodes are available: {}.",
        told.join(", "),
        help.join(", ")
    )
}

/// Tells why a pod fits nowhere.
fn refuse(pod: &Work<'_>, message: &str) {
    let api = pod.api;
    let before = work::condition(&pod["status"], "PodScheduled");
    let since = before.filter(|before| before["status"] == "False");
    let is_known = before.is_some_and(|before| before["message"] == message);
    let condition = json!({
        "type": "PodScheduled",
        "observedGeneration": pod["metadata"]["generation"],
        "status": "False",
        "lastProbeTime": null,
        "lastTransitionTime": since.map_or(json!(pod.now()), |since| since["lastTransitionTime"].clone()),
        "reason": "Unschedulable",
        "message": message,
    });
    if !is_known {
        let mut status = pod["status"].clone();
        work::put_condition(&mut status, condition);
        pod.set_status(&status);
    }
    tell(
        api,
        pod,
        News {
            action: "Scheduling",
            ..News::new(true, "FailedScheduling", message)
        },
    );
}

fn tell(api: &Api, pod: &Value, news: News<'_>) {
    Teller {
        component: WHO,
        host: "",
    }
    .tell(api, pod, news);
}

/// The claims of a pod that wait for their first consumer.
///
/// # Errors
/// Why the pod fits nowhere for its claims.
fn claims(api: &Api, pod: &Value) -> Result<Vec<Arc<Object>>, String> {
    let mut late = vec![];
    for volume in pod.list("/spec/volumes") {
        let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() else {
            continue;
        };
        let key = Key::new("persistentvolumeclaims", pod.namespace(), name);
        let claim = api.store.get(&key);
        let claim = claim.ok_or_else(|| format!("persistentvolumeclaim {name:?} not found"))?;
        if claim["status"]["phase"] == "Bound" {
            continue;
        }
        let class = claim.text("/spec/storageClassName");
        let class = api
            .store
            .get(&Key::new("storageclasses.storage.k8s.io", "", class));
        let waits = class.is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
        if !waits {
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        }
        late.push(claim);
    }
    Ok(late)
}

impl Cluster {
    fn of(api: &Api) -> Self {
        let mut pods = api.all("pods", None);
        pods.retain(|pod| !work::is_over(pod) && !pod.text("/spec/nodeName").is_empty());
        let mut taken: BTreeMap<String, BTreeMap<String, i64>> = BTreeMap::new();
        for pod in &pods {
            let of_node = taken.entry(pod.text("/spec/nodeName").to_owned()).or_default();
            for (resource, amount) in asked(pod) {
                *of_node.entry(resource).or_default() += amount;
            }
        }
        Self { pods, taken }
    }

    /// Why a pod does not fit on a node, and whether it would not if the node were empty.
    fn refusals(&self, api: &Api, pod: &Value, node: &Value) -> (Vec<String>, bool) {
        let never = |why: &str| (vec![format!("node(s) {why}")], true);
        let refused = |taint: &&Value| taint["effect"] != "PreferNoSchedule" && !tolerates(pod, taint);
        let closed = json!({"key": UNSCHEDULABLE, "effect": "NoSchedule"});
        if node["spec"]["unschedulable"] == true && refused(&&closed) {
            return never("were unschedulable");
        }
        if node.list("/spec/taints").iter().any(|taint| refused(&taint)) {
            return never("had untolerated taint(s)");
        }
        if !wants(pod, node) {
            return never("didn't match Pod's node affinity/selector");
        }
        let nothing = BTreeMap::new();
        let taken = self.taken.get(node.name()).unwrap_or(&nothing);
        let (mut why, mut hopeless) = (vec![], false);
        for (resource, amount) in asked(pod) {
            let room = &node["status"]["allocatable"][&resource];
            // What a node does not say of itself it has enough of, but for what only some nodes have.
            if room.is_null() && !resource.contains('/') {
                continue;
            }
            let room = milli(room.text("")).unwrap_or(0);
            if amount > 0 && taken.get(&resource).unwrap_or(&0) + amount > room {
                hopeless |= amount > room;
                why.push(match resource.as_str() {
                    "pods" => "Too many pods".into(),
                    resource => format!("Insufficient {resource}"),
                });
            }
        }
        if !why.is_empty() {
            return (why, hopeless);
        }
        let shuns = |rule: &Value| {
            let mut others = self
                .pods
                .iter()
                .filter(|other| other.namespace() == pod.namespace());
            others.any(|other| selects(&rule["labelSelector"], other) && is_near(api, rule, node, other))
        };
        if pod.list(ANTI_AFFINITY).iter().any(shuns) {
            return (vec!["node(s) didn't match pod anti-affinity rules".into()], false);
        }
        (vec![], false)
    }

    /// How much of a node is taken when the pod is on it, from 0 to 1, and a little for each pod.
    #[expect(clippy::cast_precision_loss, reason = "it is compared, and no more")]
    fn load(&self, pod: &Value, node: &Value) -> f64 {
        let asked = asked(pod);
        let share = |resource: &str| {
            let taken = self
                .taken
                .get(node.name())
                .and_then(|taken| taken.get(resource))
                .unwrap_or(&0);
            let room = milli(node.text(&format!("/status/allocatable/{resource}")))
                .unwrap_or(1)
                .max(1);
            (taken + asked.get(resource).unwrap_or(&0)) as f64 / room as f64
        };
        let kin = |other: &&Arc<Object>| other["spec"]["nodeName"] == node["metadata"]["name"];
        let same = self.pods.iter().filter(kin).map(|other| {
            if other.controller().is_some() && other.controller() == pod.controller() {
                0.2
            } else {
                0.001
            }
        });
        share("cpu") + share("memory") + same.sum::<f64>()
    }
}

/// The rules by which a pod keeps away from others of its namespace.
const ANTI_AFFINITY: &str = "/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution";

/// Whether a pod is in the same place as a node, as a rule counts places.
fn is_near(api: &Api, rule: &Value, node: &Value, other: &Value) -> bool {
    let place = |node: &Value| node["metadata"]["labels"][rule.text("/topologyKey")].clone();
    let host = api
        .store
        .get(&Key::new("nodes", "", other.text("/spec/nodeName")));
    host.is_some_and(|host| place(&host) == place(node) && !place(node).is_null())
}

/// The taint of nodes that take no more pods.
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

/// What a pod asks for, in thousandths.
fn asked(pod: &Value) -> BTreeMap<String, i64> {
    let mut asked = quantity::of_pod(pod, "requests");
    asked.insert("pods".into(), 1000);
    asked
}

/// Whether a pod tolerates a taint.
pub(super) fn tolerates(pod: &Value, taint: &Value) -> bool {
    pod.list("/spec/tolerations").iter().any(|toleration| {
        let (key, effect) = (toleration.text("/key"), toleration.text("/effect"));
        let same_value =
            toleration["operator"] == "Exists" || toleration.text("/value") == taint.text("/value");
        (effect.is_empty() || effect == taint.text("/effect"))
            && (key == taint.text("/key") || key.is_empty() && toleration["operator"] == "Exists")
            && same_value
    })
}

/// Whether a node is one that a pod asks for.
pub(super) fn wants(pod: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let mut selector = pod["spec"]["nodeSelector"].as_object().into_iter().flatten();
    let required = &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = required.list("/nodeSelectorTerms");
    let fits = |term: &Value| {
        let by_name = term
            .list("/matchFields")
            .iter()
            .all(|field| field.list("/values").contains(&node["metadata"]["name"]));
        by_name && selects(term, node)
    };
    selector.all(|(key, value)| labels[key] == *value) && (required.is_null() || terms.iter().any(fits))
}
