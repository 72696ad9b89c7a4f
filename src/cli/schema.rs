//! `schema`: what editors complete and check specs with.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{Error, engine::surface::Surface};
use kube_mcp_model::{schemas, suggest};

use super::{operations, terminal, terminal::Outcome};

/// Print a JSON Schema of the spec language for editors, with the operations of this binary; without a name, list
/// them
#[derive(Debug, Args)]
pub(super) struct Schema {
    /// The schema, e.g. tool
    name: Option<String>,
}

impl Schema {
    pub(super) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let catalog = operations::catalog(surfaces)?;
        let schemas = schemas(Some(&catalog));
        let names = || schemas.iter().map(|(file, _)| stem(file));
        let text = match &self.name {
            None => names().collect::<Vec<_>>().join("\n"),
            Some(name) => {
                let found = schemas.iter().find(|(file, _)| stem(file) == stem(name));
                let (_, text) = found.ok_or_else(|| {
                    let help = suggest::help(name, names(), "there are").unwrap_or_default();
                    Error::not_found(format!("unknown schema `{name}`: {help}"))
                })?;
                text.clone()
            }
        };
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// The names of the schemas.
pub(super) fn names() -> Vec<&'static str> {
    schemas(None).into_iter().map(|(file, _)| stem(file)).collect()
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".json").unwrap_or(file)
}
