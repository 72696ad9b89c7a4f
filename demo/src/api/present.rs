//! The form in which objects are answered.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    object::Object,
    route::Target,
    server::Api,
    status::Result,
};

/// An answer of one object.
pub(crate) fn one(
    _api: &Api,
    _asked: &Asked,
    _target: &Target,
    code: u16,
    object: &Object,
) -> Result<Response<Body>> {
    Ok(json_response(code, object.encoded()))
}

/// An answer of many objects, as they are at this revision.
pub(crate) fn list(
    _api: &Api,
    _asked: &Asked,
    target: &Target,
    objects: &[Arc<Object>],
    revision: u64,
) -> Result<Response<Body>> {
    let kind = &target.kind;
    let items: Vec<&Value> = objects.iter().map(|object| object.value()).collect();
    let list = json!({
        "kind": format!("{}List", kind.kind),
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": revision.to_string()},
        "items": items,
    });
    Ok(json_response(200, list.to_string().into()))
}
