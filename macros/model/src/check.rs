//! The entry of the checks.

use crate::{
    checks::{self, Context},
    diagnostic::Diagnostic,
    ir::Package,
    signature::Catalog,
    sources::Sources,
    spec::Found,
};

/// A name that another surface of the same binary has taken already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `tool`, `prompt`, `resource`, `template` or `toolset`.
    pub sort: String,
    /// The name.
    pub name: String,
    /// The package that has it.
    pub package: String,
}

/// Checks a package's files against the operations there are. Every mistake is reported, not the first; the
/// package is there only if there was none.
pub fn check(files: &Sources, catalog: &Catalog, others: &[Taken]) -> (Option<Package>, Vec<Diagnostic>) {
    let mut found = Found::default();
    let trees = checks::trees(files, &mut found);
    let mut context = Context::new(files, catalog, found);
    let package = checks::package(&mut context, &trees, others);
    let found = context.found.into_sorted();
    (found.is_empty().then_some(package), found)
}
