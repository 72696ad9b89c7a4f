//! Endpoints and EndpointSlices: the pods behind Services.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Controller, owned};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    selector::selects_all_of,
    store::{Change, Key},
};

const SLICES: &str = "endpointslices.discovery.k8s.io";
const SERVICE: &str = "kubernetes.io/service-name";
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";
/// How many endpoints are in a slice.
const MOST: usize = 100;

/// Sees to the endpoints of Services.
pub(crate) struct Endpoints;

impl Controller for Endpoints {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let Key {
            resource,
            namespace,
            name,
        } = &change.key;
        let sides = || [&change.before, &change.now].into_iter().flatten();
        let key = |name: &str| Key::new("services", namespace, name);
        match &**resource {
            "services" | "endpoints" => vec![key(name)],
            SLICES => sides()
                .map(|slice| key(slice["metadata"]["labels"][SERVICE].as_str().unwrap_or_default()))
                .collect(),
            "pods" => {
                let services = api.all("services", Some(namespace));
                let selects = |service: &&Arc<Object>| {
                    sides().any(|pod| selects_all_of(&service["spec"]["selector"], pod))
                };
                services
                    .iter()
                    .filter(selects)
                    .map(|service| key(service.name()))
                    .collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let old = api.store.get(&Key::new("endpoints", &key.namespace, &key.name));
        let Some(service) = api.store.get(key) else {
            let ours = |old: &Arc<Object>| {
                old["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"] == "endpoint-controller"
            };
            if let Some(old) = old.filter(ours) {
                owned::delete(api, "endpoint-controller", &old);
            }
            return None;
        };
        if service["spec"]["selector"]
            .as_object()
            .is_none_or(|selector| selector.is_empty())
        {
            return None;
        }
        let backs = |pod: &Arc<Object>| {
            selects_all_of(&service["spec"]["selector"], pod)
                && !owned::is_over(pod)
                && !pod.text("/status/podIP").is_empty()
        };
        let all = api.all("pods", Some(&key.namespace)).into_iter();
        let pods: Vec<_> = all.filter(backs).collect();
        let now = owned::now(api);
        let changed = |pod: &Arc<Object>| {
            owned::condition(&pod["status"], "Ready").is_some_and(|ready| ready["lastTransitionTime"] == *now)
        };
        let triggered = service["metadata"]["creationTimestamp"] == *now || pods.iter().any(changed);
        let view = View {
            api,
            service: &service,
            pods: &pods,
            trigger: triggered.then_some(now),
        };
        view.write_slices();
        view.write_endpoints(old);
        None
    }
}

/// A Service and the pods behind it.
struct View<'a> {
    api: &'a Api,
    service: &'a Value,
    pods: &'a [Arc<Object>],
    /// When that happened which changes the endpoints now.
    trigger: Option<String>,
}

