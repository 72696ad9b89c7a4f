//! The one error of the core.
//!
//! An error is part of the product: its message names the place, what was expected and the nearest right
//! answer, in a lower-case fragment without a final period, and [`next`](Error::next) says what to call
//! instead. A message is written for the person who reads it at three in the morning, so an API error is
//! explained where the request is known and never passed through as it came.

use crate::output::Next;

/// What went wrong, coarsely: what a caller may branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument, expression or manifest is not what was expected.
    Invalid,
    /// The object, kind, cluster or container does not exist.
    NotFound,
    /// The API server refused (403), or the guard or the access mode did.
    Forbidden,
    /// The credentials were not accepted (401), or none could be had.
    Unauthorized,
    /// The object changed meanwhile, or exists already (409).
    Conflict,
    /// No answer from the API server: connection, TLS, proxy, DNS.
    Unreachable,
    /// The deadline of the call, a request or a credential plugin passed.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// The API server failed (5xx, 429 beyond the retries, an answer that cannot be read).
    Server,
    /// A bug of ours.
    Internal,
}

/// An error with its explanation and what to do next.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What went wrong, coarsely.
    pub kind: ErrorKind,
    /// What went wrong, for a reader: one or two lower-case sentences without a final period.
    pub message: String,
    /// Calls to make instead.
    pub next: Vec<Next>,
    /// The same call with another value of one parameter of the operation, where a single one is near.
    pub instead: Option<(&'static str, String)>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            next: Vec::new(),
            instead: None,
        }
    }

    /// An argument, expression or manifest is not what was expected.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Something that was named does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A bug of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Adds a call to make instead.
    #[must_use]
    pub fn next(mut self, next: Next) -> Self {
        self.next.push(next);
        self
    }

    /// Says that the same call is meant with this value of a parameter of the operation.
    #[must_use]
    pub fn instead(mut self, param: &'static str, value: impl Into<String>) -> Self {
        self.instead = Some((param, value.into()));
        self
    }
}

/// The longest text that may be a misspelt name: as long as any name in Kubernetes.
const LONGEST_NAME: usize = 253;

/// How many edits make one name of the other, for "did you mean". A text longer than any name is none: to compare it
/// takes time and memory by its length, and it may be megabytes.
pub(crate) fn edits(word: &str, name: &str) -> usize {
    let longer = word.len().max(name.len());
    if longer > LONGEST_NAME {
        return longer;
    }
    strsim::damerau_levenshtein(word, name)
}
