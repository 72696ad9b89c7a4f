//! EndpointSlices: the pods behind Services.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object, map_at},
    selector::selects_all_of,
    store::{Change, Key},
};

const SLICES: &str = "endpointslices.discovery.k8s.io";

/// Sees to the slices of Services.
pub(crate) struct Slices;

impl Controller for Slices {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let namespace = &change.key.namespace;
        let key = |name: &str| Key::new("services", namespace, name);
        let sides: Vec<_> = [&change.before, &change.now].into_iter().flatten().collect();
        match &*change.key.resource {
            "services" => vec![change.key.clone()],
            SLICES => {
                let owners = sides.iter().filter_map(|slice| slice.controller());
                owners.map(|owner| key(owner.text("/name"))).collect()
            }
            "pods" if matches!(sides.as_slice(), [before, now] if shown(before) == shown(now)) => vec![],
            "pods" => {
                let mut services = api.all("services", Some(namespace));
                services.retain(|service| {
                    let selector = &service["spec"]["selector"];
                    sides.iter().any(|pod| selects_all_of(selector, pod))
                });
                services.iter().map(|service| key(service.name())).collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let service = Work::on(api, "endpointslice-controller", key)?;
        let selector = &service["spec"]["selector"];
        selector.as_object().filter(|selector| !selector.is_empty())?;
        let mut pods = api.all("pods", Some(&key.namespace));
        pods.retain(|pod| {
            let is_up = !pod.text("/status/podIP").is_empty() && !work::is_over(pod);
            is_up && selects_all_of(selector, pod)
        });
        write(&service, &pods);
        None
    }
}

/// What of a pod its endpoints show.
fn shown(pod: &Value) -> impl PartialEq + use<'_> {
    let place = (pod.text("/status/podIP"), &pod["metadata"]["labels"]);
    let (ready, over) = (work::ready_since(pod), work::is_over(pod));
    (place, ready, pod.is_terminating(), over)
}

/// Writes the slices of a Service: one for the pods that have the same ports, and one if there is none.
fn write(service: &Work, pods: &[Arc<Object>]) {
    let mut wanted: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for pod in pods {
        let ports = json!(ports(service, pod));
        let group = wanted.entry(ports.to_string()).or_insert((ports, vec![]));
        group.1.push(endpoint(service, pod));
    }
    let mut wanted: Vec<_> = wanted
        .into_values()
        .map(|(ports, all)| (ports, json!(all)))
        .collect();
    if wanted.is_empty() {
        wanted.push((Value::Null, Value::Null));
    }
    let mut slices = service.api.all(SLICES, Some(service.namespace()));
    slices.retain(|slice| slice.controller().is_some_and(|by| by["uid"] == service.uid()));
    for (ports, endpoints) in wanted {
        // A slice that is there goes on with what is likest to it: the same ports, else any.
        let same = slices.iter().position(|slice| slice["ports"] == ports);
        let old = same.or(slices.len().checked_sub(1)).map(|at| slices.remove(at));
        let name = format!("{}-", service.name());
        let meta = json!({"generateName": name, "ownerReferences": [service.reference()]});
        let new = json!({"metadata": meta, "addressType": "IPv4"});
        let mut now = old.as_ref().map_or(new, |old| old.value().clone());
        now["metadata"]["labels"] = labels(service);
        for (field, value) in [("endpoints", endpoints), ("ports", ports)] {
            work::remove(&mut now, field);
            if !value.is_null() {
                now[field] = value;
            }
        }
        // What cannot be written now (its namespace is going) need not be.
        match old {
            Some(old) if now == *old.value() => {}
            Some(old) => drop(service.update(&old, |slice| slice.clone_from(&now))),
            None => drop(service.create(SLICES, now)),
        }
    }
    slices.iter().for_each(|slice| service.delete(slice, ""));
}

/// The labels of a Service's slices: its own and what tells whose they are.
fn labels(service: &Work) -> Value {
    let mut meta = json!({"labels": service["metadata"]["labels"]});
    let labels = map_at(&mut meta, "labels");
    let by = "endpointslice-controller.k8s.io";
    labels.insert("endpointslice.kubernetes.io/managed-by".into(), json!(by));
    labels.insert("kubernetes.io/service-name".into(), json!(service.name()));
    if service["spec"]["clusterIP"] == "None" {
        labels.insert("service.kubernetes.io/headless".into(), json!(""));
    }
    meta["labels"].take()
}

/// The ports of a Service at a pod; a named one that the pod does not have is left out.
fn ports(service: &Work, pod: &Value) -> Vec<Value> {
    let containers = pod.list("/spec/containers").iter();
    let named: Vec<_> = containers
        .flat_map(|container| container.list("/ports"))
        .collect();
    let port = |port: &Value| {
        let number = match &port["targetPort"] {
            name @ Value::String(_) => &named.iter().find(|port| port["name"] == *name)?["containerPort"],
            number => number,
        };
        let mut made = json!({"name": port.text("/name"), "port": number, "protocol": port["protocol"]});
        if let Some(protocol) = port.get("appProtocol") {
            made["appProtocol"] = protocol.clone();
        }
        Some(made)
    };
    service.list("/spec/ports").iter().filter_map(port).collect()
}

/// A pod as an endpoint of a Service.
fn endpoint(service: &Work, pod: &Value) -> Value {
    let (serving, terminating) = (work::ready_since(pod).is_some(), pod.is_terminating());
    let ready = serving && !terminating || service["spec"]["publishNotReadyAddresses"] == true;
    let mut endpoint = json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "namespace": pod.namespace(), "name": pod.name(), "uid": pod.uid()},
    });
    let is_named = pod["spec"]["subdomain"] == service.name();
    for (field, shown) in [("nodeName", true), ("hostname", is_named)] {
        if let Some(value) = pod["spec"].get(field).filter(|_| shown) {
            endpoint[field] = value.clone();
        }
    }
    endpoint
}
