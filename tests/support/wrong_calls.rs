//! The table of wrong calls, `tests/wrong_calls.yaml`: read here, played without a cluster by `tests/wrong_calls.rs`
//! and on one by `tests/operations`.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// A wrong call and what becomes of it; the head of the file says what each key means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) given: String,
    #[serde(default)]
    pub(crate) on: Place,
    pub(crate) needs: Option<String>,
    pub(crate) call: Option<String>,
    pub(crate) note: Option<String>,
    #[serde(default)]
    pub(crate) answer: Vec<String>,
    #[serde(default)]
    pub(crate) error: Vec<String>,
    pub(crate) r#try: Option<String>,
}

/// Where a row is played.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Place {
    /// Without a cluster.
    #[default]
    Engine,
    /// On a cluster.
    Cluster,
    /// On a cluster, as a user who may read pods in one namespace only.
    Reader,
    /// On an API server that has pods and no metrics.
    Unmeasured,
}

/// Where the table is.
pub(crate) fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_calls.yaml")
}

/// The rows, with words of the file replaced.
pub(crate) fn rows(replaced: &[(&str, &str)]) -> Result<Vec<Row>, String> {
    let text = fs::read_to_string(path()).map_err(|error| error.to_string())?;
    let text = replaced
        .iter()
        .fold(text, |text, (word, value)| text.replace(word, value));
    serde_yaml::from_str(&text).map_err(|error| error.to_string())
}

/// `tool {"key": "value"}` as a tool and its arguments.
pub(crate) fn call(text: &str) -> Result<(&str, Value), String> {
    let (tool, arguments) = text.split_once(' ').unwrap_or((text, "{}"));
    let arguments = serde_json::from_str(arguments).map_err(|error| format!("{text}: {error}"))?;
    Ok((tool, arguments))
}

impl Row {
    /// The tools that the row names and that are not there.
    pub(crate) fn missing<'a>(&'a self, tools: &BTreeSet<&str>) -> BTreeSet<&'a str> {
        let texts = [Some(&self.given), self.call.as_ref(), self.r#try.as_ref()];
        texts
            .into_iter()
            .flatten()
            .filter_map(|text| text.split(' ').next())
            .filter(|tool| !tools.contains(tool))
            .collect()
    }

    /// What is wrong with the correction that was given, or none.
    pub(crate) fn check_error(&self, is_error: bool, text: &str) -> Result<(), String> {
        if !is_error {
            return Err(format!(
                "{} was to be corrected, and was answered:\n{text}",
                self.given
            ));
        }
        let missing = self.error.iter().find(|part| !text.contains(part.as_str()));
        if let Some(part) = missing {
            return Err(format!("{}\n  expected: {part}\n  found:    {text}", self.given));
        }
        if text.contains("(bound at ") {
            return Err(format!("{}\n  tells a caller of a spec: {text}", self.given));
        }
        let tried = text.lines().find_map(|line| line.strip_prefix("Try: "));
        match &self.r#try {
            Some(expected) if tried != Some(expected) => Err(format!(
                "{}\n  expected: Try: {expected}\n  found:    {text}",
                self.given
            )),
            _ => Ok(()),
        }
    }
}
