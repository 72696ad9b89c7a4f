//! One read on several clusters, in one answer.

use super::render::{Stage, View, found, of_clusters, tokens};
use crate::{
    Error, ErrorKind,
    call::Stop,
    output::{Next, Output, Redactor, Table},
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
    /// The clusters as the call named them.
    pub(super) asked: &'a str,
}

impl Merging<'_> {
    /// Merges the answers: Tables row by row with a column for the cluster, and what each found in the first line;
    /// everything else one below the other. A cluster that failed is told in the first line, too.
    ///
    /// # Errors
    /// If it failed on every cluster.
    pub(super) fn merge(&self, answers: Vec<OfCluster>) -> Result<String, Error> {
        let count = answers.len();
        let mut merged: Option<Table> = None;
        let (mut told, mut texts, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut spent, mut failures) = (0, Vec::new());
        for (index, (cluster, answer)) in answers.into_iter().enumerate() {
            let cluster = cluster.unwrap_or_default();
            // What one leaves of its share is the others'.
            let stage = self.stage.share_of_rest(spent, count - index).of(Some(&cluster));
            let text = match answer {
                Ok(Answered::Output(output)) => match *output {
                    Output::Table(mut table) => {
                        told.push((cluster.clone(), found(&table, count)));
                        let of_this = std::mem::take(&mut table.notes).into_iter();
                        notes.extend(of_this.map(|note| (cluster.clone(), note)));
                        add(merged.get_or_insert_with(|| heading(&table)), table, &cluster);
                        continue;
                    }
                    output => stage.output(&output, self.view, Some(&cluster), self.redactor),
                },
                Ok(Answered::Text(text)) => stage.text(text, Some(&cluster), self.redactor),
                Err(Stop::Planned(planned)) => stage.planned(&planned, self.redactor),
                Err(Stop::Error(error)) => {
                    failures.push((cluster, *error));
                    continue;
                }
            };
            spent += tokens(&text);
            texts.push(text);
        }
        if failures.len() == count {
            return Err(self.all_failed(failures));
        }
        // What to do about it is told to whoever asks for that cluster alone.
        let what = |message: &str| message.split("; ").next().unwrap_or_default().to_owned();
        let failures = failures.into_iter();
        let failures = failures.map(|(cluster, error)| (cluster, what(&error.message)));
        let told = together(told, "").chain(together(failures.collect(), ": "));
        let told: Vec<String> = told.collect();
        let Some(mut table) = merged else {
            if !told.is_empty() {
                texts.insert(0, format!("[{count} clusters] {}", told.join("; ")));
            }
            return Ok(self.stage.text(texts.join("\n"), None, self.redactor));
        };
        table.notes = together(notes, ": ").chain(texts).collect();
        in_order(&mut table);
        if table.query.is_none() {
            let clusters = table.rows.iter().filter_map(|row| row.id.cluster.as_ref());
            table.elsewhere = clusters
                .map(|cluster| self.again.clone().arg("cluster", cluster))
                .collect();
        }
        table.heading = Some(of_clusters(&table, count, &told));
        Ok(self
            .stage
            .output(&Output::Table(table), self.view, None, self.redactor))
    }

    /// What failed on every cluster, as one error: of one kind if it was the same everywhere.
    fn all_failed(&self, failures: Vec<(String, Error)>) -> Error {
        let (_, first) = &failures[0];
        let is_first = |error: &Error| error.kind == first.kind && error.message == first.message;
        if first.kind == ErrorKind::Invalid && failures.iter().all(|(_, error)| is_first(error)) {
            // It is the call that is wrong, and no cluster.
            let mut error = first.clone();
            name_cluster(&mut error.next, self.asked);
            return error;
        }
        let is_one_kind = failures.iter().all(|(_, error)| error.kind == first.kind);
        let kind = if is_one_kind {
            first.kind
        } else {
            ErrorKind::Server
        };
        let messages = failures
            .iter()
            .map(|(cluster, error)| (cluster.clone(), error.message.clone()));
        let messages: Vec<String> = together(messages.collect(), ": ").collect();
        let mut error = Error::new(kind, messages.join("; "));
        for (cluster, mut failure) in failures {
            name_cluster(&mut failure.next, &cluster);
            error.next.append(&mut failure.next);
        }
        error
    }
}

/// Whether a message says of itself which cluster it is about: `prod-eu unreachable: …`, `no kind "x" on prod-eu; …`.
pub(super) fn names(message: &str, cluster: &str) -> bool {
    let what = message.split("; ").next().unwrap_or_default();
    what.starts_with(&format!("{cluster} ")) || what.ends_with(&format!(" on {cluster}"))
}

/// Messages after their clusters; what several say is said once. What they found (then there is nothing `after` the
/// clusters) is so only without numbers, which would read as a sum; that of a version is none.
fn together(messages: Vec<(String, String)>, after: &str) -> impl Iterator<Item = String> {
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let mut said: Vec<(String, String)> = Vec::new();
    for (cluster, message) in messages {
        let mut words = message.split(|c: char| !c.is_alphanumeric());
        let is_count = after.is_empty() && words.any(is_number);
        match said.iter_mut().find(|(_, there)| *there == message && !is_count) {
            Some((clusters, _)) => *clusters = format!("{clusters}, {cluster}"),
            None => said.push((cluster, message)),
        }
    }
    said.into_iter().map(
        move |(clusters, message)| match !after.is_empty() && names(&message, &clusters) {
            true => message,
            false => format!("{clusters}{after}{message}"),
        },
    )
}

/// Brings the rows of all clusters into one order, and cuts them to the limit.
fn in_order(table: &mut Table) {
    if table.keys.len() == table.rows.len() {
        let keys = std::mem::take(&mut table.keys).into_iter();
        let mut keyed: Vec<_> = keys.zip(std::mem::take(&mut table.rows)).collect();
        keyed.sort_by(|(one, _), (other, _)| one.compare(other));
        keyed.truncate(table.limit.unwrap_or(usize::MAX));
        (table.keys, table.rows) = keyed.into_iter().unzip();
    } else if !table.sorted {
        // The worst of all clusters first; within a cluster the order stays.
        table.rows.sort_by_key(|row| row.health);
    }
    // What to do about the first rows comes first.
    let place = |next: &Next| {
        let (_, cluster) = next.args.iter().find(|(name, _)| name == "cluster")?;
        let mut rows = table.rows.iter();
        rows.position(|row| row.id.cluster.as_ref() == Some(cluster))
    };
    table.next.sort_by_key(|next| place(next).unwrap_or(usize::MAX));
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
        narrow: table.narrow,
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
    merged.skipped += table.skipped;
    merged.limit = merged.limit.max(table.limit);
    merged.keys.append(&mut table.keys);
    merged.query = merged.query.take().or(table.query);
    name_cluster(&mut table.next, cluster);
    merged.next.append(&mut table.next);
}

#[cfg(test)]
mod tests;
