//! Reading the objects of requests: what their schema does not know is left out and told, as a Go server does that
//! reads them into its own types.

use std::{
    cell::{Cell, RefCell},
    fmt,
};

use base64::{DecodeError, Engine as _, prelude::BASE64_STANDARD};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
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

/// What was read.
#[derive(Debug)]
pub(crate) struct Decoded {
    /// The object, as far as its schema knows it.
    pub(crate) object: Value,
    /// Fields that are unknown or there twice, as `unknown field "spec.foo"`.
    pub(crate) mistakes: Vec<String>,
}

/// A value that is not of its field's type.
#[derive(Debug)]
pub(crate) enum Wrong {
    /// What it is, whose field it is in, and which type that field has, as Go names them.
    Typed {
        found: String,
        field: String,
        wanted: String,
    },
    /// It is no JSON at all.
    Syntax(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed { found, field, wanted } => {
                write!(
                    f,
                    "json: cannot unmarshal {found} into Go struct field {field} of type {wanted}"
                )
            }
            Self::Syntax(error) => f.write_str(error),
        }
    }
}

impl Wrong {
    /// The same as it is told of what was no text, but put together by a strategic merge.
    pub(crate) fn of_merged(&self) -> String {
        let Self::Typed { found, wanted, .. } = self else {
            return self.to_string();
        };
        let found = match found.as_str() {
            "object" => "map",
            "array" => "slice",
            "number" => "int64",
            other => other,
        };
        match wanted.as_str() {
            "string" => format!("cannot convert {found} to string"),
            slice if slice.starts_with("[]") => format!("cannot restore slice from {found}"),
            map if map.starts_with("map[") => format!("cannot restore map from {found}"),
            strct if strct.contains('.') => format!("cannot restore struct from: {found}"),
            scalar => format!("unrecognized type: {scalar}"),
        }
    }
}

/// Reads the object in a request's body.
///
/// # Errors
/// 400 for what is no such object, and for mistakes where the request asks for it; 415.
pub(crate) fn body(asked: &Asked, kind: &Kind) -> Result<Value> {
    let unrecognized = |error: String| {
        let kind = &kind.kind;
        Failure::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse \
             error: {error}"
        ))
    };
    let read = match asked.media().as_str() {
        "application/json" | "" => {
            let what: What =
                serde_json::from_slice(&asked.body).map_err(|error| unrecognized(error.to_string()))?;
            is_of(kind, &what.api_version, &what.kind)?;
            object(kind, &mut serde_json::Deserializer::from_slice(&asked.body))
        }
        "application/yaml" => {
            let value: Value =
                serde_yaml::from_slice(&asked.body).map_err(|error| unrecognized(error.to_string()))?;
            is_of(kind, value.text("/apiVersion"), value.text("/kind"))?;
            object(kind, value)
        }
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
    let read = read.map_err(|why| refuse(&why.to_string()))?;
    match asked.mistakes(read.mistakes) {
        Some(told) => Err(refuse(&format!("strict decoding error: {told}"))),
        None => Ok(read.object),
    }
}

/// What an object says that it is.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct What {
    api_version: String,
    kind: String,
}

/// Whether an object is of a kind, if it says of which it is.
///
/// # Errors
/// 400.
pub(crate) fn is_of(kind: &Kind, version: &str, name: &str) -> Result<()> {
    if (version.is_empty() || version == kind.api_version()) && (name.is_empty() || name == kind.kind) {
        return Ok(());
    }
    let (_, short) = version.rsplit_once('/').unwrap_or(("", version));
    Err(Failure::bad_request(format!(
        "{name} in version {short:?} cannot be handled as a {}: {}",
        kind.kind,
        unregistered(version, name)
    )))
}

