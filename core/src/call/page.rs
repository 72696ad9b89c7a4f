//! The last argument of an operation that lists.

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
}

impl Page {
    /// How many rows are shown where nothing else was said.
    pub const DEFAULT_LIMIT: usize = 100;
}

impl Default for Page {
    fn default() -> Self {
        Self {
            limit: Self::DEFAULT_LIMIT,
            cursor: None,
            filter: None,
            sort: None,
            fields: None,
        }
    }
}
