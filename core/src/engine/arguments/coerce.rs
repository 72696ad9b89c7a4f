//! The right value in the wrong type: accepted if nothing is lost.

use serde_json::{Map, Value};

use crate::{
    Error,
    call::{Duration, Text},
    engine::surface::{Param, ParamKind},
};

/// Reads `value` as the parameter's type. `None` is a value that counts as left out: null or an empty text.
///
/// # Errors
/// If it does not fit, with what was expected.
pub(super) fn coerce(param: &Param, value: Value) -> Result<Option<Value>, Error> {
    let value = match value {
        Value::Null => return Ok(None),
        Value::String(text) if text.trim().is_empty() => return Ok(None),
        value => value,
    };
    let coerced = match param.kind {
        ParamKind::String => string(param, value)?,
        ParamKind::Integer => integer(param, value)?,
        ParamKind::Number => number(param, value)?,
        ParamKind::Boolean => boolean(param, value)?,
        ParamKind::Strings | ParamKind::Integers | ParamKind::Numbers | ParamKind::Booleans => {
            list(param, value)?
        }
    };
    Ok(Some(coerced))
}

fn expected(param: &Param, what: &str, found: &Value) -> Error {
    let mut found = found.to_string();
    if found.chars().count() > 60 {
        found = found.chars().take(57).chain("...".chars()).collect();
    }
    Error::invalid(format!("{}: expected {what}, found {found}", param.name))
}

fn string(param: &Param, value: Value) -> Result<Value, Error> {
    let text = match value {
        Value::String(text) => text,
        // A bare number says no unit.
        Value::Number(number) if param.name == "since" => format!("{number}s"),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Object(map) if is_document(param) => Value::Object(map).to_string(),
        Value::Array(items) if is_document(param) => Value::Array(items).to_string(),
        Value::Object(map) => pairs(param, map)?.join(","),
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            match texts {
                Some(texts) => texts.join(","),
                None => return Err(expected(param, "a string", &Value::Array(items))),
            }
        }
        Value::Null => String::new(),
    };
    let text = if is_document(param) {
        document(param, &text)?
    } else if param.name == "selector" {
        selector(&text)
    } else {
        text
    };
    choice(param, text).map(Value::String)
}

/// Parameters whose value is a document: an object given for one becomes its text.
fn is_document(param: &Param) -> bool {
    matches!(param.name, "manifest" | "patch")
}

