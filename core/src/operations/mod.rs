//! The operations: what specs bind.
//!
//! Each is an async function with `#[operation]`. It reads through [`Cx::client`](crate::call::Cx::client), answers
//! with one of the five types of [`output`](crate::output) and formats nothing for a reader. What several of them
//! share is in the private modules: `scan` reads lists, `locate` finds the object that a name means.

mod builtin;
mod lister;
mod locate;
mod scan;
pub(crate) mod selection;
#[cfg(test)]
mod tests;

pub mod clusters;
pub mod events;
pub mod kinds;
pub mod namespaces;
pub mod pods;
pub mod resources;
pub mod workloads;
