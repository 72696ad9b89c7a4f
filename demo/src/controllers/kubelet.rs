//! The kubelets of all nodes: what becomes of pods that are bound to one.
//!
//! What is going on with a pod's containers is kept here, as in a real kubelet; a pod's status is what is told of it,
//! and never read back. A node whose `Ready` is `Unknown` has no kubelet that works: its pods stay as they are.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    container::{Container, Role, Site},
    environment::{self, Named as _},
    events::Teller,
    quantity,
    work::{Work, condition},
};
use crate::{
    api::{
        Api,
        object::{Meta as _, map_at},
        store::{Change, Key},
        write::Write,
    },
    clock::seconds,
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
    present: HashSet<(String, String)>,
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
            .get(&*api.kind("nodes").ok()?, "", object.text("/spec/nodeName"))
            .ok()
            .filter(|node| works(node))?;
        let is_over = matches!(object.text("/status/phase"), "Succeeded" | "Failed");
        if is_over && !object.is_terminating() {
            return None;
        }
        if !self.pods.contains_key(key) {
            let address = match object["spec"]["hostNetwork"] == true {
                true => host_address(&node).to_owned(),
                false => self.address(&node),
            };
            let pod = Pod {
                uid: object.uid().to_owned(),
                node: node.name().to_owned(),
                address,
                ..Pod::default()
            };
            self.pods.insert(key.clone(), pod);
        }
        let pod = self.pods.get_mut(key)?;
        let address = pod.address.clone();
        let mut site = Site {
            api,
            pod: &object,
            node: node.name(),
            address: &address,
            now: api.clock.now(),
            present: &mut self.present,
        };
        let next = match object.is_terminating() {
            true => pod.stop(&mut site),
            false => pod.sync(&mut site),
        };
        let is_gone = object.is_terminating() && pod.containers.values().all(Container::is_still);
        if !is_over {
            let status = pod.status(&mut site, host_address(&node));
            object.set_status(&status);
        }
        if is_gone && object.number("/metadata/deletionGracePeriodSeconds") != Some(0)
            || is_gone && object.list("/metadata/finalizers").is_empty()
        {
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
        let range = match node.text("/spec/podCIDR") {
            "" => "10.244.0.0/24",
            range => range,
        };
        let network = range.rsplit_once('.').map_or(range, |(network, _)| network);
        let last = self.addresses.entry(node.name().to_owned()).or_insert(1);
        loop {
            *last = if *last >= 254 { 2 } else { *last + 1 };
            let address = format!("{network}.{last}");
            let of_node = || self.pods.values().filter(|pod| pod.node == node.name());
            if of_node().all(|pod| pod.address != address) || of_node().count() > 250 {
                return address;
            }
        }
    }
}

impl Pod {
    /// Brings the containers on. Gives when there is something to do next.
    fn sync(&mut self, site: &mut Site<'_>) -> Option<Timestamp> {
        let Some(sandbox) = self.sandbox else {
            return self.mount(site);
        };
        if sandbox > site.now {
            return Some(sandbox);
        }
        let pod = site.pod;
        let mut next: Option<Timestamp> = None;
        let mut soonest = |at: Option<Timestamp>| next = next.into_iter().chain(at).min();
        for spec in pod.list("/spec/initContainers") {
            let role = role_of(spec);
            let container = self.containers.entry(spec.name_of().to_owned()).or_default();
            soonest(container.step(site, spec, role));
            let passed = match role {
                Role::Init => container.is_done() == Some(0),
                _ => container.is_started(site.now) || container.restarted(),
            };
            if !passed {
                return next;
            }
        }
        for spec in pod.list("/spec/containers") {
            let container = self.containers.entry(spec.name_of().to_owned()).or_default();
            soonest(container.step(site, spec, Role::Main));
        }
        // Who only helps has no work when all others have ended.
        if self.are_done(pod.list("/spec/containers")) {
            for spec in pod.list("/spec/initContainers") {
                let container = self.containers.entry(spec.name_of().to_owned()).or_default();
                container.leave(site, spec, None);
                next = next
                    .into_iter()
                    .chain(container.step(site, spec, role_of(spec)))
                    .min();
            }
        }
        next
    }