/// Takes off a code fence and a second encoding; tells a file's name from a document.
fn document(param: &Param, text: &str) -> Result<String, Error> {
    let mut text = text.trim();
    if let Some(fenced) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```")) {
        // The word after the fence is its language.
        text = fenced
            .split_once('\n')
            .map_or(fenced, |(_, body)| body)
            .trim_end();
    }
    if let Ok(Value::String(inner)) = serde_json::from_str(text) {
        return Ok(inner);
    }
    let is_file = !text.contains([':', '{', '['])
        || ["file://", "http://", "https://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
    if is_file && !text.contains('\n') {
        return Err(Error::invalid(format!(
            "{}: the server reads no files; pass the text itself",
            param.name
        )));
    }
    Ok(text.to_owned())
}

/// `app: web` is what a manifest says for `app=web`.
fn selector(text: &str) -> String {
    let is_yaml = |part: &str| part.contains(": ") && !part.contains('=') && !part.contains('(');
    text.split([',', '\n'])
        .map(|part| {
            if is_yaml(part) {
                part.trim().replacen(": ", "=", 1)
            } else {
                part.to_owned()
            }
        })
        .collect::<Vec<_>>()
        .join(",")
}

/// The choice that is meant, without regard to case and plural; the text itself where any will do.
fn choice(param: &Param, text: String) -> Result<String, Error> {
    if param.choices.is_empty() {
        return Ok(text);
    }
    let wanted = super::normal(&text);
    let fits = |choice: &&&str| {
        let choice = super::normal(choice);
        choice == wanted || format!("{choice}s") == wanted || format!("{choice}es") == wanted
    };
    match param.choices.iter().find(fits) {
        Some(choice) => Ok((*choice).to_owned()),
        None => Err(Error::invalid(format!(
            "{}: expected one of {}, found {text}",
            param.name,
            param.choices.join(", ")
        ))),
    }
}

fn integer(param: &Param, value: Value) -> Result<Value, Error> {
    let read = match &value {
        Value::Number(number) => number
            .as_i64()
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(|n| n as i64)),
        Value::String(text) => text.trim().parse().ok().or_else(|| seconds(param, text)),
        _ => None,
    };
    match read {
        Some(number) => bounded(param, number as f64, Value::from(number)),
        None => Err(expected(param, "an integer", &value)),
    }
}

/// `90s` for a number of seconds.
fn seconds(param: &Param, text: &str) -> Option<i64> {
    if !matches!(param.name, "timeout" | "grace" | "follow") {
        return None;
    }
    let Duration(duration) = Duration::from_text(text).ok()?;
    i64::try_from(duration.as_secs()).ok()
}

fn number(param: &Param, value: Value) -> Result<Value, Error> {
    let read = match &value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|n: &f64| n.is_finite()),
        _ => None,
    };
    match read {
        Some(number) => bounded(param, number, Value::from(number)),
        None => Err(expected(param, "a number", &value)),
    }
}

/// Holds a number to its bounds. A limit over the maximum becomes the maximum: what is meant is "all you have".
fn bounded(param: &Param, number: f64, value: Value) -> Result<Value, Error> {
    if let Some(maximum) = param.maximum.filter(|maximum| number > *maximum) {
        if param.name == "limit" {
            return Ok(Value::from(maximum as i64));
        }
        return Err(expected(param, &format!("at most {maximum}"), &value));
    }
    if let Some(minimum) = param.minimum.filter(|minimum| number < *minimum) {
        return Err(expected(param, &format!("at least {minimum}"), &value));
    }
    Ok(value)
}

fn boolean(param: &Param, value: Value) -> Result<Value, Error> {
    let word = match &value {
        Value::Bool(flag) => return Ok(Value::Bool(*flag)),
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "yes" | "1" => Ok(Value::Bool(true)),
        "false" | "no" | "0" => Ok(Value::Bool(false)),
        // kubectl's words for a dry run: both mean that nothing may change.
        "server" | "client" | "all" if param.name == "dry_run" => Ok(Value::Bool(true)),
        "none" if param.name == "dry_run" => Ok(Value::Bool(false)),
        _ => Err(expected(param, "true or false", &value)),
    }
}

fn list(param: &Param, value: Value) -> Result<Value, Error> {
    let items = match value {
        Value::Array(items) => items,
        Value::Object(map) if param.kind == ParamKind::Strings => {
            pairs(param, map)?.into_iter().map(Value::String).collect()
        }
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Array(items)) => items,
            _ => words(param, &text)?,
        },
        other => vec![other],
    };
    let item = Param {
        kind: one_of(param.kind),
        complete: None,
        ..copy(param)
    };
    let items = items
        .into_iter()
        .filter_map(|value| coerce(&item, value).transpose());
    items.collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn one_of(kind: ParamKind) -> ParamKind {
    match kind {
        ParamKind::Integers => ParamKind::Integer,
        ParamKind::Numbers => ParamKind::Number,
        ParamKind::Booleans => ParamKind::Boolean,
        _ => ParamKind::String,
    }
}

fn copy(param: &Param) -> Param {
    Param {
        complete: None,
        ..*param
    }
}

/// A list written as one text: comma-separated, or for a command as a shell would split plain words.
fn words(param: &Param, text: &str) -> Result<Vec<Value>, Error> {
    if param.name == "command" {
        return command(param, text);
    }
    Ok(text
        .split(',')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(Value::from)
        .collect())
}

/// Pipes, variables and globs need a shell that is named, so that the plan shows what runs.
fn command(param: &Param, text: &str) -> Result<Vec<Value>, Error> {
    let shell_syntax = text.contains(['|', '&', ';', '<', '>', '$', '`', '*', '?', '(', ')', '\n']);
    match shlex::split(text) {
        Some(words) if words.first().is_some_and(|word| word == "kubectl") => Err(Error::invalid(format!(
            "{} runs inside the container; kubectl is not there: call the tool for it",
            param.name
        ))),
        Some(words) if !shell_syntax => Ok(words.into_iter().map(Value::String).collect()),
        _ => Err(Error::invalid(format!(
            "{}: expected an array; for shell syntax pass {}",
            param.name,
            Value::from(vec!["sh", "-c", text])
        ))),
    }
}

/// A map as `key=value` texts; null removes (`key-`). Selectors may wrap it in `matchLabels`.
fn pairs(param: &Param, mut map: Map<String, Value>) -> Result<Vec<String>, Error> {
    if map.len() == 1
        && let Some(Value::Object(inner)) = map.get_mut("matchLabels")
    {
        map = std::mem::take(inner);
    }
    map.iter()
        .map(|(key, value)| match value {
            Value::Null => Ok(format!("{key}-")),
            value => match scalar(value) {
                Some(text) => Ok(format!("{key}={text}")),
                None => Err(expected(param, "key=value texts", value)),
            },
        })
        .collect()
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
