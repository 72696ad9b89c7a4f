//! The program `kube-mcp`, and the surface that its build script compiles from `spec/` and `templates/`.
//!
//! A team's own binary is built exactly as this one: a package with its own `spec/`, `templates/` and operations, a
//! build.rs of one call, and a main that serves our [`SURFACE`] beside its own.

mod cli;

use std::process::ExitCode;

use kube_mcp_core::engine::surface::Surface;

kube_mcp_core::surface!();

/// Runs the program over these surfaces, with every subcommand. A name in two of them is an error at start.
pub fn main(surfaces: &[&'static Surface]) -> ExitCode {
    cli::run(surfaces)
}