/// How Go tells that an object is of a kind that it does not expect.
pub(crate) fn unregistered(version: &str, kind: &str) -> String {
    format!(r#"no kind {kind:?} is registered for version {version:?} in scheme "pkg/runtime/scheme.go:111""#)
}

/// Reads an object of a kind.
///
/// # Errors
/// If a value is not of its field's type.
pub(crate) fn object<'de>(kind: &Kind, from: impl Deserializer<'de>) -> std::result::Result<Decoded, Wrong> {
    read(from, schema::of(kind), &kind.kind, kind.custom.is_none())
}

/// The fields of a JSON text that are there twice, as `duplicate field "spec.replicas"`.
pub(crate) fn duplicates(text: &[u8]) -> Vec<String> {
    let read = read(&mut serde_json::Deserializer::from_slice(text), None, "", false);
    read.map_or_else(|_| Vec::new(), |read| read.mistakes)
}

/// Reads what has this schema and name; `typed` if Go reads it into a type of its own.
///
/// # Errors
/// If a value is not of its field's type.
pub(crate) fn read<'de>(
    from: impl Deserializer<'de>,
    schema: Option<Schema<'_>>,
    name: &str,
    typed: bool,
) -> std::result::Result<Decoded, Wrong> {
    let (mistakes, wrong) = (RefCell::default(), Cell::default());
    let reader = Reader {
        schema,
        holder: name,
        field: "",
        path: "",
        typed,
        mistakes: &mistakes,
        wrong: &wrong,
    };
    match reader.deserialize(from) {
        Ok(object) => Ok(Decoded {
            object,
            mistakes: mistakes.into_inner(),
        }),
        Err(error) => Err(wrong.take().unwrap_or_else(|| Wrong::Syntax(error.to_string()))),
    }
}

/// Reads one value.
#[derive(Clone, Copy)]
struct Reader<'a> {
    /// Its schema; nothing for what may be anything.
    schema: Option<Schema<'a>>,
    /// The struct that declares the field that it is in.
    holder: &'a str,
    /// The path of that field, without the keys of maps and the places in lists: so Go names it.
    field: &'a str,
    /// Its own path.
    path: &'a str,
    /// Whether it goes into a type of Go's, which has no place for a null, or for a value of another type.
    typed: bool,
    mistakes: &'a RefCell<Vec<String>>,
    wrong: &'a Cell<Option<Wrong>>,
}

impl Reader<'_> {
    /// Checks that a value is of the type that the schema asks for.
    fn expect<E: Error>(&self, found: &str, fits: impl Fn(&str) -> bool) -> std::result::Result<(), E> {
        let Some(schema) = self
            .schema
            .filter(|schema| self.typed && !schema.sort().is_empty())
        else {
            return Ok(());
        };
        if fits(schema.sort()) {
            return Ok(());
        }
        self.wrong.set(Some(self.typed(found, &go_type(schema))));
        Err(E::custom("of another type"))
    }

    /// Checks what the type alone does not tell: amounts, numbers that may be texts, bytes.
    fn expect_form<E: Error>(&self, value: &Value) -> std::result::Result<(), E> {
        let Some(schema) = self.schema.filter(|_| self.typed && !value.is_null()) else {
            return Ok(());
        };
        let bytes = |place| Wrong::Syntax(format!("illegal base64 data at input byte {place}"));
        let wrong = match (schema.text("format"), value) {
            ("int-or-string", Value::Bool(_)) => self.typed("bool", "int32"),
            ("int-or-string", Value::Array(_)) => self.typed("array", "int32"),
            ("int-or-string", Value::Object(_)) => self.typed("object", "int32"),
            ("byte", Value::String(text)) => match BASE64_STANDARD.decode(text) {
                Ok(_) => return Ok(()),
                Err(DecodeError::InvalidByte(place, _)) => bytes(place),
                Err(_) => bytes(text.len() / 4 * 4),
            },
            _ if schema.name() == Some(QUANTITY) && quantity::canonical(value).is_none() => Wrong::Syntax(
                "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                    .into(),
            ),
            _ => return Ok(()),
        };
        self.wrong.set(Some(wrong));
        Err(E::custom("of another form"))
    }

    fn typed(&self, found: &str, wanted: &str) -> Wrong {
        Wrong::Typed {
            found: found.to_owned(),
            field: format!("{}.{}", self.holder, self.field),
            wanted: wanted.to_owned(),
        }
    }

    fn is_narrow(&self) -> bool {
        self.schema.is_some_and(|schema| schema.text("format") == "int32")
    }
}

