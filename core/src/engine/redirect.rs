//! Calls that are turned into another tool's: the wrong one of a pair, put right.
//!
//! Reads only. The table is by operation, since the core knows no tool by name.

use serde_json::{Map, Value};

use super::{
    api::ListedTool,
    arguments::{Accepted, Misfit, normal},
    next::{self, ToolCall},
    surface::{Source, Tool},
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
    /// One of these arguments was given, which the tool does not take.
    Extra(&'static [&'static str]),
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
        when: When::Extra(&["name"]),
        to: "resources.get",
        adds: &[],
    },
    Redirect {
        from: "pods.list",
        when: When::Extra(&["name"]),
        to: "resources.get",
        adds: &[("kind", "Pod")],
    },
    Redirect {
        from: "pods.list",
        when: When::Extra(&["field_selector", "where", "sort", "fields", "output"]),
        to: "resources.list",
        adds: &[("kind", "Pod")],
    },
    Redirect {
        from: "workloads.list",
        when: When::Extra(&["kind"]),
        to: "resources.list",
        adds: &[],
    },
];

/// The call that was meant by one that does not fit, with what line 1 says of it; else the error that tells it.
pub(super) fn instead(
    listed: &[ListedTool],
    tool: &Tool,
    misfit: Box<Misfit>,
) -> Result<(ToolCall, String), Error> {
    match meant(listed, tool, &misfit) {
        Some((call, why)) => {
            let note = format!("{} {why}; instead: {}", tool.name, next::write(&call));
            Ok((call, note))
        }
        None => Err(misfit.into_error()),
    }
}

/// The call that was meant, and why it is not the one that was made.
fn meant(listed: &[ListedTool], tool: &Tool, misfit: &Misfit) -> Option<(ToolCall, String)> {
    let (redirect, name) = REDIRECTS
        .iter()
        .filter(|redirect| tool.steps.iter().any(|step| step.op.name == redirect.from))
        .find_map(|redirect| {
            let name = match (&redirect.when, misfit) {
                (When::Missing(wanted), Misfit::Missing { name, .. }) if wanted == name => *wanted,
                (When::Extra(wanted), Misfit::Extra { name, .. }) => {
                    wanted.iter().find(|wanted| normal(wanted) == normal(name))?
                }
                _ => return None,
            };
            Some((redirect, name))
        })?;
    let suggest = |op, rest: &Accepted| {
        let fixed = redirect.adds.iter().copied();
        let suggestion = fixed.fold(Next::op(op), |next, (name, value)| next.arg(name, value));
        let mut carried = by_operation(tool, &rest.arguments(tool));
        // Of one object there is no limit.
        carried.retain(|(name, _)| name != "limit" || op == "resources.list");
        with_arguments(suggestion, carried)
    };
    let (suggestion, why) = match misfit {
        Misfit::Missing { rest, .. } => (suggest(redirect.to, rest), format!("needs {name}")),
        Misfit::Extra { value, rest, .. } => {
            let text = value.as_str()?;
            let suggestion = match matches(text).filter(|_| name == "name") {
                Some(pattern) => suggest("resources.list", rest).arg("where", pattern),
                None => suggest(redirect.to, rest).arg(name, text),
            };
            (suggestion, format!("takes no {name}"))
        }
        Misfit::Wrong(_) => return None,
    };
    Some((next::resolve(listed, &suggestion)?, why))
}

/// A read of `name: checkout-*`: the list of what matches.
pub(super) fn wildcard(
    listed: &[ListedTool],
    tool: &Tool,
    accepted: &Accepted,
) -> Option<(ToolCall, String)> {
    let pattern = matches(accepted.values.get("name")?.as_str()?)?;
    let mut arguments = accepted.values.clone();
    arguments.extend(
        accepted
            .reserved
            .arguments()
            .map(|(name, value)| (name.to_owned(), value)),
    );
    let mut carried = by_operation(tool, &arguments);
    carried.retain(|(name, _)| matches!(name.as_str(), "kind" | "namespace" | "cluster"));
    let suggestion = with_arguments(Next::op("resources.list"), carried).arg("where", pattern);
    let call = next::resolve(listed, &suggestion)?;
    let note = format!("{} takes one name; instead: {}", tool.name, next::write(&call));
    Some((call, note))
}

/// What `where` says for a name with wildcards: `name~^checkout-` for `checkout-*`.
fn matches(name: &str) -> Option<String> {
    if !name.contains('*') {
        return None;
    }
    // In a name only the dot has a meaning of its own.
    let parts: Vec<String> = name
        .split('*')
        .map(|part| regex::escape(part).replace("\\-", "-"))
        .collect();
    let pattern = format!("^{}$", parts.join(".*"));
    let pattern = pattern.strip_prefix("^.*").unwrap_or(&pattern);
    Some(format!("name~{}", pattern.strip_suffix(".*$").unwrap_or(pattern)))
}

/// The call that an error says was meant: the same with another value of one parameter.
pub(super) fn corrected(tool: &Tool, accepted: &Accepted, error: &mut Error) {
    let (Some((param, value)), Some(step)) = (error.instead.take(), tool.steps.first()) else {
        return;
    };
    let mut arguments = by_operation(tool, &accepted.arguments(tool));
    match arguments.iter_mut().find(|(name, _)| name == param) {
        Some((_, given)) => *given = value,
        None => arguments.push((param.to_owned(), value)),
    }
    error
        .next
        .insert(0, with_arguments(Next::op(step.op.name), arguments));
}

/// The same call, without its cluster: to be made for another one.
pub(super) fn again(tool: &Tool, accepted: &Accepted) -> Next {
    let mut arguments = by_operation(tool, &accepted.arguments(tool));
    arguments.retain(|(name, _)| name != "cluster");
    let op = tool.steps.first().map_or("", |step| step.op.name);
    with_arguments(Next::op(op), arguments)
}

fn with_arguments(next: Next, arguments: Vec<(String, String)>) -> Next {
    arguments
        .into_iter()
        .fold(next, |next, (name, value)| next.arg(name, value))
}

/// The arguments by the names of the operations' parameters, and what a tool of one operation fixes.
fn by_operation(tool: &Tool, arguments: &Map<String, Value>) -> Vec<(String, String)> {
    let bindings = || tool.steps.iter().flat_map(|step| step.bindings);
    let given = arguments.iter().map(|(name, value)| {
        let bound =
            bindings().find(|binding| matches!(binding.source, Source::Param(param) if param == name));
        (
            bound.map_or(name.as_str(), |binding| binding.param),
            value.clone(),
        )
    });
    let fixed = bindings().filter_map(|binding| match binding.source {
        Source::Fixed(json) if tool.steps.len() == 1 => {
            Some((binding.param, serde_json::from_str(json).ok()?))
        }
        _ => None,
    });
    given
        .chain(fixed)
        // A table is what a list is by itself, and nothing that another tool knows.
        .filter(|(name, value)| !(*name == "output" && value == "table"))
        .map(|(name, value)| (name.to_owned(), text_of(name, &value)))
        .collect()
}

/// A value as it is written in a call: a list between commas, where it is read so.
fn text_of(name: &str, value: &Value) -> String {
    let is_plain = |text: &&str| name != "command" && !text.contains([',', ' ']);
    let plain = value.as_array().and_then(|items| {
        let texts = items.iter().map(|item| item.as_str().filter(is_plain));
        texts.collect::<Option<Vec<&str>>>()
    });
    match (value.as_str(), plain) {
        (Some(text), _) => text.to_owned(),
        (None, Some(items)) if !items.is_empty() => items.join(","),
        _ => value.to_string(),
    }
}
