//! Clusters: configuration to connection, discovery, and the one client that every request passes.
//!
//! A cluster's name is its kubeconfig context. Nothing is contacted before something needs it, and nothing is
//! ever switched: each call names its cluster or takes the default, which is the context current at start.

mod client;
mod clusters;
mod connect;
mod context;
mod discovery;
mod explain;
mod kubeconfig;
mod layers;
mod list;
mod plugin;
mod process;
mod proxy;
mod query;
mod registry;
mod resource;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use the rest of it"))]
pub(crate) mod testing;
mod transport;
mod wire;

pub use client::{Client, Grant, ListEnd, ListQuery, LogQuery, Patch, Preconditions};
pub use clusters::Clusters;
pub use context::{Cluster, Identity};
pub use layers::trace::LOG_DIRECTIVES;
pub use process::stop_plugins;
pub use resource::Resource;
pub use wire::{Cell, Include, TableColumn, TableMeta, TableRow, TableView};
