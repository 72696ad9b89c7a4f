//! Compiles spec/ and templates/ into the tables that `surface!()` includes.

use std::process::ExitCode;

fn main() -> ExitCode {
    kube_mcp_model::build::compile()
}
