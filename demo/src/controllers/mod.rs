//! What makes the cluster move: controllers, scheduler and kubelet, each a [`Controller`] that the [`Manager`] runs.

pub(crate) mod events;
pub(crate) mod images;
mod manager;
pub(crate) mod quantity;

pub(crate) use manager::{Controller, Manager};

use crate::api::namespaces;

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Controller>> {
    vec![Box::new(namespaces::Accounts)]
}
