//! The checks, by subject. Each is called with what it looks at and adds what it finds.

mod bind;
mod context;
mod data;
mod examples;
mod files;
mod literal;
mod offer;
mod params;
mod prompt;
mod reference;
mod resource;
mod scope;
mod steps;
mod table;
mod template;
mod tool;
mod toolsets;

pub(crate) use context::Context;
pub(crate) use files::{package, trees};
pub(crate) use literal::{variants, words as type_words};
pub(crate) use offer::views;
pub use reference::reference;
pub use table::{CHECKS, Check};
pub use template::{FILTERS, FUNCTIONS, TESTS};
