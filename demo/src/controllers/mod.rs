//! What makes the cluster move: controllers, scheduler and kubelet, each a [`Controller`] that the [`Manager`] runs.

mod aggregation;
mod claims;
mod container;
pub(crate) mod cronjobs;
mod daemonsets;
mod deployments;
mod disruption;
mod endpoints;
mod environment;
pub(crate) mod events;
pub(crate) mod images;
mod jobs;
mod kubelet;
mod manager;
mod names;
mod nodes;
mod probes;
mod progress;
pub(crate) mod quantity;
mod replicasets;
mod revisions;
mod rolling;
pub(crate) mod runs;
mod scheduler;
mod shell;
mod statefulsets;
mod syntax;
mod work;

pub(crate) use manager::{Controller, Manager};

use crate::api::{collect, custom, namespaces};

/// All of them.
pub(crate) fn all() -> Vec<Box<dyn Controller>> {
    vec![
        Box::new(custom::Definitions),
        Box::new(namespaces::Accounts),
        Box::new(namespaces::Emptier),
        Box::new(collect::Collector::default()),
        Box::new(aggregation::Aggregation),
        Box::new(disruption::Budgets),
        Box::new(deployments::Deployments),
        Box::new(replicasets::ReplicaSets::new()),
        Box::new(replicasets::ReplicaSets::replication()),
        Box::new(statefulsets::StatefulSets),
        Box::new(daemonsets::DaemonSets),
        Box::new(cronjobs::CronJobs),
        Box::new(jobs::Jobs),
        Box::new(jobs::Orphans),
        Box::new(endpoints::Endpoints),
        Box::new(claims::Claims),
        Box::new(scheduler::Scheduler),
        Box::new(nodes::Nodes::default()),
        Box::new(kubelet::Kubelet::default()),
        Box::new(events::Expiry),
    ]
}
