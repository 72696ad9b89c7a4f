//! What pods and nodes take (`metrics.k8s.io`), as metrics-server tells it: made when it is asked for.

use std::sync::Arc;

use http::{Method, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    front::{Asked, Body},
    kinds::Kind,
    list,
    object::{Meta as _, Object},
    present,
    route::Target,
    server::Api,
    status::{Failure, Result},
};
use crate::{clock::seconds, kubelet::runs::hash};

/// The group.
pub(crate) const GROUP: &str = "metrics.k8s.io";

/// How often it is measured, in seconds.
const EVERY: i64 = 15;

/// What a node takes before any pod: a part of a CPU, and memory.
pub(crate) const BASE: (i64, i64) = (45_000_000, 620 << 20);

/// `GET` of one or all.
pub(crate) fn get(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    if asked.method != Method::GET {
        return Err(Failure::method_not_allowed());
    }
    let of_pods = target.kind.plural == "pods";
    let measured = |object: &Value| {
        if of_pods {
            pod(api, object)
        } else {
            node(api, object)
        }
    };
    let resource = if of_pods { "pods" } else { "nodes" };
    let Some(name) = &target.name else {
        let objects = api.all(resource, target.namespace.as_deref());
        let metrics = objects.iter().filter_map(|object| measured(object)).collect();
        return list::made(api, asked, target, metrics);
    };
    let kind = api.kind(resource)?;
    let found = api.get(&kind, target.place(), name).ok();
    let Some(metrics) = found.and_then(|object| measured(&object)) else {
        // metrics-server has a word of its own for nodes.
        let plural = if of_pods { "pods" } else { "node" };
        let kind = Kind {
            plural: plural.into(),
            ..(*kind).clone()
        };
        return Err(Failure::not_found(&kind, name));
    };
    present::one(api, asked, target, 200, &Object::new(metrics, 0))
}

/// When it was measured last.
fn measured_at(api: &Api) -> Timestamp {
    let now = api.clock.now();
    now - SignedDuration::from_secs(now.as_second().rem_euclid(EVERY))
}

/// What the containers of a pod take that have run long enough to be measured; CPU and memory.
fn containers(api: &Api, pod: &Value) -> Vec<(String, i64, i64)> {
    let at = measured_at(api);
    let lists = ["/spec/containers", "/spec/initContainers"];
    let specs = lists.iter().flat_map(|list| pod.list(list));
    specs
        .filter_map(|spec| {
            let name = spec.text("/name");
            let usage = api.runtime.with(pod.uid(), name, false, |run| {
                let is_measured = run.ended.is_none() && run.started + SignedDuration::from_secs(EVERY) <= at;
                is_measured.then(|| run.usage(at))
            });
            let (cpu, memory) = usage.flatten()?;
            Some((name.to_owned(), cpu, memory))
        })
        .collect()
}

fn pod(api: &Api, pod: &Value) -> Option<Value> {
    let containers: Vec<Value> = containers(api, pod)
        .into_iter()
        .map(|(name, cpu, memory)| json!({"name": name, "usage": usage(cpu, memory)}))
        .collect();
    let mut metrics = head(api, pod, "PodMetrics");
    metrics["metadata"]["namespace"] = pod["metadata"]["namespace"].clone();
    metrics["containers"] = json!(containers);
    (!containers.is_empty()).then_some(metrics)
}

fn node(api: &Api, node: &Value) -> Option<Value> {
    let ready = node
        .list("/status/conditions")
        .iter()
        .find(|condition| condition["type"] == "Ready");
    if ready.is_some_and(|ready| ready["status"] == "Unknown") {
        return None;
    }
    let pods = api.all("pods", None);
    let own = pods
        .iter()
        .filter(|pod| pod["spec"]["nodeName"] == node["metadata"]["name"]);
    let sum = own
        .flat_map(|pod| containers(api, pod))
        .fold(BASE, |sum, (_, cpu, memory)| (sum.0 + cpu, sum.1 + memory));
    let mut metrics = head(api, node, "NodeMetrics");
    metrics["usage"] = usage(sum.0, sum.1);
    Some(metrics)
}

fn head(api: &Api, object: &Value, kind: &str) -> Value {
    let at = measured_at(api);
    // It is never measured quite at the time.
    let late = hash(format!("{}{at}", object.name()).as_bytes()) % 20;
    let mut metrics = json!({
        "kind": kind,
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {"name": object.name(), "creationTimestamp": seconds(api.clock.now())},
        "timestamp": seconds(at),
        "window": format!("{}.{:03}s", 9 + late / 10, 990 * u64::from(late < 10) + late % 10),
    });
    if let Some(labels) = object["metadata"].get("labels") {
        metrics["metadata"]["labels"] = labels.clone();
    }
    metrics
}

fn usage(cpu: i64, memory: i64) -> Value {
    json!({"cpu": format!("{cpu}n"), "memory": format!("{}Ki", memory >> 10)})
}
