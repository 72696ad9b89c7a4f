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
    let envelope = Fields::of(body.strip_prefix(MAGIC).ok_or_else(malformed)?)?;
    let about = Fields::of(envelope.bytes(1))?;
    let (api_version, kind) = (about.text(1), about.text(2));
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("core", &api_version));
    let package = group.split('.').next().unwrap_or_default();
    let name = match kind.as_str() {
        "DeleteOptions" => "meta/v1.DeleteOptions".to_owned(),
        _ => format!("{package}/{version}.{kind}"),
    };
    let Value::Object(mut object) = message(&name, envelope.bytes(2), 0)? else {
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
    for (number, raw) in Fields::of(bytes)?.0 {
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
    let fields = Fields::of(bytes)?;
    let held = fields.find(2).map(|raw| value(kind, raw, depth)).transpose()?;
    Ok((fields.text(1), held.unwrap_or_default()))
}

fn value(kind: &str, raw: &Raw<'_>, depth: usize) -> Result<Value> {
    let bytes = match (kind, raw) {
        ("b", Raw::Number(number)) => return Ok(json!(*number != 0)),
        ("f", Raw::Number(number)) => return Ok(json!(f64::from_bits(*number))),
        (_, Raw::Number(number)) => return Ok(json!(number.cast_signed())),
        (_, Raw::Bytes(bytes)) => *bytes,
    };
    let fields = || Fields::of(bytes);
    Ok(match kind {
        "s" => json!(text(bytes)),
        "y" => json!(BASE64_STANDARD.encode(bytes)),
        "time" | "micro" => time(kind, &fields()?)?,
        "quantity" => match fields()?.text(1) {
            amount if amount.is_empty() => json!("0"),
            amount => json!(amount),
        },
        "raw" => match fields()?.bytes(1) {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes).map_err(|_| malformed())?,
        },
        // A number, or a text if the first field says so.
        "intstr" => match fields()? {
            fields if fields.number(1) == Some(1) => json!(fields.text(3)),
            fields => json!(fields.number(2).unwrap_or_default()),
        },
        "values" => fields()?.0.iter().filter_map(|(_, raw)| raw.text()).collect(),
        name => message(name, bytes, depth + 1)?,
    })
}

/// `Time` and `MicroTime`: seconds and nanoseconds since 1970; the zero time is no time.
fn time(kind: &str, fields: &Fields<'_>) -> Result<Value> {
    let Some(whole) = fields.number(1) else {
        return Ok(Value::Null);
    };
    let nanos = i32::try_from(fields.number(2).unwrap_or_default()).map_err(|_| malformed())?;
    let at = Timestamp::new(whole, nanos).map_err(|_| malformed())?;
    Ok(json!(if kind == "micro" { micros(at) } else { seconds(at) }))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

impl Raw<'_> {
    fn text(&self) -> Option<String> {
        match self {
            Raw::Bytes(bytes) => Some(text(bytes)),
            Raw::Number(_) => None,
        }
    }
}

/// The fields of a message in their order.
struct Fields<'a>(Vec<(u64, Raw<'a>)>);

impl<'a> Fields<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self> {
        fields(bytes).map(Self).ok_or_else(malformed)
    }

    fn find(&self, wanted: u64) -> Option<&Raw<'a>> {
        self.0
            .iter()
            .find(|(number, _)| *number == wanted)
            .map(|(_, raw)| raw)
    }

    /// The number in a field.
    fn number(&self, wanted: u64) -> Option<i64> {
        match self.find(wanted)? {
            Raw::Number(number) => Some(number.cast_signed()),
            Raw::Bytes(_) => None,
        }
    }

    /// The bytes in a field; none where it is not.
    fn bytes(&self, wanted: u64) -> &'a [u8] {
        match self.find(wanted) {
            Some(Raw::Bytes(bytes)) => bytes,
            _ => &[],
        }
    }

    fn text(&self, wanted: u64) -> String {
        text(self.bytes(wanted))
    }
}

/// `None` if it is cut or no message.
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