/// The type of Go that a schema stands for.
fn go_type(schema: Schema<'_>) -> String {
    if let Some(name) = schema.name() {
        let parts: Vec<_> = name.rsplitn(3, '.').collect();
        return format!("{}.{}", parts.get(1).unwrap_or(&"v1"), parts[0]);
    }
    match schema.sort() {
        "boolean" => "bool".into(),
        "integer" if schema.text("format") == "int32" => "int32".into(),
        "integer" => "int64".into(),
        "number" => "float64".into(),
        "array" => format!("[]{}", schema.items().map_or_else(String::new, go_type)),
        "object" => format!(
            "map[string]{}",
            schema.field("").map_or_else(String::new, go_type)
        ),
        "string" if schema.text("format") == "byte" => "[]uint8".into(),
        other => other.into(),
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<Value, D::Error> {
        let value = from.deserialize_any(self)?;
        self.expect_form(&value)?;
        Ok(value)
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
        self.expect("bool", |sort| sort == "boolean")?;
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> std::result::Result<Value, E> {
        if self.is_narrow() && i32::try_from(value).is_err() {
            self.expect(&format!("number {value}"), |_| false)?;
        }
        self.expect("number", |sort| matches!(sort, "integer" | "number"))?;
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> std::result::Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Ok(value.into()),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> std::result::Result<Value, E> {
        self.expect(&format!("number {value}"), |sort| sort != "integer")?;
        self.expect("number", |sort| sort == "number")?;
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> std::result::Result<Value, E> {
        self.expect("string", |sort| sort == "string")?;
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> std::result::Result<Value, A::Error> {
        self.expect("array", |sort| sort == "array")?;
        let schema = self.schema.and_then(Schema::items);
        let mut items = Vec::new();
        loop {
            let path = format!("{}[{}]", self.path, items.len());
            let item = Reader {
                schema,
                path: &path,
                ..self
            };
            match from.next_element_seed(item)? {
                Some(item) => items.push(item),
                None => return Ok(items.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> std::result::Result<Value, A::Error> {
        self.expect("object", |sort| sort == "object")?;
        let fields = self.schema.and_then(Schema::fields);
        let name = self.schema.and_then(Schema::name);
        let holder = name
            .and_then(|name| name.rsplit('.').next())
            .unwrap_or(self.holder);
        let mut map = Map::new();
        while let Some(key) = from.next_key::<String>()? {
            let path = below(self.path, &key);
            if map.contains_key(&key) {
                self.mistakes
                    .borrow_mut()
                    .push(format!("duplicate field {path:?}"));
            }
            let schema = self.schema.and_then(|schema| schema.field(&key));
            if schema.is_none() && self.schema.is_some_and(|schema| !schema.is_open()) {
                self.mistakes.borrow_mut().push(format!("unknown field {path:?}"));
                from.next_value::<IgnoredAny>()?;
                continue;
            }
            let declared = fields.is_some_and(|fields| fields.contains_key(&key));
            let field = below(self.field, &key);
            let value = from.next_value_seed(Reader {
                schema,
                holder,
                field: if declared { &field } else { self.field },
                path: &path,
                ..self
            })?;
            // Where nothing is, Go makes an empty text of a map's entry.
            let is_text = self.typed && !declared && schema.is_some_and(|schema| schema.sort() == "string");
            let value = if value.is_null() && is_text {
                "".into()
            } else {
                value
            };
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

fn below(path: &str, key: &str) -> String {
    match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    }
}
