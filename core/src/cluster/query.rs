//! Paths and queries of requests.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a path's segment may not hold as it is.
const SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What a query's value need not hide.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'=')
    .remove(b'/');

/// A segment as it stands in a path.
pub(super) fn segment(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, SEGMENT)
}

/// A path to which a query is added.
#[derive(Clone, Debug)]
pub(super) struct Target(String);

impl Target {
    /// A path, which may have a query already.
    pub(super) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// Adds a pair.
    #[must_use]
    pub(super) fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        let sign = if self.0.contains('?') { '&' } else { '?' };
        // Writing to a string cannot fail.
        let _ = write!(
            self.0,
            "{sign}{key}={}",
            utf8_percent_encode(value.as_ref(), VALUE)
        );
        self
    }

    /// Adds a pair if there is a value.
    #[must_use]
    pub(super) fn with_some(self, key: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Path and query.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}
