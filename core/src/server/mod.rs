//! MCP: what turns an [`Engine`](crate::engine::Engine) into a server.
//!
//! One handler speaks both eras of the protocol: the revisions with `initialize` (up to 2025-11-25) and the
//! stateless ones (from 2026-07-28), each as its revision says. The transport of stdin and stdout is our own,
//! because a server must survive whatever is written to it; the rest of the protocol is rmcp's.
//!
//! - [`serve_stdio`] serves until the client goes or a signal comes, [`HttpServer`] until a signal comes, and
//!   [`block_on`] is the runtime for both.
//! - [`MemoryCodes`] and [`AuditLog`] are what the engine's calls take their confirmation codes from and write
//!   their audit lines to.
//! - [`logging`] is the one place that decides what reaches stderr.

mod asking;
mod audit;
mod call;
mod codes;
mod handler;
mod http;
mod listing;
pub mod logging;
mod progress;
mod serve;
mod stdio;
mod stopping;

pub use audit::AuditLog;
pub use codes::MemoryCodes;
pub use http::{HttpServer, TokenSource};
pub use serve::{ExitReason, block_on, serve_stdio, serve_streams, terminated};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use stdio::read_line;
