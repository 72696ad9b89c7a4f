//! Reading the objects of requests: what their schema does not know is left out and told.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::{
    front::Asked,
    kinds::Kind,
    object::Meta as _,
    protobuf,
    schema::{self, Schema},
    status::{Failure, Result},
};
use crate::controllers::quantity;

/// The schema of amounts.
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";

/// What was read of a value, or why nothing was.
type Read<T> = std::result::Result<T, String>;

/// Reads the object in a request's body.
///
/// # Errors
/// 400 for what is no such object, and for mistakes where the request asks for it; 415.
pub(crate) fn body(asked: &Asked, kind: &Kind) -> Result<Value> {
    let read = match asked.media().as_str() {
        "application/json" | "" => json(&asked.body),
        "application/yaml" => serde_yaml::from_slice(&asked.body)
            .map(|object| (object, Vec::new()))
            .map_err(|error| error.to_string()),
        protobuf::CONTENT_TYPE => return protobuf::decode(&asked.body),
        _ => {
            return Err(Failure::unsupported_media(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json, application/yaml, application/vnd.kubernetes.protobuf",
            ));
        }
    };
    let refuse = |why: &str| {
        let (kind, version) = (&kind.kind, &kind.version);
        Failure::bad_request(format!(
            "{kind} in version {version:?} cannot be handled as a {kind}: {why}"
        ))
    };
    let (mut object, mut mistakes) = read.map_err(|why| refuse(&why))?;
    is_of(kind, &object)?;
    mistakes.extend(prune(&mut object, schema::of(kind), kind.custom.is_none()).map_err(|why| refuse(&why))?);
    match asked.mistakes(mistakes) {
        Some(told) => Err(refuse(&format!("strict decoding error: {told}"))),
        None => Ok(object),
    }
}

/// Whether an object is of a kind, if it says of which it is.
///
/// # Errors
/// 400.
pub(crate) fn is_of(kind: &Kind, object: &Value) -> Result<()> {
    let (version, name) = (object.text("/apiVersion"), object.text("/kind"));
    if (version.is_empty() || version == kind.api_version()) && (name.is_empty() || name == kind.kind) {
        return Ok(());
    }
    Err(Failure::bad_request(format!(
        "{name} in version {version:?} cannot be handled as a {} in version {:?}",
        kind.kind,
        kind.api_version()
    )))
}

/// Reads JSON; gives the fields with it that are there twice, as `duplicate field "spec.replicas"`.
///
/// # Errors
/// If it is no JSON.
pub(crate) fn json(text: &[u8]) -> Read<(Value, Vec<String>)> {
    let mut duplicates = Vec::new();
    let reader = Reader {
        path: String::new(),
        duplicates: &mut duplicates,
    };
    let value = reader.deserialize(&mut serde_json::Deserializer::from_slice(text));
    Ok((value.map_err(|error| error.to_string())?, duplicates))
}

/// Reads a value and notes which fields are there twice.
struct Reader<'a> {
    path: String,
    duplicates: &'a mut Vec<String>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> std::result::Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = from.next_element_seed(Reader {
            path: format!("{}[{}]", self.path, items.len()),
            duplicates: self.duplicates,
        })? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            let path = below(&self.path, &key);
            if map.contains_key(&key) {
                self.duplicates.push(format!("duplicate field {path:?}"));
            }
            let duplicates = &mut *self.duplicates;
            map.insert(key, from.next_value_seed(Reader { path, duplicates })?);
        }
        Ok(map.into())
    }
}

/// Takes out of an object what its schema does not know; gives that, as `unknown field "spec.foo"`. What is `typed` must
/// be of its schema's types, too.
///
/// # Errors
/// If a value is of another type.
pub(crate) fn prune(object: &mut Value, schema: Option<Schema<'_>>, typed: bool) -> Read<Vec<String>> {
    let mut unknown = Vec::new();
    if let Some(schema) = schema {
        prune_value(object, schema, "", typed, &mut unknown)?;
        unknown.sort();
    }
    Ok(unknown)
}

fn prune_value(
    value: &mut Value,
    schema: Schema<'_>,
    path: &str,
    typed: bool,
    unknown: &mut Vec<String>,
) -> Read<()> {
    if typed && !value.is_null() {
        check(value, schema, path)?;
    }
    match value {
        Value::Object(map) => {
            for (name, value) in map.iter_mut() {
                let path = below(path, name);
                let Some(inner) = schema.field(name) else {
                    unknown.extend((!schema.is_open()).then(|| format!("unknown field {path:?}")));
                    continue;
                };
                // Where nothing is, an entry of a map of texts is an empty one.
                if typed && value.is_null() && inner.sort() == "string" && !declares(schema, name) {
                    *value = "".into();
                }
                prune_value(value, inner, &path, typed, unknown)?;
            }
            if !schema.is_open() {
                map.retain(|name, _| schema.field(name).is_some());
            }
        }
        Value::Array(items) => {
            let Some(inner) = schema.items() else {
                return Ok(());
            };
            for (place, item) in items.iter_mut().enumerate() {
                prune_value(item, inner, &format!("{path}[{place}]"), typed, unknown)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Whether a schema names this field: it is no free key of a map.
fn declares(schema: Schema<'_>, name: &str) -> bool {
    schema.fields().is_some_and(|fields| fields.contains_key(name))
}

/// Checks that a value is of its schema's type.
fn check(value: &Value, schema: Schema<'_>, path: &str) -> Read<()> {
    let (found, wanted) = (sort_of(value), schema.sort());
    let fits = match wanted {
        _ if schema.text("format") == "int-or-string" => value.is_string() || value.is_number(),
        "" => true,
        "integer" => value.is_i64() || value.is_u64(),
        wanted => wanted == found,
    };
    if !fits {
        return Err(format!(
            "json: cannot unmarshal {found} into field {path:?} of type {wanted}"
        ));
    }
    if let (Some(text), "byte") = (value.as_str(), schema.text("format")) {
        let decoded = BASE64_STANDARD.decode(text);
        decoded.map_err(|error| format!("illegal base64 data in field {path:?}: {error}"))?;
    }
    if schema.name() == Some(QUANTITY) && quantity::canonical(value).is_none() {
        let form = "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        return Err(format!(
            "field {path:?}: quantities must match the regular expression {form}"
        ));
    }
    Ok(())
}

/// What JSON calls such a value.
pub(crate) fn sort_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}
