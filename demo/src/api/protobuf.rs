//! Requests in Protocol Buffers, which kubectl's typed clients send (`create deployment`, `auth can-i`, `drain`).
//!
//! Answers are JSON, which those clients accept too. How a message is written is data: `data/refresh_wire` makes it.

use std::{collections::HashMap, io::Read as _, sync::OnceLock};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use flate2::read::GzDecoder;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::status::{Failure, Result};
use crate::clock::{micros, seconds};

/// The content type.
pub(crate) const CONTENT_TYPE: &str = "application/vnd.kubernetes.protobuf";
/// What a body begins with, before a `runtime.Unknown`.
const MAGIC: &[u8] = b"k8s\0";
/// How deep messages may stand in each other.
const DEPTH: usize = 32;
/// The messages, packed.
const MESSAGES: &[u8] = include_bytes!("../../data/wire.json.gz");

type Messages = HashMap<String, HashMap<u64, Field>>;

/// A field: its name in JSON (none: its fields are those of the message it stands in), its type, and flags.
#[derive(Debug, Deserialize)]
struct Field(String, String, #[serde(default)] String);

/// One field as it is written.
enum Raw<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The object of a body.
///
/// # Errors
/// 400 if it is no object of a kind that is known in this encoding.
pub(crate) fn decode(body: &[u8]) -> Result<Value> {
    let envelope = body.strip_prefix(MAGIC).and_then(fields).ok_or_else(malformed)?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, field) in envelope {
        match (number, field) {
            (1, Raw::Bytes(bytes)) => {
                for (number, field) in fields(bytes).ok_or_else(malformed)? {
                    match (number, field) {
                        (1, Raw::Bytes(bytes)) => api_version = text(bytes),
                        (2, Raw::Bytes(bytes)) => kind = text(bytes),
                        _ => {}
                    }
                }
            }
            (2, Raw::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("core", &api_version));
    let package = group.split('.').next().unwrap_or_default();
    let name = match kind.as_str() {
        "DeleteOptions" => "meta/v1.DeleteOptions".to_owned(),
        _ => format!("{package}/{version}.{kind}"),
    };
    let Value::Object(mut object) = message(&name, raw, 0)? else {
        return Err(malformed());
    };
    object.insert("apiVersion".into(), api_version.into());
    object.insert("kind".into(), kind.into());
    Ok(Value::Object(object))
}

fn malformed() -> Failure {
    Failure::bad_request("the body of the request is no object in Protocol Buffers")
}

fn messages() -> &'static Messages {
    static READ: OnceLock<Messages> = OnceLock::new();
    READ.get_or_init(|| {
        let mut text = String::new();
        // It is part of the program: it can be read.
        let read = GzDecoder::new(MESSAGES).read_to_string(&mut text);
        debug_assert!(read.is_ok(), "wire.json.gz is as `data/refresh_wire` writes it");
        serde_json::from_str(&text).unwrap_or_default()
    })
}

/// A message as JSON.
fn message(name: &str, bytes: &[u8], depth: usize) -> Result<Value> {
    let known = messages()
        .get(name)
        .filter(|_| depth < DEPTH)
        .ok_or_else(malformed)?;
    let mut object = Map::new();
    for (number, raw) in fields(bytes).ok_or_else(malformed)? {
        // What is unknown comes from a newer client, and is dropped as unknown fields are.
        let Some(Field(field, kind, flags)) = known.get(&number) else {
            continue;
        };
        if flags.contains('%') {
            let (key, value) = entry(kind, &raw, depth)?;
            let slot = object.entry(field).or_insert_with(|| json!({}));
            slot[key] = value;
            continue;
        }
        let value = value(kind, &raw, depth)?;
        if flags.contains('*') {
            if let Value::Array(list) = object.entry(field).or_insert_with(|| json!([])) {
                list.push(value);
            }
        } else if field.is_empty() {
            object.extend(value.as_object().cloned().unwrap_or_default());
        } else if flags.contains('?') || !is_zero(&value) {
            object.insert(field.clone(), value);
        }
    }
    Ok(Value::Object(object))
}

/// Whether a value that Go always writes says nothing.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
    }
}

