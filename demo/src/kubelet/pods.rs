//! The kubelets of all nodes: what becomes of pods that are bound to one.
//!
//! What is going on with a pod's containers is kept here, as in a real kubelet; a pod's status is what is told of it,
//! and never read back. A node whose `Ready` is `Unknown` has no kubelet that works: its pods stay as they are.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    container::{Container, Present, Site, Visit},
    environment,
    runs::hash,
};
use crate::{
    api::{
        Api,
        object::Meta as _,
        store::{Change, Key},
        write::Write,
    },
    clock::seconds,
    controllers::{
        Controller,
        events::Teller,
        quantity,
        work::{self, Work},
    },
};

/// How long it takes until a pod has its network.
const SANDBOX: Duration = Duration::from_secs(1);

/// How often the mounting of volumes is tried again, and told of.
const MOUNT: Duration = Duration::from_secs(122);

/// The kubelets.
#[derive(Default)]
pub(crate) struct Kubelet {
    pods: HashMap<Key, Pod>,
    /// Which images are on which node.
    present: Present,
    /// The last address that a node gave out.
    addresses: HashMap<String, u64>,
}

/// A pod on its node.
#[derive(Debug, Default)]
struct Pod {
    uid: String,
    node: String,
    address: String,
    /// When its containers can start; nothing before its volumes are there.
    sandbox: Option<Timestamp>,
    /// When it was told that a volume is missing.
    missed: Option<Timestamp>,
    containers: BTreeMap<String, Container>,
}

impl Controller for Kubelet {
    fn affected(&self, _api: &Api, change: &Change) -> Vec<Key> {
        let of = |wanted: &dyn Fn(&Key, &Pod) -> bool| {
            let mut keys: Vec<Key> = self
                .pods
                .iter()
                .filter(|(key, pod)| wanted(key, pod))
                .map(|(key, _)| key.clone())
                .collect();
            keys.sort();
            keys
        };
        match &*change.key.resource {
            "pods" => vec![change.key.clone()],
            // What a pod waits for may have come.
            "configmaps" | "secrets" if change.now.is_some() => of(&|key, pod| {
                key.namespace == change.key.namespace
                    && (pod.missed.is_some() || pod.containers.values().any(Container::lacks))
            }),
            "nodes" if change.before.as_ref().is_some_and(|node| !works(node)) => {
                of(&|_, pod| pod.node == change.key.name)
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let object = Work::on(api, "kubelet", key);
        if let Some(old) = self.pods.get(key)
            && object.as_ref().is_none_or(|pod| pod.uid() != old.uid)
        {
            api.runtime.forget(&old.uid);
            self.pods.remove(key);
        }
        let object = object.filter(|pod| !pod.text("/spec/nodeName").is_empty())?;
        let node = api
            .store
            .get(&Key::new("nodes", "", object.text("/spec/nodeName")))
            .filter(|node| works(node))?;
        let is_over = matches!(object.text("/status/phase"), "Succeeded" | "Failed");
        if is_over && !object.is_terminating() {
            return None;
        }
        if !self.pods.contains_key(key) {
            let pod = Pod {
                uid: object.uid().to_owned(),
                node: node.name().to_owned(),
                address: self.address(&node),
                ..Pod::default()
            };
            self.pods.insert(key.clone(), pod);
        }
        let pod = self.pods.get_mut(key)?;
        let address = pod.address.clone();
        let visit = Visit {
            api,
            pod: &object,
            node: node.name(),
            address: &address,
            now: api.clock.now(),
        };
        let next = match object.is_terminating() {
            true => pod.stop(&visit, &mut self.present),
            false => pod.sync(&visit, &mut self.present),
        };
        if !is_over {
            object.set_status(&pod.status(&visit, host_address(&node)));
        }
        let is_kept = object["metadata"]["deletionGracePeriodSeconds"] == 0
            && !object.list("/metadata/finalizers").is_empty();
        if object.is_terminating() && !is_kept && pod.containers.values().all(Container::is_still) {
            let options = json!({"gracePeriodSeconds": 0, "preconditions": {"uid": object.uid()}});
            let kind = api.kind("pods").ok()?;
            drop(api.delete(&kind, &key.namespace, &key.name, &options, &Write::by("kubelet")));
        }
        next
    }
}

impl Kubelet {
    /// An address of a node's range that no pod of it has.
    fn address(&mut self, node: &Value) -> String {
        let range = node.text("/spec/podCIDR");
        let network = match range.rsplit_once('.') {
            Some((network, _)) => network.to_owned(),
            None => format!("10.244.{}", hash(node.name().as_bytes()) % 250),
        };
        let last = self.addresses.entry(node.name().to_owned()).or_insert(1);
        loop {
            *last = if *last >= 254 { 2 } else { *last + 1 };
            let address = format!("{network}.{last}");
            let mut of_node = self.pods.values().filter(|pod| pod.node == node.name());
            if of_node.all(|pod| pod.address != address) || self.pods.len() > 250 {
                return address;
            }
        }
    }
}

/// The containers of a pod that run first, and those that it is for.
fn sites<'a>(visit: &Visit<'a>) -> [Vec<Site<'a>>; 2] {
    ["/spec/initContainers", "/spec/containers"].map(|list| {
        let specs = visit.pod.list(list).iter();
        let site = |spec| Site {
            visit: *visit,
            spec,
            is_init: list == "/spec/initContainers",
        };
        specs.map(site).collect()
    })
}

impl Pod {
    /// Brings the containers on. Gives when there is something to do next.
    fn sync(&mut self, visit: &Visit<'_>, present: &mut Present) -> Option<Timestamp> {
        let Some(sandbox) = self.sandbox else {
            return self.mount(visit);
        };
        if sandbox > visit.now {
            return Some(sandbox);
        }
        let [inits, mains] = sites(visit);
        for site in &inits {
            let container = self.containers.entry(site.name().to_owned()).or_default();
            let next = container.step(site, present);
            if container.is_done() != Some(0) {
                return next;
            }
        }
        let step = |site: &Site<'_>| {
            let container = self.containers.entry(site.name().to_owned()).or_default();
            container.step(site, present)
        };
        mains.iter().filter_map(step).min()
    }

