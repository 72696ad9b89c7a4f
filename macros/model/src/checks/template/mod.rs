//! Checks of templates: every branch, whether a rendering takes it or not.

mod expr;
mod guards;
mod library;
mod locate;
mod names;
mod syntax;
mod walk;

pub(crate) use library::Library;
pub(crate) use locate::Text;
pub use names::{FILTERS, FUNCTIONS, TESTS};
pub(crate) use walk::{Outcome, Walker, missing_template_help};
