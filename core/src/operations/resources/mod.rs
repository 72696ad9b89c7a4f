//! Objects of any kind.

pub mod get;
pub mod label;
pub mod list;
pub mod names;
pub mod relatives;
