//! What a build script writes: files, directives for cargo, diagnostics.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{Colour, Diagnostic, Sources, render_each};

/// Where [`compile`](super::compile) leaves its diagnostics for `surface!()`: a JSON list of texts.
const MISTAKES: &str = "surface.errors";

/// The build script of a surface.
pub const BUILD_SCRIPT: &str = "fn main() -> std::process::ExitCode { kube_mcp_model::build::compile() }";

/// The diagnostics that the build script wrote into this `OUT_DIR`. One that did not run is a mistake too.
pub fn written_mistakes(out_dir: &Path) -> Vec<String> {
    match fs::read_to_string(out_dir.join(MISTAKES)) {
        Ok(text) => serde_json::from_str(&text).unwrap_or_else(|_| vec![text]),
        Err(_) if out_dir.join("surface.rs").is_file() => Vec::new(),
        Err(_) => vec![format!(
            "the build script compiled no surface: build.rs is `{BUILD_SCRIPT}`"
        )],
    }
}

/// Writes the diagnostics, or takes those of the last run away.
pub(super) fn write_mistakes(out_dir: &Path, mistakes: &[String]) -> io::Result<()> {
    let file = out_dir.join(MISTAKES);
    if mistakes.is_empty() {
        return match fs::remove_file(file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    write_if_changed(&file, &serde_json::to_string(mistakes).map_err(io::Error::other)?)
}

/// Diagnostics as texts for `compile_error!`, which adds the word `error:` itself.
pub(super) fn rendered(
    mistakes: &[Diagnostic],
    sources: impl IntoIterator<Item = (String, String)>,
) -> Vec<String> {
    let mut files = Sources::default();
    for (name, text) in sources {
        files.add(name, text);
    }
    render_each(mistakes, &files, Colour::Plain)
        .into_iter()
        .map(|text| bare(&text))
        .collect()
}

/// A text without `error: `, which the channel says itself; the check's id goes behind the message.
fn bare(text: &str) -> String {
    let Some((level, rest)) = text.strip_prefix("error").and_then(|rest| rest.split_once(": ")) else {
        return text.to_owned();
    };
    if level.is_empty() {
        return rest.to_owned();
    }
    if !(level.starts_with('[') && level.ends_with(']')) {
        return text.to_owned();
    }
    match rest.split_once('\n') {
        Some((message, shown)) => format!("{message} {level}\n{shown}"),
        None => format!("{rest} {level}"),
    }
}

/// Writes a file, unless it is so already: a new time of change would rebuild what depends on it.
pub(super) fn write_if_changed(file: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(file).is_ok_and(|known| known == text) {
        return Ok(());
    }
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

/// Writes generated files, and removes those of an earlier run from the folder that is theirs alone.
pub(super) fn write_files(out_dir: &Path, files: &BTreeMap<String, String>) -> io::Result<()> {
    for (name, text) in files {
        write_if_changed(&out_dir.join(name), text)?;
    }
    for entry in fs::read_dir(out_dir.join("surface"))? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if !files.contains_key(&format!("surface/{name}")) {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

/// An environment variable that cargo sets.
pub(super) fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| io::Error::other(format!("{name} is not set: this runs in a build script")))
}

pub(super) fn manifest_dir() -> io::Result<PathBuf> {
    variable("CARGO_MANIFEST_DIR").map(PathBuf::from)
}

pub(super) fn out_dir() -> io::Result<PathBuf> {
    variable("OUT_DIR").map(PathBuf::from)
}

/// What cargo is to be told.
#[derive(Debug, Default)]
pub(super) struct Directives(Vec<String>);

impl Directives {
    /// Runs again if something in the folder changes. Cargo takes a path that does not exist as changed each time,
    /// so one that need not exist is passed over.
    pub(super) fn rerun_if_there_and_changed(&mut self, path: &Path) {
        if path.exists() {
            self.rerun_if_changed(path);
        }
    }

    /// Runs again if something in the folder changes, or if it is not there.
    pub(super) fn rerun_if_changed(&mut self, path: &Path) {
        self.0.push(format!("cargo::rerun-if-changed={}", path.display()));
    }

    pub(super) fn metadata(&mut self, key: &str, value: &str) {
        self.0.push(format!("cargo::metadata={key}={value}"));
    }

    pub(super) fn warning(&mut self, text: &str) {
        self.0.push(format!("cargo::warning={}", text.replace('\n', " ")));
    }

    #[expect(
        clippy::print_stdout,
        reason = "cargo reads directives from a build script's stdout"
    )]
    pub(super) fn print(&self) {
        // Without any directive cargo would watch the whole package.
        println!("cargo::rerun-if-changed=build.rs");
        for directive in &self.0 {
            println!("{directive}");
        }
    }
}

/// Ends a build script that cannot do its work: a disk that is full, not a mistake in a spec.
#[expect(
    clippy::print_stdout,
    reason = "cargo reads directives from a build script's stdout"
)]
pub(super) fn failed(error: &io::Error) -> ExitCode {
    println!("cargo::error={}", error.to_string().replace('\n', " "));
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_error_is_said_once() {
        assert_eq!(
            bare("error[unknown-operation]: unknown operation `x`: y\n --> z"),
            "unknown operation `x`: y [unknown-operation]\n --> z"
        );
        assert_eq!(bare("error: no specs"), "no specs");
        assert_eq!(bare("errors are listed: none"), "errors are listed: none");
    }

    #[test]
    fn mistakes_of_the_last_run_are_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path();
        assert!(written_mistakes(out)[0].starts_with("the build script compiled no surface"));
        write_mistakes(out, &["unknown operation".to_owned()]).unwrap();
        write_if_changed(&out.join("surface.rs"), "").unwrap();
        assert_eq!(written_mistakes(out), ["unknown operation"]);
        write_mistakes(out, &[]).unwrap();
        assert_eq!(written_mistakes(out), [""; 0]);
    }

    #[test]
    fn files_of_a_tool_that_is_gone_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let files = |names: &[&str]| -> BTreeMap<String, String> {
            names
                .iter()
                .map(|name| ((*name).to_owned(), String::new()))
                .collect()
        };
        write_files(
            folder.path(),
            &files(&["surface.rs", "surface/a.rs", "surface/b.rs"]),
        )
        .unwrap();
        write_files(folder.path(), &files(&["surface.rs", "surface/b.rs"])).unwrap();
        assert!(!folder.path().join("surface/a.rs").exists());
        assert!(folder.path().join("surface/b.rs").exists());
    }
}
