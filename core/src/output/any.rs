//! The answer of any operation, whichever of the five types it has.

use super::{AnyRecord, Change, Facts, Lines, Object, Record, Table};

/// The answer of any operation.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are a few of them in a call, and boxes would be everywhere"
)]
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
