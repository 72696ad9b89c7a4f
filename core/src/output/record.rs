//! A struct of facts: the answer of an operation whose result is neither objects nor a list.

use serde::Serialize;
use serde_json::Value;

use super::Next;

/// A struct whose fields the scan of operations knows, so that specs and templates that name them are checked.
/// Implemented by `#[derive(Record)]` in a scanned folder.
pub trait Facts: Serialize + Send + 'static {
    /// The names of the fields as they are serialised.
    const FIELDS: &'static [&'static str];
}

/// A struct of facts, with what to do next.
#[derive(Clone, Debug)]
pub struct Record<T> {
    /// The facts.
    pub facts: T,
    /// The first line of the answer.
    pub heading: String,
    /// Remarks.
    pub notes: Vec<String>,
    /// Calls worth making next.
    pub next: Vec<Next>,
}

impl<T: Facts> Record<T> {
    /// A record of these facts under a heading.
    pub fn new(heading: impl Into<String>, facts: T) -> Self {
        Self {
            facts,
            heading: heading.into(),
            notes: Vec::new(),
            next: Vec::new(),
        }
    }

    /// The same record without its type. Facts that cannot be serialised become `null`; derived ones always can.
    pub fn erase(self) -> AnyRecord {
        AnyRecord {
            facts: serde_json::to_value(&self.facts).unwrap_or_default(),
            heading: self.heading,
            notes: self.notes,
            next: self.next,
        }
    }
}

/// A [`Record`] whose type is erased.
#[derive(Clone, Debug, Default)]
pub struct AnyRecord {
    /// The facts as JSON.
    pub facts: Value,
    /// The first line of the answer.
    pub heading: String,
    /// Remarks.
    pub notes: Vec<String>,
    /// Calls worth making next.
    pub next: Vec<Next>,
}
