//! `PATCH` of an object, or of what is beneath it.

use std::sync::Arc;

use http::Response;
use json_patch::Patch;
use serde_json::{Map, Value};

use super::{
    apply,
    strategic::{self, go},
};
use crate::api::{
    decode,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::Meta as _,
    present,
    route::Target,
    scale, schema,
    server::Api,
    status::{Cause, Failure, Result},
    write::immutable,
};

/// The schema of what `scale` shows.
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";

/// A patch, as far as it can be read without the object.
enum Change {
    /// A list of operations (RFC 6902).
    Operations(Vec<Value>),
    /// What to put in the place of what (RFC 7396).
    Merge(Value),
    /// A merge that knows the schema.
    Strategic(Map<String, Value>),
}

/// `PATCH`.
pub(crate) fn patch(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    let is_scale = target.subresource.as_deref() == Some("scale");
    let change = match asked.media().as_str() {
        "application/apply-patch+yaml" if !is_scale => return apply::apply(api, asked, target),
        "application/json-patch+json" => Change::operations(&asked.body)?,
        "application/merge-patch+json" => Change::Merge(map(&asked.body, "error decoding patch: ")?.into()),
        "application/strategic-merge-patch+json" if kind.custom.is_none() => {
            Change::Strategic(map(&asked.body, "")?)
        }
        "application/strategic-merge-patch+json" => {
            return Err(Failure::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
            ));
        }
        _ => return Err(Failure::unsupported_patch()),
    };
    asked.check_options("PatchOptions")?;
    let object = api.change_owned(
        kind,
        target.place(),
        target.name(),
        &asked.write(target),
        |before| {
            let object = match is_scale {
                true => scale::put(
                    kind,
                    before,
                    &change.apply(asked, kind, &scale::view(kind, before)?)?,
                )?,
                false => change.apply(asked, kind, &before.whole())?,
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
    fn operations(body: &[u8]) -> Result<Self> {
        let operations: Value = serde_json::from_slice(body)
            .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
        let (wrong, wanted) = match operations {
            Value::Array(operations) => match operations.iter().find(|one| !one.is_object()) {
                None => return Ok(Self::Operations(operations)),
                Some(other) => (sort(other), "handlers.jsonPatchOp"),
            },
            other => (sort(&other), "[]handlers.jsonPatchOp"),
        };
        Err(Failure::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {wrong} into Go value of type {wanted}"
        )))
    }

    /// The object, or its `Scale`, as the patch makes it.
    fn apply(&self, asked: &Asked, kind: &Kind, before: &Value) -> Result<Value> {
        let mut object = before.clone();
        let (schema, what, typed) = match before.text("/kind") {
            "Scale" => (schema::named(SCALE), "Scale", true),
            what => (schema::of(kind), what, kind.custom.is_none()),
        };
        match self {
            Self::Operations(operations) => {
                for operation in operations {
                    operate(&mut object, operation).ok_or_else(Failure::rejected)?;
                }
            }
            Self::Merge(patch) => json_patch::merge(&mut object, patch),
            Self::Strategic(patch) => {
                if let Value::Object(object) = &mut object {
                    strategic::merge(object, patch, schema)?;
                }
            }
        }
        let mut mistakes = decode::duplicates(&asked.body);
        if let Self::Operations(_) = self {
            for mistake in &mut mistakes {
                mistake.insert_str(0, "json patch ");
            }
        }
        if let Self::Strategic(_) = self {
            // It has no word in what it is a patch of.
            object["apiVersion"] = before["apiVersion"].clone();
            object["kind"] = before["kind"].clone();
        }
        let refuse = |why: &str| match self {
            Self::Strategic(patch) => malformed(&go(&patch.clone().into()), why),
            _ => malformed(&object.to_string(), why),
        };
        let (version, name) = (object.text("/apiVersion"), object.text("/kind"));
        if version != before.text("/apiVersion") || name != before.text("/kind") {
            return Err(refuse(&decode::unregistered(version, name)));
        }
        let read = decode::read(&object, schema, what, typed);
        let mut read = read.map_err(|wrong| match self {
            Self::Strategic(_) => refuse(&wrong.of_merged()),
            _ => refuse(&wrong.to_string()),
        })?;
        read.mistakes.sort();
        mistakes.extend(read.mistakes);
        if let Some(told) = asked.mistakes(mistakes) {
            return Err(refuse(&format!("strict decoding error: {told}")));
        }
        let uid = &read.object["metadata"]["uid"];
        if !uid.is_null() && *uid != before["metadata"]["uid"] {
            return Err(immutable(kind, before, "uid", uid));
        }
        Ok(read.object)
    }
}

/// Does one operation; `None` if it cannot be done. In what the RFC leaves open, and in some that it does not, it is
/// done as Go's library does it.
fn operate(object: &mut Value, operation: &Value) -> Option<()> {
    let mut operation = operation.clone();
    let fields = operation.as_object_mut()?;
    let name = fields.get("op")?.as_str()?.to_owned();
    let path = fields.get("path")?.as_str()?;
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer(parent)? {
        // -1 is the last.
        Value::Array(items) if last.starts_with('-') && last.len() > 1 => {
            let place = items.len().checked_sub(last[1..].parse().ok()?)?;
            let path = format!("{parent}/{place}");
            fields.insert("path".into(), path.into());
        }
        // A field is set whether it is there or not, and one that is not there is null.
        Value::Object(_) if object.pointer(path).is_none() => match name.as_str() {
            "replace" => drop(fields.insert("op".into(), "add".into())),
            "test" if fields.get("value").is_none_or(Value::is_null) => return Some(()),
            _ => {}
        },
        _ => {}
    }
    // A value that is left out is null, too.
    if matches!(name.as_str(), "add" | "replace" | "test") {
        fields.entry("value").or_insert(Value::Null);
    }
    let operation = serde_json::from_value(operation).ok()?;
    json_patch::patch(object, &Patch(vec![operation])).ok()
}

/// A patch that is a map.
fn map(body: &[u8], prefix: &str) -> Result<Map<String, Value>> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(Failure::bad_request(format!(
            "{prefix}json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            sort(&other)
        ))),
        Err(error) => Err(Failure::bad_request(format!("{prefix}{error}"))),
    }
}

/// What JSON calls such a value.
fn sort(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// 422: what the patch makes is no object of the kind.
fn malformed(what: &str, why: &str) -> Failure {
    let cause = Cause {
        reason: "FieldValueInvalid",
        message: format!("Invalid value: {what:?}: {why}"),
        field: "patch".into(),
    };
    Failure::invalid_of("", "", "", vec![cause])
}
