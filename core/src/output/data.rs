//! An answer as plain data: what templates and `$steps` see, and what the JSON and YAML views of a list show.

use serde_json::{Map, Value, json};

use super::{AnyRecord, Change, Lines, Next, Object, Output, Row, Scope, Table, cleaned, filter};
use crate::Error;

/// An answer as data. Of a Table, Lines and a Change the keys are fixed and checked in specs; an Object's are its
/// own, a Record's its fields. All carry `notes` and `next`.
pub fn data(output: &Output) -> Value {
    let (mut data, notes, next) = match output {
        Output::Table(table) => (of_table(table), &table.notes, &table.next),
        Output::Object(object) => (of_object(object), &object.notes, &object.next),
        Output::Record(record) => (of_record(record), &record.notes, &record.next),
        Output::Lines(lines) => (of_lines(lines), &lines.notes, &lines.next),
        Output::Change(change) => (of_change(change), &change.notes, &change.next),
    };
    data.insert("notes".to_owned(), json!(notes));
    data.insert("next".to_owned(), next.iter().map(of_next).collect());
    Value::Object(data)
}

/// The paths of `fields`, as they were written.
///
/// # Errors
/// If one of them is not a path.
pub fn split_fields(fields: &str) -> Result<Vec<String>, Error> {
    let paths = filter::FieldPath::parse_list(fields)?;
    Ok(paths.iter().map(|path| path.text().to_owned()).collect())
}

fn fields<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn of_table(table: &Table) -> Map<String, Value> {
    let scope = match &table.scope {
        Scope::AllNamespaces => "all namespaces",
        Scope::Namespace(namespace) => namespace,
        Scope::Cluster => "cluster",
    };
    let totals: Vec<Value> = table
        .totals
        .iter()
        .map(|total| json!({"name": total.name, "count": total.count}))
        .collect();
    fields([
        ("subject", json!(table.subject)),
        ("scope", json!(scope)),
        ("total", json!(table.total)),
        ("totals", Value::Array(totals)),
        ("shown", json!(table.rows.len())),
        ("complete", json!(table.complete)),
        ("rows", rows(table)),
    ])
}

/// A Table's rows as data.
pub fn rows(table: &Table) -> Value {
    table.rows.iter().map(|row| of_row(table, row)).collect()
}

fn of_row(table: &Table, row: &Row) -> Value {
    let cells: Map<String, Value> = table
        .columns
        .iter()
        .zip(&row.cells)
        .filter(|(_, cell)| !cell.is_empty())
        .map(|(column, cell)| (column.header.clone(), json!(cell)))
        .collect();
    Value::Object(fields([
        ("cluster", json!(row.id.cluster)),
        ("kind", json!(row.id.kind)),
        ("namespace", json!(row.id.namespace)),
        ("name", json!(row.id.name)),
        ("status", json!(row.status)),
        (
            "ready",
            row.ready.map_or(Value::Null, |(ready, desired)| {
                json!(format!("{ready}/{desired}"))
            }),
        ),
        ("age", json!(row.age.map(super::size::short_age))),
        ("health", json!(row.health.word())),
        ("cells", Value::Object(cells)),
    ]))
}

fn of_object(object: &Object) -> Map<String, Value> {
    let mut items = object.parts.iter().map(|part| cleaned(&part.value));
    match (object.parts.len(), items.next()) {
        (1, Some(Value::Object(only))) => only,
        (_, first) => fields([("items", first.into_iter().chain(items).collect())]),
    }
}

fn of_record(record: &AnyRecord) -> Map<String, Value> {
    record.facts.as_object().cloned().unwrap_or_default()
}

fn of_lines(lines: &Lines) -> Map<String, Value> {
    let source = |index: &usize| lines.sources.get(*index).map(|source| source.name.as_str());
    let all: Vec<Value> = lines
        .lines
        .iter()
        .map(|line| {
            let sources: Vec<&str> = line.sources.iter().filter_map(source).collect();
            Value::Object(fields([
                ("source", json!(sources.join(", "))),
                ("time", json!(line.time)),
                ("text", json!(line.text)),
                ("count", json!(line.count.max(1))),
            ]))
        })
        .collect();
    fields([
        ("subject", json!(lines.subject)),
        ("read", json!(lines.read)),
        ("matched", json!(lines.matched)),
        ("lines", Value::Array(all)),
    ])
}

fn of_change(change: &Change) -> Map<String, Value> {
    let items: Vec<Value> = change
        .items
        .iter()
        .map(|item| {
            Value::Object(fields([
                ("verb", json!(item.verb)),
                ("kind", json!(item.kind)),
                ("namespace", json!(item.namespace)),
                ("name", json!(item.name)),
                ("result", json!(item.result)),
                ("diff", json!(item.diff)),
                ("error", json!(item.error)),
            ]))
        })
        .collect();
    fields([("items", Value::Array(items))])
}

fn of_next(next: &Next) -> Value {
    let args: Map<String, Value> = next
        .args
        .iter()
        .map(|(name, value)| (name.to_string(), json!(value)))
        .collect();
    Value::Object(fields([
        ("op", json!(next.op)),
        ("args", Value::Object(args)),
        ("remark", json!(next.remark)),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::{Column, ObjectId, Part, Role, Total};

    #[test]
    fn a_table_as_data_has_the_keys_that_specs_are_checked_against() {
        let table = Table {
            subject: "Pods".to_owned(),
            columns: vec![Column::new("NAME", Role::Name), Column::new("READY", Role::Ready)],
            rows: vec![Row {
                id: ObjectId {
                    kind: "Pod".to_owned(),
                    namespace: Some("shop".to_owned()),
                    name: "web".to_owned(),
                    cluster: None,
                },
                status: "Running".to_owned(),
                ready: Some((1, 2)),
                age: Some(3_060),
                cells: vec!["web".to_owned(), "1/2".to_owned()],
                ..Row::default()
            }],
            total: 7,
            totals: vec![Total {
                name: "Running".to_owned(),
                count: 7,
            }],
            complete: true,
            notes: vec!["a note".to_owned()],
            next: vec![Next::op("pods.logs").arg("name", "web")],
            ..Table::default()
        };
        assert_eq!(
            data(&table.into()),
            json!({
                "subject": "Pods", "scope": "all namespaces", "total": 7, "shown": 1, "complete": true,
                "totals": [{"name": "Running", "count": 7}],
                "rows": [{"kind": "Pod", "namespace": "shop", "name": "web", "status": "Running", "ready": "1/2",
                          "age": "51m", "health": "healthy", "cells": {"NAME": "web", "READY": "1/2"}}],
                "notes": ["a note"], "next": [{"op": "pods.logs", "args": {"name": "web"}}],
            })
        );
    }

    #[test]
    fn one_object_is_itself_and_several_are_items() {
        let part = |name: &str| Part {
            value: json!({"kind": "Pod", "metadata": {"name": name, "managedFields": []}}),
            ..Part::default()
        };
        let one = Object {
            parts: vec![part("a")],
            ..Object::default()
        };
        assert_eq!(
            data(&one.into()),
            json!({"kind": "Pod", "metadata": {"name": "a"}, "notes": [], "next": []})
        );
        let two = Object {
            parts: vec![part("a"), part("b")],
            ..Object::default()
        };
        assert_eq!(data(&two.into())["items"][1]["metadata"]["name"], "b");
    }
}
