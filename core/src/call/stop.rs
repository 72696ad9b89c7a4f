//! How an operation ends other than with its answer.

use super::Planned;
use crate::Error;

/// What an operation returns.
pub type Result<T, E = Stop> = std::result::Result<T, E>;

/// Why an operation did not come to its answer.
#[derive(Clone, Debug)]
pub enum Stop {
    /// It failed.
    Error(Box<Error>),
    /// [`approve`](super::Cx::approve) left early with the plan: a dry run, or consent is wanted.
    Planned(Box<Planned>),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(Box::new(error))
    }
}
