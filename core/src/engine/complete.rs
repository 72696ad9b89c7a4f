//! Completion of arguments: the `name` column of a Table.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    api::{Completing, Context},
    service::{Engine, within},
    steps::{self, Ended},
    surface::{Source, Step},
};
use crate::output::{Output, Redactor};

/// The most values that MCP lets a completion give.
const MOST: usize = 100;

impl Engine {
    /// Values that complete `typed`, given the other arguments. Empty where a variable that is needed is not
    /// given yet, and on any failure: a completion is a help, never an obstacle.
    pub async fn complete(
        &self,
        what: Completing<'_>,
        argument: &str,
        typed: &str,
        given: &Map<String, Value>,
        context: &Context,
    ) -> Vec<String> {
        let (step, choices) = match self.completer(what, argument) {
            Some(found) => found,
            None if argument == "cluster" => {
                return matching(self.clusters.names().into_iter().map(str::to_owned), typed);
            }
            None => return Vec::new(),
        };
        match step {
            None => matching(choices.iter().map(|choice| (*choice).to_owned()), typed),
            Some(step) => match self.candidates(step, argument, typed, given, context).await {
                Some(names) => matching(names.into_iter(), typed),
                None => Vec::new(),
            },
        }
    }

    /// What completes an argument: a step, or else its choices.
    fn completer(
        &self,
        what: Completing<'_>,
        argument: &str,
    ) -> Option<(Option<&'static Step>, &'static [&'static str])> {
        let params = match what {
            Completing::Prompt(name) => self.prompts().iter().find(|prompt| prompt.name == name)?.params,
            Completing::Tool(name) => {
                self.tools()
                    .iter()
                    .find(|listed| listed.tool.name == name)?
                    .tool
                    .params
            }
            Completing::Resource(uri) => {
                let resource = self.resources().iter().find(|resource| resource.uri == uri)?;
                let (_, step) = resource
                    .complete
                    .iter()
                    .find(|(variable, _)| *variable == argument)?;
                return Some((Some(step), &[]));
            }
        };
        let param = params.iter().find(|param| param.name == argument)?;
        Some((param.complete, param.choices))
    }

    async fn candidates(
        &self,
        step: &'static Step,
        argument: &str,
        typed: &str,
        given: &Map<String, Value>,
        context: &Context,
    ) -> Option<Vec<String>> {
        let mut given = given.clone();
        given.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        // What is typed so far may narrow the list; nothing else stands in for what is not given yet.
        given.insert(argument.to_owned(), Value::from(typed));
        let lacks = |name: &str| !given.contains_key(name) || name == argument && typed.is_empty();
        let needed = |param: &str| step.op.params.iter().any(|p| p.name == param && p.required);
        let missing = step.bindings.iter().any(|binding| match binding.source {
            Source::Param(name) | Source::Uri(name) => needed(binding.param) && lacks(name),
            _ => false,
        });
        if missing {
            return None;
        }
        let redactor = Arc::new(Redactor::new(false));
        let call = Arc::new(self.reading("completion", Map::new(), context, &redactor));
        let steps = std::slice::from_ref(step);
        let cluster = self
            .named_cluster(steps, given.get("cluster").filter(|_| argument != "cluster"))
            .ok()?;
        let scope = self.scope(steps, &call, cluster, &given, &given);
        match within(&call, steps::run(steps, &scope)).await.ok()?.last()? {
            Ended::Done(output, _) => match &*output {
                Output::Table(table) => Some(table.rows.iter().map(|row| row.id.name.clone()).collect()),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Those that begin with what is typed, each once.
fn matching(names: impl Iterator<Item = String>, typed: &str) -> Vec<String> {
    let mut names: Vec<String> = names.filter(|name| name.starts_with(typed)).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    names
}
