//! `PATCH` of an object, or of what is beneath it.

use std::{borrow::Cow, sync::Arc};

use http::Response;
use json_patch::Patch;
use serde_json::{Map, Value};

use super::{apply, strategic};
use crate::api::{
    decode,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::{Meta as _, Object},
    present,
    route::Target,
    scale, schema,
    server::Api,
    status::{Cause, Failure, Result},
};

/// The schema of what `scale` shows.
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";

/// A patch.
enum Change {
    /// A list of operations (RFC 6902).
    Operations(Patch),
    /// What to put in the place of what (RFC 7396).
    Merge(Value),
    /// A merge that knows the schema.
    Strategic(Map<String, Value>),
}

/// `PATCH`.
pub(crate) fn patch(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    let is_scale = target.subresource.as_deref() == Some("scale");
    let media = asked.media();
    if media == "application/apply-patch+yaml" && !is_scale {
        return apply::apply(api, asked, target);
    }
    asked.check_options()?;
    let (body, duplicates) = decode::json(&asked.body).map_err(undecodable)?;
    let change = match (media.as_str(), body) {
        ("application/json-patch+json", operations) => {
            Change::Operations(serde_json::from_value(operations).map_err(undecodable)?)
        }
        ("application/merge-patch+json", patch @ Value::Object(_)) => Change::Merge(patch),
        ("application/strategic-merge-patch+json", Value::Object(patch)) if kind.custom.is_none() => {
            Change::Strategic(patch)
        }
        ("application/merge-patch+json", _) => return Err(undecodable("it is no object")),
        ("application/strategic-merge-patch+json", _) if kind.custom.is_none() => {
            return Err(undecodable("it is no object"));
        }
        _ => {
            return Err(Failure::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            ));
        }
    };
    let patched = |before: &Value| change.apply(asked, kind, before, &duplicates);
    let object = api.change_owned(
        kind,
        target.place(),
        target.name(),
        &asked.write(target),
        |before| {
            let object = match is_scale {
                true => scale::put(kind, before, &patched(&scale::view(kind, before)?)?)?,
                false => patched(&change.of(before))?,
            };
            Ok((object, None))
        },
    )?;
    match is_scale {
        true => Ok(json_response(200, scale::view(kind, &object)?.to_string().into())),
        false => present::one(api, asked, target, 200, &object),
    }
}

impl Change {
    /// What it is a patch of. Operations may be of the fields' owners: so kubectl hands over what it applied by itself
    /// to server-side apply.
    fn of<'a>(&self, before: &'a Object) -> Cow<'a, Value> {
        match self {
            Self::Operations(_) => Cow::Owned(before.whole()),
            _ => Cow::Borrowed(before.value()),
        }
    }

    /// The object, or its `Scale`, as the patch makes it.
    fn apply(&self, asked: &Asked, kind: &Kind, before: &Value, duplicates: &[String]) -> Result<Value> {
        let mut object = before.clone();
        let (schema, typed) = match before.text("/kind") {
            "Scale" => (schema::named(SCALE), true),
            _ => (schema::of(kind), kind.custom.is_none()),
        };
        match self {
            Self::Operations(patch) => {
                json_patch::patch(&mut object, patch).map_err(|_| Failure::rejected())?;
            }
            Self::Merge(patch) => json_patch::merge(&mut object, patch),
            Self::Strategic(patch) => {
                if let Value::Object(object) = &mut object {
                    strategic::merge(object, patch, schema)?;
                }
                // It has no word in what it is a patch of.
                object["apiVersion"] = before["apiVersion"].clone();
                object["kind"] = before["kind"].clone();
            }
        }
        let shown = Value::from(object.to_string());
        let refuse = |why: &str| {
            let cause = Cause::invalid("patch", &shown, why);
            Failure::invalid_of("", "", "", vec![cause])
        };
        let unknown = decode::prune(&mut object, schema, typed).map_err(|why| refuse(&why))?;
        match asked.mistakes([duplicates, &unknown].concat()) {
            Some(told) => Err(refuse(&format!("strict decoding error: {told}"))),
            None => Ok(object),
        }
    }
}

/// 400: what was sent is no patch.
fn undecodable(why: impl std::fmt::Display) -> Failure {
    Failure::bad_request(format!("error decoding patch: {why}"))
}
