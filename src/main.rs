//! The binary of `kube-mcp`: our surface and no other.

use std::process::ExitCode;

fn main() -> ExitCode {
    kube_mcp::main(&[&kube_mcp::SURFACE])
}
