//! The size of what has one, as `autoscaling/v1` tells it (`NAME/scale`).

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::Meta as _,
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
};

/// Where an object keeps what its `Scale` tells, as JSON pointers.
struct Places {
    wanted: String,
    have: String,
    selector: String,
}

/// `GET` of a `Scale`.
pub(crate) fn get(api: &Arc<Api>, _asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let object = api.get(&target.kind, target.place(), target.name())?;
    Ok(json_response(
        200,
        view(&target.kind, &object)?.to_string().into(),
    ))
}

/// `PUT` of a `Scale`.
pub(crate) fn update(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let (kind, name) = (&target.kind, target.name());
    let scale = asked.object()?;
    match scale.name() {
        own if own == name => {}
        "" => {
            return Err(Failure::bad_request(format!(
                "the name of the object ({name} based on URL) was undeterminable: name must be provided"
            )));
        }
        other => {
            return Err(Failure::bad_request(format!(
                "the name of the object ({other}) does not match the name on the URL ({name})"
            )));
        }
    }
    let how = asked.write(target);
    let object = api.change(kind, target.place(), name, &how, |object| {
        put(kind, object, &scale)
    })?;
    Ok(json_response(200, view(kind, &object)?.to_string().into()))
}

/// The `Scale` of an object.
///
/// # Errors
/// If it has none: a custom resource without the field that its definition names.
pub(crate) fn view(kind: &Kind, object: &Value) -> Result<Value> {
    let places = places(kind)?;
    let mut meta = json!({});
    for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        meta[field] = object["metadata"][field].clone();
    }
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": meta,
        "spec": {},
        "status": {"replicas": object.number(&places.have).unwrap_or(0)},
    });
    match object.number(&places.wanted) {
        Some(0) => {}
        Some(wanted) => scale["spec"]["replicas"] = json!(wanted),
        None if kind.custom.is_some() => {
            let path = places.wanted.replace('/', ".");
            return Err(Failure::unexplained(format!(
                "the spec replicas field {path:?} does not exist"
            )));
        }
        None => {}
    }
    let selector = match object.pointer(&places.selector) {
        Some(Value::String(text)) => text.clone(),
        Some(selector) => told(selector),
        None => String::new(),
    };
    if !selector.is_empty() {
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
    let wanted = scale.number("/spec/replicas").unwrap_or(0);
    if wanted < 0 {
        let cause = Cause {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {wanted}: must be greater than or equal to 0"),
            field: "spec.replicas".into(),
        };
        return Err(Failure::invalid_of(
            "autoscaling",
            "Scale",
            object.name(),
            vec![cause],
        ));
    }
    let mut object = object.clone();
    for field in ["uid", "resourceVersion"] {
        if let Some(named) = scale["metadata"][field].as_str() {
            object["metadata"][field] = json!(named);
        }
    }
    let places = places(kind)?;
    let mut slot = &mut object;
    for key in places.wanted.split('/').skip(1) {
        slot = &mut slot[key];
    }
    *slot = json!(wanted);
    Ok(object)
}

fn places(kind: &Kind) -> Result<Places> {
    let Some(custom) = &kind.custom else {
        return Ok(Places {
            wanted: "/spec/replicas".into(),
            have: "/status/replicas".into(),
            selector: "/spec/selector".into(),
        });
    };
    let scale = &custom.version["subresources"]["scale"];
    if scale.is_null() {
        return Err(Failure::nothing_here());
    }
    let pointer = |field: &str| scale.text(field).replace('.', "/");
    Ok(Places {
        wanted: pointer("/specReplicasPath"),
        have: pointer("/statusReplicasPath"),
        selector: pointer("/labelSelectorPath"),
    })
}

/// A selector as text: a map of labels, or a `LabelSelector`.
fn told(selector: &Value) -> String {
    let is_rich = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let labels = if is_rich {
        &selector["matchLabels"]
    } else {
        selector
    };
    let mut parts = Vec::new();
    for (key, value) in labels.as_object().into_iter().flatten() {
        parts.push((
            key.clone(),
            format!("{key}={}", value.as_str().unwrap_or_default()),
        ));
    }
    for rule in selector.list("/matchExpressions") {
        let key = rule.text("/key");
        let mut values: Vec<&str> = rule.list("/values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let part = match rule.text("/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        parts.push((key.to_owned(), part));
    }
    parts.sort();
    let parts: Vec<String> = parts.into_iter().map(|(_, part)| part).collect();
    parts.join(",")
}
