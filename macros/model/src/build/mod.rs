//! What build scripts do, each in one call.
//!
//! A package with operations (the core) calls [`publish`]; a package with a surface calls [`compile`]. A mistake of
//! an author never fails the build script: it is written beside the generated code, `surface!()` turns it into a
//! compile error, and editors keep understanding the rest of the package.

mod compile;
mod output;
mod publish;

pub use compile::compile;
pub use output::{BUILD_SCRIPT, written_mistakes};
pub use publish::publish;
