//! Examples of calls: arguments that fit, expectations that can be met.

use serde_json::{Value as Json, json};

use super::{
    Context, offer,
    params::{ADDED, value_fits},
};
use crate::{
    ir::{Example, Param, ParamKind},
    signature::{Access, Output, Reach, Signature},
    suggest,
    tree::Node,
};

/// Reads `examples`.
pub(crate) fn read(
    context: &mut Context<'_>,
    tool: &Node,
    params: &[Param],
    offered: &[String],
    operations: &[&Signature],
    answers_with_rows: bool,
) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    let reserved = reserved(offered, operations);
    for node in tool.get("examples").map(Node::items).unwrap_or_default() {
        let name = node.text("name").unwrap_or_default();
        let place = node.get("name").map_or(&node.place, |name| &name.place);
        if !name.is_empty() && examples.iter().any(|known| known.name == name) {
            let help = Some("give each a name of its own".to_owned());
            context.report(
                "duplicate-name",
                format!("two examples are called `{name}`"),
                place,
                help,
            );
        }
        // An example of an error may well call wrongly.
        if node
            .get("expect")
            .is_none_or(|expect| expect.get("error").is_none())
        {
            arguments(context, node, params, &reserved);
        }
        expectations(context, node, operations, answers_with_rows);
        examples.push(Example {
            name: name.to_owned(),
            args: node.get("args").map_or_else(|| json!({}), Node::to_json),
            expect: node.get("expect").map_or_else(|| json!({}), Node::to_json),
            at: place.to_string(),
        });
    }
    examples
}

/// The reserved parameters that a call may give, as if they were declared.
fn reserved(offered: &[String], operations: &[&Signature]) -> Vec<Param> {
    let mut reserved = Vec::new();
    let mut add = |name: &str, kind: ParamKind, choices: &[&str]| {
        reserved.push(Param {
            name: name.to_owned(),
            kind,
            description: String::new(),
            required: false,
            default: None,
            choices: choices.iter().map(|choice| (*choice).to_owned()).collect(),
            minimum: None,
            maximum: None,
            complete: None,
            at: String::new(),
        });
    };
    for name in offered {
        let views = match (name.as_str(), operations) {
            ("output", [operation]) => offer::views(&operation.output),
            _ => &[],
        };
        add(name, ParamKind::String, views);
    }
    if operations
        .iter()
        .any(|operation| operation.reach == Reach::Cluster)
    {
        add("cluster", ParamKind::String, &[]);
    }
    if let [operation] = operations
        && operation.paged
    {
        add("cursor", ParamKind::String, &[]);
    }
    if operations.iter().any(|operation| operation.access > Access::Read) {
        add("dry_run", ParamKind::Boolean, &[]);
        add("confirm", ParamKind::String, &[]);
    }
    reserved
}

fn arguments(context: &mut Context<'_>, example: &Node, params: &[Param], reserved: &[Param]) {
    let args = example.get("args").map(Node::entries).unwrap_or_default();
    for (key, value) in args {
        let Some(param) = params.iter().chain(reserved).find(|param| param.name == key.name) else {
            let names = params.iter().chain(reserved).map(|param| param.name.as_str());
            let help = match key.name.as_str() {
                name if ADDED.contains(&name) => Some("leave it out: it does not apply here".to_owned()),
                name => suggest::help(name, names, "its parameters are"),
            };
            let message = format!("the tool has no parameter `{}`", key.name);
            context.report("example-argument", message, &key.place, help);
            continue;
        };
        if let Err((expected, help)) = value_fits(&value.to_json(), param) {
            let message = format!("argument `{}` has to be {expected}", key.name);
            context.report("example-argument", message, &value.place, help);
        }
    }
    for param in params.iter().filter(|param| param.required) {
        if args.iter().all(|(key, _)| key.name != param.name) {
            let place = example
                .entry("args")
                .or_else(|| example.entry("name"))
                .map(|(key, _)| &key.place);
            let message = format!("the example does not give `{}`, which is required", param.name);
            let help = Some(format!(
                "write `args: {{{}: …}}`; or, if the error is the point, `expect: {{error: …}}`",
                param.name
            ));
            context.report("example-argument", message, place.unwrap_or(&example.place), help);
        }
    }
}

fn expectations(
    context: &mut Context<'_>,
    example: &Node,
    operations: &[&Signature],
    answers_with_rows: bool,
) {
    let Some(expect) = example.get("expect") else {
        return;
    };
    if let Some((key, rows)) = expect.entry("rows") {
        let table = operations
            .last()
            .is_none_or(|operation| operation.output == Output::Table);
        if !answers_with_rows || !table {
            let message = "the answer is no table and has no rows to count";
            context.report(
                "rows-without-table",
                message,
                &key.place,
                Some("use `contains`".to_owned()),
            );
        }
        let bound = |name: &str| rows.get(name).map(Node::to_json).as_ref().and_then(Json::as_u64);
        if let (Some(least), Some(most)) = (bound("min"), bound("max"))
            && least > most
        {
            let message = format!("no number of rows is at least {least} and at most {most}");
            context.report(
                "bad-bounds",
                message,
                &rows.place,
                Some("swap the two".to_owned()),
            );
        }
    }
}
