//! `new`: a spec to start from.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use kube_mcp_core::{Error, engine::surface::Surface};
use kube_mcp_model::new_tool;

use super::{operations, terminal, terminal::Outcome};

/// Print a spec to start from
#[derive(Debug, Args)]
pub(super) struct New {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// A tool that is bound to an operation and lints clean as it is
    Tool {
        /// The operation, as `operations` lists it
        #[arg(value_name = "OPERATION")]
        op: String,
    },
}

impl New {
    pub(super) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let What::Tool { op } = self.what;
        let catalog = operations::catalog(surfaces)?;
        let found = operations::find(&catalog, &op)?;
        let spec = new_tool(&catalog, &found.name)
            .ok_or_else(|| Error::internal(format!("no spec could be made for {op}")))?;
        terminal::print(&spec)?;
        Ok(ExitCode::SUCCESS)
    }
}
