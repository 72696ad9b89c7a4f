//! Putting a pod on a node (`POST pods/NAME/binding`).

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    eviction,
    front::{Asked, Body},
    object::{Meta as _, map_at},
    route::Target,
    server::Api,
    status::{Failure, Result},
    write::Write,
};
use crate::clock::seconds;

/// `POST` of a `Binding`.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let binding = asked.object()?;
    if binding.name() != target.name() {
        return Err(Failure::bad_request(
            "name in URL does not match name in Binding object",
        ));
    }
    let node = binding.text("/target/name");
    match binding.text("/target/kind") {
        "" | "Node" if node.is_empty() => return Err(Failure::unexplained("target.name: Required value")),
        "" | "Node" => {}
        other => {
            return Err(Failure::unexplained(format!(
                "target.kind: Unsupported value: {other:?}: supported values: \"Node\", \"<empty>\""
            )));
        }
    }
    bind(
        api,
        target.place(),
        target.name(),
        node,
        &binding,
        &asked.write(target),
    )?;
    Ok(eviction::done())
}

/// Puts a pod on a node, with the annotations of the binding.
///
/// # Errors
/// 404; 409 if it is on one or is going.
pub(crate) fn bind(
    api: &Api,
    namespace: &str,
    name: &str,
    node: &str,
    binding: &Value,
    how: &Write,
) -> Result<()> {
    let now = seconds(api.clock.now());
    let how = Write {
        subresource: Some("binding".into()),
        ..how.clone()
    };
    let kind = api.kind("pods")?;
    let bound = api.change(&kind, namespace, name, &how, |pod| {
        let conflict = |why: String| Failure::conflict_of("", "pods/binding", name, &why);
        if pod.is_terminating() {
            return Err(conflict(format!(
                "pod {name} is being deleted, cannot be assigned to a host"
            )));
        }
        let on = pod.text("/spec/nodeName");
        if !on.is_empty() {
            return Err(conflict(format!("pod {name} is already assigned to node {on:?}")));
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
        conditions.push(json!({
            "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
        }));
        pod["status"]["conditions"] = json!(conditions);
        Ok(pod)
    });
    bound.map(drop)
}
