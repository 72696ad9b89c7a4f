//! Runs what was generated: arguments, aliases, steps, templates, the output stage.
//!
//! A call goes: `arguments` are understood (or the call is turned by `redirect` into the one that was meant), the
//! clusters are chosen, the `steps` run with their bound values, and the answer leaves through the output stage
//! ([render]). Everything that is served comes from the static tables of [surface]; the [engine](Engine) knows
//! no tool by name.

mod api;
mod arguments;
mod call;
mod complete;
pub mod doctor;
mod fan_out;
mod next;
mod read;
mod redirect;
mod registry;
pub mod render;
mod service;
mod steps;
pub mod surface;
pub(crate) mod templates;
#[cfg(test)]
mod tests;
pub(crate) mod uri;

pub use api::{Answer, Completing, ConsentRequest, Contents, Context, ListedTool, Rendered};
pub use service::Engine;
