//! What the macros expand to. `kube-mcp-macros` only carries tokens here and back.
//!
//! Expansions name nothing but `::kube_mcp_core::…`, the standard library and what stands beside the item, so that
//! they work in any package that depends on the core.

mod derives;
mod operation;
mod surface;

pub use derives::{choice, record, text};
pub use operation::operation;
pub use surface::surface;
