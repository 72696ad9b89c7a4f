//! Putting a pod on a node, as the scheduler does.

use serde_json::{Value, json};

use super::{
    object::{Meta as _, map_at},
    server::Api,
    status::{Failure, Result},
    write::Write,
};
use crate::{clock::seconds, controllers::work};

/// Puts the pod that a binding names on the node that is its target, with its annotations.
///
/// # Errors
/// 404; 409 if the pod is on a node or is going.
pub(crate) fn bind(api: &Api, namespace: &str, binding: &Value, how: &Write) -> Result<()> {
    let (name, node) = (binding.name(), binding.text("/target/name"));
    let scheduled = json!({
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": null,
        "lastTransitionTime": seconds(api.clock.now()),
    });
    let how = Write {
        subresource: Some("binding".into()),
        ..how.clone()
    };
    let bound = api.change(&*api.kind("pods")?, namespace, name, &how, |pod| {
        let conflict = |why| Err(Failure::conflict_of("", "pods/binding", name, why));
        if pod.is_terminating() || !pod.text("/spec/nodeName").is_empty() {
            return conflict("it is being deleted, or on a node already");
        }
        let mut pod = pod.clone();
        pod["spec"]["nodeName"] = json!(node);
        if let Some(own) = binding["metadata"]["annotations"].as_object() {
            map_at(&mut pod["metadata"], "annotations").extend(own.clone());
        }
        work::put_condition(&mut pod["status"], scheduled.clone());
        Ok(pod)
    });
    bound.map(drop)
}
