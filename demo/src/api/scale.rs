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
    status::{Cause, Failure, Result},
};

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
    let (kind, name, scale) = (
        &target.kind,
        target.name(),
        decode::body(asked, &target.spoken())?,
    );
    let wrong = match scale.name() {
        "" => format!("({name} based on URL) was undeterminable: name must be provided"),
        other if other != name => format!("({other}) does not match the name on the URL ({name})"),
        _ => String::new(),
    };
    if !wrong.is_empty() {
        return Err(Failure::bad_request(format!("the name of the object {wrong}")));
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
    let [wanted, have, selector] = places(kind);
    let wanted = match object.number(&wanted) {
        None if kind.custom.is_some() => {
            let path = wanted.replace('/', ".");
            return Err(Failure::unexplained(format!(
                "the spec replicas field {path:?} does not exist"
            )));
        }
        wanted => wanted.filter(|wanted| *wanted != 0),
    };
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
    if let Some(wanted) = wanted {
        scale["spec"]["replicas"] = json!(wanted);
    }
    let selector = match object.pointer(&selector).filter(|_| !selector.is_empty()) {
        Some(Value::String(text)) => text.clone(),
        selector => selector.map(told).unwrap_or_default(),
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
    let wanted = json!(scale.number("/spec/replicas").unwrap_or(0));
    if wanted.as_i64() < Some(0) {
        let cause = Cause::invalid("spec.replicas", &wanted, "must be greater than or equal to 0");
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

/// A selector as text: a map of labels, or a `LabelSelector`.
fn told(selector: &Value) -> String {
    let is_rich = selector.get("matchLabels").is_some() || selector.get("matchExpressions").is_some();
    let labels = if is_rich {
        &selector["matchLabels"]
    } else {
        selector
    };
    let labels = labels.as_object().into_iter().flatten();
    let equal = |(key, value): (&String, &Value)| {
        (
            key.clone(),
            format!("{key}={}", value.as_str().unwrap_or_default()),
        )
    };
    let mut parts: Vec<_> = labels.map(equal).collect();
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
