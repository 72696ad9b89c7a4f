//! What is written to the terminal, and what is asked of the person at it.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::ExitCode,
};

use kube_mcp_core::Error;

/// Why a command did not come to its end.
#[derive(Debug)]
pub(super) enum Failure {
    /// It has to be told.
    Error(Error),
    /// The terminal or a file failed.
    Io(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What a command returns.
pub(super) type Outcome = Result<ExitCode, Failure>;

/// Writes a text and a line's end, if it has none, to stdout.
pub(super) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a text and a line's end, if it has none, to stderr. If even that fails there is nobody to tell.
pub(super) fn say(text: &str) {
    let end = if text.ends_with('\n') { "" } else { "\n" };
    let _ = write!(io::stderr().lock(), "{text}{end}");
}

/// Tells why a command failed.
pub(super) fn fail(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Error(error) => say(&format!("error: {error}")),
        // A reader such as `head` has seen enough.
        Failure::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
        Failure::Io(error) => say(&format!("error: {error}")),
    }
    ExitCode::FAILURE
}

/// Whether a person can be asked: stdin and stderr are a terminal.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question that is answered by yes or no; no is what an empty line means.
pub(super) fn ask(question: &str) -> io::Result<bool> {
    {
        let mut err = io::stderr().lock();
        write!(err, "{question} [y/N] ")?;
        err.flush()?;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Whether diagnostics on stderr may have colours.
pub(super) fn shows_colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
