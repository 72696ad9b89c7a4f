//! Wrong calls and what becomes of them: the rows of `tests/wrong_calls.yaml` that need a cluster.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    Trials, ensure,
    kubectl::eventually,
    stage::{Contexts, Stage},
};

#[expect(dead_code, reason = "the rest is for the rows that need no cluster")]
#[path = "../support/wrong_calls.rs"]
mod table;

use table::{Place, Row, call, rows};

pub(crate) const TRIALS: Trials = &[("rows", all_rows), ("reader", reader)];

fn all_rows(stage: &Stage) -> Result<(), String> {
    play(stage, Place::Cluster, Contexts::One)
}

fn reader(stage: &Stage) -> Result<(), String> {
    play(stage, Place::Reader, Contexts::Reader)
}

fn play(stage: &Stage, place: Place, contexts: Contexts) -> Result<(), String> {
    let mut server = stage.server(contexts, &[])?;
    let listed = server.request("tools/list", json!({}))?;
    let tools: BTreeSet<&str> = listed["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    let mut failures = Vec::new();
    let mut ask = |row: &Row| -> Result<(), String> {
        let (tool, arguments): (&str, Value) = call(&row.given)?;
        // The states of a live cluster change between two readings.
        eventually(5, || {
            let answer = server.call(tool, &arguments)?;
            stage.keeps_secrets(tool, &answer.text)?;
            if row.answer.is_empty() {
                return row.check_error(answer.is_error, &answer.text);
            }
            let missing = row
                .answer
                .iter()
                .find(|part| !answer.text.contains(part.as_str()));
            match missing {
                Some(part) => Err(format!(
                    "{}\n  expected: {part}\n  found:    {}",
                    row.given, answer.text
                )),
                None if answer.is_error => Err(format!("{} failed: {}", row.given, answer.text)),
                None => Ok(()),
            }
        })
    };
    let replaced = [
        ("NAMESPACE", stage.namespace.as_str()),
        ("RUN", stage.run.as_str()),
    ];
    let rows = rows(&replaced)?;
    let ours: Vec<&Row> = rows
        .iter()
        .filter(|row| row.on == place && row.missing(&tools).is_empty())
        .collect();
    ensure!(!ours.is_empty(), "no row is played");
    for row in ours {
        failures.extend(ask(row).err());
    }
    ensure!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}
