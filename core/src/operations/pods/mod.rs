//! Pods.

pub(in crate::operations) mod gone;
pub mod list;
pub mod logs;
