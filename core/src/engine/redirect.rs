//! Calls that are turned into another tool's: the wrong one of a pair, put right.
//!
//! Reads only. The table is by operation, since the core knows no tool by name.

use serde_json::{Map, Value};

use super::{
    api::ListedTool,
    arguments::{Accepted, Misfit},
    next::{self, ToolCall},
    surface::{Source, Step, Tool},
};
use crate::{Error, output::Next};

struct Redirect {
    /// The operation of the tool that was called.
    from: &'static str,
    /// What does not fit.
    when: When,
    /// The operation that was meant.
    to: &'static str,
    /// What is certain about its arguments.
    adds: &'static [(&'static str, &'static str)],
}

enum When {
    /// A required argument was left out.
    Missing(&'static str),
    /// An argument was given that the tool does not take.
    Extra(&'static str),
}

const REDIRECTS: &[Redirect] = &[
    Redirect {
        from: "resources.get",
        when: When::Missing("name"),
        to: "resources.list",
        adds: &[],
    },
    Redirect {
        from: "resources.list",
        when: When::Extra("name"),
        to: "resources.get",
        adds: &[],
    },
    Redirect {
        from: "pods.list",
        when: When::Extra("name"),
        to: "resources.get",
        adds: &[("kind", "Pod")],
    },
];

/// The call that was meant by one that does not fit, with what line 1 says of it; else the error that tells it.
pub(super) fn instead(
    listed: &[ListedTool],
    tool: &Tool,
    misfit: Box<Misfit>,
) -> Result<(ToolCall, String), Error> {
    let [step] = tool.steps else {
        return Err(misfit.into_error());
    };
    let redirect = REDIRECTS
        .iter()
        .filter(|redirect| redirect.from == step.op.name)
        .find(|redirect| match (&redirect.when, &*misfit) {
            (When::Missing(wanted), Misfit::Missing { name, .. }) => wanted == name,
            (When::Extra(wanted), Misfit::Extra { name, .. }) => *wanted == name.as_str(),
            _ => false,
        });
    let Some(redirect) = redirect else {
        return Err(misfit.into_error());
    };
    let (rest, extra) = match &*misfit {
        Misfit::Missing { rest, .. } => (rest, None),
        Misfit::Extra {
            rest, name, value, ..
        } => (rest, Some((name.as_str(), value))),
        Misfit::Wrong(_) => return Err(misfit.into_error()),
    };
    let mut suggestion = Next::op(redirect.to);
    for (name, value) in redirect.adds {
        suggestion = suggestion.arg(*name, *value);
    }
    for (name, value) in by_operation(tool, rest) {
        suggestion = suggestion.arg(name, value);
    }
    if let Some((name, value)) = extra {
        let Some(text) = value.as_str().filter(|text| !text.contains('*')) else {
            return Err(misfit.into_error());
        };
        suggestion = suggestion.arg(name.to_owned(), text);
    }
    match next::resolve(listed, &suggestion) {
        Some(call) => {
            let note = match redirect.when {
                When::Missing(name) => format!("{} needs {name}; instead: {}", tool.name, next::write(&call)),
                When::Extra(name) => {
                    format!("{} takes no {name}; instead: {}", tool.name, next::write(&call))
                }
            };
            Ok((call, note))
        }
        None => Err(misfit.into_error()),
    }
}

/// A read of `name: checkout-*`: the list of what matches.
pub(super) fn wildcard(
    listed: &[ListedTool],
    tool: &Tool,
    accepted: &Accepted,
) -> Option<(ToolCall, String)> {
    let pattern = accepted
        .values
        .get("name")?
        .as_str()
        .filter(|name| name.contains('*'))?;
    let mut suggestion = Next::op("resources.list");
    for (name, value) in by_operation(tool, accepted) {
        if matches!(name, "kind" | "namespace") {
            suggestion = suggestion.arg(name, value);
        }
    }
    let regex = pattern
        .split('*')
        .map(regex::escape)
        .collect::<Vec<_>>()
        .join(".*");
    let suggestion = suggestion.arg("where", format!("name~^{regex}$"));
    let call = next::resolve(listed, &suggestion)?;
    let note = format!("{} takes one name; instead: {}", tool.name, next::write(&call));
    Some((call, note))
}

/// The call that an error says was meant: the same with another value of one parameter.
pub(super) fn corrected(tool: &Tool, accepted: &Accepted, error: &mut Error) {
    let (Some((param, value)), [step]) = (error.instead.take(), tool.steps) else {
        return;
    };
    let mut suggestion = Next::op(step.op.name);
    for (name, given) in by_operation(tool, accepted) {
        // What counts anyway need not be said again.
        if name != param && !is_default(tool, step, name, &given) {
            suggestion = suggestion.arg(name, given);
        }
    }
    error.next.insert(0, suggestion.arg(param, value));
}

/// Whether this is what counts if a call does not say it.
fn is_default(tool: &Tool, step: &Step, name: &str, given: &str) -> bool {
    let binding = step.bindings.iter().find(|binding| binding.param == name);
    let Some(Source::Param(param)) = binding.map(|binding| binding.source) else {
        return false;
    };
    let param = tool.params.iter().find(|known| known.name == param);
    let default = param.and_then(|param| serde_json::from_str::<Value>(param.default?).ok());
    default.is_some_and(|default| text_of(&default) == given)
}

/// A value as operations' arguments are written.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The arguments by the operation's parameter names.
fn by_operation<'a>(tool: &'a Tool, accepted: &'a Accepted) -> Vec<(&'static str, String)> {
    let values: &Map<String, Value> = &accepted.values;
    let bindings = tool.steps.iter().take(1).flat_map(|step| step.bindings);
    let mut arguments: Vec<(&'static str, String)> = Vec::new();
    for binding in bindings {
        let value = match binding.source {
            Source::Param(param) => values.get(param).cloned(),
            Source::Fixed(json) => serde_json::from_str(json).ok(),
            _ => None,
        };
        // What only shapes a list (its limit) means nothing to another tool.
        let Some(value) = value.filter(|_| !matches!(binding.param, "limit")) else {
            continue;
        };
        arguments.push((binding.param, text_of(&value)));
    }
    if let Some(cluster) = &accepted.reserved.cluster {
        arguments.push(("cluster", cluster.clone()));
    }
    arguments
}
