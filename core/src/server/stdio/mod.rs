//! The transport of stdin and stdout: one JSON-RPC message a line.
//!
//! rmcp's own drops what it cannot parse without an answer, and ends with the first message that is not the
//! right one. Whatever comes in here is answered as JSON-RPC says, or skipped, and the server goes on.

mod lines;
mod message;
mod output;
mod pending;
mod transport;

#[cfg(test)]
mod tests;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use message::read_line;
pub(super) use transport::StdioTransport;
