//! `tools`: what is served.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{config::Overrides, engine::surface::Surface};

use super::{
    engine,
    listing::{aligned, summary},
    terminal,
    terminal::Outcome,
};

/// List the tools that are served, with what they may do, their toolset and what they are for
#[derive(Debug, Args)]
pub(super) struct Tools {}

impl Tools {
    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        let config = engine::configuration(overrides)?;
        let engine = engine::engine(surfaces, &config, engine::quiet_audit(&config)?)?;
        let rows: Vec<Vec<String>> = engine
            .tools()
            .iter()
            .map(|listed| {
                let tool = listed.tool;
                vec![
                    tool.name.to_owned(),
                    listed.access.to_string(),
                    tool.toolset.to_owned(),
                    summary(tool.description),
                ]
            })
            .collect();
        terminal::print(&aligned(&rows))?;
        Ok(ExitCode::SUCCESS)
    }
}
