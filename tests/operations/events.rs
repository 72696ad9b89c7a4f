//! Events: newest first, folded, counted, filtered.

use serde_json::{Value, json};

use crate::{Trials, ensure, kubectl::eventually, listing::Listing, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("folded_with_counts", folded_with_counts),
    ("warnings_only", warnings_only),
    ("of_one_object", of_one_object),
    ("of_a_reason", of_a_reason),
    ("newest_first", newest_first),
    ("none", none),
];

fn list(stage: &Stage, more: &Value) -> Result<Listing, String> {
    let mut arguments = json!({"namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    Ok(Listing::read(&stage.ask("events_list", &arguments)?))
}

/// How often the events happened.
fn times(events: &[Value]) -> u64 {
    events
        .iter()
        .map(|event| {
            event["series"]["count"]
                .as_u64()
                .or(event["count"].as_u64())
                .unwrap_or(1)
                .max(1)
        })
        .sum()
}

/// An age such as `1m30s`, in seconds.
fn seconds(age: &str) -> u64 {
    let (mut total, mut number) = (0, 0);
    for c in age.chars() {
        match (c.to_digit(10), c) {
            (Some(digit), _) => number = number * 10 + u64::from(digit),
            (None, unit) => {
                let size = match unit {
                    'd' => 86_400,
                    'h' => 3600,
                    'm' => 60,
                    _ => 1,
                };
                total += number * size;
                number = 0;
            }
        }
    }
    total
}

fn folded_with_counts(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let listing = list(
            stage,
            &json!({"kind": "Pod", "name": "no-image", "reason": "Failed"}),
        )?;
        let count = times(&stage.events("no-image", "Failed")?);
        let shown: u64 = listing.rows.iter().map(|row| row.number("COUNT").max(1)).sum();
        ensure!(
            shown == count,
            "Failed happened {count} times, shown {shown}:\n{}",
            listing.text
        );
        ensure!(
            listing.text.contains("no-image"),
            "the object is not named:\n{}",
            listing.text
        );
        Ok(())
    })
}

fn warnings_only(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"type": "Warning"}))?;
    for reason in ["FailedScheduling", "Failed", "BackOff"] {
        listing.row_where("REASON", reason)?;
    }
    for reason in ["Scheduled", "Started", "ScalingReplicaSet"] {
        ensure!(
            listing.row_where("REASON", reason).is_err(),
            "{reason} is no warning:\n{}",
            listing.text
        );
    }
    Ok(())
}

fn of_one_object(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"kind": "po", "name": "too-large"}))?;
    ensure!(!listing.rows.is_empty(), "no rows:\n{}", listing.text);
    for row in &listing.rows {
        row.says("REASON", "FailedScheduling")?;
    }
    ensure!(
        listing.text.contains("Insufficient cpu"),
        "the message is missing:\n{}",
        listing.text
    );
    Ok(())
}

fn of_a_reason(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"reason": "BackoffLimitExceeded"}))?;
    ensure!(
        listing.rows.len() == 1,
        "{} rows:\n{}",
        listing.rows.len(),
        listing.text
    );
    ensure!(
        listing.text.contains("migrate"),
        "the job is not named:\n{}",
        listing.text
    );
    Ok(())
}

fn newest_first(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({}))?;
    let ages: Vec<u64> = listing
        .rows
        .iter()
        .filter_map(|row| row.cell("LAST"))
        .map(seconds)
        .collect();
    ensure!(
        ages.len() > 5,
        "{} rows with an age:\n{}",
        ages.len(),
        listing.text
    );
    ensure!(ages.is_sorted(), "not newest first: {ages:?}\n{}", listing.text);
    Ok(())
}

fn none(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"reason": "NothingOfTheKind"}))?;
    ensure!(listing.rows.is_empty(), "rows:\n{}", listing.text);
    ensure!(
        listing.text.contains(&stage.namespace),
        "where it looked is not said: {}",
        listing.text
    );
    Ok(())
}
