//! What makes the cluster move: controllers, scheduler and kubelet, each a [`Controller`] that the [`Manager`] runs.

mod container;
mod environment;
pub(crate) mod events;
pub(crate) mod images;
mod kubelet;
mod manager;
mod probes;
pub(crate) mod quantity;
pub(crate) mod runs;
mod shell;
mod syntax;

pub(crate) use manager::{Controller, Manager};

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Controller>> {
    vec![Box::new(kubelet::Kubelet::default()), Box::new(events::Expiry)]
}
