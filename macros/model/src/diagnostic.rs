//! Mistakes of an author: what is wrong, where, and what to write instead.

use std::fmt;

/// A mistake. Its message is lower case, has no final period and puts names in backticks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The id of the check, e.g. `unknown-operation`; each has a line in the generated reference.
    pub check: &'static str,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What is said under the caret, if more is to be said there.
    pub label: Option<String>,
    /// Where the other half is.
    pub notes: Vec<String>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake found by the check of this id.
    pub fn new(check: &'static str, message: impl Into<String>, place: Place) -> Self {
        Self {
            check,
            message: message.into(),
            place,
            label: None,
            notes: Vec::new(),
            help: None,
        }
    }

    /// Says something under the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Says where the other half is.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to write instead, if that is known.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }
}

/// A place in a file of specs or templates. Lines and columns count from 1, in characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file as an author names it, `spec/tools/core/pods_list.yaml`.
    pub file: String,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// How many characters are meant, at least 1.
    pub length: usize,
}

impl Place {
    /// The start of a file.
    pub fn start(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 1,
            column: 1,
            length: 1,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