/// A map's entry: key and value.
fn entry(kind: &str, raw: &Raw<'_>, depth: usize) -> Result<(String, Value)> {
    let Raw::Bytes(bytes) = raw else {
        return Err(malformed());
    };
    let (mut key, mut held) = (String::new(), Value::Null);
    for (number, raw) in fields(bytes).ok_or_else(malformed)? {
        match (number, &raw) {
            (1, Raw::Bytes(bytes)) => key = text(bytes),
            (2, raw) => held = value(kind, raw, depth)?,
            _ => {}
        }
    }
    Ok((key, held))
}

fn value(kind: &str, raw: &Raw<'_>, depth: usize) -> Result<Value> {
    Ok(match (kind, raw) {
        ("b", Raw::Number(number)) => json!(*number != 0),
        ("f", Raw::Number(number)) => json!(f64::from_bits(*number)),
        (_, Raw::Number(number)) => json!(number.cast_signed()),
        ("s", Raw::Bytes(bytes)) => json!(text(bytes)),
        ("y", Raw::Bytes(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
        ("time" | "micro", Raw::Bytes(bytes)) => time(kind, bytes)?,
        ("quantity", Raw::Bytes(bytes)) => first(bytes, 1)?.map_or(json!("0"), |bytes| json!(text(bytes))),
        ("raw", Raw::Bytes(bytes)) => match first(bytes, 1)? {
            Some(bytes) => serde_json::from_slice(bytes).map_err(|_| malformed())?,
            None => Value::Null,
        },
        ("intstr", Raw::Bytes(bytes)) => int_or_string(bytes)?,
        ("values", Raw::Bytes(bytes)) => fields(bytes)
            .ok_or_else(malformed)?
            .iter()
            .filter_map(|(_, raw)| match raw {
                Raw::Bytes(bytes) => Some(text(bytes)),
                Raw::Number(_) => None,
            })
            .collect(),
        (name, Raw::Bytes(bytes)) => message(name, bytes, depth + 1)?,
    })
}

/// `Time` and `MicroTime`: seconds and nanoseconds since 1970; the zero time is no time.
fn time(kind: &str, bytes: &[u8]) -> Result<Value> {
    let (mut whole, mut nanos) = (None, 0);
    for (number, raw) in fields(bytes).ok_or_else(malformed)? {
        match (number, raw) {
            (1, Raw::Number(number)) => whole = Some(number.cast_signed()),
            (2, Raw::Number(number)) => nanos = i32::try_from(number).map_err(|_| malformed())?,
            _ => {}
        }
    }
    let Some(whole) = whole else {
        return Ok(Value::Null);
    };
    let at = Timestamp::new(whole, nanos).map_err(|_| malformed())?;
    Ok(json!(if kind == "micro" { micros(at) } else { seconds(at) }))
}

fn int_or_string(bytes: &[u8]) -> Result<Value> {
    let (mut is_text, mut number, mut written) = (false, 0, String::new());
    for (field, raw) in fields(bytes).ok_or_else(malformed)? {
        match (field, raw) {
            (1, Raw::Number(sort)) => is_text = sort == 1,
            (2, Raw::Number(value)) => number = value.cast_signed(),
            (3, Raw::Bytes(bytes)) => written = text(bytes),
            _ => {}
        }
    }
    Ok(if is_text { json!(written) } else { json!(number) })
}

/// The bytes of a field of this number.
fn first(bytes: &[u8], wanted: u64) -> Result<Option<&[u8]>> {
    let found = fields(bytes).ok_or_else(malformed)?.into_iter();
    Ok(found
        .filter_map(|(number, raw)| match raw {
            Raw::Bytes(bytes) if number == wanted => Some(bytes),
            _ => None,
        })
        .next())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The fields of a message in their order; `None` if it is cut or no message.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Raw<'_>)>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let tag = number(&mut bytes)?;
        let raw = match tag & 7 {
            0 => Raw::Number(number(&mut bytes)?),
            1 => Raw::Number(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(number(&mut bytes)?).ok()?;
                Raw::Bytes(take(&mut bytes, length)?)
            }
            5 => Raw::Number(u64::from(u32::from_le_bytes(
                take(&mut bytes, 4)?.try_into().ok()?,
            ))),
            _ => return None,
        };
        found.push((tag >> 3, raw));
    }
    Some(found)
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

/// A number of variable length: seven bits a byte, the lowest first.
fn number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
