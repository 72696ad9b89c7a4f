//! Mistakes of an author: what is wrong, where, and what to write instead.

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
