//! Completion of arguments: the `name` column of a Table.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    api::{Completing, Context},
    service::{Engine, within},
    steps::{self, Ended},
    surface::{Param, Source, Step},
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
        let Some(step) = self.completer(what, argument) else {
            return matching(self.choices(what, argument).into_iter(), typed);
        };
        // What is left out counts as it would in a call.
        let mut given = given.clone();
        given.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
        for param in self.params(what) {
            if let Some(default) = param.default_value() {
                given.entry(param.name).or_insert(default);
            }
        }
        match self.candidates(step, argument, typed, given, context).await {
            Some(names) => matching(names.into_iter(), typed),
            None => Vec::new(),
        }
    }

    /// The names of what a tool or a prompt takes.
    pub fn arguments(&self, what: Completing<'_>) -> Vec<String> {
        match self.properties(what) {
            Some(properties) => properties.keys().cloned().collect(),
            None => self
                .params(what)
                .iter()
                .map(|param| param.name.to_owned())
                .collect(),
        }
    }

    /// What a tool takes, what the engine adds to it included, as its schema tells.
    fn properties(&self, what: Completing<'_>) -> Option<&Map<String, Value>> {
        let Completing::Tool(name) = what else { return None };
        let listed = self.registry.listed(name).ok()?;
        listed.schema.get("properties")?.as_object()
    }

    /// What a tool or a prompt declares.
    fn params(&self, what: Completing<'_>) -> &'static [Param] {
        let params = match what {
            Completing::Prompt(name) => {
                let mut prompts = self.prompts().iter();
                prompts
                    .find(|prompt| prompt.name == name)
                    .map(|prompt| prompt.params)
            }
            Completing::Tool(name) => self.registry.listed(name).ok().map(|listed| listed.tool.params),
            Completing::Resource(_) => None,
        };
        params.unwrap_or_default()
    }

    fn param(&self, what: Completing<'_>, argument: &str) -> Option<&'static Param> {
        self.params(what).iter().find(|param| param.name == argument)
    }

    /// What completes an argument.
    fn completer(&self, what: Completing<'_>, argument: &str) -> Option<&'static Step> {
        let Completing::Resource(uri) = what else {
            return self.param(what, argument)?.complete;
        };
        let resource = self.resources().iter().find(|resource| resource.uri == uri)?;
        let mut variables = resource.complete.iter();
        variables
            .find(|(variable, _)| *variable == argument)
            .map(|(_, step)| step)
    }

    /// What an argument can be that nothing completes.
    fn choices(&self, what: Completing<'_>, argument: &str) -> Vec<String> {
        if let Some(param) = self.param(what, argument) {
            return param.choices.iter().map(|choice| (*choice).to_owned()).collect();
        }
        if argument == "cluster" {
            return self.clusters.names().into_iter().map(str::to_owned).collect();
        }
        let one_of = self
            .properties(what)
            .and_then(|all| all.get(argument)?.get("enum")?.as_array());
        let words = one_of.into_iter().flatten().filter_map(Value::as_str);
        words.map(str::to_owned).collect()
    }

    async fn candidates(
        &self,
        step: &'static Step,
        argument: &str,
        typed: &str,
        mut given: Map<String, Value>,
        context: &Context,
    ) -> Option<Vec<String>> {
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

/// Those that begin with what is typed, whatever its case, each once.
fn matching(names: impl Iterator<Item = String>, typed: &str) -> Vec<String> {
    let begins = |name: &str| {
        let start = name.get(..typed.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(typed))
    };
    let mut names: Vec<String> = names.filter(|name| begins(name)).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    names
}
