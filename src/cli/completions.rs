//! `completions`: what a shell completes the command line with.

use std::{env, path::Path, process::ExitCode};

use clap::{
    Args, Command, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser},
};
use clap_complete::Shell;
use kube_mcp_core::engine::surface::Surface;

use super::{schema, terminal, terminal::Outcome};

/// Print a completion script for bash, zsh or fish, with the names of tools, prompts and operations in it
///
/// Once, for every shell that starts from then on:
///
///   bash   kube-mcp completions bash > ~/.local/share/bash-completion/completions/kube-mcp
///   zsh    kube-mcp completions zsh > "${fpath[1]}/_kube-mcp"
///   fish   kube-mcp completions fish > ~/.config/fish/completions/kube-mcp.fish
///
/// Write it again when another version of kube-mcp brings other tools. What arguments there are, and what they can be,
/// is asked of the program at each press of the key, and of the cluster where only that knows.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Completions {
    /// The shell
    shell: Spoken,

    /// The words of a command line up to the cursor: print what the last one can be, as the script asks for
    #[arg(last = true, hide = true)]
    pub(super) words: Vec<String>,
}

/// The shells that are tried; clap knows others too.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Spoken {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(super) fn run(self, surfaces: &[&'static Surface], program: Command) -> Outcome {
        let name = called();
        let mut command = with_names(program, surfaces);
        let mut script = Vec::new();
        let shell = match self.shell {
            Spoken::Bash => Shell::Bash,
            Spoken::Zsh => Shell::Zsh,
            Spoken::Fish => Shell::Fish,
        };
        clap_complete::generate(shell, &mut command, &name, &mut script);
        let script = String::from_utf8_lossy(&script).into_owned();
        let script = match self.shell {
            Spoken::Bash => bash_with_arguments(&name, &bash_with_dashes(&name, &script)),
            Spoken::Zsh => zsh_with_arguments(&name, &script),
            Spoken::Fish => script + &fish_positionals(&name, &command),
        };
        terminal::print(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What this program is called: a team's own has another name.
fn called() -> String {
    let program = env::args_os().next();
    let stem = program.as_deref().map(Path::new).and_then(Path::file_stem);
    stem.map_or_else(
        || "kube-mcp".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

/// The commands with the names that their arguments can have in this binary.
fn with_names(program: Command, surfaces: &[&'static Surface]) -> Command {
    let titled = |name, title: Option<&'static str>| {
        let value = PossibleValue::new(name);
        title.map_or(value.clone(), |title| value.help(title))
    };
    let all = || surfaces.iter().copied();
    let tools: Vec<_> = all()
        .flat_map(|surface| surface.tools)
        .map(|tool| titled(tool.name, tool.title))
        .collect();
    let prompts: Vec<_> = all()
        .flat_map(|surface| surface.prompts)
        .map(|prompt| titled(prompt.name, prompt.title))
        .collect();
    let mut operations: Vec<_> = all()
        .flat_map(|surface| surface.operations)
        .map(|operation| operation.name)
        .collect();
    operations.sort_unstable();
    operations.dedup();
    let operations: Vec<_> = operations.into_iter().map(PossibleValue::new).collect();
    let schemas: Vec<_> = schema::names().into_iter().map(PossibleValue::new).collect();

    // `mut_arg` would change the order of the arguments.
    let takes = |command: Command, argument: &'static str, names: Vec<PossibleValue>| {
        command.mut_args(|known| match known.get_id() == argument {
            true => known.value_parser(PossibleValuesParser::new(names.clone())),
            false => known,
        })
    };
    program
        .mut_subcommand("call", |call| takes(call, "tool", tools.clone()))
        .mut_subcommand("show", |show| takes(show, "tool", tools))
        .mut_subcommand("render", |render| takes(render, "prompt", prompts))
        .mut_subcommand("operations", |list| takes(list, "name", operations.clone()))
        .mut_subcommand("new", |new| {
            new.mut_subcommand("tool", |tool| takes(tool, "op", operations))
        })
        .mut_subcommand("schema", |schema| takes(schema, "name", schemas))
}

/// Lets the two halves of clap's script for bash call the commands of a program with a dash in its name alike:
/// <https://github.com/clap-rs/clap/issues/6421>.
fn bash_with_dashes(name: &str, script: &str) -> String {
    let called = |dash: &str| format!("{}__subcmd__", name.replace('-', dash));
    script.replace(&called("__subcmd__"), &called("__"))
}

/// Asks the program what an argument can be, and clap's script only where the program says nothing.
fn bash_with_arguments(name: &str, script: &str) -> String {
    let clap = format!("_{}", name.replace('-', "__"));
    let function = format!(
        r#"{clap}_or_arguments() {{
    local line=${{COMP_LINE:0:COMP_POINT}} words last found before
    read -ra words <<<"$line"
    [[ $line == *' ' ]] && words+=('')
    last=${{words[${{#words[@]}} - 1]}}
    found=$({name} completions bash -- "${{words[@]:1}}" 2>/dev/null)
    if [[ -z $found && ($last == -* || $last != *=*) ]]; then
        {clap} "$@"
        return
    fi
    local IFS=$'\n'
    COMPREPLY=($found)
    [[ $found == *= ]] && compopt -o nospace 2>/dev/null
    # What stands before a `=` or `:` is a word of its own.
    before=${{last%"${{last##*[${{COMP_WORDBREAKS//[^=:]/}}]}}"}}
    COMPREPLY=("${{COMPREPLY[@]#"$before"}}")
}}

"#
    );
    function + &script.replace(&format!("-F {clap} "), &format!("-F {clap}_or_arguments "))
}

/// Asks the program what an argument can be, where clap's script offers files.
fn zsh_with_arguments(name: &str, script: &str) -> String {
    let function = format!(
        r#"(( $+functions[_{name}_arguments] )) ||
_{name}_arguments() {{
    local -a line found
    line=(${{(z)LBUFFER}})
    [[ $LBUFFER == *' ' ]] && line+=('')
    found=(${{(f)"$({name} completions zsh -- "${{(@)line[2,-1]}}" 2>/dev/null)"}})
    if [[ $found[1] == *= ]]; then compadd -U -S '' -a found; else compadd -U -a found; fi
}}

"#
    );
    let lines = script
        .lines()
        .map(|line| match line.strip_suffix(":_default' \\") {
            Some(start) if line.starts_with("'*::arguments") => format!("{start}:_{name}_arguments' \\\n"),
            _ => format!("{line}\n"),
        });
    // The first line says what the file is for.
    let lines: Vec<String> = lines.collect();
    let (first, rest) = lines.split_at(1.min(lines.len()));
    first.concat() + &function + &rest.concat()
}

/// The names that clap's script for fish leaves out: those of arguments that are no options.
fn fish_positionals(name: &str, command: &Command) -> String {
    let function = format!("__fish_{}_using_subcommand", name.replace('-', "_"));
    let mut lines = String::new();
    for subcommand in command.get_subcommands() {
        if subcommand
            .get_positionals()
            .any(|argument| argument.get_id() == "arguments")
        {
            lines.push_str(&format!(
                "complete -c {name} -n \"{function} {}\" -f -a \"({name} completions fish -- (commandline -opc)[2..-1] \
                 (commandline -ct) 2>/dev/null)\"\n",
                subcommand.get_name()
            ));
            continue;
        }
        for argument in subcommand.get_positionals() {
            let values: Vec<String> = argument
                .get_possible_values()
                .iter()
                .map(|value| value.get_name().to_owned())
                .collect();
            if !values.is_empty() {
                lines.push_str(&format!(
                    "complete -c {name} -n \"{function} {}\" -f -a \"{}\"\n",
                    subcommand.get_name(),
                    values.join(" ")
                ));
            }
        }
    }
    lines
}
