//! What is left out of an answer from several reads because some of them failed.

use crate::{Error, ErrorKind, cluster::Resource};

/// Kinds that could not be read, and why: what is refused is told in one remark, however many kinds it is.
#[derive(Debug, Default)]
pub(super) struct Unread {
    refused: Vec<String>,
    notes: Vec<String>,
}

impl Unread {
    /// A read of a kind that failed. A kind that is not served has no objects, which is nothing to be told.
    pub(super) fn add(&mut self, of: &Resource, error: &Error) {
        let (list, note) = match error.kind {
            ErrorKind::NotFound => return,
            ErrorKind::Forbidden => (&mut self.refused, of.qualified()),
            _ => (
                &mut self.notes,
                format!("{} could not be read: {}", of.plural, error.message),
            ),
        };
        if !list.contains(&note) {
            list.push(note);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.refused.is_empty() && self.notes.is_empty()
    }

    /// `not allowed to list configmaps, secrets`, and why others could not be read.
    pub(super) fn into_notes(self) -> Vec<String> {
        let mut notes = self.notes;
        if !self.refused.is_empty() {
            notes.insert(0, format!("not allowed to list {}", self.refused.join(", ")));
        }
        notes
    }
}
