//! What an operation answers: one of five types, the row filter and the redaction.
//!
//! No operation formats text for a model: it fills a [`Table`], an [`Object`], a [`Record`], [`Lines`] or a
//! [`Change`], and the output stage of the engine renders it within a budget.

mod any;
mod change;
mod clean;
mod data;
mod diff;
pub mod filter;
mod lines;
mod next;
mod object;
mod record;
mod redact;
pub mod size;
mod table;
pub mod yaml;

pub use any::{Output, OutputKind};
pub use change::{Change, ChangeItem, Outcome, Verb};
pub use clean::{clean, cleaned, readable};
pub use data::{data, rows, split_fields};
pub use diff::diff;
pub use lines::{Line, Lines, Source};
pub use next::Next;
pub use object::{Object, Part};
pub use record::{AnyRecord, Facts, Record};
pub use redact::{Redactor, names_a_secret, remember_credential};
pub use table::{Column, Health, ObjectId, Role, Row, Scope, Table, Total};
