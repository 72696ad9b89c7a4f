//! What the word under the cursor can be, asked by the scripts of [`completions`](super::completions) at each press
//! of the key.

use std::{sync::Arc, time::Duration};

use kube_mcp_core::{
    config::{Config, Overrides},
    engine::{Completing, surface::Surface},
    server::block_on,
};

use super::{arguments, engine, terminal::Failure};

/// How long a person waits for it.
const PATIENCE: Duration = Duration::from_secs(3);

/// The words with which `call` or `render` has been begun; the last one is still being typed.
pub(super) struct Begun {
    /// Whether it calls a tool, and does not render a prompt.
    pub(super) is_call: bool,
    /// The tool or prompt.
    pub(super) name: String,
    /// Its arguments.
    pub(super) arguments: Vec<String>,
}

impl Begun {
    /// What the last word can be: the tool or prompt, an argument's name or its value. No cluster is asked but for
    /// values.
    pub(super) fn words(
        mut self,
        surfaces: &[&'static Surface],
        overrides: &Overrides,
    ) -> Result<Vec<String>, Failure> {
        let config = Arc::new(Config::load(overrides)?);
        let engine = engine::engine(surfaces, &config, engine::quiet_audit(&config)?)?;
        let Some(typed) = self.arguments.pop() else {
            let tools = engine.tools().iter().map(|listed| listed.tool.name);
            let prompts = engine.prompts().iter().map(|prompt| prompt.name);
            let names: Vec<&str> = if self.is_call {
                tools.collect()
            } else {
                prompts.collect()
            };
            return Ok(beginning_with(&self.name, names.into_iter().map(str::to_owned)));
        };
        // A file, or stdin, is read by the call itself.
        self.arguments.retain(|argument| !argument.contains("=@"));
        let given = arguments::parse(&self.arguments, None)?;
        let what = match self.is_call {
            true => Completing::Tool(&self.name),
            false => Completing::Prompt(&self.name),
        };
        let Some((key, value)) = typed.split_once('=') else {
            let keys = engine.arguments(what).into_iter();
            let keys = keys.filter(|key| !given.contains_key(key));
            return Ok(beginning_with(&typed, keys.map(|key| format!("{key}="))));
        };
        let values = block_on(async {
            let context = engine::context(&config);
            let values = engine.complete(what, key, value, &given, &context);
            tokio::time::timeout(PATIENCE, values).await.unwrap_or_default()
        })?;
        Ok(values.into_iter().map(|value| format!("{key}={value}")).collect())
    }
}

fn beginning_with(typed: &str, words: impl Iterator<Item = String>) -> Vec<String> {
    words.filter(|word| word.starts_with(typed)).collect()
}