    /// Sees to it that the volumes are there.
    fn mount(&mut self, site: &Site<'_>) -> Option<Timestamp> {
        let missing = environment::missing_volumes(site.api, site.pod);
        if missing.is_empty() {
            self.missed = None;
            self.sandbox = Some(site.now + SANDBOX);
            return self.sandbox;
        }
        let due = self.missed.map_or(site.now, |missed| missed + MOUNT);
        if due > site.now {
            return Some(due);
        }
        self.missed = Some(site.now);
        for (volume, what) in missing {
            let message = format!("MountVolume.SetUp failed for volume {volume:?} : {what}");
            let teller = Teller {
                component: "kubelet",
                host: site.node,
            };
            teller.warning(site.api, site.pod, "FailedMount", &message);
        }
        Some(site.now + MOUNT)
    }

    /// Ends the containers. Gives when there is something to do next.
    fn stop(&mut self, site: &mut Site<'_>) -> Option<Timestamp> {
        let end = site
            .pod
            .text("/metadata/deletionTimestamp")
            .parse()
            .unwrap_or(site.now);
        let mut next: Option<Timestamp> = None;
        for (list, main) in [("/spec/containers", true), ("/spec/initContainers", false)] {
            for spec in site.pod.list(list) {
                let Some(container) = self.containers.get_mut(spec.name_of()) else {
                    continue;
                };
                let role = if main { Role::Main } else { role_of(spec) };
                container.leave(site, spec, Some(end));
                if !container.is_still() {
                    next = next.into_iter().chain(container.step(site, spec, role)).min();
                }
            }
        }
        next
    }

    /// Whether these containers have ended for good.
    fn are_done(&self, specs: &[Value]) -> bool {
        let mut containers = specs.iter().map(|spec| self.containers.get(spec.name_of()));
        containers.all(|container| container.is_some_and(|container| container.is_done().is_some()))
    }

    fn phase(&self, pod: &Value) -> &'static str {
        let of = |spec: &Value| self.containers.get(spec.name_of());
        let failed = |spec: &Value| {
            of(spec)
                .and_then(Container::is_done)
                .is_some_and(|code| code != 0)
        };
        let (inits, mains) = (pod.list("/spec/initContainers"), pod.list("/spec/containers"));
        let is_over = self.are_done(mains);
        let is_still = self.containers.values().all(Container::is_still);
        let init_failed = inits
            .iter()
            .any(|spec| role_of(spec) == Role::Init && failed(spec));
        match (is_over, is_still) {
            (false, _) if init_failed => "Failed",
            (true, true) if mains.iter().any(failed) => "Failed",
            (true, true) => "Succeeded",
            _ if mains.iter().all(|spec| of(spec).is_some_and(Container::has_run)) => "Running",
            _ => "Pending",
        }
    }

    /// The status of the pod: what it was, with what is so now.
    fn status(&self, site: &mut Site<'_>, host: &str) -> Value {
        let (pod, now) = (site.pod, site.now);
        let fresh = Container::default();
        let of = |spec: &Value| self.containers.get(spec.name_of()).unwrap_or(&fresh);
        let (inits, mains) = (pod.list("/spec/initContainers"), pod.list("/spec/containers"));
        let waiting = if inits.is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
        };
        let has_network = self.sandbox.is_some_and(|sandbox| sandbox <= now);
        let phase = self.phase(pod);
        let is_over = matches!(phase, "Succeeded" | "Failed");

        let incomplete: Vec<&str> = inits
            .iter()
            .filter(|spec| match role_of(spec) {
                Role::Init => of(spec).is_done() != Some(0),
                _ => !of(spec).is_started(now) && !of(spec).restarted() && !is_over,
            })
            .map(|spec| spec.name_of())
            .collect();
        let sidecars = inits.iter().filter(|spec| role_of(spec) == Role::Sidecar);
        let unready: Vec<&str> = sidecars
            .map(|spec| (spec, Role::Sidecar))
            .chain(mains.iter().map(|spec| (spec, Role::Main)))
            .filter(|(spec, role)| !of(spec).is_ready(now, *role))
            .map(|(spec, _)| spec.name_of())
            .collect();
        let ready = match phase {
            "Succeeded" => Some(("PodCompleted", String::new())),
            "Failed" => Some(("PodFailed", String::new())),
            _ if unready.is_empty() => None,
            _ => Some((
                "ContainersNotReady",
                format!("containers with unready status: [{}]", unready.join(" ")),
            )),
        };
        let initialized = match phase {
            _ if !incomplete.is_empty() => Some((
                "ContainersNotInitialized",
                format!("containers with incomplete status: [{}]", incomplete.join(" ")),
            )),
            _ => None,
        };

        let mut status = pod["status"].clone();
        let fields = map_at(json_root(&mut status), "status");
        let mut set = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
        set("observedGeneration", pod["metadata"]["generation"].clone());
        set("phase", phase.into());
        set("hostIP", host.into());
        set("hostIPs", json!([{"ip": host}]));
        if has_network {
            set("podIP", self.address.as_str().into());
            set("podIPs", json!([{"ip": self.address}]));
        }
        if pod.text("/status/startTime").is_empty() {
            set("startTime", seconds(now).into());
        }
        let mut conditions = vec![
            told(
                pod,
                now,
                "PodReadyToStartContainers",
                (has_network && !is_over, None),
            ),
            told(
                pod,
                now,
                "Initialized",
                (
                    initialized.is_none(),
                    match phase {
                        "Succeeded" if initialized.is_none() => Some(("PodCompleted", String::new())),
                        _ => initialized,
                    },
                ),
            ),
            told(pod, now, "Ready", (ready.is_none(), ready.clone())),
            told(pod, now, "ContainersReady", (ready.is_none(), ready)),
            told(pod, now, "PodScheduled", (true, None)),
        ];
        let known: Vec<Value> = conditions.iter().map(|known| known["type"].clone()).collect();
        let others = pod
            .list("/status/conditions")
            .iter()
            .filter(|other| !known.contains(&other["type"]));
        conditions.extend(others.cloned());
        set("conditions", json!(conditions));
        set("resources", resources(pod, &["limits", "requests"]));
        if let Some(requests) = resources(pod, &["requests"]).get_mut("requests") {
            set("allocatedResources", requests.take());
        }
        if !inits.is_empty() {
            let statuses: Vec<Value> = inits
                .iter()
                .map(|spec| of(spec).status(site, spec, role_of(spec), waiting))
                .collect();
            set("initContainerStatuses", json!(statuses));
        }
        let mut statuses: Vec<Value> = mains
            .iter()
            .map(|spec| of(spec).status(site, spec, Role::Main, waiting))
            .collect();
        statuses.sort_by(|one, other| one.name_of().cmp(other.name_of()));
        set("containerStatuses", json!(statuses));
        status["status"].take()
    }
}

