//! Tells the build scripts of surfaces what operations there are.

use std::process::ExitCode;

fn main() -> ExitCode {
    kube_mcp_model::build::publish()
}
