//! The output stage: every answer leaves through it.
//!
//! It turns the five types of answer into text for a reader who pays by the token: a heading that answers the
//! question, then rows, YAML, lines or differences, within a budget. What does not fit is cut where it is least
//! missed, counted, and never cut silently. Secret values are hidden before anything is written, and text that
//! comes from the cluster cannot be mistaken for ours: control characters are escaped, and free text stands
//! between fences with a nonce of this answer.

mod budget;
mod change;
mod heading;
mod lines;
mod object;
mod safe;
mod shrink;
mod stage;
mod table;
#[cfg(test)]
pub(super) mod tests;

pub use budget::tokens;
pub(super) use heading::{found, of_clusters};
pub use stage::{NextResolver, Stage, View};
