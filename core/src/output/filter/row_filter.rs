//! Which rows a list keeps, in which order, and what it shows of their objects.

use std::{
    borrow::Cow,
    cmp::Ordering,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::{
    compare::{compare, sort_size},
    expression::{self, Op, error_at},
    path::{FieldPath, text_of},
};
use crate::{
    Error,
    nearest::{nearest, plain},
    output::{Column, Role, Row},
};

/// What a caller asked of a list beyond its selectors: `where`, `sort` and `fields`.
///
/// Objects must be redacted before it sees them: a filter is no oracle for secrets.
#[derive(Debug, Default)]
pub struct RowFilter {
    text: Option<String>,
    conditions: Vec<Condition>,
    sort: Option<Sort>,
    fields: Vec<FieldPath>,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Condition {
    left: Operand,
    op: Op,
    right: Right,
}

#[derive(Debug)]
enum Right {
    Text(String),
    /// What the text names. It may be a value all the same: `type=ClusterIP`, where there is a column CLUSTER-IP.
    Operand(Operand, String),
    Regex(Regex),
}

#[derive(Debug)]
struct Sort {
    text: String,
    by: Operand,
    descending: bool,
    /// Whether any row had it.
    seen: AtomicBool,
}

/// What a column's name or a path stands for.
#[derive(Debug)]
enum Operand {
    Cell(usize, Role),
    Age(Option<usize>),
    /// `2` of `2/3`, from the READY column if there is one.
    Ready(Option<usize>),
    /// `3` of `2/3`.
    Desired(Option<usize>),
    Status,
    Name,
    Namespace,
    Kind,
    Cluster,
    Health,
    Path {
        path: FieldPath,
        /// Whether any object had it: a path that none has is probably misspelt.
        seen: AtomicBool,
    },
}

/// What a row is sorted by. The order is ascending; what has no value comes last in both directions.
#[derive(Clone, Debug, PartialEq)]
pub enum SortValue {
    /// A number, quantity or age.
    Number(f64),
    /// Anything else, in lower case and cut to a length that fits a cursor.
    Text(String),
    /// There is none.
    Missing,
}

impl SortValue {
    const TEXT_LENGTH: usize = 60;

    pub(super) fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let order = match (self, other) {
            (Self::Missing, Self::Missing) => return Ordering::Equal,
            (Self::Missing, _) => return Ordering::Greater,
            (_, Self::Missing) => return Ordering::Less,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        };
        if descending { order.reverse() } else { order }
    }
}

impl RowFilter {
    /// Reads what was asked for. `columns` are the list's own, before `fields` replaces them.
    ///
    /// # Errors
    /// If a part cannot be read, with its place, what was expected and the nearest header.
    pub fn parse(
        filter: Option<&str>,
        sort: Option<&str>,
        fields: Option<&str>,
        columns: &[Column],
    ) -> Result<Self, Error> {
        let filter = filter.map(str::trim).filter(|text| !text.is_empty());
        let conditions = match filter {
            Some(text) => expression::read(text)?
                .into_iter()
                .map(|written| Condition::new(written, columns))
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let sort = match sort.map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => Some(Sort::parse(text, columns)?),
            None => None,
        };
        Ok(Self {
            text: filter.map(str::to_owned),
            conditions,
            sort,
            fields: FieldPath::parse_list(fields.unwrap_or_default())?,
            columns: columns.to_vec(),
        })
    }

    /// Whether it reads objects: cells and identity are not enough.
    pub fn needs_object(&self) -> bool {
        let operands = self.conditions.iter().flat_map(Condition::operands);
        !self.fields.is_empty()
            || operands
                .chain(self.sort.iter().map(|sort| &sort.by))
                .any(|operand| matches!(operand, Operand::Path { .. }))
    }

    /// The condition as it was written, if there is one.
    pub fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The sort as it was written, if there is one.
    pub fn sort_text(&self) -> Option<&str> {
        self.sort.as_ref().map(|sort| sort.text.as_str())
    }

    /// Whether rows are sorted by a column or path in place of their rank.
    pub fn is_sorted(&self) -> bool {
        self.sort.is_some()
    }

    pub(super) fn descending(&self) -> bool {
        self.sort.as_ref().is_some_and(|sort| sort.descending)
    }

    /// Whether the columns are replaced by paths.
    pub fn projects(&self) -> bool {
        !self.fields.is_empty()
    }

    /// Whether a row passes every condition. `object` is its redacted object, where [`needs_object`](Self::needs_object).
    pub fn keep(&self, row: &Row, object: Option<&Value>) -> bool {
        // Each is asked, whatever the others say, so that each sees which paths there are.
        let kept = |all, condition: &Condition| condition.holds(row, object) && all;
        self.conditions.iter().fold(true, kept)
    }

    /// What a row is sorted by; none if the list is ranked.
    pub fn sort_value(&self, row: &Row, object: Option<&Value>) -> Option<SortValue> {
        let sort = self.sort.as_ref()?;
        let values = sort.by.values(row, object, true);
        let Some(text) = values.first().filter(|text| !is_blank(text)) else {
            return Some(SortValue::Missing);
        };
        sort.seen.store(true, Relaxed);
        Some(match sort_size(text, sort.by.role()) {
            Some(number) => SortValue::Number(number),
            None => SortValue::Text(text.to_lowercase().chars().take(SortValue::TEXT_LENGTH).collect()),
        })
    }

    /// The cells that `fields` asks for, of a redacted object.
    pub fn project(&self, object: &Value) -> Vec<String> {
        self.fields.iter().map(|field| field.cell(object)).collect()
    }

    /// A row's cells under [`columns`](Self::columns): namespace and name, then what `fields` asks for.
    pub fn project_row(&self, row: &Row, object: &Value) -> Vec<String> {
        let mut cells: Vec<String> = self
            .identity_columns()
            .map(|(index, column)| match column.role {
                Role::Namespace => row.id.namespace.clone().unwrap_or_default(),
                _ => row
                    .cells
                    .get(index)
                    .cloned()
                    .filter(|name| !name.is_empty())
                    .unwrap_or_else(|| row.id.name.clone()),
            })
            .collect();
        if cells.is_empty() {
            cells.push(row.id.name.clone());
        }
        cells.extend(self.project(object));
        cells
    }

    /// The columns of the list: its own, or namespace, name and the paths of `fields`.
    pub fn columns(&self) -> Vec<Column> {
        if self.fields.is_empty() {
            return self.columns.clone();
        }
        let mut columns: Vec<Column> = self
            .identity_columns()
            .map(|(_, column)| column.clone())
            .collect();
        if columns.is_empty() {
            columns.push(Column::new("NAME", Role::Name));
        }
        columns.extend(
            self.fields
                .iter()
                .map(|field| Column::new(field.text(), Role::Text)),
        );
        columns
    }

    /// The list's own columns, before `fields` replaces them.
    pub(super) fn own_columns(&self) -> &[Column] {
        &self.columns
    }

    fn identity_columns(&self) -> impl Iterator<Item = (usize, &Column)> {
        self.columns
            .iter()
            .enumerate()
            .filter(|(_, column)| matches!(column.role, Role::Namespace | Role::Name))
    }

    /// Remarks once all rows were seen, of which `total` were kept: what no object had is probably misspelt.
    pub fn remarks(&self, total: usize, shown: &[Row]) -> Vec<String> {
        let operands = self.conditions.iter().flat_map(Condition::operands);
        let asked = operands.filter_map(|operand| match operand {
            Operand::Path { path, seen } if !seen.load(Relaxed) => Some(path.text()),
            _ => None,
        });
        let sort = self
            .sort
            .iter()
            .filter(|sort| total > 0 && !sort.seen.load(Relaxed));
        let columns = headers(&self.columns);
        let unknown = asked.chain(sort.map(|sort| sort.text.trim_start_matches('-')));
        let mut remarks: Vec<String> = unknown
            .map(|name| format!("no object has {name}; columns: {columns}"))
            .collect();
        let first = self.columns().len() - self.fields.len();
        let fields = self.fields.iter().zip(first..);
        let blank: Vec<&str> = fields
            .filter(|(_, at)| {
                shown
                    .iter()
                    .all(|row| row.cells.get(*at).is_none_or(String::is_empty))
            })
            .map(|(field, _)| field.text())
            .collect();
        if !blank.is_empty() && !shown.is_empty() {
            remarks.push(format!("in none of these: {}", blank.join(", ")));
        }
        remarks
    }
}

impl Condition {
    fn new(written: expression::Written, columns: &[Column]) -> Result<Self, Error> {
        let mut left =
            Operand::parse(&written.left, columns).map_err(|error| error_at(written.at, error.message))?;
        // `ready=2/3` asks for the cell as it stands.
        if let Operand::Ready(Some(index)) = left
            && written.right.contains('/')
        {
            left = Operand::Cell(index, Role::Text);
        }
        let right = if written.op == Op::Matches {
            let regex = RegexBuilder::new(&written.right)
                .size_limit(1 << 20)
                .build()
                .map_err(|error| {
                    let reason = error.to_string();
                    let last = reason
                        .lines()
                        .last()
                        .unwrap_or_default()
                        .trim_start_matches("error: ");
                    error_at(
                        written.right_at,
                        format!("cannot read the regex {:?}: {last}", written.right),
                    )
                })?;
            Right::Regex(regex)
        } else {
            match Operand::on_the_right(&written, &left, columns)? {
                Some(operand) => Right::Operand(operand, written.right),
                None => Right::Text(written.right),
            }
        };
        Ok(Self {
            left,
            op: written.op,
            right,
        })
    }

    fn operands(&self) -> impl Iterator<Item = &Operand> {
        let right = match &self.right {
            Right::Operand(operand, _) => Some(operand),
            _ => None,
        };
        std::iter::once(&self.left).chain(right)
    }

    fn holds(&self, row: &Row, object: Option<&Value>) -> bool {
        let ordered = !matches!(self.op, Op::Equal | Op::NotEqual | Op::Matches);
        let left = self.left.values(row, object, ordered);
        let any = |test: &dyn Fn(&str) -> bool| left.iter().any(|value| test(value));
        match &self.right {
            Right::Regex(regex) => any(&|value| regex.is_match(value)),
            Right::Text(text) => self.compares(&left, &[Cow::Borrowed(text)], any),
            Right::Operand(operand, text) => {
                let right = operand.values(row, object, ordered);
                let is_text = || any(&|value| self.left.equals(value, text));
                match self.op {
                    Op::Equal => is_text() || self.compares(&left, &right, any),
                    Op::NotEqual => !is_text() && self.compares(&left, &right, any),
                    _ => self.compares(&left, &right, any),
                }
            }
        }
    }

    fn compares(
        &self,
        left: &[Cow<'_, str>],
        right: &[Cow<'_, str>],
        any: impl Fn(&dyn Fn(&str) -> bool) -> bool,
    ) -> bool {
        let wanted = right.first().map(Cow::as_ref).unwrap_or_default();
        let equal = || {
            if is_blank(wanted) {
                return left.iter().all(|value| is_blank(value));
            }
            any(&|value| self.left.equals(value, wanted))
        };
        let ordering = |accepted: &[Ordering]| {
            any(&|value| {
                compare(value, wanted, self.left.role()).is_some_and(|order| accepted.contains(&order))
            })
        };
        match self.op {
            Op::Equal => equal(),
            Op::NotEqual => !equal(),
            Op::Less => ordering(&[Ordering::Less]),
            Op::LessOrEqual => ordering(&[Ordering::Less, Ordering::Equal]),
            Op::Greater => ordering(&[Ordering::Greater]),
            Op::GreaterOrEqual => ordering(&[Ordering::Greater, Ordering::Equal]),
            Op::Matches => false,
        }
    }
}

impl Sort {
    fn parse(text: &str, columns: &[Column]) -> Result<Self, Error> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name.trim(), true),
            None => (text, false),
        };
        let by = Operand::parse(name, columns)
            .map_err(|error| Error::invalid(format!("sort: {}", error.message)))?;
        Ok(Self {
            text: text.to_owned(),
            by,
            descending,
            seen: AtomicBool::new(false),
        })
    }
}

