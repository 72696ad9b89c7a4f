//! A Kubernetes API in memory: what kubectl's everyday verbs and our operations need, and no more.
//!
//! A request comes in at [`front`], which finds out who asks ([`access`]), what for ([`route`]) and in which form the
//! answer is wanted, and hands it to the verb: [`read`], [`list`](mod@list), [`write`](mod@write), [`delete`],
//! [`watch`](mod@watch) or a subresource. All objects are JSON in one [`store`]; controllers use the same verbs as clients do.

pub(crate) mod access;
pub(crate) mod admission;
pub(crate) mod autoscaling;
pub(crate) mod binding;
pub(crate) mod bootstrap;
pub(crate) mod cells;
pub(crate) mod collect;
pub(crate) mod custom;
pub(crate) mod decode;
pub(crate) mod defaults;
pub(crate) mod delete;
pub(crate) mod discovery;
pub(crate) mod events;
pub(crate) mod eviction;
pub(crate) mod fields;
pub(crate) mod front;
pub(crate) mod kinds;
pub(crate) mod list;
pub(crate) mod logs;
pub(crate) mod managed;
pub(crate) mod metrics;
pub(crate) mod namespaces;
pub(crate) mod object;
pub(crate) mod openapi;
pub(crate) mod options;
pub(crate) mod patch;
pub(crate) mod present;
pub(crate) mod protobuf;
pub(crate) mod query;
pub(crate) mod rbac;
pub(crate) mod read;
pub(crate) mod reviews;
pub(crate) mod route;
pub(crate) mod scale;
pub(crate) mod schema;
pub(crate) mod selector;
pub(crate) mod shown;
pub(crate) mod status;
pub(crate) mod store;
pub(crate) mod table;
pub(crate) mod token;
pub(crate) mod validate;
pub(crate) mod watch;
pub(crate) mod write;

mod server;

pub(crate) use server::Api;
