//! Endpoints and EndpointSlices: the pods behind Services.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    selector::selects_all_of,
    store::{Change, Key},
};

const SLICES: &str = "endpointslices.discovery.k8s.io";
const SERVICE: &str = "kubernetes.io/service-name";
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const WHOLE: &str = "endpoint-controller";
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
        let key = |name: &str| Key::new("services", namespace, name);
        let sides: Vec<_> = [&change.before, &change.now].into_iter().flatten().collect();
        match &**resource {
            "services" | "endpoints" => vec![key(name)],
            SLICES => sides
                .iter()
                .map(|slice| key(slice.text("/metadata/labels/kubernetes.io~1service-name")))
                .collect(),
            "pods" if matches!(sides.as_slice(), [before, now] if shown(before) == shown(now)) => vec![],
            "pods" => {
                let mut services = api.all("services", Some(namespace));
                services.retain(|it| {
                    sides
                        .iter()
                        .any(|pod| selects_all_of(&it["spec"]["selector"], pod))
                });
                services.iter().map(|service| key(service.name())).collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let Some(service) = Work::on(api, WHOLE, key) else {
            // Slices follow their owner; Endpoints have none.
            let old = Work::on(api, WHOLE, &Key::new("endpoints", &key.namespace, &key.name))?;
            if old["metadata"]["labels"]["endpoints.kubernetes.io/managed-by"] == WHOLE {
                old.delete(&old, "");
            }
            return None;
        };
        let selector = &service["spec"]["selector"];
        selector.as_object().filter(|selector| !selector.is_empty())?;
        let mut pods = api.all("pods", Some(&key.namespace));
        pods.retain(|pod| {
            let is_up = !pod.text("/status/podIP").is_empty() && !work::is_over(pod);
            is_up && selects_all_of(selector, pod)
        });
        let view = View {
            service: &service,
            pods,
        };
        view.write_whole();
        let service = Work::on(api, "endpointslice-controller", key)?;
        View {
            service: &service,
            ..view
        }
        .write_slices();
        None
    }
}

/// What of a pod its endpoints show.
fn shown(pod: &Value) -> impl PartialEq + use<'_> {
    let place = (pod.text("/status/podIP"), &pod["metadata"]["labels"]);
    (
        place,
        work::ready_since(pod),
        pod.is_terminating(),
        work::is_over(pod),
    )
}

/// A Service and the pods behind it.
struct View<'a> {
    service: &'a Work<'a>,
    pods: Vec<Arc<Object>>,
}