impl Operand {
    fn parse(text: &str, columns: &[Column]) -> Result<Self, Error> {
        if let Some(operand) = Self::column(text, columns) {
            return Ok(operand);
        }
        let is_word = !text.contains(['.', '[', '{']);
        if is_word {
            let known =
                columns
                    .iter()
                    .map(|column| column.header.as_str())
                    .chain(["status", "name", "namespace"]);
            let near = nearest(text, known);
            if near.is_some() || text.contains(char::is_whitespace) {
                let near = near
                    .map(|near| format!("; did you mean {near}?"))
                    .unwrap_or_default();
                return Err(Error::invalid(format!(
                    "no column {text:?}{near}; columns: {}; a field of the object is written as a path, e.g. .{}",
                    headers(columns),
                    text.split_whitespace().next().unwrap_or("spec.replicas"),
                )));
            }
        }
        Ok(Self::Path {
            path: FieldPath::parse(text)?,
            seen: AtomicBool::new(false),
        })
    }

    /// A column by its header, or a word that stands for one.
    fn column(text: &str, columns: &[Column]) -> Option<Self> {
        let name = plain(text);
        let of_role = |role| columns.iter().position(|column| column.role == role);
        let header = columns.iter().position(|column| plain(&column.header) == name);
        match (name.as_str(), header) {
            ("", _) => None,
            ("age", index) => Some(Self::Age(index)),
            (_, Some(index)) => columns.get(index).map(|column| match column.role {
                Role::Ready => Self::Ready(Some(index)),
                role => Self::Cell(index, role),
            }),
            ("ready", None) => of_role(Role::Ready).map(|index| Self::Ready(Some(index))),
            ("desired", None) => of_role(Role::Ready).map(|index| Self::Desired(Some(index))),
            ("status", None) => Some(Self::Status),
            ("name", None) => {
                Some(of_role(Role::Name).map_or(Self::Name, |index| Self::Cell(index, Role::Name)))
            }
            ("namespace", None) => Some(Self::Namespace),
            ("kind", None) => Some(Self::Kind),
            ("cluster", None) => Some(Self::Cluster),
            ("health", None) => Some(Self::Health),
            _ => None,
        }
    }

