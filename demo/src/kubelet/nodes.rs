//! What the kubelets say of their nodes, and what follows from it: taints, and pods that have to go when a node runs
//! out of memory.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    api::{
        Api,
        metrics::BASE,
        object::{Meta as _, Object},
        store::{Change, Key},
        write::Write,
    },
    clock::seconds,
    controllers::{
        Controller,
        events::{News, Teller},
        quantity::milli,
        work::{self, Work},
    },
};

/// A kubelet evicts pods when less than this is left.
const LEFT: i64 = 100 << 20;
/// A node that was under pressure is held for so after the pressure is gone.
const HELD: SignedDuration = SignedDuration::from_mins(5);

/// The conditions of a node: type, what it is where all is well, its reason and message.
const CONDITIONS: [(&str, &str, &str, &str); 4] = [
    (
        PRESSURE,
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    (
        "DiskPressure",
        "False",
        "KubeletHasNoDiskPressure",
        "kubelet has no disk pressure",
    ),
    (
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
];
const PRESSURE: &str = "MemoryPressure";
const TTL: &str = "node.alpha.kubernetes.io/ttl";

/// The taints that follow: the condition, its status, and the taint.
const TAINTS: [(&str, &str, &str); 5] = [
    (PRESSURE, "True", "memory-pressure"),
    ("DiskPressure", "True", "disk-pressure"),
    ("PIDPressure", "True", "pid-pressure"),
    ("Ready", "False", "not-ready"),
    ("Ready", "Unknown", "unreachable"),
];

/// Sees to nodes.
#[derive(Default)]
pub(crate) struct Nodes {
    /// When each node was short of memory last.
    short: HashMap<String, Timestamp>,
}

impl Controller for Nodes {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        match (&*change.key.resource, &change.now) {
            ("nodes", _) => vec![change.key.clone()],
            // Only what grows can take more than there is.
            ("pods", Some(pod)) if memory(api, pod, api.clock.now()).1.is_some() => {
                vec![Key::new("nodes", "", pod.text("/spec/nodeName"))]
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let node = Work::on(api, "kubelet", key)?;
        let mut status = node["status"].clone();
        // What no kubelet has registered has none that could say anything.
        let has_kubelet = status["capacity"].is_object();
        for (kind, well, reason, message) in CONDITIONS.into_iter().filter(|_| has_kubelet) {
            if work::condition(&status, kind).is_none() {
                put(api, &mut status, (kind, well, reason, message));
            }
        }
        let next = self.memory(api, &node, &mut status);
        node.set_status(&status);
        taint(api, &status, key);
        next
    }
}

impl Nodes {
    /// Compares what the node's pods take with what it has, and evicts one if that is too much. Gives when to look
    /// again.
    fn memory(&mut self, api: &Api, node: &Object, status: &mut Value) -> Option<Timestamp> {
        let now = api.clock.now();
        let capacity = milli(status.text("/capacity/memory"))? / 1000;
        let mut pods = api.all("pods", None);
        pods.retain(|pod| pod.text("/spec/nodeName") == node.name() && !work::is_over(pod));
        let taken: Vec<(i64, Option<i64>)> = pods.iter().map(|pod| memory(api, pod, now)).collect();
        let grows = taken
            .iter()
            .filter_map(|(_, grows)| *grows)
            .reduce(|sum, grows| sum + grows);
        let available = capacity - BASE.1 - taken.iter().map(|(bytes, _)| bytes).sum::<i64>();
        let teller = Teller {
            component: "kubelet",
            host: node.name(),
        };
        let is_pressed =
            work::condition(status, PRESSURE).is_some_and(|pressure| pressure["status"] == "True");
        if available < LEFT && grows.is_some() {
            self.short.insert(node.name().to_owned(), now);
            if !is_pressed {
                let told = (
                    "KubeletHasInsufficientMemory",
                    "kubelet has insufficient memory available",
                );
                put(api, status, (PRESSURE, "True", told.0, told.1));
                teller.normal(
                    api,
                    node,
                    "NodeHasInsufficientMemory",
                    &is_now(node, "NodeHasInsufficientMemory"),
                );
                teller.warning(api, node, "EvictionThresholdMet", "Attempting to reclaim memory");
            }
            let over = |at: &usize| taken[*at].0 - requested(&pods[*at]);
            let last = (0..pods.len()).max_by_key(|at| (over(at) > 0, -priority(&pods[*at]), over(at)))?;
            evict(api, &teller, &pods[last], (available, taken[last].0));
            return Some(now + SignedDuration::from_secs(10));
        }
        if is_pressed {
            let until = *self.short.get(node.name())? + HELD;
            if until > now {
                return Some(until);
            }
            let (kind, well, reason, message) = CONDITIONS[0];
            put(api, status, (kind, well, reason, message));
            teller.normal(
                api,
                node,
                "NodeHasSufficientMemory",
                &is_now(node, "NodeHasSufficientMemory"),
            );
        }
        // As fast as all of it grows now it cannot be sooner.
        let grows = grows.filter(|grows| *grows > 0)?;
        Some(now + SignedDuration::from_secs((available - LEFT) * 60 / grows + 1))
    }
}

fn is_now(node: &Value, what: &str) -> String {
    format!("Node {} status is now: {what}", node.name())
}

fn put(api: &Api, status: &mut Value, (kind, is, reason, message): (&str, &str, &str, &str)) {
    let now = seconds(api.clock.now());
    let condition = json!({
        "type": kind, "status": is, "reason": reason, "message": message,
        "lastHeartbeatTime": now, "lastTransitionTime": now,
    });
    work::put_condition(status, condition);
}

/// The bytes that a pod takes, and by how many they grow in a minute, if it is one that grows.
fn memory(api: &Api, pod: &Value, now: Timestamp) -> (i64, Option<i64>) {
    let of = |container: &Value| {
        api.runtime
            .with(pod.uid(), container.text("/name"), false, |run| run.memory(now))
    };
    let all = pod.list("/spec/containers").iter().filter_map(of);
    all.fold((0, None), |sum, one| {
        (
            sum.0 + one.0,
            [sum.1, one.1].into_iter().flatten().reduce(|sum, one| sum + one),
        )
    })
}

/// The bytes that a pod asks for.
fn requested(pod: &Value) -> i64 {
    let of =
        |container: &Value| milli(container.text("/resources/requests/memory")).map(|amount| amount / 1000);
    pod.list("/spec/containers").iter().filter_map(of).sum()
}

fn priority(pod: &Value) -> i64 {
    pod.number("/spec/priority").unwrap_or(0)
}

/// Ends a pod, so that its node has memory again.
fn evict(api: &Api, teller: &Teller<'_>, pod: &Value, (available, taken): (i64, i64)) {
    let kib = |bytes: i64| format!("{}Ki", bytes.max(0) >> 10);
    let containers = pod.list("/spec/containers").iter();
    let names: Vec<&str> = containers.map(|container| container.text("/name")).collect();
    let message = format!(
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: {}. Container {} was using {}, \
         request is {}, has larger consumption of memory. ",
        kib(available),
        names.join(", "),
        kib(taken),
        match requested(pod) {
            0 => "0".to_owned(),
            bytes => kib(bytes),
        },
    );
    teller.tell(api, pod, News::new(true, "Evicted", &message));
    api.runtime.forget(pod.uid());
    let now = seconds(api.clock.now());
    let Ok(kind) = api.kind("pods") else { return };
    let how = Write::by("kubelet").status();
    drop(api.change(&kind, pod.namespace(), pod.name(), &how, |pod| {
        let mut pod = pod.clone();
        let status = &mut pod["status"];
        status["phase"] = json!("Failed");
        status["reason"] = json!("Evicted");
        status["message"] = json!(message);
        for container in status["containerStatuses"].as_array_mut().into_iter().flatten() {
            let started = container["state"]["running"]["startedAt"].take();
            container["ready"] = json!(false);
            container["started"] = json!(false);
            container["state"] = json!({"terminated": {
                "exitCode": 137, "reason": "Error", "startedAt": started, "finishedAt": now,
                "containerID": container["containerID"],
            }});
        }
        for (kind, is, reason, message) in [
            ("Ready", "False", "PodFailed", ""),
            ("ContainersReady", "False", "PodFailed", ""),
            ("DisruptionTarget", "True", "TerminationByKubelet", &*message),
        ] {
            let mut condition = json!({
                "type": kind, "status": is, "reason": reason, "lastProbeTime": null, "lastTransitionTime": now,
            });
            if !message.is_empty() {
                condition["message"] = json!(message);
            }
            work::put_condition(status, condition);
        }
        Ok(pod)
    }));
}

/// Gives a node the taints that follow from its conditions and from its being cordoned, and notes how long kubelets may
/// keep what they read: no time, in a small cluster.
fn taint(api: &Api, status: &Value, key: &Key) {
    let Some(node) = Work::on(api, "node-controller", key) else {
        return;
    };
    let is = |kind: &str, wanted: &str| {
        work::condition(status, kind).is_some_and(|condition| condition["status"] == wanted)
    };
    let mut wanted: Vec<&str> = TAINTS
        .iter()
        .filter(|(kind, on, _)| is(kind, on))
        .map(|(.., taint)| *taint)
        .collect();
    if node["spec"]["unschedulable"] == true {
        wanted.push("unschedulable");
    }
    let ours = |taint: &Value| {
        let name = taint
            .text("/key")
            .strip_prefix("node.kubernetes.io/")
            .unwrap_or_default();
        let all = TAINTS.iter().map(|(.., taint)| *taint).chain(["unschedulable"]);
        (taint["effect"] == "NoSchedule" && all.into_iter().any(|taint| taint == name))
            .then(|| name.to_owned())
    };
    let mut taints = node.list("/spec/taints").to_vec();
    taints.retain(|taint| ours(taint).is_none_or(|name| wanted.contains(&&*name)));
    for name in wanted {
        if !taints.iter().any(|taint| ours(taint).as_deref() == Some(name)) {
            let key = format!("node.kubernetes.io/{name}");
            taints.push(json!({"key": key, "effect": "NoSchedule", "timeAdded": seconds(api.clock.now())}));
        }
    }
    if node.list("/spec/taints") != taints || work::annotation(&node, TTL).is_empty() {
        drop(node.update(&node, |node| {
            work::annotate(node, TTL, "0");
            match taints.is_empty() {
                true => work::remove(&mut node["spec"], "taints"),
                false => node["spec"]["taints"] = json!(taints),
            }
        }));
    }
}
