//! `render`: a prompt as a client would get it.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{
    config::Overrides,
    engine::surface::{Role, Surface},
    server::block_on,
};

use super::{arguments, complete::Begun, embedded, engine, terminal, terminal::Outcome};

/// Render a prompt with live data and print its messages
///
/// With --templates DIR the templates are read from there, so that a change shows without a build.
#[derive(Debug, Args)]
pub(super) struct Render {
    /// The prompt
    prompt: String,

    /// Arguments, e.g. namespace=shop
    #[arg(value_name = "KEY=VALUE")]
    arguments: Vec<String>,
}

impl Render {
    pub(super) fn begun(self) -> Begun {
        Begun {
            is_call: false,
            name: self.prompt,
            arguments: self.arguments,
        }
    }

    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        let arguments = arguments::parse(&self.arguments, None)?;
        let config = engine::configuration(overrides)?;
        let engine = engine::engine(surfaces, &config, engine::quiet_audit(&config)?)?;
        embedded::say(&config);
        let rendered = block_on(async {
            let context = engine::context(&config);
            engine.get_prompt(&self.prompt, arguments, &context).await
        })??;
        let several = rendered.messages.len() > 1;
        let mut text = String::new();
        for (role, message) in &rendered.messages {
            if several {
                let role = match role {
                    Role::User => "user",
                    Role::Assistant => "assistant",
                };
                text.push_str(&format!("--- {role} ---\n"));
            }
            text.push_str(message);
            if !message.ends_with('\n') {
                text.push('\n');
            }
        }
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}
