//! How much an operation may do, and what the server's mode makes of it.

use std::fmt;

/// How much an operation may do. It stands on the Rust operation and nowhere else; the order is by gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Changes nothing.
    Read,
    /// Changes objects in a way that can be undone.
    Write,
    /// Removes, or changes in a way that loses something.
    Destructive,
    /// Runs code in, or opens a way into, a workload.
    Exec,
}

impl Access {
    /// The word for it, as in `#[operation("…", read)]`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
            Self::Exec => "exec",
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The server's access mode: chosen at start, never by a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Only reads; everything else is not listed, and refused.
    ReadOnly,
    /// Reads and writes run, what is destructive or runs code asks.
    #[default]
    Guarded,
    /// Everything runs.
    Full,
}

impl Mode {
    /// What becomes of a call that needs `access`.
    pub fn verdict(self, access: Access) -> Verdict {
        match (self, access) {
            (_, Access::Read) | (Self::Full, _) | (Self::Guarded, Access::Write) => Verdict::Runs,
            (Self::Guarded, Access::Destructive | Access::Exec) => Verdict::Asks,
            (Self::ReadOnly, _) => Verdict::Refused,
        }
    }

    /// The word for it, as in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::ReadOnly => "read-only",
            Self::Guarded => "guarded",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a [`Mode`] makes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It runs.
    Runs,
    /// It runs once a person has agreed.
    Asks,
    /// It does not run.
    Refused,
}
