//! What a schema says, in few words: type, default, meaning.

use std::{borrow::Cow, sync::LazyLock};

use regex::Regex;
use serde_json::Value;

use crate::{
    cluster::{Schema, Schemas},
    output::size::counted,
};

/// More values than this are counted.
const VALUES: usize = 8;
/// The longest default.
const DEFAULT: usize = 60;

/// The description of a field: its own, or its type's.
pub(super) fn description<'a>(schemas: &'a Schemas, schema: &'a Schema) -> &'a str {
    match schema.description.trim() {
        "" => schemas.resolve(schema).description.trim(),
        own => own,
    }
}

/// The type of a field: `string`, `int or %`, `list of Container`, `map of string`, `object`.
pub(super) fn type_of(schemas: &Schemas, schema: &Schema) -> String {
    let is_free = |target: &Schema| target.is_free() && schemas.fields(target).is_empty();
    match part(schemas, schema, description(schemas, schema)) {
        Part::Object(_) if is_free(schemas.resolve(schema)) => "object, any fields".to_owned(),
        Part::Object(_) => "object".to_owned(),
        Part::Other(words) => words.into_owned(),
    }
}

/// A type as it stands alone or in `list of …`.
enum Part<'a> {
    /// The name of its type, where it has one.
    Object(&'a str),
    Other(Cow<'a, str>),
}

fn part<'a>(schemas: &'a Schemas, schema: &'a Schema, description: &str) -> Part<'a> {
    let target = schemas.resolve(schema);
    let name = schema
        .reference()
        .and_then(|name| name.rsplit('.').next())
        .unwrap_or_default();
    let words = |words: &'static str| Part::Other(Cow::Borrowed(words));
    let of = |what: &str, inner: &'a Schema| {
        Part::Other(Cow::Owned(match part(schemas, inner, "") {
            Part::Object("") => format!("{what} of object"),
            Part::Object(name) => format!("{what} of {name}"),
            Part::Other(words) => format!("{what} of {words}"),
        }))
    };
    if target.int_or_string || target.format == "int-or-string" {
        let has_percent = description.contains('%') || description.contains("percent");
        return words(if has_percent { "int or %" } else { "int or string" });
    }
    match name {
        "Quantity" => return words("quantity"),
        "Duration" => return words("duration"),
        _ => {}
    }
    if let Some(items) = &target.items {
        return of("list", items);
    }
    if let Some(values) = schemas.values(target) {
        return of("map", values);
    }
    match (target.r#type.as_str(), target.format.as_str()) {
        ("string", "date-time") => words("time"),
        ("string", "byte") => words("base64"),
        ("string", "duration") => words("duration"),
        ("object", _) => Part::Object(name),
        ("array", _) => words("list"),
        ("", _) if !schemas.fields(target).is_empty() => Part::Object(name),
        ("", _) => Part::Other(alternatives(schemas, target)),
        (r#type, _) => Part::Other(Cow::Borrowed(r#type)),
    }
}

/// `integer or string`, or `any` where nothing is said.
fn alternatives<'a>(schemas: &'a Schemas, schema: &'a Schema) -> Cow<'a, str> {
    let mut words: Vec<String> = Vec::new();
    for schema in schema.one_of.iter().chain(&schema.any_of) {
        let word = type_of(schemas, schema);
        if word != "any" && !words.contains(&word) {
            words.push(word);
        }
    }
    match words.is_empty() {
        true => Cow::Borrowed("any"),
        false => Cow::Owned(words.join(" or ")),
    }
}

/// Which fields an object has to have where it may choose: `exactly one of a, b`.
pub(super) fn choice(schema: &Schema) -> Option<String> {
    let fields = |schemas: &[Schema]| {
        let fields: Option<Vec<String>> = schemas
            .iter()
            .map(|schema| (!schema.required.is_empty()).then(|| schema.required.join(" and ")))
            .collect();
        fields
            .filter(|fields| fields.len() > 1)
            .map(|fields| fields.join(", "))
    };
    match (fields(&schema.one_of), fields(&schema.any_of)) {
        (Some(one), _) => Some(format!("exactly one of: {one}")),
        (None, Some(some)) => Some(format!("at least one of: {some}")),
        (None, None) => None,
    }
}

/// What a field has if nothing is said: the schema's word, or the description's where the schema has none, as it is
/// of most of Kubernetes' own.
pub(super) fn default_of(schemas: &Schemas, schema: &Schema, required: bool) -> String {
    let own = schema
        .default
        .as_ref()
        .or(schemas.resolve(schema).default.as_ref());
    let text = match own {
        // Go writes what is zero into the schema as if that were chosen.
        Some(Value::Bool(false)) if required => None,
        Some(Value::Number(number)) if required && number.as_f64() == Some(0.0) => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Object(fields)) if !fields.is_empty() => own.map(Value::to_string),
        Some(Value::Array(items)) if !items.is_empty() => own.map(Value::to_string),
        Some(value @ (Value::Bool(_) | Value::Number(_))) => Some(value.to_string()),
        _ => None,
    };
    let text = text.filter(|text| !text.is_empty());
    match text.or_else(|| described_default(schemas, schema)) {
        Some(text) if text.chars().count() > DEFAULT => {
            let head: String = text.chars().take(DEFAULT).collect();
            format!("{head}…")
        }
        text => text.unwrap_or_default(),
    }
}

