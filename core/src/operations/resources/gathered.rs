//! Rows from several reads of which some may fail: what could not be read is a note, and the rest is the answer.

use crate::{
    Error, ErrorKind,
    cluster::Resource,
    operations::{
        locate::Found,
        mixed::{self, Entry},
    },
    output::{Role, Table},
};

/// Rows with the cell DETAIL, and what could not be read.
#[derive(Debug)]
pub(super) struct Gathered {
    pub(super) entries: Vec<Entry>,
    pub(super) notes: Vec<String>,
    pub(super) complete: bool,
}

impl Default for Gathered {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            notes: Vec::new(),
            complete: true,
        }
    }
}

impl Gathered {
    /// What a read of a kind gave. A kind that is not served has no objects; what else goes wrong is a note.
    ///
    /// # Errors
    /// If the call was cancelled.
    pub(super) fn taken<T: Default>(&mut self, of: &Resource, read: Result<T, Error>) -> Result<T, Error> {
        match read {
            Ok(read) => return Ok(read),
            Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => {
                let note = format!("{} could not be read: {}", of.plural, error.message);
                if !self.notes.contains(&note) {
                    self.notes.push(note);
                }
                self.complete = false;
            }
        }
        Ok(T::default())
    }

    /// The same of rows, which are added.
    ///
    /// # Errors
    /// If the call was cancelled.
    pub(super) fn add(&mut self, of: &Resource, read: Result<Vec<Entry>, Error>) -> Result<(), Error> {
        let entries = self.taken(of, read)?;
        self.entries.extend(entries);
        Ok(())
    }

    /// The answer about an object, the ill first.
    pub(super) fn table(mut self, subject: String, found: &Found) -> Table {
        self.entries.sort_by_key(|entry| entry.verdict.health);
        let with_namespaces = found.namespace().is_none();
        let rows = self.entries.into_iter().map(|entry| entry.row(with_namespaces));
        Table {
            complete: self.complete,
            notes: found.note.iter().cloned().chain(self.notes).collect(),
            ..Table::of(
                subject,
                found.scope(),
                mixed::columns(with_namespaces, &[("DETAIL", Role::Text)]),
                rows.collect(),
            )
        }
    }
}
