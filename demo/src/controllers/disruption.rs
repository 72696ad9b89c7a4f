//! What disruption budgets allow: the controller that keeps their status.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    eviction::{BUDGETS, is_ready},
    object::{Meta as _, Object},
    selector::selects,
    store::{Change, Key},
};

/// Keeps the status of disruption budgets.
pub(crate) struct Budgets;

impl Controller for Budgets {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        match &*change.key.resource {
            BUDGETS => vec![change.key.clone()],
            "pods" => {
                let mut budgets = api.all(BUDGETS, Some(&change.key.namespace));
                budgets.retain(|budget| {
                    let mut pods = change.now.iter().chain(&change.before);
                    pods.any(|pod| selects(&budget["spec"]["selector"], pod))
                });
                let key = |budget: &Arc<Object>| Key::new(BUDGETS, budget.namespace(), budget.name());
                budgets.iter().map(key).collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let budget = Work::on(api, "controllermanager", key)?;
        let generation = &budget["metadata"]["generation"];
        let mut pods = api.all("pods", Some(&key.namespace));
        pods.retain(|pod| selects(&budget["spec"]["selector"], pod));
        if pods.is_empty() && budget["status"]["observedGeneration"] != *generation {
            budget.normal("NoPods", "No matching pods found");
        }
        let healthy = pods.iter().filter(|pod| !pod.is_terminating() && is_ready(pod));
        let healthy = healthy.count() as i64;
        let (expected, desired) = expected(api, &budget["spec"], &pods);
        let allowed = (healthy - desired).clamp(0, expected);
        let (holds, reason) = match allowed {
            0 => ("False", "InsufficientPods"),
            _ => ("True", "SufficientPods"),
        };
        let mut status = json!({
            "conditions": budget["status"]["conditions"],
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "observedGeneration": generation,
        });
        let condition = json!({
            "type": "DisruptionAllowed", "status": holds, "reason": reason, "message": "",
            "observedGeneration": generation, "lastTransitionTime": budget.now(),
        });
        work::put_condition(&mut status, condition);
        budget.set_status(&status);
        None
    }
}

/// How many pods there are to be, and how many healthy ones are wanted of them.
fn expected(api: &Api, spec: &Value, pods: &[Arc<Object>]) -> (i64, i64) {
    let (least, most) = (&spec["minAvailable"], &spec["maxUnavailable"]);
    if let Some(least) = least.as_i64() {
        return (pods.len() as i64, least);
    }
    // A share is one of what the pods' controllers want; pods without one do not count.
    let wanted: BTreeMap<_, _> = pods.iter().filter_map(|pod| wanted(api, pod)).collect();
    let all = wanted.values().sum();
    match most {
        Value::Null => (all, work::share(least, all, true)),
        most => (all, (all - work::share(most, all, true)).max(0)),
    }
}

/// What controls an object in the end, by its uid, and how many pods it wants.
fn wanted(api: &Api, object: &Value) -> Option<(String, i64)> {
    let by = object.controller()?;
    let kind = api.kinds().of(by.text("/apiVersion"), by.text("/kind"))?.clone();
    let owner = api.get(&kind, object.namespace(), by.text("/name")).ok()?;
    let own = || Some((owner.uid().to_owned(), owner.number("/spec/replicas")?));
    wanted(api, &owner).or_else(own)
}