impl View<'_> {
    /// The ports of the Service at a pod; a named one that the pod does not have is left out.
    fn ports(&self, pod: &Value) -> Vec<Value> {
        let containers = pod.list("/spec/containers").iter();
        let named: Vec<_> = containers
            .flat_map(|container| container.list("/ports"))
            .collect();
        let port = |port: &Value| {
            let number = match &port["targetPort"] {
                name @ Value::String(_) => &named.iter().find(|port| port["name"] == *name)?["containerPort"],
                Value::Null => &port["port"],
                number => number,
            };
            let mut made = json!({"name": port.text("/name"), "port": number, "protocol": port["protocol"]});
            if let Some(protocol) = port.get("appProtocol") {
                made["appProtocol"] = protocol.clone();
            }
            Some(made)
        };
        self.service.list("/spec/ports").iter().filter_map(port).collect()
    }

    fn is_ready(&self, pod: &Value) -> bool {
        let ready = work::ready_since(pod).is_some() && !pod.is_terminating();
        ready || self.service["spec"]["publishNotReadyAddresses"] == true
    }

    /// An endpoint: what the form has of its own, and what both have.
    fn endpoint(&self, pod: &Value, mut own: Value) -> Value {
        let (name, uid) = (pod.name(), pod.uid());
        own["targetRef"] = json!({"kind": "Pod", "namespace": pod.namespace(), "name": name, "uid": uid});
        let is_named = pod["spec"]["subdomain"] == self.service.name();
        for (field, shown) in [("nodeName", true), ("hostname", is_named)] {
            if let Some(value) = pod["spec"].get(field).filter(|_| shown) {
                own[field] = value.clone();
            }
        }
        own
    }

    /// Writes an object of endpoints, if it is not as it is to be.
    fn put(&self, old: Option<Arc<Object>>, resource: &str, new: Value, marks: &[(&str, &str)]) {
        let headless = self.service["spec"]["clusterIP"] == "None";
        let mut labels = self.service["metadata"]["labels"].clone();
        for (name, value) in marks
            .iter()
            .chain(headless.then_some(&("service.kubernetes.io/headless", "")))
        {
            labels[*name] = json!(value);
        }
        let fields = ["subsets", "endpoints", "ports"];
        if let Some(old) = &old
            && old["metadata"]["labels"] == labels
            && fields.into_iter().all(|field| old[field] == new[field])
        {
            return;
        }
        // Why it changes is known if it changed just now.
        let now = self.service.now();
        let mut ready = self
            .pods
            .iter()
            .filter_map(|pod| work::condition(&pod["status"], "Ready"));
        let triggered = self.service["metadata"]["creationTimestamp"] == now
            || ready.any(|ready| ready["lastTransitionTime"] == now);
        let fill = |object: &mut Value| {
            for field in fields {
                work::remove(object, field);
                if let Some(value) = new.get(field) {
                    object[field] = value.clone();
                }
            }
            object["metadata"]["labels"] = labels.clone();
            work::annotate(object, TRIGGER, now.clone());
            if !triggered {
                work::remove(&mut object["metadata"]["annotations"], TRIGGER);
            }
        };
        // What cannot be written now (its namespace is going) need not be.
        drop(match old {
            Some(old) => self.service.update(&old, fill),
            None => {
                let mut object = new.clone();
                fill(&mut object);
                self.service.create(resource, object)
            }
        });
    }

    fn write_slices(&self) {
        let mut wanted: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
        for pod in &self.pods {
            let (ready, serving) = (self.is_ready(pod), work::ready_since(pod).is_some());
            let conditions = json!({"ready": ready, "serving": serving, "terminating": pod.is_terminating()});
            let own = json!({"addresses": [pod["status"]["podIP"]], "conditions": conditions});
            let ports = json!(self.ports(pod));
            let group = wanted.entry(ports.to_string()).or_insert((ports, vec![]));
            group.1.push(self.endpoint(pod, own));
        }
        let mut slices = self.service.api.all(SLICES, Some(self.service.namespace()));
        slices.retain(|slice| {
            slice
                .controller()
                .is_some_and(|by| by["uid"] == self.service.uid())
        });
        let marks = [
            (
                "endpointslice.kubernetes.io/managed-by",
                "endpointslice-controller.k8s.io",
            ),
            (SERVICE, self.service.name()),
        ];
        let chunks = wanted
            .values()
            .flat_map(|(ports, all)| all.chunks(MOST).map(move |some| (ports, json!(some))));
        let mut chunks: Vec<_> = chunks.collect();
        if chunks.is_empty() {
            chunks.push((&Value::Null, Value::Null));
        }
        for (ports, endpoints) in chunks {
            // A slice that is there goes on with what is likest to it: the same ports, else any.
            let same = slices.iter().position(|slice| slice["ports"] == *ports);
            let old = same.or(slices.len().checked_sub(1)).map(|at| slices.remove(at));
            let name = format!("{}-", self.service.name());
            let meta = json!({"generateName": name, "ownerReferences": [self.service.reference()]});
            let new =
                json!({"metadata": meta, "addressType": "IPv4", "endpoints": endpoints, "ports": ports});
            self.put(old, SLICES, new, &marks);
        }
        slices.iter().for_each(|slice| self.service.delete(slice, ""));
    }

    fn write_whole(&self) {
        let mut subsets: BTreeMap<String, Value> = BTreeMap::new();
        for pod in self.pods.iter().filter(|pod| !pod.is_terminating()) {
            let mut ports = self.ports(pod);
            ports.sort_by_cached_key(|port| port.text("/name").to_owned());
            for port in ports.iter_mut().filter(|port| port["name"] == "") {
                work::remove(port, "name");
            }
            let subset = subsets
                .entry(json!(ports).to_string())
                .or_insert(json!({"ports": ports}));
            let list = if self.is_ready(pod) {
                "addresses"
            } else {
                "notReadyAddresses"
            };
            let mut addresses = subset[list].as_array().cloned().unwrap_or_default();
            addresses.push(self.endpoint(pod, json!({"ip": pod["status"]["podIP"]})));
            subset[list] = json!(addresses);
        }
        let name = self.service.name();
        let mut new = json!({"metadata": {"name": name}});
        if !subsets.is_empty() {
            new["subsets"] = subsets.into_values().collect();
        }
        let old = self
            .service
            .api
            .store
            .get(&Key::new("endpoints", self.service.namespace(), name));
        self.put(
            old,
            "endpoints",
            new,
            &[("endpoints.kubernetes.io/managed-by", WHOLE)],
        );
    }
}
