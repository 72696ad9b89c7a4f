//! How objects are: the status rule of each kind.

pub mod status;
