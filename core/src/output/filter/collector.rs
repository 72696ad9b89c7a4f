//! Keeps the worst rows of a list of any length, and counts the rest.

use std::{
    cmp::Ordering,
    collections::{BinaryHeap, HashMap},
    sync::Arc,
};

use serde_json::Value;

use super::{
    RowFilter,
    cursor::{First, Key, Which, digest},
};
use crate::{
    Error,
    output::{Health, Redactor, Row, Table, Total},
};

/// What makes a list's query: which rows are wanted, beyond the row filter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Query<'a> {
    /// How many rows to show.
    pub limit: usize,
    /// Where to go on.
    pub cursor: Option<&'a str>,
    /// Everything else that decides which rows there are, e.g. kind, namespace and selectors: a cursor counts
    /// for the same query only.
    pub identity: &'a str,
    /// Whether rows of several kinds are listed: the kind is then part of their order.
    pub several_kinds: bool,
    /// Of which clusters' lists this is one; none where it is the whole.
    pub among: Option<&'a Among>,
}

/// The lists of several clusters that make one answer: the cluster is part of their order, and the clusters of the
/// query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Among {
    /// The cluster of this list.
    pub cluster: String,
    /// All of them, in one order however they were named.
    pub clusters: String,
}

/// What is known of a row before it is built.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Healthy or not, and how badly.
    pub health: Health,
    /// How grave the status is among those of the same health: the smaller, the earlier in the list.
    pub severity: u8,
    /// The status word, for the totals; empty where the kind has none.
    pub status: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The namespace, empty for a cluster-scoped object.
    pub namespace: &'a str,
    /// The name.
    pub name: &'a str,
}

/// Takes the rows of a list one by one, in any order. Memory is bounded by the limit.
#[derive(Debug)]
pub struct Collector {
    filter: RowFilter,
    redactor: Option<Arc<Redactor>>,
    limit: usize,
    several_kinds: bool,
    cluster: Option<String>,
    digest: String,
    after: Option<Key>,
    worst: BinaryHeap<Kept>,
    seen: usize,
    total: usize,
    unhealthy: usize,
    skipped: usize,
    totals: HashMap<String, usize>,
}

#[derive(Debug)]
struct Kept {
    key: Key,
    row: Row,
}

impl Collector {
    /// A collector of a query's rows.
    ///
    /// # Errors
    /// If the cursor cannot be read or belongs to another query.
    pub fn new(filter: RowFilter, query: &Query<'_>) -> Result<Self, Error> {
        let digest = digest(&[
            query.identity,
            filter.text().unwrap_or_default(),
            filter.sort_text().unwrap_or_default(),
            query.among.map_or("", |among| &among.clusters),
        ]);
        let sorted = filter.is_sorted().then(|| filter.descending());
        let after = query
            .cursor
            .map(str::trim)
            .filter(|cursor| !cursor.is_empty())
            .map(|cursor| Key::read(cursor, &digest, sorted, query.several_kinds))
            .transpose()?;
        Ok(Self {
            filter,
            redactor: None,
            limit: query.limit.max(1),
            several_kinds: query.several_kinds,
            cluster: query.among.map(|among| among.cluster.clone()),
            digest,
            after,
            worst: BinaryHeap::new(),
            seen: 0,
            total: 0,
            unhealthy: 0,
            skipped: 0,
            totals: HashMap::new(),
        })
    }

    /// Hides secret values in rows before the filter compares them or a cursor repeats what they are sorted by.
    #[must_use]
    pub fn redacting(mut self, redactor: &Arc<Redactor>) -> Self {
        self.redactor = Some(Arc::clone(redactor));
        self
    }

    /// The row filter.
    pub fn filter(&self) -> &RowFilter {
        &self.filter
    }

