//! What would go wrong with the clusters, found out without changing anything.
//!
//! Each part looks at what it can and tells it as [`Finding`]s; none fails because something is wrong. The checks of
//! one cluster stop where the next could only repeat what was told.

mod certificate;
mod cluster;
mod finding;
mod kubeconfig;
mod proxy;
mod rights;
#[cfg(test)]
mod tests;

pub use cluster::{Examined, examine};
pub use finding::{Finding, Level};
pub use kubeconfig::kubeconfig;
pub use proxy::proxy;
pub use rights::Needed;
