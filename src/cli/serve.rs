//! `serve`: MCP on stdin and stdout, or over HTTP.

use std::{
    io::{self, IsTerminal as _},
    net::SocketAddr,
    process::ExitCode,
    sync::Arc,
};

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use kube_mcp_core::{
    Error,
    config::{HttpAuth, Overrides, Transport},
    engine::surface::Surface,
    server::{AuditLog, HttpServer, TokenSource, block_on, serve_stdio},
};

use super::{embedded, engine, terminal, terminal::Outcome};

/// Serve MCP on stdin and stdout, which is what happens without a command, or over HTTP
#[derive(Debug, Default, Args)]
pub(super) struct Serve {
    /// How clients reach the server: stdio is for a client that starts it itself, http for those that connect to it
    /// [default: stdio]
    #[arg(long, hide_possible_values = true, value_name = "stdio|http",
        value_parser = PossibleValuesParser::new(["stdio", "http"]).map(transport))]
    transport: Option<Transport>,

    /// Listen here; it has to be a loopback address, and port 0 is any free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Serve clients of older revisions without sessions, too; such clients cannot be asked for consent
    #[arg(long)]
    stateless: bool,

    /// Let in everyone who reaches the port: every process and user of this machine
    #[arg(long)]
    no_auth: bool,
}

impl Serve {
    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        let about_http = self.listen.is_some() || self.stateless || self.no_auth;
        let config = engine::configuration(&Overrides {
            transport: self.transport,
            listen: self.listen,
            stateless: self.stateless.then_some(true),
            auth: self.no_auth.then_some(HttpAuth::None),
            ..overrides.clone()
        })?;
        if about_http && config.server.transport != Transport::Http {
            return Err(
                Error::invalid("--listen, --stateless and --no-auth go with --transport http").into(),
            );
        }
        let audit = Arc::new(AuditLog::open(config.server.audit.as_deref())?);
        let engine = engine::engine(surfaces, &config, audit)?;
        embedded::log(&config);
        match config.server.transport {
            Transport::Stdio => {
                if io::stdin().is_terminal() {
                    terminal::say(
                        "Serving MCP on stdin and stdout: an MCP client should start this. Ctrl-C ends it; --help says \
                         what else there is.",
                    );
                }
                block_on(serve_stdio(engine, &config))?;
            }
            Transport::Http => {
                let server = HttpServer::bind(engine, &config)?;
                terminal::say(&format!("Serving MCP at {}; Ctrl-C ends it.", server.url()));
                terminal::say(&match server.token() {
                    TokenSource::File(path) => format!("The bearer token is in {}", path.display()),
                    TokenSource::Configured => "The bearer token is the configured one.".to_owned(),
                    TokenSource::NotNeeded => {
                        "No token is needed: every process and user of this machine can call every tool."
                            .to_owned()
                    }
                });
                block_on(server.serve())??;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn transport(word: String) -> Transport {
    match word.as_str() {
        "http" => Transport::Http,
        _ => Transport::Stdio,
    }
}
