//! What makes the cluster move: controllers, scheduler and kubelet, each a [`Controller`] that the [`Manager`] runs.

mod deployments;
pub(crate) mod events;
pub(crate) mod images;
mod manager;
mod owned;
pub(crate) mod quantity;
mod replicasets;

pub(crate) use manager::{Controller, Manager};

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(deployments::Deployments),
        Box::new(replicasets::ReplicaSets::new()),
        Box::new(replicasets::ReplicaSets::replication()),
    ]
}
