//! What all checks share.

use std::collections::HashMap;

use super::template::Library;
use crate::{
    diagnostic::{Diagnostic, Place},
    signature::{Access, Catalog, Signature},
    sources::Sources,
    spec::Found,
    suggest,
    tree::Node,
};

/// What all checks share.
pub(crate) struct Context<'a> {
    pub(crate) catalog: &'a Catalog,
    pub(crate) files: &'a Sources,
    pub(crate) library: Library<'a>,
    pub(crate) found: Found,
    operations: HashMap<&'a str, &'a Signature>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(files: &'a Sources, catalog: &'a Catalog, mut found: Found) -> Self {
        let library = Library::read(files, &mut found);
        let operations = catalog
            .operations
            .iter()
            .map(|operation| (operation.name.as_str(), operation))
            .collect();
        Self {
            catalog,
            files,
            library,
            found,
            operations,
        }
    }

    /// Reports a mistake.
    pub(crate) fn report(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        place: &Place,
        help: Option<String>,
    ) {
        self.found
            .push(Diagnostic::new(check, message, place.clone()).maybe_help(help));
    }

    /// The text of the file that a node is in.
    pub(crate) fn source(&self, node: &Node) -> &'a str {
        self.files.text(&node.place.file).unwrap_or_default()
    }

    /// The operation that a node names; reported if there is none.
    pub(crate) fn operation(&mut self, node: &Node) -> Option<&'a Signature> {
        let name = node.as_str()?;
        let found = self.operations.get(name).copied();
        if found.is_none() && !name.trim().is_empty() {
            let names = self
                .catalog
                .operations
                .iter()
                .map(|operation| operation.name.as_str());
            let same_noun = |known: &&str| known.split('.').next() == name.split(['.', '_']).next();
            let help = match suggest::nearest(name, names.clone()) {
                Some(nearest) => Some(format!("did you mean `{nearest}`?")),
                None if names.clone().any(|known| same_noun(&known)) => {
                    Some(format!("there are {}", suggest::list(names.filter(same_noun))))
                }
                None => Some("`kube-mcp operations` lists what there is".to_owned()),
            };
            self.report(
                "unknown-operation",
                format!("unknown operation `{name}`"),
                &node.place,
                help,
            );
        }
        found
    }

    /// The operation that a node names, which has to be a read; reported if it is none.
    pub(crate) fn read_operation(&mut self, node: &Node, what: &str) -> Option<&'a Signature> {
        let operation = self.operation(node)?;
        if operation.access > Access::Read {
            let message = format!(
                "{what} only reads, but operation `{}` changes something",
                operation.name
            );
            self.report(
                "not-a-read",
                message,
                &node.place,
                Some("take one that reads: `kube-mcp operations` says which do".to_owned()),
            );
            return None;
        }
        Some(operation)
    }
}
