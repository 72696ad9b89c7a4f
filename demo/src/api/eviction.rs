//! Evicting pods as far as disruption budgets allow, and what the budgets say.

use std::{collections::BTreeMap, sync::Arc};

use http::Response;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Api,
    front::{Asked, Body, json_response},
    object::{Meta as _, Object},
    route::Target,
    selector::selects,
    status::{Cause, Failure, Result},
    store::{Change, Key},
    write::Write,
};
use crate::{
    clock::seconds,
    controllers::{Controller, events::Teller},
};

const BUDGETS: &str = "poddisruptionbudgets.policy";

/// `POST` of an `Eviction`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, namespace, name) = (&target.kind, target.place(), target.name());
    let eviction = asked.object()?;
    if eviction.name() != name {
        return Err(Failure::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    let mut how = Write {
        subresource: None,
        ..asked.write(target)
    };
    how.dry_run |= !eviction.list("/deleteOptions/dryRun").is_empty();
    let pod = api.get(kind, namespace, name)?;
    if is_counted(&pod) {
        let budgets: Vec<_> = api
            .all(BUDGETS, Some(namespace))
            .into_iter()
            .filter(|budget| selects(&budget["spec"]["selector"], &pod))
            .collect();
        match budgets.as_slice() {
            [] => {}
            [budget] => take(api, budget, &pod, &how)?,
            _ => {
                return Err(Failure::unexplained(
                    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
                ));
            }
        }
    }
    let now = seconds(api.clock.now());
    api.change(kind, namespace, name, &how.clone().status(), |pod| {
        let mut pod = pod.clone();
        let mut conditions = pod.list("/status/conditions").to_vec();
        conditions.retain(|condition| condition["type"] != "DisruptionTarget");
        conditions.insert(
            0,
            json!({
                "type": "DisruptionTarget",
                "status": "True",
                "lastProbeTime": null,
                "lastTransitionTime": now,
                "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting",
            }),
        );
        pod["status"]["conditions"] = json!(conditions);
        Ok(pod)
    })?;
    api.delete(kind, namespace, name, &eviction["deleteOptions"], &how)?;
    Ok(done())
}

/// The answer to what makes nothing.
pub(crate) fn done() -> Response<Body> {
    let status =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    json_response(201, status.to_string().into())
}

/// Whether a budget is asked about a pod: not when it has ended, not begun, or is going.
fn is_counted(pod: &Value) -> bool {
    !pod.is_terminating() && !matches!(pod.text("/status/phase"), "Succeeded" | "Failed" | "Pending")
}

/// Whether a pod serves.
fn is_ready(pod: &Value) -> bool {
    let mut conditions = pod.list("/status/conditions").iter();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Takes one disruption from a budget, if it has one.
fn take(api: &Api, budget: &Object, pod: &Value, how: &Write) -> Result<()> {
    let status = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    let (healthy, desired) = (status("currentHealthy"), status("desiredHealthy"));
    if !is_ready(pod) {
        let always = budget.text("/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
        if always || (healthy >= desired && desired > 0) {
            return Ok(());
        }
    }
    let name = budget.name();
    let why = if status("observedGeneration") < budget.number("/metadata/generation").unwrap_or(0) {
        format!("The disruption budget {name} is still being processed by the server.")
    } else if status("disruptionsAllowed") > 0 {
        return api
            .change(
                &*api.kind(BUDGETS)?,
                budget.namespace(),
                name,
                &how.clone().status(),
                |budget| {
                    let mut budget = budget.clone();
                    budget["status"]["disruptionsAllowed"] = json!(status("disruptionsAllowed") - 1);
                    Ok(budget)
                },
            )
            .map(drop);
    } else if healthy <= desired {
        format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
    } else {
        format!("The disruption budget {name} does not allow evicting pods currently")
    };
    let cause = Cause {
        reason: "DisruptionBudget",
        message: why,
        field: String::new(),
    };
    Err(
        Failure::too_many_requests("Cannot evict pod as it would violate the pod's disruption budget.")
            .with_causes(vec![cause]),
    )
}

/// Keeps the status of disruption budgets.
pub(crate) struct Budgets;

impl Controller for Budgets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        match &*change.key.resource {
            BUDGETS => vec![change.key.clone()],
            "pods" => {
                let pods: Vec<_> = change.now.iter().chain(&change.before).collect();
                let budgets = api.all(BUDGETS, Some(&change.key.namespace));
                let meant = budgets
                    .iter()
                    .filter(|budget| pods.iter().any(|pod| selects(&budget["spec"]["selector"], pod)));
                meant
                    .map(|budget| Key::new(BUDGETS, budget.namespace(), budget.name()))
                    .collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let budget = api.store.get(key)?;
        let mut pods = api.all("pods", Some(&key.namespace));
        pods.retain(|pod| selects(&budget["spec"]["selector"], pod));
        if pods.is_empty() && budget["status"]["observedGeneration"] != budget["metadata"]["generation"] {
            let teller = Teller {
                component: "controllermanager",
                host: "",
            };
            teller.normal(api, &budget, "NoPods", "No matching pods found");
        }
        let healthy = pods
            .iter()
            .filter(|pod| !pod.is_terminating() && is_ready(pod))
            .count();
        let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
        let (expected, desired) = expected(api, &budget["spec"], &pods);
        let allowed = if expected > 0 {
            (healthy - desired).max(0)
        } else {
            0
        };
        let (holds, reason) = match allowed {
            0 => ("False", "InsufficientPods"),
            _ => ("True", "SufficientPods"),
        };
        let now = seconds(api.clock.now());
        let same = budget
            .list("/status/conditions")
            .iter()
            .find(|condition| condition["status"] == holds);
        let since = same.map_or_else(|| json!(now), |condition| condition["lastTransitionTime"].clone());
        let generation = &budget["metadata"]["generation"];
        let status = json!({
            "conditions": [{
                "type": "DisruptionAllowed",
                "status": holds,
                "observedGeneration": generation,
                "lastTransitionTime": since,
                "reason": reason,
                "message": "",
            }],
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "observedGeneration": generation,
        });
        let kind = api.kind(BUDGETS).ok()?;
        let how = Write::by("kube-controller-manager").status();
        drop(api.change(&kind, &key.namespace, &key.name, &how, |budget| {
            let mut budget = budget.clone();
            budget["status"] = status.clone();
            Ok(budget)
        }));
        None
    }
}

/// How many pods there are to be, and how many healthy ones are wanted of them.
fn expected(api: &Api, spec: &Value, pods: &[Arc<Object>]) -> (i64, i64) {
    let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if let Some(least) = least.as_i64() {
        return (i64::try_from(pods.len()).unwrap_or(i64::MAX), least);
    }
    // What is told as a share is of what the pods' controllers want; pods without one do not count.
    let mut wanted = BTreeMap::new();
    for pod in pods {
        if let Some((uid, replicas)) = scale_of(api, pod) {
            wanted.insert(uid, replicas);
        }
    }
    let all: i64 = wanted.values().sum();
    let share = |value: &Value| match value
        .as_str()
        .and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok())
    {
        Some(percent) => (all * percent + 99) / 100,
        None => value.as_i64().unwrap_or(0),
    };
    match most {
        Value::Null => (all, share(least)),
        most => (all, (all - share(most)).max(0)),
    }
}

/// What controls an object in the end, and how many pods it wants.
fn scale_of(api: &Api, object: &Value) -> Option<(String, i64)> {
    let reference = object.controller()?;
    let kind = api
        .kinds()
        .of(reference.text("/apiVersion"), reference.text("/kind"))
        .cloned()?;
    let owner = api.get(&kind, object.namespace(), reference.text("/name")).ok()?;
    scale_of(api, &owner).or_else(|| {
        Some((
            owner.uid().to_owned(),
            owner.number("/spec/replicas").unwrap_or(1),
        ))
    })
}