/// `Defaults to 25%.`, `Default is RollingUpdate.` Only the first such sentence, where nothing follows that would make
/// it a condition, and only what is a value of the field: a default that is told wrong is worse than none.
fn described_default(schemas: &Schemas, schema: &Schema) -> Option<String> {
    static LEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(?:defaults?|defaulted|default value) (?:to|is|of|value is)\s+").ok()
    });
    static VALUE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let value =
            r#""([^"\n]+)"|'([^'\n]+)'|`([^`\n]+)`|([^\s,;()'"`]+?(?: (?:seconds?|minutes?|hours?|days?))?)"#;
        Regex::new(&format!(r"^(?:{value})(?:\.(?:\s|$)|\s*[(;]|\s*$|\s*\n)")).ok()
    });
    let description = description(schemas, schema);
    let lead = LEAD.as_ref()?.find(description)?;
    let after = description.get(lead.end()..)?;
    let found = VALUE.as_ref()?.captures(after)?;
    let value = found.iter().skip(1).flatten().next()?.as_str();
    let is_number = value.starts_with(|c: char| c.is_ascii_digit());
    let all = enumerated(schemas, schema);
    let fits = match type_of(schemas, schema).as_str() {
        "boolean" => matches!(value, "true" | "false"),
        "integer" | "number" | "quantity" | "int or %" | "int or string" => is_number,
        "string" if all.is_empty() => !matches!(value, "nil" | "null" | "unset" | "empty" | "undefined"),
        "string" => all.iter().any(|known| known.as_str() == Some(value)),
        _ => false,
    };
    // What something else will default to.
    let is_other = description.get(..lead.start())?.ends_with("will ");
    (fits && !is_other).then(|| value.to_owned())
}

/// `Recreate or RollingUpdate`; empty where there is no such list.
pub(super) fn values(schemas: &Schemas, schema: &Schema) -> String {
    let all: Vec<String> = enumerated(schemas, schema).iter().map(word).collect();
    match all.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] if all.len() <= VALUES => format!("{} or {last}", head.join(", ")),
        many => format!(
            "{} and {}",
            many[..VALUES].join(", "),
            counted(many.len() - VALUES, "more value")
        ),
    }
}

/// The values that there are, where they are listed.
pub(super) fn enumerated<'a>(schemas: &'a Schemas, schema: &'a Schema) -> &'a [Value] {
    match schema.r#enum.as_slice() {
        [] => &schemas.resolve(schema).r#enum,
        own => own,
    }
}

/// A value as it is shown.
pub(super) fn word(value: &Value) -> String {
    match value.as_str() {
        Some("") | None => value.to_string(),
        Some(text) => text.to_owned(),
    }
}
