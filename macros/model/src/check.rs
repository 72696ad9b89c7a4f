//! The entry of the checks.

use crate::{diagnostic::Diagnostic, ir::Package, signature::Catalog, sources::Sources};

/// A name that another surface of the same binary has taken already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `tool`, `prompt`, `resource` or `toolset`.
    pub sort: String,
    /// The name.
    pub name: String,
    /// The package that has it.
    pub package: String,
}

/// Checks a package's files against the operations there are. Every mistake is reported, not the first; the
/// package is there only if there was none.
pub fn check(files: &Sources, catalog: &Catalog, others: &[Taken]) -> (Option<Package>, Vec<Diagnostic>) {
    let _ = (files, catalog, others);
    (Some(Package::default()), Vec::new())
}
