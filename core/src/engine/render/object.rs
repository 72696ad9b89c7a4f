//! API objects, records, and everything as YAML or JSON.

use serde_json::{Map, Value, json};

use super::{
    budget::tokens,
    safe::{block, line},
    shrink::shrink,
    stage::{View, Writer, on_one_line},
};
use crate::output::{
    AnyRecord, Change, Object, Output, Part, Table, data,
    filter::{FieldPath, Tree},
    readable,
    size::counted,
    yaml,
};

/// What the lines after an object may cost.
const RESERVE: usize = 100;

/// Bytes of JSON for one token of it, less than there are.
const BYTES: usize = 3;

pub(super) fn render(object: &Object, view: Option<View>, out: &mut Writer<'_>) {
    let parts: Vec<Shown<'_>> = object
        .parts
        .iter()
        .map(|part| Shown::new(part, &object.fields))
        .collect();
    let last = parts.len().saturating_sub(1);
    if parts.is_empty() {
        out.line("Nothing");
    }
    for (index, part) in parts.iter().enumerate() {
        out.line(&part.heading);
        if index == 0 {
            out.notes(&object.notes);
        }
        if let Some(missing) = &part.missing {
            out.line(missing);
        }
        if part.value.is_null() {
            continue;
        }
        // Each gets its share of what is left.
        let left = last - index;
        let spare = RESERVE + (out.room().saturating_sub(RESERVE)) * left / (left + 1);
        out.value(&part.value, view, spare);
    }
    out.next(&object.next);
}

/// An object as it is shown.
struct Shown<'o> {
    heading: String,
    missing: Option<String>,
    value: Value,
    part: &'o Part,
}

impl<'o> Shown<'o> {
    fn new(part: &'o Part, fields: &[String]) -> Self {
        let (value, missing) = if fields.is_empty() {
            (whole(part), Vec::new())
        } else {
            projected(&part.value, fields)
        };
        let found = fields.len() - missing.len();
        let shown = Self {
            heading: String::new(),
            missing: (!missing.is_empty()).then(|| format!("Not in it: {}", line(&missing.join(", ")))),
            value,
            part,
        };
        Self {
            heading: shown.heading(found),
            ..shown
        }
    }

    /// `Deployment shop/checkout (apps/v1), 2 fields of it; resourceVersion 48213977`
    fn heading(&self, fields: usize) -> String {
        let id = &self.part.id;
        let mut heading = match &id.namespace {
            Some(namespace) => format!("{} {namespace}/{}", id.kind, id.name),
            None => format!("{} {}", id.kind, id.name),
        };
        if !self.part.api_version.is_empty() {
            heading.push_str(&format!(" ({})", self.part.api_version));
        }
        if fields > 0 {
            heading.push_str(&format!(", {} of it", counted(fields, "field")));
        }
        let version = self
            .part
            .value
            .pointer("/metadata/resourceVersion")
            .and_then(Value::as_str);
        if let Some(version) = version {
            heading.push_str(&format!("; resourceVersion {version}"));
        }
        line(&heading).into_owned()
    }
}

/// The whole object, without noise and without what the heading says already.
fn whole(part: &Part) -> Value {
    let mut value = readable(&part.value);
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("uid");
        metadata.shift_remove("resourceVersion");
    }
    value
}

/// Parts of an object in its own shape, and the paths that are not in it. What is asked for by its own path is
/// shown as it is.
fn projected(object: &Value, fields: &[String]) -> (Value, Vec<String>) {
    let mut tree = Tree::default();
    let mut missing = Vec::new();
    let clean = readable(object);
    for field in fields {
        // The paths were read before; one that cannot be is in no object.
        match FieldPath::parse(field) {
            Ok(path) if !path.select(&clean).is_empty() => path.copy(&clean, &mut tree),
            Ok(path) if !path.select(object).is_empty() => path.copy(object, &mut tree),
            _ => missing.push(field.clone()),
        }
    }
    (tree.finish(), missing)
}

