//! `key=value` on the command line as the arguments of a call.

use std::{fs, io, io::Read as _};

use kube_mcp_core::Error;
use serde_json::{Map, Value, map::Entry};

/// Reads `key=value` pairs and, first, a JSON object. A key that is given twice makes a list. `key=@file` takes the
/// value from a file, `key=@-` from stdin; `@@` writes an `@`.
pub(super) fn parse(pairs: &[String], json: Option<&str>) -> Result<Map<String, Value>, Error> {
    let mut arguments = match json.map(serde_json::from_str::<Value>) {
        None => Map::new(),
        Some(Ok(Value::Object(object))) => object,
        Some(Ok(_)) => {
            return Err(Error::invalid(
                "--json: expected an object, e.g. '{\"namespace\": \"shop\"}'",
            ));
        }
        Some(Err(error)) => return Err(Error::invalid(format!("--json: {error}"))),
    };
    for pair in pairs {
        let (key, value) = pair
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| Error::invalid(format!("`{pair}`: expected key=value, e.g. namespace=shop")))?;
        let value = Value::String(text(key, value)?);
        match arguments.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(value);
            }
            Entry::Occupied(mut slot) => match slot.get_mut() {
                Value::Array(values) => values.push(value),
                first => *first = Value::Array(vec![first.take(), value]),
            },
        }
    }
    Ok(arguments)
}

fn text(key: &str, value: &str) -> Result<String, Error> {
    let Some(source) = value.strip_prefix('@') else {
        return Ok(value.to_owned());
    };
    let read = match source {
        escaped if escaped.starts_with('@') => return Ok(escaped.to_owned()),
        "-" => {
            let mut text = String::new();
            io::stdin().lock().read_to_string(&mut text).map(|_| text)
        }
        file => fs::read_to_string(file),
    };
    read.map_err(|error| Error::invalid(format!("{key}: cannot read {source}: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parsed(pairs: &[&str], json: Option<&str>) -> Result<Value, String> {
        let pairs: Vec<String> = pairs.iter().map(|pair| (*pair).to_owned()).collect();
        parse(&pairs, json)
            .map(Value::Object)
            .map_err(|error| error.message)
    }

    #[test]
    fn pairs_become_arguments() {
        assert_eq!(
            parsed(
                &["selector=app=web", "name=a", "name=b", "name=c", "at=@@home"],
                Some(r#"{"limit": 5}"#)
            ),
            Ok(json!({"limit": 5, "selector": "app=web", "name": ["a", "b", "c"], "at": "@home"}))
        );
    }

    #[test]
    fn a_value_may_come_from_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "kind: Pod\n").unwrap();
        let pair = format!("manifest=@{}", file.path().display());
        assert_eq!(parsed(&[&pair], None), Ok(json!({"manifest": "kind: Pod\n"})));
        assert!(
            parsed(&["manifest=@/no/such/file"], None)
                .unwrap_err()
                .starts_with("manifest: cannot read")
        );
    }

    #[test]
    fn what_is_no_pair_is_told() {
        assert_eq!(
            parsed(&["shop"], None).unwrap_err(),
            "`shop`: expected key=value, e.g. namespace=shop"
        );
        assert!(
            parsed(&[], Some("[1]"))
                .unwrap_err()
                .starts_with("--json: expected an object")
        );
    }
}
