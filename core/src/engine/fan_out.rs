//! One read on several clusters, in one answer.

use super::{render::View, service::Engine};
use crate::{
    Error, ErrorKind,
    call::Stop,
    output::{Output, Redactor, Table},
};

/// What a call came to on one cluster.
pub(super) enum Answered {
    /// An answer of one of the five types, to be rendered.
    Output(Box<Output>),
    /// What a template made of the steps.
    Text(String),
}

type OfCluster = (Option<String>, Result<Answered, Stop>);

/// Merges the answers: Tables row by row with a column for the cluster, everything else one below the other. A
/// cluster that failed is a line of its own.
///
/// # Errors
/// If it failed on every cluster.
pub(super) fn merge(
    engine: &Engine,
    answers: Vec<OfCluster>,
    view: Option<View>,
    redactor: &Redactor,
) -> Result<String, Error> {
    let count = answers.len();
    let mut merged: Option<Table> = None;
    let mut texts = Vec::new();
    let mut failures = Vec::new();
    let stage = engine.stage.share(count);
    for (cluster, answer) in answers {
        let cluster = cluster.unwrap_or_default();
        match answer {
            Ok(Answered::Output(output)) => match *output {
                Output::Table(table) => add(merged.get_or_insert_with(|| heading(&table)), table, &cluster),
                output => texts.push(stage.output(&output, view, Some(&cluster), redactor)),
            },
            Ok(Answered::Text(text)) => texts.push(stage.text(text, Some(&cluster), redactor)),
            Err(Stop::Error(error)) => failures.push(format!("{cluster}: {}", error.message)),
            Err(Stop::Planned(planned)) => texts.push(stage.planned(&planned, redactor)),
        }
    }
    if failures.len() == count {
        return Err(Error::new(ErrorKind::Unreachable, failures.join("; ")));
    }
    if let Some(mut table) = merged {
        // The worst of all clusters first; within a cluster the order stays.
        if !table.sorted {
            table.rows.sort_by_key(|row| row.health);
        }
        table.notes.splice(0..0, failures);
        let all = format!("{count} clusters");
        return Ok(engine
            .stage
            .output(&Output::Table(table), view, Some(&all), redactor));
    }
    texts.extend(failures);
    Ok(engine.stage.text(texts.join("\n"), None, redactor))
}

/// An empty Table that is headed as this one.
fn heading(table: &Table) -> Table {
    Table {
        subject: table.subject.clone(),
        scope: table.scope.clone(),
        columns: table.columns.clone(),
        filter: table.filter.clone(),
        complete: true,
        ..Table::default()
    }
}

/// Adds a cluster's rows. Columns are matched by header, since clusters of different versions may differ.
fn add(merged: &mut Table, table: Table, cluster: &str) {
    for column in &table.columns {
        if !merged.columns.iter().any(|there| there.header == column.header) {
            merged.columns.push(column.clone());
            for row in &mut merged.rows {
                row.cells.push(String::new());
            }
        }
    }
    let places: Vec<usize> = table
        .columns
        .iter()
        .filter_map(|column| {
            merged
                .columns
                .iter()
                .position(|there| there.header == column.header)
        })
        .collect();
    for mut row in table.rows {
        let mut cells = vec![String::new(); merged.columns.len()];
        for (place, cell) in places.iter().zip(std::mem::take(&mut row.cells)) {
            cells[*place] = cell;
        }
        row.cells = cells;
        row.id.cluster = Some(cluster.to_owned());
        merged.rows.push(row);
    }
    merged.total += table.total;
    merged.unhealthy += table.unhealthy;
    merged.sorted |= table.sorted;
    merged.complete &= table.complete;
    if let Some(unfiltered) = table.unfiltered {
        merged.unfiltered = Some(merged.unfiltered.unwrap_or(0) + unfiltered);
    }
    for total in table.totals {
        match merged.totals.iter_mut().find(|there| there.name == total.name) {
            Some(there) => there.count += total.count,
            None => merged.totals.push(total),
        }
    }
    merged.totals.sort_by_key(|total| std::cmp::Reverse(total.count));
    if table.cursor.is_some() {
        merged.notes.push(format!(
            "{cluster} has more rows: narrow with selector, or list cluster={cluster} alone"
        ));
    }
    merged
        .notes
        .extend(table.heading.map(|heading| format!("{cluster}: {heading}")));
    merged
        .notes
        .extend(table.notes.into_iter().map(|note| format!("{cluster}: {note}")));
    merged
        .next
        .extend(table.next.into_iter().map(|next| next.arg("cluster", cluster)));
}
