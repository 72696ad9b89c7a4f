//! The last argument of an operation that lists.

use crate::{
    Error,
    output::{
        Column,
        filter::{Among, Query, RowFilter},
    },
};

/// What part of a list is wanted, and in which form. The engine makes it; a spec binds `limit` only, and may
/// `offer` the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many rows to show. It is never sent to the API server: a list scans everything and keeps the worst.
    pub limit: usize,
    /// Where to go on, as a former answer said.
    pub cursor: Option<String>,
    /// The row filter, e.g. `status!=Running,restarts>5`.
    pub filter: Option<String>,
    /// The column to sort by; `-column` descends.
    pub sort: Option<String>,
    /// Paths that replace the columns, comma-separated.
    pub fields: Option<String>,
    /// Of which clusters' lists it is one, where several make one answer.
    pub among: Option<Among>,
}

impl Page {
    /// How many rows are shown where nothing else was said.
    pub const DEFAULT_LIMIT: usize = 100;

    /// The row filter over a list's own columns.
    ///
    /// # Errors
    /// If `where`, `sort` or `fields` cannot be read.
    pub fn row_filter(&self, columns: &[Column]) -> Result<RowFilter, Error> {
        RowFilter::parse(
            self.filter.as_deref(),
            self.sort.as_deref(),
            self.fields.as_deref(),
            columns,
        )
    }

    /// The query of a [`Collector`](crate::output::filter::Collector); `identity` is everything else that decides
    /// which rows there are.
    pub fn query<'a>(&'a self, identity: &'a str) -> Query<'a> {
        Query {
            limit: self.limit,
            cursor: self.cursor.as_deref(),
            identity,
            several_kinds: false,
            among: self.among.as_ref(),
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: Self::DEFAULT_LIMIT,
            cursor: None,
            filter: None,
            sort: None,
            fields: None,
            among: None,
        }
    }
}
