//! A small Kubernetes in memory: the API that kubectl's everyday verbs need, and controllers that make it move.
//!
//! It is a simulation and says so wherever one looks. No container runs: what a container does (its log, its exit,
//! how much it takes) is told by its image or read from its shell script. Time can be driven.
//!
//! The package knows nothing of the server that embeds it: what it gives is an HTTP service, in the process
//! ([`Cluster::respond`]) or on a port ([`Cluster::listen`]).

mod api;
mod clock;
mod cluster;
mod controllers;
mod kubelet;
mod listen;
mod story;

pub use api::{access::ADMIN_TOKEN, front::Body};
pub use cluster::Cluster;
pub use listen::bind;
pub use story::{Story, StoryError};
