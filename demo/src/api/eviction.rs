//! Evicting a pod, as far as its disruption budget allows (`POST pods/NAME/eviction`).

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    Api, decode,
    front::{Asked, Body, json_response},
    object::Meta as _,
    route::Target,
    selector::selects,
    status::{Cause, Failure, Result, success},
    write::Write,
};
use crate::{clock::seconds, controllers::work};

/// The resource of disruption budgets.
pub(crate) const BUDGETS: &str = "poddisruptionbudgets.policy";

/// `POST` of an `Eviction`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, namespace, name) = (&target.kind, target.place(), target.name());
    let eviction = decode::body(asked, &target.spoken())?;
    let mut how = Write {
        subresource: Some("status".into()),
        ..asked.write(target)
    };
    how.dry_run |= !eviction.list("/deleteOptions/dryRun").is_empty();
    let pod = api.get(kind, namespace, name)?;
    // What has ended, not begun, or is going disturbs no budget.
    if !pod.is_terminating() && !matches!(pod.text("/status/phase"), "Succeeded" | "Failed" | "Pending") {
        let mut budgets = api.all(BUDGETS, Some(namespace));
        budgets.retain(|budget| selects(&budget["spec"]["selector"], &pod));
        if budgets.len() > 1 {
            return Err(Failure::unexplained(
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            ));
        }
        if let Some(budget) = budgets.first() {
            take(api, budget, &pod, &how)?;
        }
    }
    let condition = json!({
        "type": "DisruptionTarget",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": seconds(api.clock.now()),
        "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting",
    });
    api.change(kind, namespace, name, &how, |pod| {
        let mut pod = pod.clone();
        let mut conditions = pod.list("/status/conditions").to_vec();
        conditions.retain(|old| old["type"] != condition["type"]);
        conditions.insert(0, condition.clone());
        pod["status"]["conditions"] = json!(conditions);
        Ok(pod)
    })?;
    api.delete(kind, namespace, name, &eviction["deleteOptions"], &how)?;
    let done = success(("code", json!(201)));
    Ok(json_response(201, done.to_string().into()))
}

/// Takes one disruption from a budget.
///
/// # Errors
/// 429 if it has none.
fn take(api: &Api, budget: &Value, pod: &Value, how: &Write) -> Result<()> {
    let status = |field: &str| budget["status"][field].as_i64().unwrap_or(0);
    let (healthy, desired) = (status("currentHealthy"), status("desiredHealthy"));
    let allowed = status("disruptionsAllowed");
    // A pod that does not serve anyway is not missed while enough others do.
    if work::ready_since(pod).is_none() && healthy >= desired && desired > 0 {
        return Ok(());
    }
    let name = budget.name();
    if allowed > 0 {
        let kind = api.kind(BUDGETS)?;
        let taken = api.change(&kind, budget.namespace(), name, how, |budget| {
            let mut budget = budget.clone();
            budget["status"]["disruptionsAllowed"] = json!(allowed - 1);
            Ok(budget)
        });
        return taken.map(drop);
    }
    let message = match healthy <= desired {
        true => {
            format!("The disruption budget {name} needs {desired} healthy pods and has {healthy} currently")
        }
        false => format!("The disruption budget {name} does not allow evicting pods currently"),
    };
    let cause = Cause {
        reason: "DisruptionBudget",
        message,
        field: String::new(),
    };
    let refused = "Cannot evict pod as it would violate the pod's disruption budget.";
    Err(Failure::too_many_requests(refused).with_causes(vec![cause]))
}
