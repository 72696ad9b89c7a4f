//! What to do next: from an operation and its arguments to a call of a tool that is listed.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{
    api::ListedTool,
    registry::reaches_cluster,
    surface::{Source, Step, Tool},
};
use crate::output::Next;

/// A call of a listed tool.
#[derive(Clone, Debug)]
pub(super) struct ToolCall {
    pub(super) tool: &'static Tool,
    pub(super) arguments: Map<String, Value>,
}

/// The first listed tool that binds the operation with agreeing fixed values, with the arguments renamed back to
/// its parameters. Tools of one step come first: a composed tool does more than what is meant.
pub(super) fn resolve(listed: &[ListedTool], next: &Next) -> Option<ToolCall> {
    let (single, composed): (Vec<&ListedTool>, Vec<&ListedTool>) = listed
        .iter()
        .partition(|listed| listed.tool.steps.len() == 1 && listed.tool.template.is_none());
    single.into_iter().chain(composed).find_map(|listed| {
        let tool = listed.tool;
        let step = tool.steps.iter().find(|step| step.op.name == next.op)?;
        let arguments = rename(listed, step, next)?;
        Some(ToolCall { tool, arguments })
    })
}

fn rename(listed: &ListedTool, step: &Step, next: &Next) -> Option<Map<String, Value>> {
    let mut arguments = Map::new();
    for (name, value) in &next.args {
        let binding = step
            .bindings
            .iter()
            .find(|binding| binding.param == name.as_ref());
        match binding.map(|binding| binding.source) {
            Some(Source::Param(param)) => {
                arguments.insert(param.to_owned(), Value::from(value.clone()));
            }
            Some(Source::Fixed(json)) if agrees(json, value) => {}
            None if is_reserved(listed, name) => {
                arguments.insert(name.to_string(), Value::from(value.clone()));
            }
            _ => return None,
        }
    }
    // A fixed value that the suggestion says nothing about narrows the tool to something else.
    let narrows = step.bindings.iter().any(|binding| {
        matches!(binding.source, Source::Fixed(_)) && !next.args.iter().any(|(name, _)| name == binding.param)
    });
    let complete = listed
        .tool
        .params
        .iter()
        .all(|param| !param.required || arguments.contains_key(param.name));
    (complete && !narrows).then_some(arguments)
}

/// Whether the engine adds this parameter to the tool. A cluster is taken even where there is only one.
fn is_reserved(listed: &ListedTool, name: &str) -> bool {
    let own = listed.tool.params.iter().any(|param| param.name == name);
    match name {
        "cluster" => reaches_cluster(listed.tool.steps),
        name => listed.advertises(name) && !own,
    }
}

fn agrees(json: &str, value: &str) -> bool {
    match serde_json::from_str(json) {
        Ok(Value::String(fixed)) => fixed.eq_ignore_ascii_case(value),
        Ok(fixed) => json == value || fixed.as_str() == Some(value),
        Err(_) => false,
    }
}

/// `tool key=value key=value`: what `kube-mcp call` takes too.
pub(super) fn write(call: &ToolCall) -> String {
    let mut text = call.tool.name.to_owned();
    for (name, value) in &call.arguments {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let quoted = value.is_empty() || value.contains(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        if quoted {
            _ = write!(text, " {name}={}", Value::from(value));
        } else {
            _ = write!(text, " {name}={value}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        call::{Access, Operation, Reach},
        engine::{
            surface::{Binding, Invoke, Param},
            tests::{self, bind, operation, param},
        },
        output::OutputKind,
    };

    static LIST: Operation = Operation {
        reach: Reach::Cluster,
        output: OutputKind::Table,
        paged: true,
        ..operation("resources.list", Access::Read)
    };

    const SCHEMA: &str = r#"{"properties": {"where": {"type": "string"}}}"#;

    const fn step(bindings: &'static [Binding]) -> Step {
        let invoke =
            Invoke::Cluster(|_, _| Box::pin(async { Err(crate::Error::internal("not run").into()) }));
        tests::step("", &LIST, bindings, invoke)
    }

    const fn tool(name: &'static str, params: &'static [Param], steps: &'static [Step]) -> Tool {
        Tool {
            offer: &["where"],
            schema: SCHEMA,
            ..tests::tool(name, params, steps, None)
        }
    }

    /// A tool of daemon sets only, which comes first, and one of any kind that renames the selector.
    fn listed() -> Vec<ListedTool> {
        static DAEMONSETS: Tool = tool(
            "daemonsets_list",
            &[param("namespace", false)],
            &[step(&[
                bind("kind", Source::Fixed("\"DaemonSet\"")),
                bind("namespace", Source::Param("namespace")),
            ])],
        );
        static RESOURCES: Tool = tool(
            "resources_list",
            &[
                param("kind", true),
                param("namespace", false),
                param("selector", false),
            ],
            &[step(&[
                bind("kind", Source::Param("kind")),
                bind("namespace", Source::Param("namespace")),
                bind("label_selector", Source::Param("selector")),
            ])],
        );
        [&DAEMONSETS, &RESOURCES]
            .map(|tool| ListedTool {
                tool,
                access: Access::Read,
                schema: Arc::new(serde_json::from_str(SCHEMA).unwrap()),
            })
            .to_vec()
    }

    fn written(next: Next) -> Option<String> {
        resolve(&listed(), &next).map(|call| write(&call))
    }

    #[test]
    fn fixed_values_have_to_agree() {
        let list = |kind: &str| {
            Next::op("resources.list")
                .arg("kind", kind)
                .arg("namespace", "shop")
        };
        assert_eq!(
            written(list("daemonset")).unwrap(),
            "daemonsets_list namespace=shop"
        );
        assert_eq!(
            written(list("Pod")).unwrap(),
            "resources_list kind=Pod namespace=shop"
        );
    }

    #[test]
    fn arguments_are_renamed_back_and_quoted() {
        let next = Next::op("resources.list")
            .arg("kind", "Pod")
            .arg("label_selector", "env in (a, b)");
        assert_eq!(
            written(next).unwrap(),
            r#"resources_list kind=Pod selector="env in (a, b)""#
        );
    }

    #[test]
    fn what_no_listed_tool_can_do_is_dropped() {
        assert_eq!(written(Next::op("resources.delete").arg("kind", "Pod")), None);
        assert_eq!(written(Next::op("resources.list")), None, "kind is required");
        assert_eq!(
            written(Next::op("resources.list").arg("kind", "Pod").arg("colour", "red")),
            None
        );
    }

    #[test]
    fn what_the_engine_adds_passes() {
        let next = Next::op("resources.list")
            .arg("kind", "Pod")
            .arg("where", "restarts>5")
            .arg("cluster", "prod");
        assert_eq!(
            written(next).unwrap(),
            "resources_list kind=Pod where=restarts>5 cluster=prod"
        );
    }
}