/// An object that holds a status where an object does.
fn json_root(status: &mut Value) -> &mut Value {
    let inner = status.take();
    *status = json!({"status": inner});
    status
}

/// A condition, which keeps its time while its status stays the same.
fn told(pod: &Value, now: Timestamp, name: &str, (holds, why): (bool, Option<(&str, String)>)) -> Value {
    let status = if holds { "True" } else { "False" };
    let before = condition(&pod["status"], name);
    let since = before
        .filter(|before| before["status"] == status)
        .map(|before| before["lastTransitionTime"].clone());
    let mut condition = json!({
        "type": name,
        "observedGeneration": pod["metadata"]["generation"],
        "status": status,
        "lastProbeTime": null,
        "lastTransitionTime": since.unwrap_or_else(|| seconds(now).into()),
    });
    if let Some((reason, message)) = why {
        condition["reason"] = reason.into();
        if !message.is_empty() {
            condition["message"] = message.into();
        }
    }
    condition
}

/// What the containers of a pod ask for and may have, in sum.
fn resources(pod: &Value, sorts: &[&str]) -> Value {
    let sum = |sort: &&str| {
        let sum = quantity::sum(pod, sort);
        (!sum.is_empty()).then(|| ((*sort).to_owned(), json!(sum)))
    };
    Value::Object(sorts.iter().filter_map(sum).collect())
}

/// What a container of `initContainers` is.
fn role_of(spec: &Value) -> Role {
    match spec.text("/restartPolicy") {
        "Always" => Role::Sidecar,
        _ => Role::Init,
    }
}

/// Whether a node's kubelet works.
fn works(node: &Value) -> bool {
    let ready = node
        .list("/status/conditions")
        .iter()
        .find(|condition| condition["type"] == "Ready");
    ready.is_none_or(|ready| ready["status"] != "Unknown")
}

/// The address of a node.
fn host_address(node: &Value) -> &str {
    let addresses = node.list("/status/addresses");
    let internal = addresses.iter().find(|address| address["type"] == "InternalIP");
    internal.map_or("127.0.0.1", |address| address.text("/address"))
}