pub(super) fn render_record(record: &AnyRecord, view: Option<View>, out: &mut Writer<'_>) {
    if !record.heading.is_empty() {
        out.line(&line(&record.heading));
    }
    out.notes(&record.notes);
    let facts = cleaned_facts(&record.facts);
    let is_empty = facts.as_object().is_some_and(Map::is_empty) || facts.is_null();
    if !is_empty {
        out.value(&facts, view, RESERVE);
    }
    out.next(&record.next);
}

/// Facts without nulls: what is not known is left out.
fn cleaned_facts(facts: &Value) -> Value {
    match facts {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), cleaned_facts(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(cleaned_facts).collect(),
        value => value.clone(),
    }
}

/// A list's rows as YAML or JSON, one on a line.
pub(super) fn render_rows(table: &Table, view: View, out: &mut Writer<'_>) {
    out.line(&super::heading::heading(table));
    out.notes(&table.notes);
    let mut room = out.room().saturating_sub(RESERVE);
    let mut kept = Vec::new();
    for row in &table.rows {
        let cluster = row
            .id
            .cluster
            .iter()
            .map(|cluster| ("CLUSTER".to_owned(), json!(cluster)));
        let cells = table
            .columns
            .iter()
            .zip(&row.cells)
            .filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(column, cell)| (column.header.clone(), json!(cell)));
        let value = Value::Object(cluster.chain(cells).collect());
        let text = match view {
            View::Json => value.to_string(),
            _ => format!("- {}", on_one_line(&value).trim_end()),
        };
        let cost = tokens(&text) + 1;
        if cost > room && !kept.is_empty() {
            break;
        }
        room = room.saturating_sub(cost);
        kept.push(text);
    }
    let shown = kept.len();
    match view {
        View::Json => out.line(&block(&format!("[{}]", kept.join(",\n")))),
        _ if kept.is_empty() => {}
        _ => out.line(&block(&kept.join("\n"))),
    }
    super::table::more(table, shown, out);
}

/// A change as JSON.
pub(super) fn render_change(change: &Change, out: &mut Writer<'_>) {
    let mut value = data(&Output::Change(change.clone()));
    if let Some(fields) = value.as_object_mut() {
        fields.shift_remove("next");
        if !change.heading.is_empty() {
            fields.shift_insert(0, "heading".to_owned(), json!(change.heading));
        }
    }
    out.value(&value, Some(View::Json), RESERVE);
    out.next(&change.next);
}

/// An object alone.
pub(super) fn bare(object: &Object, view: Option<View>, budget: usize) -> String {
    let values: Vec<Value> = object.parts.iter().map(|part| readable(&part.value)).collect();
    let value = match <[Value; 1]>::try_from(values) {
        Ok([only]) => only,
        Err(values) => json!({"items": values}),
    };
    let (text, cuts) = text_of(&value, view, budget);
    match view {
        // A comment would break JSON; what was cut says so in its place.
        Some(View::Json) => text,
        _ if cuts.is_empty() => text,
        _ => format!("# cut to fit: {}\n{text}", line(&cuts.join(", "))),
    }
}

/// A value as text that costs about `room` tokens, and what was cut for it.
pub(super) fn text_of(value: &Value, view: Option<View>, room: usize) -> (String, Vec<String>) {
    let write = |value: &Value| match view {
        Some(View::Json) => value.to_string(),
        _ => yaml::compact(value),
    };
    let text = write(value);
    let cost = tokens(&text);
    if cost <= room {
        return (text, Vec::new());
    }
    // How many bytes of this value make a token; names of machines make it less.
    let mut bytes = (value.to_string().len() * room / cost.max(1)).max(BYTES * 50);
    let mut best = (text, Vec::new());
    for _ in 0..4 {
        let mut smaller = value.clone();
        let cuts = shrink(&mut smaller, bytes);
        best = (write(&smaller), cuts);
        let cost = tokens(&best.0);
        if cost <= room {
            break;
        }
        bytes = bytes * room / cost.max(1) * 9 / 10;
    }
    best
}
