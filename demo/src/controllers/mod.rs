//! What makes the cluster move: controllers and scheduler; these, and the [`kubelet`](crate::kubelet),
//! are each a [`Controller`] that the [`Manager`] runs.

mod claims;
pub(crate) mod cronjobs;
mod daemonsets;
mod deployments;
mod disruption;
mod endpoints;
pub(crate) mod events;
mod jobs;
mod manager;
mod progress;
pub(crate) mod quantity;
mod replicasets;
mod revisions;
mod scheduler;
mod statefulsets;
pub(crate) mod work;

pub(crate) use manager::{Controller, Manager};

use crate::{
    api::{collect, custom, namespaces},
    kubelet,
};

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(custom::Definitions),
        Box::new(namespaces::Accounts),
        Box::new(namespaces::Emptier),
        Box::new(collect::Collector::default()),
        Box::new(disruption::Budgets),
        Box::new(deployments::Deployments),
        Box::new(replicasets::ReplicaSets),
        Box::new(statefulsets::StatefulSets),
        Box::new(daemonsets::DaemonSets),
        Box::new(cronjobs::CronJobs),
        Box::new(jobs::Jobs),
        Box::new(endpoints::Slices),
        Box::new(claims::Claims),
        Box::new(scheduler::Scheduler),
        Box::new(kubelet::Nodes::default()),
        Box::new(kubelet::Kubelet::default()),
        Box::new(events::Expiry),
    ]
}
