//! The size of what has one, as `autoscaling/v1` tells it (`NAME/scale`).

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    decode,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::Meta as _,
    route::Target,
    server::Api,
    shown,
    status::{Cause, Failure, Result},
};

/// `GET` of a `Scale`.
pub(crate) fn get(api: &Arc<Api>, _asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let object = api.get(&target.kind, target.place(), target.name())?;
    let scale = view(&target.kind, &object)?;
    Ok(json_response(200, scale.to_string().into()))
}

/// `PUT` of a `Scale`.
pub(crate) fn update(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, name) = (&target.kind, target.name());
    let scale = decode::body(asked, &target.spoken())?;
    if scale.name() != name {
        let message = format!("the name of the object does not match the name on the URL ({name})");
        return Err(Failure::bad_request(message));
    }
    let object = api.change(kind, target.place(), name, &asked.write(target), |object| {
        put(kind, object, &scale)
    })?;
    Ok(json_response(200, view(kind, &object)?.to_string().into()))
}

/// The `Scale` of an object.
///
/// # Errors
/// If it has none: a custom resource without the field that its definition names.
pub(crate) fn view(kind: &Kind, object: &Value) -> Result<Value> {
    let [wanted, have, selector] = places(kind);
    let wanted = object.number(&wanted);
    if wanted.is_none() && kind.custom.is_some() {
        return Err(Failure::unexplained("the object has no number of replicas"));
    }
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {},
        "spec": {},
        "status": {"replicas": object.number(&have).unwrap_or(0)},
    });
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        scale["metadata"][field] = object["metadata"][field].clone();
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != 0) {
        scale["spec"]["replicas"] = json!(wanted);
    }
    let selector = match object.pointer(&selector).filter(|_| !selector.is_empty()) {
        Some(Value::String(text)) => Some(text.clone()),
        selector => selector.and_then(shown::selector),
    };
    if let Some(selector) = selector {
        scale["status"]["selector"] = json!(selector);
    }
    Ok(scale)
}

/// The object, sized as a `Scale` says. It names the uid and the resource version that the `Scale` names, so that
/// these are checked as those of an object.
///
/// # Errors
/// 422 for a size below nothing.
pub(crate) fn put(kind: &Kind, object: &Value, scale: &Value) -> Result<Value> {
    let wanted = json!(scale.number("/spec/replicas").unwrap_or(0));
    if wanted.as_i64() < Some(0) {
        let cause = Cause::invalid("spec.replicas", &wanted, "must be greater than or equal to 0");
        let (group, causes) = ("autoscaling", vec![cause]);
        return Err(Failure::invalid_of(group, "Scale", object.name(), causes));
    }
    let mut object = object.clone();
    for field in ["uid", "resourceVersion"] {
        if let Some(named) = scale["metadata"][field].as_str() {
            object["metadata"][field] = json!(named);
        }
    }
    let [place, ..] = places(kind);
    let mut slot = &mut object;
    for key in place.split('/').skip(1) {
        if !slot.is_object() {
            *slot = json!({});
        }
        slot = &mut slot[key];
    }
    *slot = wanted;
    Ok(object)
}

/// Where an object keeps the size that is wanted, the one it has, and its selector, as JSON pointers.
fn places(kind: &Kind) -> [String; 3] {
    match &kind.custom {
        None => ["/spec/replicas", "/status/replicas", "/spec/selector"].map(str::to_owned),
        Some(custom) => ["specReplicasPath", "statusReplicasPath", "labelSelectorPath"].map(|path| {
            let path = &custom.version["subresources"]["scale"][path];
            path.as_str().unwrap_or_default().replace('.', "/")
        }),
    }
}
