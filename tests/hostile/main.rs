//! A server among people who mean no good: whatever is written to it, and whatever secrets its cluster holds.
//!
//! Both need a cluster that can be made to say anything: [`api`] is one, within this process.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too, and says how to repeat it"
)]

mod api;
mod http;
#[expect(dead_code, reason = "tests/http.rs uses the rest of it")]
#[path = "../support/http.rs"]
mod http_server;
mod lines;
#[expect(dead_code, reason = "the benchmarks use the rest of it")]
#[path = "../support/mcp.rs"]
mod mcp;
#[expect(dead_code, reason = "the core's tests use the rest of it")]
#[path = "../support/mutator.rs"]
mod mutator;
mod secrets;
