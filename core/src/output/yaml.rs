//! Objects as YAML: in full blocks for differences, compact for readers who pay by the token.

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_yaml::{FlowMap, FlowSeq};

/// The widest map that is written on one line.
const MAP_WIDTH: usize = 64;
/// The widest list that is written on one line.
const LIST_WIDTH: usize = 80;
/// The longest text within a line of several values.
const TEXT_WIDTH: usize = 50;

/// Compact YAML: small maps and lists below the second level stand on one line (`{cpu: 100m, memory: 128Mi}`).
/// Reads back as the same value.
pub fn compact(value: &Value) -> String {
    write(&Compact { value, depth: 0 })
}

/// YAML with one value on a line.
pub fn block(value: &Value) -> String {
    write(value)
}

/// YAML on one line.
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(_) => write(&FlowMap(value)),
        Value::Array(_) => write(&FlowSeq(value)),
        value => write(value),
    }
}

fn write(value: &impl Serialize) -> String {
    let options = serde_yaml::ser_options! {
        // A long text stays on its line: folding costs tokens and hides what it is.
        folded_wrap_chars: usize::MAX,
    };
    // JSON values and strings always can be written.
    serde_yaml::to_string_with_options(value, options).unwrap_or_default()
}

struct Compact<'v> {
    value: &'v Value,
    depth: usize,
}

impl Compact<'_> {
    fn below<'v>(&self, value: &'v Value) -> Compact<'v> {
        Compact {
            value,
            depth: self.depth + 1,
        }
    }
}

impl Serialize for Compact<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.value {
            // The sections of an object (`metadata`, `spec`) stay blocks however small they are.
            Value::Object(_)
                if self.depth > 1 && width(self.value).is_some_and(|width| width <= MAP_WIDTH) =>
            {
                FlowMap(self.value).serialize(serializer)
            }
            Value::Array(_) if width(self.value).is_some_and(|width| width <= LIST_WIDTH) => {
                FlowSeq(self.value).serialize(serializer)
            }
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, self.below(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(|item| self.below(item))),
            value => value.serialize(serializer),
        }
    }
}

/// How wide a value is on one line; none if it should not stand on one with others.
fn width(value: &Value) -> Option<usize> {
    match value {
        Value::Object(fields) => fields.iter().try_fold(2, |sum, (name, value)| {
            Some(sum + name.len() + 4 + width(value).filter(|width| *width <= LIST_WIDTH)?)
        }),
        Value::Array(items) => items.iter().try_fold(2, |sum, item| {
            Some(sum + 2 + width(item).filter(|width| *width <= LIST_WIDTH)?)
        }),
        Value::String(text) if text.contains('\n') || text.len() > TEXT_WIDTH => None,
        Value::String(text) => Some(text.len()),
        other => Some(other.to_string().len()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_maps_stand_on_one_line() {
        let value = json!({
            "spec": {
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
                "template": {"spec": {"containers": [{
                    "name": "checkout", "image": "registry.example.com/shop/checkout:2.14.0",
                    "ports": [{"containerPort": 8080, "name": "http"}],
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
                }]}},
            },
        });
        let expected = "\
spec:
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 1}
  template:
    spec:
      containers:
      - name: checkout
        image: registry.example.com/shop/checkout:2.14.0
        ports: [{containerPort: 8080, name: http}]
        readinessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 10}
";
        assert_eq!(compact(&value), expected);
    }

    #[test]
    fn whatever_is_in_an_object_reads_back_as_the_same() {
        let texts = [
            "",
            " ",
            "yes",
            "no",
            "on",
            "y",
            "null",
            "~",
            "true",
            "0644",
            "0o17",
            "1_000",
            "1e3",
            "12:30",
            "2001-12-14",
            ".5",
            "- a",
            "-",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "{a",
            "}",
            "[",
            "a, b",
            "*x",
            "&x",
            "!x",
            "%x",
            "@x",
            "`x",
            "'",
            "\"",
            "a\nb",
            "a\n",
            "\na",
            "a\tb",
            "\t",
            "\u{1b}[31m",
            "\u{0}",
            "\u{85}",
            "\u{2028}",
            "é",
            "a\\b",
            "?",
            "? a",
            "|",
            ">",
            "=",
            "<<",
            "--- x",
            "...",
            "trailing ",
            " leading",
            "a\r\nb",
            "\u{feff}x",
            "x: {y: [",
            "0x1F",
            "+1",
            "1.",
            "inf",
        ];
        let list = json!(texts.to_vec());
        let map: serde_json::Map<String, Value> = texts
            .iter()
            .map(|text| ((*text).to_owned(), json!(*text)))
            .collect();
        let small: Vec<Value> = texts
            .iter()
            .map(|text| json!({"k": {"v": {"a": text, *text: 1}}, "l": [text]}))
            .collect();
        for value in [
            list,
            Value::Object(map),
            json!(small),
            json!({"a": {}, "b": [], "c": {"d": {}, "e": []}}),
        ] {
            for text in [compact(&value), block(&value), flow(&value)] {
                let back: Value =
                    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
                assert_eq!(back, value, "{text}");
            }
        }
    }
}
