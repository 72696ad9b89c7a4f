//! Options that go with every command: they override the configuration.

use std::path::PathBuf;

use clap::{
    Args,
    builder::{PossibleValuesParser, TypedValueParser as _},
};
use kube_mcp_core::{
    call::Mode,
    config::{Confirm, LogFormat, Overrides},
};

/// What overrides the configuration.
#[derive(Debug, Args)]
#[command(next_help_heading = "Configuration")]
pub(super) struct Options {
    /// Read this configuration file in place of the default one
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,

    /// Read this kubeconfig, as kubectl does [default: $KUBECONFIG or ~/.kube/config]
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Vec<PathBuf>,

    /// Work on this context where a call names no cluster [default: the current context]
    #[arg(long, global = true, value_name = "CONTEXT")]
    context: Option<String>,

    /// Work on a cluster that is a simulation in this process: a small shop with things wrong in it. No kubeconfig is
    /// read, and nothing real is touched
    #[arg(long, global = true)]
    demo: bool,

    /// What may be done: read-only lists and refuses all changes, guarded asks before what destroys or runs code,
    /// full asks for nothing [default: guarded]
    #[arg(long, global = true, hide_possible_values = true, value_name = "read-only|guarded|full",
        value_parser = PossibleValuesParser::new([Mode::ReadOnly, Mode::Guarded, Mode::Full].map(Mode::word)).map(mode))]
    mode: Option<Mode>,

    /// Whose consent counts: any is a person asked by the client, or else a code that the model repeats; ask-only is
    /// a person and nobody else [default: any]
    #[arg(long, global = true, hide_possible_values = true, value_name = "any|ask-only",
        value_parser = PossibleValuesParser::new(["any", "ask-only"]).map(confirm))]
    confirm: Option<Confirm>,

    /// Serve these toolsets only, separated by commas
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    toolsets: Option<Vec<String>>,

    /// Do not serve these tools, separated by commas
    #[arg(long, global = true, value_name = "NAMES", value_delimiter = ',')]
    disable: Option<Vec<String>>,

    /// How many tokens an answer may take, by an estimate [default: 4000]
    #[arg(long, global = true, value_name = "TOKENS")]
    budget: Option<usize>,

    /// Read templates from this folder at each use, in place of those that were compiled in
    #[arg(long, global = true, value_name = "DIR")]
    templates: Option<PathBuf>,

    /// Show the values of secrets; without it they are replaced in every answer, error and log line
    #[arg(long, global = true)]
    reveal_secrets: bool,

    /// What to log on stderr: error, warn, info, debug, or per part, e.g. info,kube_mcp_core::cluster=debug
    /// [default: warn]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,

    /// How to log: text for people, json for machines [default: text]
    #[arg(long, global = true, hide_possible_values = true, value_name = "text|json",
        value_parser = PossibleValuesParser::new(["text", "json"]).map(log_format))]
    log_format: Option<LogFormat>,
}

impl Options {
    /// What they override.
    pub(super) fn overrides(self) -> Overrides {
        Overrides {
            config: self.config,
            toolsets: self.toolsets,
            disable: self.disable,
            budget: self.budget,
            log: self.log,
            log_format: self.log_format,
            templates: self.templates,
            kubeconfig: self.kubeconfig,
            context: self.context,
            demo: self.demo.then_some(true),
            mode: self.mode,
            confirm: self.confirm,
            reveal_secrets: self.reveal_secrets,
            ..Overrides::default()
        }
    }
}

// The words are checked by then: whatever is none of the others is the last.

fn mode(word: String) -> Mode {
    match word.as_str() {
        "full" => Mode::Full,
        "guarded" => Mode::Guarded,
        _ => Mode::ReadOnly,
    }
}

fn confirm(word: String) -> Confirm {
    match word.as_str() {
        "any" => Confirm::Any,
        _ => Confirm::AskOnly,
    }
}

fn log_format(word: String) -> LogFormat {
    match word.as_str() {
        "json" => LogFormat::Json,
        _ => LogFormat::Text,
    }
}
