//! Objects of any kind.

pub mod children;
pub mod get;
pub mod label;
pub mod list;
pub mod names;
pub mod owners;
pub mod wait;
