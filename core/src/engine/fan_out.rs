//! One read on several clusters, in one answer.

use super::render::{Stage, View, found, of_clusters};
use crate::{
    Error, ErrorKind,
    call::Stop,
    output::{Next, Output, Redactor, Table, size::grouped},
};

/// What a call came to on one cluster.
pub(super) enum Answered {
    /// An answer of one of the five types, to be rendered.
    Output(Box<Output>),
    /// What a template made of the steps.
    Text(String),
}

/// What each cluster answered, by its name.
type OfCluster = (Option<String>, Result<Answered, Stop>);

/// How the answers of several clusters become one.
pub(super) struct Merging<'a> {
    pub(super) stage: &'a Stage,
    pub(super) view: Option<View>,
    pub(super) redactor: &'a Redactor,
    /// The call without its cluster.
    pub(super) again: Next,
}

impl Merging<'_> {
    /// Merges the answers: Tables row by row with a column for the cluster, and what each found in the first line;
    /// everything else one below the other. A cluster that failed is told in its place.
    ///
    /// # Errors
    /// If it failed on every cluster.
    pub(super) fn merge(&self, answers: Vec<OfCluster>) -> Result<String, Error> {
        let count = answers.len();
        let mut merged: Option<Table> = None;
        let (mut told, mut texts, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        let stage = self.stage.share(count);
        for (cluster, answer) in answers {
            let cluster = cluster.unwrap_or_default();
            let stage = stage.of(Some(&cluster));
            match answer {
                Ok(Answered::Output(output)) => match *output {
                    Output::Table(table) => {
                        told.push(found(&table, &cluster));
                        add(merged.get_or_insert_with(|| heading(&table)), table, &cluster);
                    }
                    output => texts.push(stage.output(&output, self.view, Some(&cluster), self.redactor)),
                },
                Ok(Answered::Text(text)) => texts.push(stage.text(text, Some(&cluster), self.redactor)),
                Err(Stop::Planned(planned)) => texts.push(stage.planned(&planned, self.redactor)),
                Err(Stop::Error(mut error)) => {
                    if !error.message.starts_with(&format!("{cluster} ")) {
                        error.message = format!("{cluster}: {}", error.message);
                    }
                    name_cluster(&mut error.next, &cluster);
                    // What to do about it is told to whoever asks for that cluster alone.
                    let what = error.message.split("; ").next().unwrap_or_default();
                    told.push(what.to_owned());
                    texts.push(what.to_owned());
                    failures.push(*error);
                }
            }
        }
        if failures.len() == count {
            return Err(all_failed(failures));
        }
        let Some(mut table) = merged else {
            return Ok(self.stage.text(texts.join("\n"), None, self.redactor));
        };
        // The worst of all clusters first; within a cluster the order stays.
        if !table.sorted {
            table.rows.sort_by_key(|row| row.health);
        }
        table.elsewhere = table
            .rows
            .iter()
            .map(|row| match &row.id.cluster {
                Some(cluster) => self.again.clone().arg("cluster", cluster),
                None => self.again.clone(),
            })
            .collect();
        table.heading = Some(of_clusters(&table, count, &told));
        Ok(self
            .stage
            .output(&Output::Table(table), self.view, None, self.redactor))
    }
}

/// What failed on every cluster, as one error: of one kind if it was the same everywhere.
fn all_failed(failures: Vec<Error>) -> Error {
    let mut kinds = failures.iter().map(|error| error.kind);
    let first = kinds.next().unwrap_or(ErrorKind::Internal);
    let kind = match kinds.all(|kind| kind == first) {
        true => first,
        false => ErrorKind::Server,
    };
    let messages: Vec<&str> = failures.iter().map(|error| error.message.as_str()).collect();
    let mut error = Error::new(kind, messages.join("; "));
    for next in failures.into_iter().flat_map(|error| error.next) {
        if !error.next.contains(&next) {
            error.next.push(next);
        }
    }
    error
}

/// Says in suggested calls which cluster they are meant for.
pub(super) fn name_cluster(suggestions: &mut [Next], cluster: &str) {
    for next in suggestions {
        if !next.args.iter().any(|(name, _)| name == "cluster") {
            next.args.push(("cluster".into(), cluster.to_owned()));
        }
    }
}

/// An empty Table that is headed as this one.
fn heading(table: &Table) -> Table {
    Table {
        subject: table.subject.clone(),
        heading: table.heading.clone(),
        scope: table.scope.clone(),
        columns: table.columns.clone(),
        filter: table.filter.clone(),
        complete: true,
        ..Table::default()
    }
}

/// Adds a cluster's rows. Columns are matched by header, since clusters of different versions may differ.
fn add(merged: &mut Table, mut table: Table, cluster: &str) {
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
    let shown = table.rows.len();
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
    let left = (table.total.saturating_sub(table.skipped)).saturating_sub(shown);
    if table.cursor.is_some() && left > 0 {
        merged.notes.push(format!(
            "{cluster} has {} more; narrow with selector, or list cluster={cluster} alone",
            grouped(left)
        ));
    }
    merged
        .notes
        .extend(table.notes.into_iter().map(|note| format!("{cluster}: {note}")));
    name_cluster(&mut table.next, cluster);
    merged.next.append(&mut table.next);
}

#[cfg(test)]
mod tests;
