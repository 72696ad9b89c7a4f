//! Pods.

pub mod list;
pub mod logs;
