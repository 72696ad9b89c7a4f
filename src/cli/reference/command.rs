//! The command, and which pages there are.

use std::{fs, path::PathBuf, process::ExitCode};

use clap::Args;
use kube_mcp_core::{Error, engine::surface::Surface};
use kube_mcp_model::checks;

use super::{operations, resources, tools};
use crate::cli::{operations::catalog, terminal, terminal::Outcome};

/// Write pages about the tools, prompts, resources, operations and checks of this binary
#[derive(Debug, Args)]
pub(in crate::cli) struct Reference {
    /// The folder for the pages; it is made if it is not there
    dir: PathBuf,
}

impl Reference {
    pub(in crate::cli) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let catalog = catalog(surfaces)?;
        let pages = [
            ("tools.md", tools::page(surfaces, &catalog)),
            ("prompts.md", resources::prompts(surfaces)),
            ("resources.md", resources::page(surfaces)),
            ("operations.md", operations::page(&catalog)),
            ("checks.md", checks::reference()),
        ];
        let failed =
            |path: &PathBuf, error| Error::invalid(format!("cannot write {}: {error}", path.display()));
        fs::create_dir_all(&self.dir).map_err(|error| failed(&self.dir, error))?;
        for (name, page) in &pages {
            let path = self.dir.join(name);
            fs::write(&path, page).map_err(|error| failed(&path, error))?;
        }
        let names = pages.map(|(name, _)| name).join(", ");
        terminal::print(&format!("{names} written to {}", self.dir.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}
