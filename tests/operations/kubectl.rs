//! kubectl, by which the suite makes its fixtures and learns the facts that answers are compared with.

use std::{
    io::Write as _,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::ground::aim;

/// Runs kubectl; gives its stdout, or an error with its stderr.
pub(crate) fn kubectl(arguments: &[&str]) -> Result<String, String> {
    run(arguments, None)
}

/// Runs kubectl with this stdin.
pub(crate) fn kubectl_with(arguments: &[&str], stdin: &str) -> Result<String, String> {
    run(arguments, Some(stdin))
}

/// Runs `kubectl … -o json`.
pub(crate) fn json(arguments: &[&str]) -> Result<Value, String> {
    let text = run(&[arguments, &["-o", "json"]].concat(), None)?;
    serde_json::from_str(&text).map_err(|error| format!("kubectl {arguments:?}: {error}"))
}

/// The items of a list.
pub(crate) fn items(arguments: &[&str]) -> Result<Vec<Value>, String> {
    match json(arguments)?["items"].take() {
        Value::Array(items) => Ok(items),
        other => Err(format!("kubectl {arguments:?}: items is {other}")),
    }
}

/// Applies manifests, into this namespace if one is given.
pub(crate) fn apply(manifests: &str, namespace: Option<&str>) -> Result<(), String> {
    let place = namespace.map_or(vec![], |namespace| vec!["-n", namespace]);
    run(&[&["apply", "-f", "-"], &place[..]].concat(), Some(manifests)).map(drop)
}

/// Tries until it succeeds, or gives the last error when the time is over. States of a live cluster change between
/// two readings, so comparisons are made in here.
pub(crate) fn eventually<T>(
    seconds: u64,
    mut attempt: impl FnMut() -> Result<T, String>,
) -> Result<T, String> {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        match attempt() {
            Ok(value) => return Ok(value),
            Err(error) if Instant::now() >= end => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(500)),
        }
    }
}

fn run(arguments: &[&str], stdin: Option<&str>) -> Result<String, String> {
    let mut child = aim(&mut Command::new("kubectl"))
        .args(arguments)
        .stdin(if stdin.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("cannot start kubectl: {error}"))?;
    if let (Some(text), Some(mut pipe)) = (stdin, child.stdin.take()) {
        pipe.write_all(text.as_bytes())
            .map_err(|error| format!("kubectl: {error}"))?;
    }
    let output = child
        .wait_with_output()
        .map_err(|error| format!("kubectl: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("kubectl {}: {}", arguments.join(" "), said.trim()))
    }
}
