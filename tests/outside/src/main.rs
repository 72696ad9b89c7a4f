//! The team's binary: the tools of kube-mcp and its own, with every subcommand.

use std::process::ExitCode;

fn main() -> ExitCode {
    kube_mcp::main(&[&kube_mcp::SURFACE, &acme_kube_mcp::SURFACE])
}
