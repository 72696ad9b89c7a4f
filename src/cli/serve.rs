//! `serve`: MCP on stdin and stdout.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
};

use clap::Args;
use kube_mcp_core::{
    config::Overrides,
    engine::surface::Surface,
    server::{AuditLog, block_on, serve_stdio},
};

use super::{engine, terminal, terminal::Outcome};

/// Serve MCP on stdin and stdout; this is what happens without a command
#[derive(Debug, Args)]
pub(super) struct Serve {}

impl Serve {
    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        let config = engine::configuration(overrides)?;
        let audit = Arc::new(AuditLog::open(config.server.audit.as_deref())?);
        let engine = engine::engine(surfaces, &config, audit)?;
        if io::stdin().is_terminal() {
            terminal::say(
                "Serving MCP on stdin and stdout: an MCP client should start this. Ctrl-C ends it; --help says what \
                 else there is.",
            );
        }
        block_on(serve_stdio(engine, &config))?;
        Ok(ExitCode::SUCCESS)
    }
}