    /// Sees to it that the volumes are there.
    fn mount(&mut self, visit: &Visit<'_>) -> Option<Timestamp> {
        let (now, pod) = (visit.now, visit.pod);
        let missing = environment::missing_volumes(visit.api, pod);
        if missing.is_empty() {
            self.missed = None;
            self.sandbox = Some(now + SANDBOX);
            return self.sandbox;
        }
        if let Some(due) = self.missed.map(|missed| missed + MOUNT).filter(|due| *due > now) {
            return Some(due);
        }
        self.missed = Some(now);
        for (volume, what) in missing {
            let message = format!("MountVolume.SetUp failed for volume {volume:?} : {what}");
            let teller = Teller {
                component: "kubelet",
                host: visit.node,
            };
            teller.warning(visit.api, pod, "FailedMount", &message);
        }
        Some(now + MOUNT)
    }

    /// Ends the containers. Gives when there is something to do next.
    fn stop(&mut self, visit: &Visit<'_>, present: &mut Present) -> Option<Timestamp> {
        let end = visit
            .pod
            .text("/metadata/deletionTimestamp")
            .parse()
            .unwrap_or(visit.now);
        let mut stop = |site: &Site<'_>| {
            let container = self.containers.get_mut(site.name())?;
            container.leave(site, end);
            if container.is_still() {
                return None;
            }
            container.step(site, present)
        };
        sites(visit).iter().flatten().filter_map(&mut stop).min()
    }

    fn of(&self, site: &Site<'_>) -> Option<&Container> {
        self.containers.get(site.name())
    }

    fn phase(&self, inits: &[Site<'_>], mains: &[Site<'_>]) -> &'static str {
        let done = |site: &Site<'_>| self.of(site).and_then(Container::is_done);
        let failed = |site: &Site<'_>| done(site).is_some_and(|code| code != 0);
        let is_over = mains.iter().all(|site| done(site).is_some());
        let is_still = self.containers.values().all(Container::is_still);
        let has_run = |site: &Site<'_>| self.of(site).is_some_and(Container::has_run);
        match is_over && is_still {
            _ if inits.iter().any(failed) => "Failed",
            true if mains.iter().any(failed) => "Failed",
            true => "Succeeded",
            false if mains.iter().all(has_run) => "Running",
            false => "Pending",
        }
    }

    /// The status of the pod: what it was, with what is so now.
    fn status(&self, visit: &Visit<'_>, host: &str) -> Value {
        let (pod, now, [inits, mains]) = (visit.pod, visit.now, sites(visit));
        let fresh = Container::default();
        let of = |site: &Site<'_>| self.of(site).unwrap_or(&fresh);
        let phase = self.phase(&inits, &mains);
        let is_over = matches!(phase, "Succeeded" | "Failed");
        let has_network = self.sandbox.is_some_and(|sandbox| sandbox <= now);
        let unready = |sites: &[Site<'_>]| {
            let sites = sites.iter().filter(|site| !of(site).is_ready(site));
            sites.map(|site| site.name().to_owned()).collect::<Vec<_>>()
        };
        let (incomplete, unready) = (unready(&inits), unready(&mains));
        let initialized = match incomplete.is_empty() {
            false => (false, "ContainersNotInitialized", told("incomplete", &incomplete)),
            true if phase == "Succeeded" => (true, "PodCompleted", String::new()),
            true => (true, "", String::new()),
        };
        let ready = match phase {
            "Succeeded" => (false, "PodCompleted", String::new()),
            "Failed" => (false, "PodFailed", String::new()),
            _ if unready.is_empty() => (true, "", String::new()),
            _ => (false, "ContainersNotReady", told("unready", &unready)),
        };
        let network = (has_network && !is_over, "", String::new());
        let mut status = pod["status"].clone();
        status["observedGeneration"] = pod["metadata"]["generation"].clone();
        status["phase"] = phase.into();
        for (name, is) in [
            ("PodReadyToStartContainers", network),
            ("Initialized", initialized),
            ("Ready", ready.clone()),
            ("ContainersReady", ready),
            ("PodScheduled", (true, "", String::new())),
        ] {
            work::put_condition(&mut status, condition(pod, now, name, is));
        }
        status["hostIP"] = host.into();
        status["hostIPs"] = json!([{"ip": host}]);
        if has_network {
            status["podIP"] = self.address.as_str().into();
            status["podIPs"] = json!([{"ip": self.address}]);
        }
        if pod.text("/status/startTime").is_empty() {
            status["startTime"] = seconds(now).into();
        }
        let waiting = if inits.is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
        };
        let statuses = |sites: &[Site<'_>]| -> Vec<Value> {
            let sites = sites.iter();
            sites.map(|site| of(site).status(site, waiting)).collect()
        };
        if !inits.is_empty() {
            status["initContainerStatuses"] = statuses(&inits).into();
        }
        let mut main_statuses = statuses(&mains);
        main_statuses.sort_by(|one, other| one.text("/name").cmp(other.text("/name")));
        status["containerStatuses"] = main_statuses.into();
        status["resources"] = json!({});
        for sort in ["limits", "requests"] {
            let sum = quantity::sum(pod, sort);
            if !sum.is_empty() {
                status["resources"][sort] = json!(sum);
                if sort == "requests" {
                    status["allocatedResources"] = json!(sum);
                }
            }
        }
        status
    }
}

