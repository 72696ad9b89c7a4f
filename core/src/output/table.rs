//! Rows with totals: the answer of everything that lists.

use serde_json::Value;

use super::{Next, filter::Key};

/// A list. The rows are already filtered, ranked (the unhealthy first) and cut to the limit.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// What is listed, as the heading says it, e.g. `Pods`, `Deployment (apps/v1)`, `Warning events`.
    pub subject: String,
    /// The first line, where another than subject, place and totals says more.
    pub heading: Option<String>,
    /// What the first line says after the totals, e.g. what most of the unhealthy share.
    pub aside: Option<String>,
    /// Where it was looked for.
    pub scope: Scope,
    /// The columns, in order; [`Row::cells`] runs parallel to it.
    pub columns: Vec<Column>,
    /// The rows shown.
    pub rows: Vec<Row>,
    /// How many rows there are in all, before the limit and after the filter.
    pub total: usize,
    /// How many of them are unhealthy.
    pub unhealthy: usize,
    /// How many of them come before the first row shown: those of the pages before a cursor.
    pub skipped: usize,
    /// Whether the caller chose the order; otherwise the rows are ranked, and are shown in two blocks.
    pub sorted: bool,
    /// How many there were before the filter, where a filter was given.
    pub unfiltered: Option<usize>,
    /// The filter as it was given, e.g. `ready<desired`.
    pub filter: Option<String>,
    /// Counts by status, largest first, of the rows counted in `total`.
    pub totals: Vec<Total>,
    /// Whether everything was scanned; if not, the heading says "of the first N".
    pub complete: bool,
    /// How many rows are shown at most, where that was said.
    pub limit: Option<usize>,
    /// What the rows are ordered by, parallel to `rows`; empty where the order has no key. Lists of several clusters
    /// are merged by it.
    pub keys: Vec<Key>,
    /// The digest of the query, where a cursor continues the list.
    pub query: Option<String>,
    /// The parameters of the operation that narrow the list down, where they are not those of most lists.
    pub narrow: &'static [&'static str],
    /// The call that shows each row and its neighbours, parallel to `rows`, where there are no cursors: an answer
    /// that has to be cut suggests the first row's that is left out.
    pub elsewhere: Vec<Next>,
    /// Remarks below the heading: a namespace that could not be read, what was folded.
    pub notes: Vec<String>,
    /// Calls worth making next, at most two are shown.
    pub next: Vec<Next>,
}

impl Table {
    /// A table of all the rows that there are, in an order that says something of its own.
    pub fn of(subject: impl Into<String>, scope: Scope, columns: Vec<Column>, rows: Vec<Row>) -> Self {
        Self {
            subject: subject.into(),
            scope,
            columns,
            total: rows.len(),
            unhealthy: rows.iter().filter(|row| row.health.is_unhealthy()).count(),
            rows,
            sorted: true,
            complete: true,
            ..Self::default()
        }
    }

    /// How many rows come after the first `shown` of these.
    pub fn left(&self, shown: usize) -> usize {
        self.total.saturating_sub(self.skipped + shown)
    }

    /// Where to go on after the first `shown` rows, if any are left then and a cursor continues the list: an answer that
    /// has to be cut earlier than the limit says how to see the rest, too.
    pub fn cursor(&self, shown: usize) -> Option<String> {
        let last = self.keys.get(shown.checked_sub(1)?)?;
        let query = self.query.as_ref().filter(|_| self.left(shown) > 0)?;
        Some(last.write(query))
    }
}

/// Where a list looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All namespaces.
    #[default]
    AllNamespaces,
    /// One namespace.
    Namespace(String),
    /// The kind is cluster-scoped, or the list is not of API objects.
    Cluster,
}

/// A column: its header and what its cells mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// The header as shown, e.g. `READY`, or a path.
    pub header: String,
    /// What the cells mean.
    pub role: Role,
    /// Whether it is there to be filtered and sorted by, and not shown.
    pub hidden: bool,
}

impl Column {
    /// A column of this header and role.
    pub fn new(header: impl Into<String>, role: Role) -> Self {
        Self {
            header: header.into(),
            role,
            hidden: false,
        }
    }
}

/// What the cells of a column mean: decides how they are compared, and what the renderer may leave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The object's name.
    Name,
    /// The object's namespace.
    Namespace,
    /// A state such as `Running` or `CrashLoopBackOff`.
    Status,
    /// `ready/desired`.
    Ready,
    /// A short age such as `51m`.
    Age,
    /// A number, or a text that starts with one (restarts).
    Number,
    /// Anything else.
    Text,
}

/// A row: its identity, its state and its cells.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What the row is about.
    pub id: ObjectId,
    /// Healthy or not, and how badly.
    pub health: Health,
    /// The status word, empty where the kind has none.
    pub status: String,
    /// Ready and desired, where the kind has them.
    pub ready: Option<(u32, u32)>,
    /// Age in seconds, where known.
    pub age: Option<u64>,
    /// The texts shown, parallel to [`Table::columns`]; an empty text is a blank cell.
    pub cells: Vec<String>,
}

/// The identity of what a row is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// The cluster's name, filled by the engine when reads are fanned out.
    pub cluster: Option<String>,
    /// The kind, e.g. `Pod`.
    pub kind: String,
    /// The namespace, none for a cluster-scoped object.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl ObjectId {
    /// The identity of an object. Items of a list carry no kind of their own, so it is given.
    pub fn of(kind: &str, object: &Value) -> Self {
        let text = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        Self {
            cluster: None,
            kind: kind.to_owned(),
            namespace: text("namespace"),
            name: text("name").unwrap_or_default(),
        }
    }
}

/// How an object is, by the status rule of its kind. The order is the rank of a list: worst first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It failed and will not recover by itself.
    Failed,
    /// It works in part, or keeps failing.
    Degraded,
    /// It is on its way.
    Progressing,
    /// Nothing is known to be wrong, or the kind has no state.
    #[default]
    Healthy,
}

impl Health {
    /// Whether a list shows it in its first block.
    pub fn is_unhealthy(self) -> bool {
        self != Self::Healthy
    }

    /// The word for it: `failed`, `degraded`, `progressing`, `healthy`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Degraded => "degraded",
            Self::Progressing => "progressing",
            Self::Healthy => "healthy",
        }
    }
}

/// How many rows have a status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The status.
    pub name: String,
    /// How many rows have it.
    pub count: usize,
}
