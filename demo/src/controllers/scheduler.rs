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
use crate::{
    api::{
        Api, binding,
        object::{Meta as _, Object},
        selector::selects,
        store::{Change, Key},
        write::Write,
    },
    kubelet::Named as _,
};

const WHO: &str = "default-scheduler";

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
                if before.zip(now).is_none_or(|(before, now)| {
                    before["spec"] != now["spec"]
                        || before["metadata"]["labels"] != now["metadata"]["labels"]
                        || before["status"]["allocatable"] != now["status"]["allocatable"]
                }) =>
            {
                all()
            }
            "persistentvolumeclaims" | "persistentvolumes" | "storageclasses.storage.k8s.io" => all(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let pod = Work::on(api, WHO, key)?;
        if !pod.text("/spec/nodeName").is_empty()
            || pod.is_terminating()
            || !pod.list("/spec/schedulingGates").is_empty()
        {
            return None;
        }
        let nodes = api.all("nodes", None);
        let (unbound, late) = match claims(api, &pod) {
            Ok(claims) => claims,
            Err(why) => {
                refuse(
                    &pod,
                    &format!("0/{} nodes are available: {why}. not found", nodes.len()),
                );
                return None;
            }
        };
        let cluster = Cluster::of(api);
        let mut refusals: BTreeMap<String, usize> = BTreeMap::new();
        let mut helpless = 0;
        let mut best: Option<(f64, &str)> = None;
        for node in &nodes {
            let (why, hopeless) = cluster.refusals(api, &pod, node);
            if why.is_empty() {
                let load = cluster.load(&pod, node);
                if best.is_none_or(|(least, _)| load < least) {
                    best = Some((load, node.name()));
                }
            }
            helpless += usize::from(hopeless);
            for why in why {
                *refusals.entry(why).or_default() += 1;
            }
        }
        let Some((_, node)) = best else {
            let mut told: Vec<String> = refusals
                .iter()
                .map(|(why, count)| format!("{count} {why}"))
                .collect();
            told.sort();
            let mut message = format!("0/{} nodes are available: {}.", nodes.len(), told.join(", "));
            if nodes.is_empty() {
                message = "no nodes available to schedule pods".into();
            } else {
                let mut help = vec![];
                if nodes.len() > helpless {
                    help.push(format!(
                        "{} No preemption victims found for incoming pod",
                        nodes.len() - helpless
                    ));
                }
                if helpless > 0 {
                    help.push(format!("{helpless} Preemption is not helpful for scheduling"));
                }
                message += &format!(
                    " no new claims to deallocate, preemption: 0/{} nodes are available: {}.",
                    nodes.len(),
                    help.join(", ")
                );
            }
            refuse(&pod, &message);
            return None;
        };
        // A claim that waits for its first consumer is told where that will be; the pod waits for the claim.
        for claim in late {
            drop(pod.update(&claim, |claim| {
                claim["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = json!(node);
            }));
        }
        if unbound {
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

/// Whether claims of a pod are still unbound, and which of them wait for their first consumer.
///
/// # Errors
/// Why the pod fits nowhere for its claims.
fn claims(api: &Api, pod: &Value) -> Result<(bool, Vec<Arc<Object>>), String> {
    let mut late = vec![];
    for volume in pod.list("/spec/volumes") {
        let name = match (
            &volume["persistentVolumeClaim"]["claimName"],
            volume.get("ephemeral"),
        ) {
            (Value::String(name), _) => name.clone(),
            (_, Some(_)) => format!("{}-{}", pod.name(), volume.name_of()),
            _ => continue,
        };
        let key = Key::new("persistentvolumeclaims", pod.namespace(), &name);
        let claim = api
            .store
            .get(&key)
            .ok_or_else(|| format!("persistentvolumeclaim {name:?} not found"))?;
        if claim["status"]["phase"] == "Bound" {
            continue;
        }
        let class = Key::new(
            "storageclasses.storage.k8s.io",
            "",
            claim.text("/spec/storageClassName"),
        );
        let waits = api
            .store
            .get(&class)
            .is_some_and(|class| class["volumeBindingMode"] == "WaitForFirstConsumer");
        if !waits {
            return Err("pod has unbound immediate PersistentVolumeClaims".into());
        }
        late.push(claim);
    }
    Ok((!late.is_empty(), late))
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
        if node["spec"]["unschedulable"] == true
            && !tolerates(pod, &json!({"key": UNSCHEDULABLE, "effect": "NoSchedule"}))
        {
            return (vec!["node(s) were unschedulable".into()], true);
        }
        let hard = |taint: &&Value| taint["effect"] != "PreferNoSchedule" && taint["key"] != UNSCHEDULABLE;
        if node
            .list("/spec/taints")
            .iter()
            .filter(hard)
            .any(|taint| !tolerates(pod, taint))
        {
            return (vec!["node(s) had untolerated taint(s)".into()], true);
        }
        if !wants(pod, node) {
            return (
                vec!["node(s) didn't match Pod's node affinity/selector".into()],
                true,
            );
        }
        let of_node = || {
            self.pods
                .iter()
                .filter(|other| other["spec"]["nodeName"] == node["metadata"]["name"])
        };
        let ports = ports(pod);
        if of_node().any(|other| self::ports(other).iter().any(|port| ports.contains(port))) {
            return (
                vec!["node(s) didn't have free ports for the requested pod ports".into()],
                false,
            );
        }
        let nothing = BTreeMap::new();
        let taken = self.taken.get(node.name()).unwrap_or(&nothing);
        let (mut why, mut hopeless) = (vec![], false);
        for (resource, amount) in asked(pod) {
            let Some(room) = node["status"]["allocatable"][&resource]
                .as_str()
                .map(|text| milli(text).unwrap_or(0))
            else {
                if !matches!(resource.as_str(), "cpu" | "memory" | "pods" | "ephemeral-storage") {
                    why.push(format!("Insufficient {resource}"));
                    hopeless = true;
                }
                continue;
            };
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
        let others = || self.pods.iter();
        let alone = rules(pod, "podAffinity").iter().any(|rule| {
            let is_first = means(rule, pod, pod) && !others().any(|other| means(rule, pod, other));
            !is_first && !others().any(|other| means(rule, pod, other) && is_near(api, rule, node, other))
        });
        if alone {
            return (vec!["node(s) didn't match pod affinity rules".into()], true);
        }
        let shuns =
            |rule: &Value| others().any(|other| means(rule, pod, other) && is_near(api, rule, node, other));
        if rules(pod, "podAntiAffinity").iter().any(shuns) {
            return (vec!["node(s) didn't match pod anti-affinity rules".into()], false);
        }
        let is_shunned = others().any(|other| {
            let mut rules = rules(other, "podAntiAffinity").iter();
            rules.any(|rule| means(rule, other, pod) && is_near(api, rule, node, other))
        });
        match is_shunned {
            true => (
                vec!["node(s) didn't satisfy existing pods anti-affinity rules".into()],
                true,
            ),
            false => (vec![], false),
        }
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

/// The rules of a pod about other pods.
fn rules<'a>(pod: &'a Value, sort: &str) -> &'a [Value] {
    pod.list(&format!(
        "/spec/affinity/{sort}/requiredDuringSchedulingIgnoredDuringExecution"
    ))
}

/// Whether a rule of a pod is about another one.
fn means(rule: &Value, of: &Value, other: &Value) -> bool {
    let spaces = rule.list("/namespaces");
    let is_here = if spaces.is_empty() {
        other.namespace() == of.namespace()
    } else {
        spaces.contains(&other["metadata"]["namespace"])
    };
    is_here && selects(&rule["labelSelector"], other)
}

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
    for (resource, amount) in pod["spec"]["overhead"].as_object().into_iter().flatten() {
        *asked.entry(resource.clone()).or_default() += amount.as_str().and_then(milli).unwrap_or(0);
    }
    asked.insert("pods".into(), 1000);
    asked
}

/// The ports of the node that a pod takes.
fn ports(pod: &Value) -> Vec<i64> {
    let containers = pod.list("/spec/containers").iter();
    containers
        .flat_map(|container| container.list("/ports"))
        .filter_map(|port| port["hostPort"].as_i64())
        .filter(|port| *port > 0)
        .collect()
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
        by_name
            && term
                .list("/matchExpressions")
                .iter()
                .all(|rule| expression(rule, labels))
    };
    selector.all(|(key, value)| labels[key] == *value) && (required.is_null() || terms.iter().any(fits))
}

/// Whether labels are as a rule of a node selector asks.
fn expression(rule: &Value, labels: &Value) -> bool {
    let value = &labels[rule.text("/key")];
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<i64>().ok());
    let compared = || Some(number(value)?.cmp(&number(rule.list("/values").first()?)?));
    match rule.text("/operator") {
        "Gt" => compared() == Some(std::cmp::Ordering::Greater),
        "Lt" => compared() == Some(std::cmp::Ordering::Less),
        _ => selects(
            &json!({"matchExpressions": [rule]}),
            &json!({"metadata": {"labels": labels}}),
        ),
    }
}
