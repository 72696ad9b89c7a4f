//! Clusters: configuration to connection, discovery, and the one client that every request passes.
//!
//! A cluster's name is its kubeconfig context. Nothing is contacted before something needs it, and nothing is
//! ever switched: each call names its cluster or takes the default, which is the context current at start.

mod client;
mod clusters;
mod connect;
mod context;
mod discovery;
pub mod doctor;
mod explain;
mod kubeconfig;
mod layers;
mod list;
mod openapi;
mod plugin;
mod process;
mod proxy;
mod query;
mod registry;
mod resource;
mod schema;
#[cfg(any(test, feature = "fuzzing"))]
#[cfg_attr(not(test), expect(dead_code, reason = "the tests use the rest of it"))]
pub(crate) mod testing;
mod transport;
mod watch;
mod wire;

pub(crate) use client::Decision;
pub use client::{Client, Grant, ListEnd, ListQuery, LogQuery, Patch, Preconditions};
pub use clusters::Clusters;
pub use context::{Cluster, Identity};
pub(crate) use layers::request::RequestInfo;
pub use layers::{guard::UnknownResource, trace::LOG_DIRECTIVES};
pub use process::stop_plugins;
pub use registry::Registry;
pub use resource::Resource;
pub use schema::{Field, Schema, Schemas};
pub use watch::{ObjectKey, WatchEvent, WatchScope};
pub use wire::{Cell, Include, TableColumn, TableMeta, TableRow, TableView};
