//! What was found.

use serde::Serialize;

use crate::Error;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing is wrong.
    Ok,
    /// Something does not work, or soon will not, or is not safe.
    Warn,
    /// The server, or a cluster, cannot be used.
    Fail,
}

impl Level {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What was looked at, e.g. `kubeconfig`.
    pub check: &'static str,
    /// The cluster that it is about, if it is about one.
    pub cluster: Option<String>,
    /// What was found: a fragment without a final period.
    pub finding: String,
    /// What to do: a command or an edit. There is one unless all is well.
    pub next: Option<String>,
}

impl Finding {
    fn new(level: Level, check: &'static str, finding: impl Into<String>, next: Option<String>) -> Self {
        Self {
            level,
            check,
            cluster: None,
            finding: finding.into(),
            next,
        }
    }

    /// Nothing is wrong.
    pub fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self::new(Level::Ok, check, finding, None)
    }

    /// Something is not as it should be; `next` mends it.
    pub fn warn(check: &'static str, finding: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Level::Warn, check, finding, Some(next.into()))
    }

    /// Something cannot be used; `next` mends it.
    pub fn fail(check: &'static str, finding: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Level::Fail, check, finding, Some(next.into()))
    }

    /// An error: its message says what is wrong and, after its last semicolon, what to do; else that is `otherwise`.
    pub fn error(level: Level, check: &'static str, error: &Error, otherwise: &str) -> Self {
        let (finding, next) = error
            .message
            .rsplit_once("; ")
            .unwrap_or((&error.message, otherwise));
        Self::new(level, check, finding, Some(next.to_owned()))
    }

    /// The same about this cluster.
    #[must_use]
    pub(super) fn of(mut self, cluster: &str) -> Self {
        self.cluster = Some(cluster.to_owned());
        self
    }
}
