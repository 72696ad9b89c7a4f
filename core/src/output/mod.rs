//! What an operation answers: one of five types, the row filter and the redaction.
//!
//! No operation formats text for a model: it fills a [`Table`], an [`Object`], a [`Record`], [`Lines`] or a
//! [`Change`], and the output stage of the engine renders it within a budget.

mod change;
mod clean;
mod data;
mod diff;
pub mod filter;
mod lines;
pub mod nearest;
mod next;
mod object;
mod record;
mod redact;
pub mod size;
mod table;
pub mod yaml;

pub use change::{Change, ChangeItem, Outcome, Verb};
pub use clean::{clean, cleaned};
pub use data::{data, rows, split_fields};
pub use diff::diff;
pub use lines::{Line, Lines, Source};
pub use next::Next;
pub use object::{Object, Part};
pub use record::{AnyRecord, Facts, Record};
pub use redact::{Redactor, names_a_secret};
pub use table::{Column, Health, ObjectId, Role, Row, Scope, Table, Total};

/// The answer of any operation.
#[derive(Clone, Debug)]
pub enum Output {
    /// Rows with totals.
    Table(Table),
    /// API objects.
    Object(Object),
    /// A struct of facts.
    Record(AnyRecord),
    /// Lines of text with source and time.
    Lines(Lines),
    /// What was done, would be done or failed.
    Change(Change),
}

/// Which of the five types an operation answers with. The scan of operations knows them by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputKind {
    /// [`Table`].
    Table,
    /// [`Object`].
    Object,
    /// [`Record`].
    Record,
    /// [`Lines`].
    Lines,
    /// [`Change`].
    Change,
}

impl From<Table> for Output {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Object> for Output {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Facts> From<Record<T>> for Output {
    fn from(record: Record<T>) -> Self {
        Self::Record(record.erase())
    }
}

impl From<Lines> for Output {
    fn from(lines: Lines) -> Self {
        Self::Lines(lines)
    }
}

impl From<Change> for Output {
    fn from(change: Change) -> Self {
        Self::Change(change)
    }
}