impl View<'_> {
    /// The ports of the Service at a pod; a named one that the pod does not have is left out.
    fn ports(&self, pod: &Value) -> Vec<Value> {
        let port = |port: &Value| {
            let number = match &port["targetPort"] {
                Value::String(name) => pod
                    .list("/spec/containers")
                    .iter()
                    .flat_map(|container| container.list("/ports"))
                    .find(|port| port["name"] == **name)?["containerPort"]
                    .clone(),
                Value::Null => port["port"].clone(),
                number => number.clone(),
            };
            let mut made = json!({"name": port.text("/name"), "port": number, "protocol": port["protocol"]});
            if let Some(protocol) = port.get("appProtocol") {
                made["appProtocol"] = protocol.clone();
            }
            Some(made)
        };
        self.service.list("/spec/ports").iter().filter_map(port).collect()
    }

    fn target(&self, pod: &Value) -> Value {
        json!({"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()})
    }

    fn is_ready(&self, pod: &Value) -> bool {
        self.service["spec"]["publishNotReadyAddresses"] == true
            || owned::ready_since(pod).is_some() && !pod.is_terminating()
    }

    /// What both forms have in common of an endpoint.
    fn whereabouts(&self, pod: &Value, endpoint: &mut Value) {
        endpoint["targetRef"] = self.target(pod);
        if !pod.text("/spec/nodeName").is_empty() {
            endpoint["nodeName"] = pod["spec"]["nodeName"].clone();
        }
        if pod["spec"]["subdomain"] == self.service.name() && !pod.text("/spec/hostname").is_empty() {
            endpoint["hostname"] = pod["spec"]["hostname"].clone();
        }
    }

    /// The Service's labels with a mark of who made what has them.
    fn labels(&self, marks: &[(&str, &str)]) -> Value {
        let mut labels = self.service["metadata"]["labels"].clone();
        let headless = self.service["spec"]["clusterIP"] == "None";
        for (name, value) in marks.iter().chain(headless.then_some(&(HEADLESS, ""))) {
            labels[*name] = json!(value);
        }
        labels
    }

    fn write_slices(&self) {
        let who = "endpointslice-controller";
        let mut wanted: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
        for pod in self.pods {
            let serving = owned::ready_since(pod).is_some();
            let mut endpoint = json!({
                "addresses": [pod["status"]["podIP"]],
                "conditions": {"ready": self.is_ready(pod), "serving": serving, "terminating": pod.is_terminating()},
            });
            self.whereabouts(pod, &mut endpoint);
            let ports = Value::Array(self.ports(pod));
            wanted
                .entry(ports.to_string())
                .or_insert((ports, vec![]))
                .1
                .push(endpoint);
        }
        let mut wanted: Vec<(Value, Value)> = wanted
            .into_values()
            .flat_map(|(ports, all)| {
                all.chunks(MOST)
                    .map(|some| (ports.clone(), json!(some)))
                    .collect::<Vec<_>>()
            })
            .collect();
        if wanted.is_empty() {
            wanted.push((Value::Null, Value::Null));
        }
        let labels = self.labels(&[
            (
                "endpointslice.kubernetes.io/managed-by",
                "endpointslice-controller.k8s.io",
            ),
            (SERVICE, self.service.name()),
        ]);
        let ours = |slice: &Arc<Object>| {
            slice
                .controller()
                .is_some_and(|by| by["uid"] == self.service["metadata"]["uid"])
        };
        let mut slices = self.api.all(SLICES, Some(self.service.namespace()));
        slices.retain(ours);
        // Each slice that is there goes on with what is likest to it: the same ports, else any.
        for (ports, endpoints) in wanted {
            let at = slices
                .iter()
                .position(|slice| slice["ports"] == ports)
                .or((!slices.is_empty()).then_some(0));
            let slice = at.map(|at| slices.remove(at));
            let fill = |slice: &mut Value| {
                slice["endpoints"] = endpoints.clone();
                slice["ports"] = ports.clone();
                slice["metadata"]["labels"] = labels.clone();
                self.note_trigger(slice);
            };
            match slice {
                Some(slice)
                    if slice["endpoints"] == endpoints
                        && slice["ports"] == ports
                        && slice["metadata"]["labels"] == labels => {}
                Some(slice) => drop(owned::update(self.api, who, &slice, fill)),
                None => {
                    let meta = json!({
                        "generateName": format!("{}-", self.service.name()),
                        "ownerReferences": [owned::reference(self.service)],
                    });
                    let mut slice = json!({"metadata": meta, "addressType": "IPv4"});
                    fill(&mut slice);
                    drop(owned::create(self.api, who, self.service, SLICES, slice));
                }
            }
        }
        for slice in slices {
            owned::delete(self.api, who, &slice);
        }
    }

    fn write_endpoints(&self, old: Option<Arc<Object>>) {
        let who = "endpoint-controller";
        let mut subsets: BTreeMap<String, Value> = BTreeMap::new();
        for pod in self.pods.iter().filter(|pod| !pod.is_terminating()) {
            let mut address = json!({"ip": pod["status"]["podIP"]});
            self.whereabouts(pod, &mut address);
            let mut ports = self.ports(pod);
            ports.sort_by_key(|port| port.text("/name").to_owned());
            for port in &mut ports {
                if port["name"] == "" {
                    map_at(port, "").remove("name");
                }
            }
            let key = Value::Array(ports.clone()).to_string();
            let subset = subsets.entry(key).or_insert_with(|| json!({"ports": ports}));
            let list = if self.is_ready(pod) {
                "addresses"
            } else {
                "notReadyAddresses"
            };
            match &mut subset[list] {
                Value::Array(addresses) => addresses.push(address),
                none => *none = json!([address]),
            }
        }
        let subsets: Vec<Value> = subsets.into_values().collect();
        let labels = self.labels(&[("endpoints.kubernetes.io/managed-by", who)]);
        let fill = |endpoints: &mut Value| {
            if let Some(endpoints) = endpoints.as_object_mut() {
                endpoints.remove("subsets");
            }
            if !subsets.is_empty() {
                endpoints["subsets"] = json!(subsets);
            }
            endpoints["metadata"]["labels"] = labels.clone();
            self.note_trigger(endpoints);
        };
        match old {
            Some(old) if *old.list("/subsets") == *subsets && old["metadata"]["labels"] == labels => {}
            Some(old) => drop(owned::update(self.api, who, &old, fill)),
            None => {
                let mut endpoints = json!({"metadata": {"name": self.service.name()}});
                fill(&mut endpoints);
                drop(owned::create(self.api, who, self.service, "endpoints", endpoints));
            }
        }
    }

    /// Notes at what is written why it is, where that is known.
    fn note_trigger(&self, object: &mut Value) {
        match &self.trigger {
            Some(at) => owned::annotate(object, TRIGGER, at.clone()),
            None => drop(map_at(&mut object["metadata"], "annotations").remove(TRIGGER)),
        }
    }
}
