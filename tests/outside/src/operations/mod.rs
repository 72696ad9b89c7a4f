//! The team's operations.

pub mod config_maps;
pub mod teams;
