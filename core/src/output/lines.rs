//! Lines of text with source and time: the answer of everything that reads logs.

use super::Next;

/// Lines as they were written, the newest last, already filtered, merged and folded.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// What the lines are of, e.g. `Logs of Deployment shop/checkout, last 15m, 4 pods`.
    pub subject: String,
    /// The word of the fence, e.g. `log`.
    pub word: &'static str,
    /// Sources by the short name that [`Line::sources`] uses, with a remark (`crashing`), in order.
    pub sources: Vec<Source>,
    /// The lines.
    pub lines: Vec<Line>,
    /// How many lines were read.
    pub read: usize,
    /// How many of them matched.
    pub matched: usize,
    /// Remarks: a container that could not be read, what was cut.
    pub notes: Vec<String>,
    /// Calls worth making next.
    pub next: Vec<Next>,
}

/// Where lines came from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The full name, e.g. `checkout-7d9c6bf6d4-2xkqp/sidecar`.
    pub name: String,
    /// A state worth knowing, e.g. `crashing`; empty otherwise.
    pub remark: String,
}

/// A line, perhaps standing for several equal ones.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Indexes into [`Lines::sources`], the newest occurrence's first.
    pub sources: Vec<usize>,
    /// When (the newest occurrence), RFC 3339 in UTC; empty where the source gives no time.
    pub time: String,
    /// The text without its timestamp.
    pub text: String,
    /// How many equal lines it stands for, at least 1.
    pub count: usize,
    /// When the oldest of them was, if it stands for several.
    pub since: Option<String>,
}