    /// What an unquoted right side names, if it names a column or is certainly a path.
    fn on_the_right(
        written: &expression::Written,
        left: &Self,
        columns: &[Column],
    ) -> Result<Option<Self>, Error> {
        if written.quoted {
            return Ok(None);
        }
        let is_path = [
            "spec.",
            "status.",
            "metadata.",
            ".spec.",
            ".status.",
            ".metadata.",
        ];
        if is_path.iter().any(|start| written.right.starts_with(start)) {
            return Self::parse(&written.right, columns)
                .map(Some)
                .map_err(|error| error_at(written.right_at, error.message));
        }
        Ok(Self::column(&written.right, columns).filter(|right| left.compares_with(right)))
    }

    fn role(&self) -> Role {
        match self {
            Self::Cell(_, role) => *role,
            Self::Age(_) => Role::Age,
            Self::Ready(_) | Self::Desired(_) => Role::Number,
            Self::Status | Self::Health => Role::Status,
            Self::Name => Role::Name,
            Self::Namespace => Role::Namespace,
            Self::Kind | Self::Cluster | Self::Path { .. } => Role::Text,
        }
    }

    /// Whether the word on the right is a column rather than a value: `status=Ready` asks for the value, though
    /// there may be a column READY.
    fn compares_with(&self, right: &Self) -> bool {
        let is_word = |role| matches!(role, Role::Status | Role::Name | Role::Namespace);
        !is_word(self.role()) && !is_word(right.role())
    }

