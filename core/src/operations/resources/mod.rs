//! Objects of any kind.

pub mod children;
mod endpoints;
pub mod facts;
mod gathered;
pub mod get;
pub mod label;
pub mod list;
pub mod names;
pub mod owners;
mod pod_spec;
pub mod references;
pub mod referrers;
mod routes;
pub mod wait;
mod workload_of;
