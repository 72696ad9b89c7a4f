//! What there is to say on the command line, and who does it.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use kube_mcp_core::engine::surface::Surface;

use super::{
    call, completions, demo, doctor, lint, new, operations, options::Options, reference, render, schema,
    serve, show, terminal, tools,
};

/// An MCP server for Kubernetes
///
/// Without a command it serves MCP on stdin and stdout, which is how an MCP client starts it. All other commands are
/// for people: they try a tool by hand, or help to write one. With --demo each of them works without a cluster, on
/// one that is simulated in this process.
#[derive(Debug, Parser)]
#[command(
    name = "kube-mcp",
    version,
    max_term_width = 110,
    after_help = "Exit status: 0 done, 1 a mistake or an error was told, 2 the command line was wrong."
)]
struct Program {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Call(call::CallTool),
    Tools(tools::Tools),
    Doctor(doctor::Doctor),
    Demo(demo::Demo),
    Lint(lint::Lint),
    Show(show::Show),
    Operations(operations::Operations),
    New(new::New),
    Schema(schema::Schema),
    Render(render::Render),
    Reference(reference::Reference),
    Completions(completions::Completions),
}

/// Runs the program over these surfaces.
pub(crate) fn run(surfaces: &[&'static Surface]) -> ExitCode {
    let Program { command, options } = Program::parse();
    let options = options.overrides();
    let result = match command.unwrap_or(Command::Serve(serve::Serve::default())) {
        Command::Serve(serve) => serve.run(surfaces, &options),
        Command::Call(call) => call.run(surfaces, &options),
        Command::Tools(tools) => tools.run(surfaces, &options),
        Command::Doctor(doctor) => doctor.run(surfaces, &options),
        Command::Demo(demo) => demo.run(&options),
        Command::Lint(lint) => lint.run(surfaces),
        Command::Show(show) => show.run(surfaces),
        Command::Operations(operations) => operations.run(surfaces),
        Command::New(new) => new.run(surfaces),
        Command::Schema(schema) => schema.run(surfaces),
        Command::Render(render) => render.run(surfaces, &options),
        Command::Reference(reference) => reference.run(surfaces),
        Command::Completions(completions) if completions.words.is_empty() => {
            completions.run(surfaces, Program::command())
        }
        Command::Completions(completions) => complete(surfaces, completions.words),
    };
    match result {
        Ok(code) => code,
        Err(failure) => terminal::fail(&failure),
    }
}

/// Prints what the last of these words can be. Whatever is wrong with a line that is still being typed is told when
/// it is run.
fn complete(surfaces: &[&'static Surface], words: Vec<String>) -> terminal::Outcome {
    let words = std::iter::once(env!("CARGO_PKG_NAME").to_owned()).chain(words);
    if let Ok(Program { command, options }) = Program::try_parse_from(words) {
        let begun = match command {
            Some(Command::Call(call)) => Some(call.begun()),
            Some(Command::Render(render)) => Some(render.begun()),
            _ => None,
        };
        let found = begun.and_then(|begun| begun.words(surfaces, &options.overrides()).ok());
        terminal::print(&found.unwrap_or_default().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Program::command().debug_assert();
    }

    #[test]
    fn no_command_serves_with_the_options_given() {
        let program = Program::parse_from(["kube-mcp", "--mode", "read-only", "--toolsets", "core,apps"]);
        assert!(program.command.is_none());
        let overrides = program.options.overrides();
        assert_eq!(overrides.mode, Some(kube_mcp_core::call::Mode::ReadOnly));
        assert_eq!(
            overrides.toolsets,
            Some(vec!["core".to_owned(), "apps".to_owned()])
        );
    }

    #[test]
    fn every_command_and_option_says_what_it_is_for() {
        fn check(command: &clap::Command) {
            assert!(
                command.get_about().is_some(),
                "{} has no help",
                command.get_name()
            );
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {} has no help",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(check);
        }
        check(&Program::command());
    }
}
