//! Writes the Rust source of a surface: static tables, and one small typed function for each step.
//!
//! The tables are the rows of `kube_mcp_core::engine::surface`. What can be ordinary code is ordinary code: a generated
//! function takes the values that the engine has bound, builds the operation's `Params` and calls it. It is a struct
//! literal, so that rustc refuses a parameter that is missing or of another type, with the place of the binding in
//! the snippet.
//!
//! Each tool, prompt and resource is a file of its own below `OUT_DIR/surface/`, a module of `OUT_DIR/surface.rs`; a
//! tool's row includes its own text, which is what `show` prints.

mod item;
mod step;
mod surface;
mod words;

pub use surface::{Files, surface};
