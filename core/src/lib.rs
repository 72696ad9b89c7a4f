//! The hand-written core of kube-mcp.
//!
//! A *surface* (tools, prompts, resources) is declared in YAML and compiled into static tables of
//! [`engine::surface`] types by a build script. This crate knows no tool by name: it supplies the
//! [operations] that tools bind, the [cluster layer](cluster) that every request passes, the
//! [engine] that runs what was generated, and the [server] that speaks MCP.
//!
//! Dependencies point one way:
//! `server -> engine -> operations -> monitoring -> call -> {output, cluster} -> error`.

// The macros name this crate as a team's package would.
extern crate self as kube_mcp_core;

pub mod call;
pub mod cluster;
pub mod config;
pub mod engine;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod monitoring;
pub mod nearest;
pub mod operations;
pub mod output;
pub mod server;

pub use error::{Error, ErrorKind};
pub use kube_mcp_macros::{Choice, Record, Text, operation, surface};
