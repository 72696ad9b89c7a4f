//! The operations: what specs bind.
//!
//! Each is an async function with `#[operation]`. It reads through [`Cx::client`](crate::call::Cx::client), answers
//! with one of the five types of [`output`](crate::output) and formats nothing for a reader. What they share is in
//! the private modules:
//!
//! - `locate::object` finds the object that kind, name and namespace mean: kind, object, identity, a note to pass on.
//! - `lister::Lister` lists a kind by its Table, ranked, filtered and paged; `status_filter` and `scan` are its parts.
//! - `scan::objects` reads a list object by object, as far as any list is read.
//! - `mixed` has the columns and rows of tables of several kinds; `Table::of` makes a table of rows that are all.
//! - `unread` says which of several kinds could not be read, and why.
//! - `builtin` names kinds without discovery; `selection` reads selectors and makes them of a workload's.
//! - `names` lists names, and says what is near one that does not exist; `next` suggests calls.

mod allowed;
mod builtin;
mod lister;
mod locate;
mod mixed;
mod names;
mod next;
mod scan;
pub(crate) mod selection;
mod status_filter;
#[cfg(test)]
mod tests;
mod unread;

pub mod access;
pub mod clusters;
pub mod events;
pub mod kinds;
pub mod metrics;
pub mod namespaces;
pub mod pods;
pub mod resources;
pub mod workloads;