    fn equals(&self, value: &str, wanted: &str) -> bool {
        // A field of an object is compared as it is; what a table shows, without regard to case.
        if let Self::Path { .. } = self {
            return value == wanted
                || (compare(value, wanted, Role::Text) == Some(Ordering::Equal) && sized(value));
        }
        if matches!(self.role(), Role::Name | Role::Namespace) {
            return value == wanted;
        }
        value.eq_ignore_ascii_case(wanted) || compare(value, wanted, self.role()) == Some(Ordering::Equal)
    }

    /// Its values in a row. `exact` asks for an age in seconds, which a cell has lost.
    fn values<'r>(&self, row: &'r Row, object: Option<&Value>, exact: bool) -> Vec<Cow<'r, str>> {
        let cell = |index: usize| row.cells.get(index).map(|cell| Cow::Borrowed(cell.as_str()));
        let one: Option<Cow<'r, str>> = match self {
            Self::Cell(index, _) => cell(*index),
            Self::Age(index) => match row.age {
                Some(seconds) if exact || index.is_none() => Some(Cow::Owned(format!("{seconds}s"))),
                _ => index.and_then(cell),
            },
            Self::Ready(index) => ready(row, *index).map(|(ready, _)| ready),
            Self::Desired(index) => ready(row, *index).map(|(_, desired)| desired),
            Self::Status => Some(Cow::Borrowed(row.status.as_str())),
            Self::Name => Some(Cow::Borrowed(row.id.name.as_str())),
            Self::Namespace => row.id.namespace.as_deref().map(Cow::Borrowed),
            Self::Kind => Some(Cow::Borrowed(row.id.kind.as_str())),
            Self::Cluster => row.id.cluster.as_deref().map(Cow::Borrowed),
            Self::Health => Some(Cow::Borrowed(row.health.word())),
            Self::Path { path, seen } => {
                let found = object.map(|object| path.select(object)).unwrap_or_default();
                if !found.is_empty() && !seen.load(Relaxed) {
                    seen.store(true, Relaxed);
                }
                // A list of plain values is asked about item by item, as `[*]` would.
                return found
                    .into_iter()
                    .flat_map(|value| match value {
                        Value::Array(items) => items.iter().map(|item| Cow::Owned(text_of(item))).collect(),
                        value => vec![Cow::Owned(text_of(value))],
                    })
                    .collect();
            }
        };
        one.into_iter().collect()
    }
}

fn ready<'r>(row: &'r Row, index: Option<usize>) -> Option<(Cow<'r, str>, Cow<'r, str>)> {
    if let Some((ready, desired)) = row.ready {
        return Some((Cow::Owned(ready.to_string()), Cow::Owned(desired.to_string())));
    }
    let cell = row.cells.get(index?)?;
    let (ready, desired) = cell.split_once('/')?;
    Some((Cow::Borrowed(ready.trim()), Cow::Borrowed(desired.trim())))
}

fn sized(text: &str) -> bool {
    sort_size(text, Role::Text).is_some()
}

/// What the API server prints where there is nothing.
fn is_blank(text: &str) -> bool {
    matches!(text.trim(), "" | "<none>" | "<unset>")
}

fn headers(columns: &[Column]) -> String {
    columns
        .iter()
        .map(|column| column.header.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}