fn told(what: &str, names: &[String]) -> String {
    format!("containers with {what} status: [{}]", names.join(" "))
}

/// A condition (whether it is so, the reason and message), which keeps its time while its status stays the same.
fn condition(pod: &Value, now: Timestamp, name: &str, (is, reason, message): (bool, &str, String)) -> Value {
    let status = if is { "True" } else { "False" };
    let before = work::condition(&pod["status"], name).filter(|before| before["status"] == status);
    let since = before.map_or_else(
        || seconds(now).into(),
        |before| before["lastTransitionTime"].clone(),
    );
    let mut condition = json!({
        "type": name,
        "observedGeneration": pod["metadata"]["generation"],
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": since,
    });
    for (field, text) in [("reason", reason), ("message", &message)] {
        if !text.is_empty() {
            condition[field] = text.into();
        }
    }
    condition
}

/// Whether a node's kubelet works.
fn works(node: &Value) -> bool {
    work::condition(&node["status"], "Ready").is_none_or(|ready| ready["status"] != "Unknown")
}

/// The address of a node.
fn host_address(node: &Value) -> &str {
    let mut addresses = node.list("/status/addresses").iter();
    let internal = addresses.find(|address| address["type"] == "InternalIP");
    internal.map_or("127.0.0.1", |address| address.text("/address"))
}
