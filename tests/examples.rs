//! The `examples:` of the specs, each a test: called as a client calls, on the embedded cluster with its story.

#![expect(clippy::print_stderr, reason = "it is a test runner")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

#[path = "operations/listing.rs"]
#[expect(dead_code, reason = "the suite of operations uses the rest of it")]
mod listing;
#[path = "support/mcp.rs"]
#[expect(dead_code, reason = "the benchmarks use the rest of it")]
mod mcp;

use listing::Listing;
use mcp::{Answer, Server};

/// An example of a spec.
struct Example {
    /// `pods_list: one namespace`.
    name: String,
    tool: String,
    args: Value,
    expect: Value,
}

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let examples = match examples(&Path::new(env!("CARGO_MANIFEST_DIR")).join("spec/tools")) {
        Ok(examples) => examples,
        Err(error) => {
            eprintln!("examples: {error}");
            return ExitCode::FAILURE;
        }
    };
    // One server plays all: a call does not change what the next one finds, or it is no example.
    let server: Arc<OnceLock<Result<Mutex<Server>, String>>> = Arc::default();
    let trials = examples
        .into_iter()
        .map(|example| {
            let server = server.clone();
            Trial::test(example.name.clone(), move || {
                let server = server.get_or_init(start).as_ref().map_err(Clone::clone)?;
                let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
                let answer = server.call(&example.tool, &example.args)?;
                Ok(example.holds(&answer)?)
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A server of every tool on the embedded cluster, with nothing of the user's.
fn start() -> Result<Mutex<Server>, String> {
    let folder = env::temp_dir();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KUBE_MCP_")) {
        command.env_remove(name);
    }
    command
        .args(["--demo", "serve", "--toolsets", "all"])
        .env_remove("KUBECONFIG")
        .env("HOME", &folder)
        .env("XDG_CONFIG_HOME", folder.join("no-configuration"));
    Ok(Mutex::new(Server::connect(command)?.0))
}

/// The examples of all specs below a folder.
fn examples(folder: &Path) -> Result<Vec<Example>, String> {
    let mut examples = Vec::new();
    for path in specs(folder)? {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let text = fs::read_to_string(&path).map_err(|error| named(&error))?;
        let spec: Value = serde_yaml::from_str(&text).map_err(|error| named(&error))?;
        let tool = spec["name"].as_str().unwrap_or_default();
        for example in spec["examples"].as_array().into_iter().flatten() {
            let name = example["name"].as_str().unwrap_or_default();
            examples.push(Example {
                name: format!("{tool}: {name}"),
                tool: tool.to_owned(),
                args: example.get("args").cloned().unwrap_or_else(|| json!({})),
                expect: example["expect"].clone(),
            });
        }
    }
    Ok(examples)
}

fn specs(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let named = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(named)? {
        let path = entry.map_err(named)?.path();
        if path.is_dir() {
            found.extend(specs(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

impl Example {
    /// Whether the answer is as expected.
    fn holds(&self, answer: &Answer) -> Result<(), String> {
        let text = &answer.text;
        let shown = format!("{} {} answered:\n{text}", self.tool, self.args);
        let error = self.expect.get("error");
        if answer.is_error != error.is_some() {
            return Err(format!(
                "an error is {}expected; {shown}",
                if answer.is_error { "not " } else { "" }
            ));
        }
        let wanted = error.into_iter().chain(self.expect.get("contains"));
        for part in wanted.flat_map(|part| part.as_array().cloned().unwrap_or_else(|| vec![part.clone()])) {
            let part = part.as_str().unwrap_or_default();
            if !text.contains(part) {
                return Err(format!("{part:?} is missing; {shown}"));
            }
        }
        if let Some(rows) = self.expect.get("rows") {
            let count = Listing::read(text).rows.len() as u64;
            let (least, most) = match rows.as_u64() {
                Some(exactly) => (exactly, exactly),
                None => (
                    rows["min"].as_u64().unwrap_or(0),
                    rows["max"].as_u64().unwrap_or(u64::MAX),
                ),
            };
            if !(least..=most).contains(&count) {
                return Err(format!("{count} rows, expected {rows}; {shown}"));
            }
        }
        Ok(())
    }
}
