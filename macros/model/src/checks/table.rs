//! Every check there is.

/// A check.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// Its id, as messages show it.
    pub id: &'static str,
    /// What it finds.
    pub summary: &'static str,
    /// The nearest form that is accepted.
    pub accepted: &'static str,
}

/// All checks.
pub const CHECKS: &[Check] = &[];
