//! The command line: the only place that talks to a terminal.
//!
//! One subcommand is one file. Each does its work through what a server uses too: `call` and `render` go through the
//! same [`Engine`](kube_mcp_core::engine::Engine) as a client's calls, `lint` through the same checks as the build.

mod arguments;
mod call;
mod complete;
mod completions;
mod demo;
mod doctor;
mod embedded;
mod engine;
mod lint;
mod listing;
mod new;
mod operations;
mod options;
mod program;
mod reference;
mod render;
mod schema;
mod serve;
mod show;
mod terminal;
mod tools;

pub(crate) use program::run;
