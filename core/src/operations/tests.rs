//! The operations against a scripted API server.

use serde_json::{Value, json};

use crate::{
    Error,
    call::{Page, Stop},
    cluster::testing::Script,
    output::Table,
};

mod change;
mod history;
mod kinds;
mod list;
mod logs;
mod metrics;
mod read;
mod references;
mod scan;
mod wait;

/// Columns of pods as the API server prints them.
const POD: &[&str] = &["Name", "Ready", "Status", "Restarts", "Age"];

/// A server with these namespaces.
fn with_namespaces(names: &[&str]) -> Script {
    let rows: Vec<Vec<&str>> = names.iter().map(|name| vec![*name, "Active", "1d"]).collect();
    let rows: Vec<&[&str]> = rows.iter().map(Vec::as_slice).collect();
    Script::new().table("/api/v1/namespaces", &["Name", "Status", "Age"], &rows)
}

/// A list of objects.
fn list_of(items: &[Value]) -> Value {
    json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items})
}

/// The first cells of each row, joined.
fn names(table: &Table, cells: usize) -> Vec<String> {
    table
        .rows
        .iter()
        .map(|row| row.cells[..cells].join("/"))
        .collect()
}

fn totals(table: &Table) -> Vec<(&str, usize)> {
    table
        .totals
        .iter()
        .map(|total| (total.name.as_str(), total.count))
        .collect()
}

/// The error that an operation ended with.
#[track_caller]
fn error<T: std::fmt::Debug>(result: Result<T, Stop>) -> Error {
    match result.unwrap_err() {
        Stop::Error(error) => *error,
        Stop::Planned(planned) => panic!("a plan: {planned:?}"),
    }
}

/// The calls that an error suggests, as `op name=value`.
fn next(error: &Error) -> Vec<String> {
    let write = |next: &crate::output::Next| {
        let args: Vec<String> = next
            .args
            .iter()
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        format!("{}{}", next.op, args.concat())
    };
    error.next.iter().map(write).collect()
}

fn page(limit: usize) -> Page {
    Page {
        limit,
        ..Page::default()
    }
}
