//! `call`: a tool by hand, on the same path as a client's call.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{
    config::{Confirm, Overrides},
    engine::{Context, surface::Surface},
    server::block_on,
};

use super::{arguments, complete::Begun, embedded, engine, terminal, terminal::Outcome};

/// Call a tool and print what a client would get
///
/// A change that needs consent shows its plan and asks, if there is a terminal to ask at.
#[derive(Debug, Args)]
pub(super) struct CallTool {
    /// The tool, as `tools` lists it
    tool: String,

    /// Arguments, e.g. namespace=shop; a key given twice makes a list, key=@FILE reads a file, key=@- reads stdin
    #[arg(value_name = "KEY=VALUE")]
    arguments: Vec<String>,

    /// Arguments as a JSON object
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,

    /// Carry out what needs consent without asking
    #[arg(long, short)]
    yes: bool,
}

impl CallTool {
    pub(super) fn begun(self) -> Begun {
        Begun {
            is_call: true,
            name: self.tool,
            arguments: self.arguments,
        }
    }

    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        let arguments = arguments::parse(&self.arguments, self.json.as_deref())?;
        let config = engine::configuration(overrides)?;
        let engine = engine::engine(surfaces, &config, engine::quiet_audit(&config)?)?;
        embedded::say(&config);
        block_on(async {
            let context = engine::context(&config);
            // Only a person's word counts where the configuration says so: then the flag is none.
            let yes = self.yes && config.access.confirm == Confirm::Any;
            let answer = engine.call_tool(&self.tool, arguments.clone(), &context).await;
            let answer = match answer.consent.clone() {
                Some(request) => {
                    if !yes {
                        terminal::say(&request.question);
                        if !agreed()? {
                            return Ok(ExitCode::FAILURE);
                        }
                    }
                    let context = Context {
                        agreed: Some(request.code),
                        ..context
                    };
                    engine.call_tool(&self.tool, arguments, &context).await
                }
                None => answer,
            };
            terminal::print(&answer.text)?;
            Ok(if answer.is_error {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        })?
    }
}

/// Asks the person at the terminal, if there is one.
fn agreed() -> Result<bool, terminal::Failure> {
    if !terminal::can_ask() {
        terminal::say(
            "\nNothing was changed: this needs consent, and there is no terminal to ask at. Say --yes.",
        );
        return Ok(false);
    }
    let agreed = terminal::ask("\nCarry this out?")?;
    if !agreed {
        terminal::say("Nothing was changed.");
    }
    Ok(agreed)
}
