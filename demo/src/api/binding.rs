//! Putting a pod on a node (`POST pods/NAME/binding`).

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    decode,
    front::{Asked, Body, json_response},
    object::{Meta as _, map_at},
    route::Target,
    server::Api,
    status::{Failure, Result, success},
    write::Write,
};
use crate::clock::seconds;

/// `POST` of a `Binding`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let binding = decode::body(asked, &target.spoken())?;
    if binding.name() != target.name() {
        return Err(Failure::bad_request(
            "name in URL does not match name in Binding object",
        ));
    }
    let wrong = match (binding.text("/target/kind"), binding.text("/target/name")) {
        ("" | "Node", "") => "target.name: Required value".to_owned(),
        ("" | "Node", _) => String::new(),
        (other, _) => {
            format!("target.kind: Unsupported value: {other:?}: supported values: \"Node\", \"<empty>\"")
        }
    };
    if !wrong.is_empty() {
        return Err(Failure::unexplained(wrong));
    }
    bind(api, target.place(), &binding, &asked.write(target))?;
    Ok(json_response(
        201,
        success(("code", json!(201))).to_string().into(),
    ))
}

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
        let conflict = |why: String| Err(Failure::conflict_of("", "pods/binding", name, &why));
        match pod.text("/spec/nodeName") {
            _ if pod.is_terminating() => {
                return conflict(format!(
                    "pod {name} is being deleted, cannot be assigned to a host"
                ));
            }
            "" => {}
            on => return conflict(format!("pod {name} is already assigned to node {on:?}")),
        }
        let mut pod = pod.clone();
        pod["spec"]["nodeName"] = json!(node);
        for (key, value) in binding["metadata"]["annotations"]
            .as_object()
            .into_iter()
            .flatten()
        {
            map_at(&mut pod["metadata"], "annotations").insert(key.clone(), value.clone());
        }
        let mut conditions = pod.list("/status/conditions").to_vec();
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(scheduled.clone());
        pod["status"]["conditions"] = json!(conditions);
        Ok(pod)
    });
    bound.map(drop)
}
