//! What nodes get from the controllers: taints that say what is wrong with them, and the annotation of their size.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{Work, annotate, annotation, condition},
};
use crate::api::{
    Api,
    object::Meta as _,
    store::{Change, Key},
};

/// The conditions for which a node takes no more pods: type, status, the taint's name.
const CONDITIONS: [(&str, &str, &str); 6] = [
    ("Ready", "False", "not-ready"),
    ("Ready", "Unknown", "unreachable"),
    ("MemoryPressure", "True", "memory-pressure"),
    ("DiskPressure", "True", "disk-pressure"),
    ("NetworkUnavailable", "True", "network-unavailable"),
    ("PIDPressure", "True", "pid-pressure"),
];
/// How long a kubelet may keep what it read, in seconds: no time, in a cluster of less than a hundred nodes.
const TTL: (&str, &str) = ("node.alpha.kubernetes.io/ttl", "0");

/// Taints nodes as their conditions and `cordon` say.
pub(crate) struct Nodes;

impl Controller for Nodes {
    fn affected(&self, _api: &Api, change: &Change) -> Vec<Key> {
        let is_node = &*change.key.resource == "nodes";
        is_node.then(|| change.key.clone()).into_iter().collect()
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let node = Work::on(api, "node-controller", key)?;
        let wanted = taints(&node, &node.now());
        if node.list("/spec/taints") != wanted || annotation(&node, TTL.0) != TTL.1 {
            drop(node.update(&node, |node| {
                annotate(node, TTL.0, TTL.1);
                if !wanted.is_empty() || node["spec"].get("taints").is_some() {
                    node["spec"]["taints"] = json!(wanted);
                }
            }));
        }
        None
    }
}

/// The taints of a node: those that others gave it, and ours, as they are by now.
fn taints(node: &Value, now: &str) -> Vec<Value> {
    let mut due: Vec<&str> = CONDITIONS
        .iter()
        .filter(|(sort, status, _)| {
            condition(&node["status"], sort).is_some_and(|condition| condition["status"] == *status)
        })
        .map(|(_, _, name)| *name)
        .collect();
    if node["spec"]["unschedulable"] == true {
        due.push("unschedulable");
    }
    let ours = |taint: &Value| {
        let name = taint.text("/key").strip_prefix("node.kubernetes.io/")?.to_owned();
        let known = name == "unschedulable" || CONDITIONS.iter().any(|(_, _, known)| *known == name);
        (known && taint["effect"] == "NoSchedule").then_some(name)
    };
    let mut taints = node.list("/spec/taints").to_vec();
    taints.retain(|taint| ours(taint).is_none_or(|name| due.contains(&name.as_str())));
    due.retain(|name| !taints.iter().any(|taint| ours(taint).as_deref() == Some(name)));
    taints.extend(due.into_iter().map(
        |name| json!({"key": format!("node.kubernetes.io/{name}"), "effect": "NoSchedule", "timeAdded": now}),
    ));
    taints
}
