//! Tables: the columns of a kind, and the cells of an object as kubectl shows them.

use jiff::{SignedDuration, Timestamp};
use jsonpath_rust::{
    parser::{model::JpQuery, parse_json_path},
    query::js_path_process,
};
use serde_json::{Value, json};

use super::{
    cells::{self, Cell},
    kinds::Kind,
    object::Meta as _,
};

/// The Table of a kind.
#[derive(Debug)]
pub(crate) struct Table {
    columns: Vec<Value>,
    cells: Cells,
    /// Whether a row says that its object is done.
    of_pods: bool,
}

/// Where the cells come from.
#[derive(Debug)]
enum Cells {
    /// Those of a kind that is built in.
    BuiltIn(&'static [Cell]),
    /// What follows the name of a custom resource: the column's type, and the path to its value.
    Custom(Vec<(String, Option<JpQuery>)>),
}

impl Table {
    /// The Table of a kind.
    pub(crate) fn of(kind: &Kind) -> Self {
        if let Some(custom) = &kind.custom {
            return Self::custom(custom.version.list("/additionalPrinterColumns"));
        }
        let columns = kind.columns.iter().map(|column| {
            json!({
                "name": column.name, "type": column.cell, "format": column.format,
                "description": column.description, "priority": column.priority,
            })
        });
        Self {
            columns: columns.collect(),
            cells: Cells::BuiltIn(cells::of(&kind.resource())),
            of_pods: kind.resource() == "pods",
        }
    }

    fn custom(own: &[Value]) -> Self {
        let age = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"});
        let own = match own {
            [] => std::slice::from_ref(&age),
            own => own,
        };
        let mut columns = vec![
            json!({"name": "Name", "type": "string", "format": "name", "description": "", "priority": 0}),
        ];
        columns.extend(own.iter().map(|column| {
            json!({
                "name": column["name"], "type": column["type"], "format": column.text("/format"),
                "description": match column.text("/description") {
                    "" => format!(
                        "Custom resource definition column (in JSONPath format): {}",
                        column.text("/jsonPath")
                    ),
                    text => text.to_owned(),
                },
                "priority": column.number("/priority").unwrap_or(0),
            })
        }));
        let cells = own.iter().map(|column| {
            let path = parse_json_path(&standard(column.text("/jsonPath"))).ok();
            (column.text("/type").to_owned(), path)
        });
        Self {
            columns,
            cells: Cells::Custom(cells.collect()),
            of_pods: false,
        }
    }

    /// The definitions of the columns.
    pub(crate) fn columns(&self) -> &[Value] {
        &self.columns
    }

    /// The cells of an object.
    pub(crate) fn cells(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        match &self.cells {
            Cells::BuiltIn(cells) => cells.iter().map(|cell| cell.of(object, now)).collect(),
            Cells::Custom(cells) => {
                let mut row = vec![json!(object.name())];
                row.extend(cells.iter().map(|(sort, path)| {
                    let found = path.as_ref().and_then(|path| js_path_process(path, object).ok());
                    let value = found.and_then(|found| found.into_iter().next());
                    value.map_or(Value::Null, |value| custom_cell(sort, value.val, now))
                }));
                row
            }
        }
    }

    /// What a row says of its object beside the cells: that a pod is done.
    pub(crate) fn condition(&self, object: &Value) -> Option<Value> {
        let phase = object.text("/status/phase");
        let message = match phase {
            "Succeeded" => "The pod has completed successfully.",
            "Failed" => "The pod failed.",
            _ => return None,
        };
        self.of_pods
            .then(|| json!({"type": "Completed", "status": "True", "reason": phase, "message": message}))
    }
}

/// The cell of a column of a custom resource.
fn custom_cell(sort: &str, value: &Value, now: Timestamp) -> Value {
    match (sort, value) {
        ("string", Value::String(_) | Value::Null) => value.clone(),
        ("string", other) => {
            let mut other = other.clone();
            other.sort_all_objects();
            json!(other.to_string())
        }
        ("integer" | "number", Value::Number(_)) | ("boolean", Value::Bool(_)) => value.clone(),
        ("date", Value::String(text)) => match text.parse::<Timestamp>() {
            Ok(_) => json!(age(text, now)),
            Err(_) => json!("<invalid>"),
        },
        _ => Value::Null,
    }
}

/// Kubernetes' form of JSONPath in that of RFC 9535: `.spec.a-b` is `$['spec']['a-b']`. What stands in brackets is the
/// same in both.
fn standard(path: &str) -> String {
    let mut out = String::from("$");
    for piece in path.trim_start_matches('$').split_inclusive(']') {
        let (names, bracket) = piece.split_at(piece.find('[').unwrap_or(piece.len()));
        for name in names.split('.').filter(|name| !name.is_empty()) {
            out += &match name {
                "*" => "[*]".to_owned(),
                name => format!("['{name}']"),
            };
        }
        out += bracket;
    }
    out
}

/// How long ago a time is, as kubectl says it; `<unknown>` for none.
pub(crate) fn age(then: &str, now: Timestamp) -> String {
    match then.parse::<Timestamp>() {
        Ok(then) => human(now.duration_since(then)),
        Err(_) => "<unknown>".to_owned(),
    }
}

/// How long a time lasted, as kubectl says it: two units at most, and one where the second says little.
pub(crate) fn human(length: SignedDuration) -> String {
    let seconds = length.as_secs();
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let (days, years) = (hours / 24, hours / 24 / 365);
    let two = |large: i64, sign: char, small: i64, other: char| match small {
        0 => format!("{large}{sign}"),
        small => format!("{large}{sign}{small}{other}"),
    };
    match seconds {
        ..=-2 => "<invalid>".to_owned(),
        -1 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        _ if minutes < 10 => two(minutes, 'm', seconds % 60, 's'),
        _ if minutes < 180 => format!("{minutes}m"),
        _ if hours < 8 => two(hours, 'h', minutes % 60, 'm'),
        _ if hours < 48 => format!("{hours}h"),
        _ if days < 8 => two(days, 'd', hours % 24, 'h'),
        _ if years < 2 => format!("{days}d"),
        _ if years < 8 => two(years, 'y', days % 365, 'd'),
        _ => format!("{years}y"),
    }
}
