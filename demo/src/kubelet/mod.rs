//! What runs the pods: the kubelets of all nodes, with the container runtime that is under them.
//!
//! It is no controller of the control plane. What it keeps is its own, and is told in the status of [`pods`] and [`nodes`];
//! to the [`Manager`](crate::controllers::Manager) it is a controller as others are. No container runs: what one does
//! ([`runs`]) is told by its image ([`images`]) or is read from its script ([`shell`]).

mod container;
mod environment;
pub(crate) mod images;
mod names;
mod nodes;
mod pods;
mod probes;
pub(crate) mod runs;
mod shell;
mod syntax;

pub(crate) use environment::Named;
pub(crate) use nodes::Nodes;
pub(crate) use pods::Kubelet;
