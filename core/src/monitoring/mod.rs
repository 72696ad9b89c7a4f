//! How objects are and what they use: the status rule of each kind, and metrics.

pub mod metrics;
pub mod status;
