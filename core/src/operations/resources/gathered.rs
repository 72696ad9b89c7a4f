//! Rows from several reads of which some may fail: what could not be read is a note, and the rest is the answer.

use crate::{
    Error, ErrorKind,
    cluster::Resource,
    operations::{
        locate::Found,
        mixed::{self, Entry},
        unread::Unread,
    },
    output::{Role, Table},
};

/// Rows of one kind, and whether they are all that there are.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) entries: Vec<Entry>,
    pub(super) complete: bool,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            complete: true,
        }
    }
}

/// Rows with the cell DETAIL, and what could not be read.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) entries: Vec<Entry>,
    pub(super) notes: Vec<String>,
    pub(super) unread: Unread,
    /// There is more than was read.
    pub(super) is_partial: bool,
}

impl Gathered {
    /// What a read of a kind gave; what went wrong is told.
    ///
    /// # Errors
    /// If the call was cancelled.
    pub(super) fn taken<T: Default>(&mut self, of: &Resource, read: Result<T, Error>) -> Result<T, Error> {
        match read {
            Ok(read) => Ok(read),
            Err(error) if error.kind == ErrorKind::Cancelled => Err(error),
            Err(error) => {
                self.unread.add(of, &error);
                Ok(T::default())
            }
        }
    }

    /// The same of rows, of which `complete` says whether they are all.
    ///
    /// # Errors
    /// If the call was cancelled.
    pub(super) fn rows(&mut self, of: &Resource, read: Result<Rows, Error>) -> Result<Vec<Entry>, Error> {
        let Rows { entries, complete } = self.taken(of, read)?;
        if !complete {
            self.cut(of);
        }
        Ok(entries)
    }

    /// The same of rows, which are added.
    ///
    /// # Errors
    /// If the call was cancelled.
    pub(super) fn add(&mut self, of: &Resource, read: Result<Rows, Error>) -> Result<(), Error> {
        let entries = self.rows(of, read)?;
        self.entries.extend(entries);
        Ok(())
    }

    /// There are more of a kind than were read.
    pub(super) fn cut(&mut self, of: &Resource) {
        self.is_partial = true;
        self.notes
            .push(format!("there are more {} than were read", of.plural));
    }

    /// The answer about an object, the ill first.
    pub(super) fn table(mut self, subject: String, found: &Found) -> Table {
        self.entries.sort_by_key(|entry| entry.verdict.health);
        let elsewhere =
            |entry: &Entry| entry.id.namespace.is_some() && entry.id.namespace != found.id.namespace;
        let with_namespaces = self.entries.iter().any(elsewhere);
        let rows = self.entries.into_iter().map(|entry| entry.row(with_namespaces));
        Table {
            complete: !self.is_partial && self.unread.is_empty(),
            notes: found
                .note
                .iter()
                .cloned()
                .chain(self.notes)
                .chain(self.unread.into_notes())
                .collect(),
            ..Table::of(
                subject,
                found.scope(),
                mixed::columns(with_namespaces, &[("DETAIL", Role::Text)]),
                rows.collect(),
            )
        }
    }
}
