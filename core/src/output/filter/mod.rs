//! The row filter: what a caller asks of a list beyond its selectors.
//!
//! An operation that lists calls it before the worst `limit` rows are chosen, because a limit before a filter
//! hides what was asked for:
//!
//! 1. [`RowFilter::parse`] reads `where`, `sort` and `fields` against the list's own columns, and says by
//!    [`needs_object`](RowFilter::needs_object) whether cells are enough;
//! 2. a [`Collector`] takes every row ([`push`](Collector::push)), with its redacted object where one is needed,
//!    keeps the worst `limit` after the cursor, and counts the rest;
//! 3. [`Collector::finish`] fills a [`Table`](super::Table) with rows, their keys and totals.
//!
//! `where` is `column OP value or column`, where a comma is and, and OP one of `= != < <= > >= ~` (a regex).
//! Columns are headers without case, hidden ones too; `ready` and `desired` are the halves of `2/3`; ages, quantities
//! and restart counts compare by size; what is no header is a path into the object, compared as it is written there.

mod collector;
mod compare;
mod cursor;
mod expression;
mod path;
mod row_filter;
#[cfg(test)]
mod tests;

pub use collector::{Among, Collector, Place, Query};
pub use cursor::Key;
pub use path::{FieldPath, Tree, text_of};
pub use row_filter::{RowFilter, SortValue};
