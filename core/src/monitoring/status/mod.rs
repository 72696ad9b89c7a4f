//! Status rules: how an object is, in a word, with a rank and a reason.
//!
//! A rule has two entries, the cells of the API server's Table ([`CellRule`]) and an object ([`of_object`]). Both
//! reduce what they see to the same few facts and hand them to one function of the kind, so that a list, which
//! reads cells, and a check of health, which reads objects, cannot disagree. An object tells more than cells do
//! (conditions, messages): that adds a reason, and may make the verdict graver ("on its way" is "stuck"), never milder.

mod age;
mod cells;
mod generic;
mod infrastructure;
mod object;
mod pod;
mod rollout;
mod verdict;
mod workload;

#[cfg(test)]
mod tests;

pub use age::age_of;
pub use cells::CellRule;
pub use generic::held;
pub use object::of_object;
pub use pod::{container_trouble, restarts as pod_restarts};
pub use rollout::{Rollout, desired, partition};
pub use verdict::Verdict;
pub use workload::{UNOBSERVED, condition, is_observed, labelled};
