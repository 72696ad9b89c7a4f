//! From the arguments of a call to the values that steps bind.
//!
//! Schemas are advertised closed and strict; leniency is behind them. What is certainly meant is accepted: [names]
//! by one [alias table](aliases), values by one [coercion table](coerce), and values of several [parts]. All else that does not fit is told
//! with what was expected and the call to make. No argument is ever ignored: a `dryRun` dropped silently would
//! be a real change.

mod accept;
mod aliases;
mod coerce;
mod names;
mod parts;
mod takes;
#[cfg(test)]
mod tests;

pub(super) use accept::{Accepted, Misfit, accept};
pub(super) use aliases::normal;
