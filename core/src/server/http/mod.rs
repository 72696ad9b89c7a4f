//! Streamable HTTP on loopback.
//!
//! The protocol is rmcp's; what is here is around it: where to listen, who may come in, how many sessions there
//! may be, and how it ends. A request passes, in this order: the place that it is from (`authority`), the token,
//! and then the handler that serves stdin and stdout too.
//!
//! - [`HttpServer`] listens, serves and ends.
//! - [`TokenSource`] says where a client finds the token.

mod authority;
mod cors;
mod listen;
mod respond;
mod sessions;
mod token;

#[cfg(test)]
mod tests;

pub use listen::HttpServer;
pub(super) use respond::subject;
pub use token::TokenSource;