    /// How many rows were offered so far.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// Offers a row. `severity` orders statuses of the same health; `object` is the row's redacted object, which
    /// must be given where the filter [needs one](RowFilter::needs_object).
    pub fn push(&mut self, mut row: Row, severity: u8, object: Option<&Value>) {
        self.seen += 1;
        // For the filter; whoever makes the lists one names it in the rows.
        row.id.cluster.clone_from(&self.cluster);
        if let Some(redactor) = &self.redactor {
            redactor.row(self.filter.own_columns(), &mut row);
        }
        if !self.filter.keep(&row, object) {
            return;
        }
        let first = match self.filter.sort_value(&row, object) {
            Some(value) => First::Sort(value, self.filter.descending()),
            None => First::Rank(row.health, severity),
        };
        let (health, status) = (row.health, row.status.clone());
        self.count(health, &status);
        let (namespace, kind, name) = (
            row.id.namespace.clone().unwrap_or_default(),
            row.id.kind.clone(),
            row.id.name.clone(),
        );
        self.keep(first, &namespace, &kind, &name, |filter| {
            row.id.cluster = None;
            if let Some(object) = object.filter(|_| filter.projects()) {
                row.cells = filter.project_row(&row, object);
            }
            row
        });
    }

    /// Offers a row that is built only if it is among the worst so far, or if the filter has to look at it: of
    /// 5,000 rows few are shown.
    pub fn push_with(&mut self, place: &Place<'_>, row: impl FnOnce() -> Row) {
        if self.filter.text().is_some() || self.filter.is_sorted() || self.filter.projects() {
            return self.push(row(), place.severity, None);
        }
        self.seen += 1;
        self.count(place.health, place.status);
        let first = First::Rank(place.health, place.severity);
        self.keep(first, place.namespace, place.kind, place.name, |_| row());
    }

    fn count(&mut self, health: Health, status: &str) {
        self.total += 1;
        self.unhealthy += usize::from(health.is_unhealthy());
        match self.totals.get_mut(status) {
            Some(count) => *count += 1,
            None if status.is_empty() => {}
            None => {
                self.totals.insert(status.to_owned(), 1);
            }
        }
    }

    /// Keeps a row if it comes after the cursor and is among the worst so far.
    fn keep(
        &mut self,
        first: First,
        namespace: &str,
        kind: &str,
        name: &str,
        row: impl FnOnce(&RowFilter) -> Row,
    ) {
        let which = Which {
            cluster: self.cluster.as_deref().unwrap_or_default(),
            namespace,
            kind: if self.several_kinds { kind } else { "" },
            name,
        };
        if let Some(after) = &self.after
            && after.compare_with(&first, &which) != Ordering::Less
        {
            self.skipped += 1;
            return;
        }
        if self.worst.len() >= self.limit {
            let last = self.worst.peek();
            if last.is_none_or(|last| last.key.compare_with(&first, &which) != Ordering::Greater) {
                return;
            }
            self.worst.pop();
        }
        let key = Key::new(first, &which);
        let row = row(&self.filter);
        self.worst.push(Kept { key, row });
    }

    /// Fills a table's columns, rows, their keys and counts. What else it has (subject, scope, notes, next,
    /// completeness) stays as the operation set it.
    #[must_use]
    pub fn finish(self, table: Table) -> Table {
        let (keys, mut rows): (_, Vec<Row>) = self
            .worst
            .into_sorted_vec()
            .into_iter()
            .map(|kept| (kept.key, kept.row))
            .unzip();
        let mut totals: Vec<Total> = self
            .totals
            .into_iter()
            .map(|(name, count)| Total { name, count })
            .collect();
        let mut columns = self.filter.columns();
        let mut notes = table.notes;
        if self.seen > 0 {
            notes.extend(self.filter.remarks(self.total, &rows));
        }
        if !self.filter.projects() {
            let hidden: Vec<bool> = columns.iter().map(|column| column.hidden).collect();
            let is_shown = |at: usize| !hidden.get(at).copied().unwrap_or_default();
            for row in &mut rows {
                let mut at = 0..;
                row.cells.retain(|_| at.next().is_none_or(is_shown));
            }
            columns.retain(|column| !column.hidden);
        }
        totals.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        Table {
            columns,
            rows,
            keys,
            query: Some(self.digest),
            limit: Some(self.limit),
            total: self.total,
            unhealthy: self.unhealthy,
            skipped: self.skipped,
            sorted: self.filter.is_sorted(),
            unfiltered: self.filter.text().map(|_| self.seen),
            filter: self.filter.text().map(str::to_owned),
            totals,
            notes,
            ..table
        }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Kept {}

impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.compare(&other.key)
    }
}
