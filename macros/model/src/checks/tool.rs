//! A tool.

use super::{
    Context,
    bind::{self, Job},
    examples, offer,
    params::{self, Declared},
    scope::{ParamFact, Scope},
    steps::{self, Steps},
    template::{Walker, missing_template_help},
};
use crate::{
    ir::{Step, Tool},
    schema,
    signature::{Access, Output, Signature},
    spec::{Shape, TOOL, conform, value_of},
    suggest,
    tree::Node,
};

/// Reads a tool. What can be made of it is returned even if there are mistakes.
pub(crate) fn read<'a>(context: &mut Context<'a>, node: &'a Node, toolset: &str) -> Option<Tool> {
    conform(node, &Shape::Form(&TOOL), "a tool", &mut context.found);
    let name = node.text("name").unwrap_or_default();
    let owner = format!("tool `{name}`");
    exclusive(context, node);
    let operation = match node.get("op") {
        Some(op) => context.operation(op),
        None => None,
    };
    let own: Vec<&str> = operation
        .iter()
        .flat_map(|operation| &operation.params)
        .map(|param| param.name.as_str())
        .collect();
    let (mut declared, facts) = params::read(context, value_of(node, &TOOL, "params"), false, &own);
    completions(context, &owner, &mut declared, &facts);

    let composed = node.get("steps").filter(|_| node.get("op").is_none());
    let (steps, operations, known) = match composed {
        Some(list) => {
            let read = steps::read(context, list, &owner, &facts, &mut declared, None);
            let known = read.operations.iter().all(Option::is_some);
            let operations: Vec<&Signature> = read.operations.iter().flatten().copied().collect();
            let template = answer(context, node, &owner, &facts, &read);
            (
                Work {
                    steps: read.steps,
                    template,
                },
                operations,
                known,
            )
        }
        None => {
            let step = operation
                .and_then(|operation| single(context, node, operation, &owner, &facts, &mut declared));
            (
                Work {
                    steps: step.into_iter().collect(),
                    template: None,
                },
                operation.into_iter().collect(),
                operation.is_some(),
            )
        }
    };
    // Without the operation nobody knows what would have been used; with `steps` beside it neither.
    if known && (composed.is_some() || node.get("steps").is_none()) {
        let names: Vec<&str> = operations
            .iter()
            .flat_map(|operation| &operation.params)
            .map(|param| param.name.as_str())
            .collect();
        params::unused(context, &facts, &owner, &names);
    }
    let access = operations
        .iter()
        .map(|operation| operation.access)
        .max()
        .filter(|_| known);
    let always_confirm = offer::confirm(context, node, access);
    let offer = offer::offer(context, node, operation);
    let params: Vec<_> = declared.into_iter().map(|declared| declared.param).collect();
    let answers_with_rows = steps.template.is_none();
    let examples = examples::read(context, node, &params, &offer, &operations, answers_with_rows);
    let schema = schema::input(&params, &offer, &operations);
    Some(Tool {
        name: name.to_owned(),
        title: node.text("title").map(str::to_owned),
        description: node.text("description").unwrap_or_default().trim().to_owned(),
        toolset: toolset.to_owned(),
        always_confirm,
        params,
        offer,
        schema,
        steps: steps.steps,
        template: steps.template,
        examples,
        at: node
            .get("name")
            .map_or(&node.place, |name| &name.place)
            .to_string(),
    })
}

struct Work {
    steps: Vec<Step>,
    template: Option<String>,
}

/// `op` or `steps`, and what goes with which.
fn exclusive(context: &mut Context<'_>, node: &Node) {
    match (node.entry("op"), node.entry("steps")) {
        (Some(_), Some((steps, _))) => {
            let help = Some("make a step of the operation too, or leave the steps out".to_owned());
            context.report(
                "op-or-steps",
                "a tool has `op` or `steps`, not both",
                &steps.place,
                help,
            );
        }
        (None, None) => {
            let misspelt = node.entries().iter().any(|(key, _)| {
                TOOL.names().all(|name| name != key.name)
                    && suggest::nearest(&key.name, ["op", "steps"]).is_some()
            });
            if !misspelt && !node.entries().is_empty() {
                let place = node
                    .entry("name")
                    .map_or(&node.place, |(key, _)| &key.place)
                    .clone();
                let help =
                    Some("write `op: resources.list`; `kube-mcp operations` lists what there is".to_owned());
                context.report("op-or-steps", "a tool needs `op` or `steps`", &place, help);
            }
        }
        _ => {}
    }
    if let (Some(_), Some((with, _))) = (node.get("steps"), node.entry("with")) {
        let help = Some("write `with` in the step whose operation it is for".to_owned());
        context.report(
            "op-or-steps",
            "`with` goes with `op`, and this tool has `steps`",
            &with.place,
            help,
        );
    }
    if let (Some(_), None, Some((output, _))) = (node.get("op"), node.get("steps"), node.entry("output")) {
        let help = Some(
            "make a step of the operation: `steps: [{id: main, op: …}]`; a template names its result by id"
                .to_owned(),
        );
        context.report(
            "output-without-steps",
            "`output` renders the results of steps, and this tool has none",
            &output.place,
            help,
        );
    }
}

fn single<'a>(
    context: &mut Context<'a>,
    node: &'a Node,
    operation: &'a Signature,
    owner: &str,
    facts: &[ParamFact],
    declared: &mut [Declared<'a>],
) -> Option<Step> {
    let op = node.get("op")?;
    let scope = Scope {
        params: Some(facts),
        ..Scope::of(owner)
    };
    let job = Job {
        operation,
        place: &op.place,
        with: value_of(node, &TOOL, "with"),
        scope,
        implied: &[],
        completes: None,
    };
    let bindings = bind::bind(context, &job, declared);
    Some(plain_step(operation, bindings, op))
}

/// A step of an operation that stands alone.
pub(crate) fn plain_step(operation: &Signature, bindings: Vec<crate::ir::Binding>, op: &Node) -> Step {
    Step {
        id: String::new(),
        op: operation.name.clone(),
        bindings,
        when: None,
        continue_on_error: false,
        cluster: None,
        needs: Vec::new(),
        at: op.place.to_string(),
    }
}

/// The template of the answer.
fn answer(
    context: &mut Context<'_>,
    node: &Node,
    owner: &str,
    facts: &[ParamFact],
    steps: &Steps<'_>,
) -> Option<String> {
    let named = node.get("output").and_then(|output| output.get("template"));
    let Some(named) = named else {
        if node.get("output").is_none() {
            steps::unused(context, steps, steps.facts.len().checked_sub(1));
        }
        return None;
    };
    let scope = Scope {
        params: Some(facts),
        steps: Some(&steps.facts),
        reach: steps.facts.len(),
        ..Scope::of(owner)
    };
    let template = file(context, named, scope)?;
    steps::unused(context, steps, None);
    Some(template)
}

/// Checks the template that a value names.
pub(crate) fn file(context: &mut Context<'_>, named: &Node, scope: Scope<'_>) -> Option<String> {
    let name = named.as_str().filter(|name| !name.trim().is_empty())?;
    let Some((_, parsed)) = context.library.get(name) else {
        let help = missing_template_help(name, &context.library);
        context.report(
            "unknown-template",
            format!("there is no template `{name}`"),
            &named.place,
            help,
        );
        return None;
    };
    let note = format!("used by {} at {}", scope.owner, named.place);
    let text = parsed.text;
    let broken = parsed.body.is_none();
    Walker::new(scope, &context.library, context.catalog, text, &mut context.found).file(name, Some(note));
    // Nothing is known of what a template uses that cannot be read.
    if broken {
        scope.use_params();
        scope.use_steps();
        return None;
    }
    Some(name.to_owned())
}

/// `complete` of parameters.
pub(crate) fn completions<'a>(
    context: &mut Context<'a>,
    owner: &str,
    declared: &mut [Declared<'a>],
    facts: &[ParamFact],
) {
    for index in 0..declared.len() {
        let Some(node) = declared[index].node.get("complete") else {
            continue;
        };
        let name = declared[index].param.name.clone();
        let scope = Scope {
            params: Some(facts),
            ..Scope::of(owner)
        };
        let step = completion(context, node, scope, &name, declared);
        declared[index].param.complete = step;
    }
}

/// What completes a parameter or variable: an operation that reads and answers with a table.
pub(crate) fn completion<'a>(
    context: &mut Context<'a>,
    node: &'a Node,
    scope: Scope<'_>,
    name: &str,
    declared: &mut [Declared<'a>],
) -> Option<Step> {
    let op = node.get("op")?;
    let operation = context.read_operation(op, "a completion")?;
    if operation.output != Output::Table {
        let message = format!(
            "operation `{}` gives no table whose names could be offered",
            operation.name
        );
        let lists = |known: &&Signature| {
            known.access == Access::Read && known.output == Output::Table && known.name.ends_with(".names")
        };
        let names = context.catalog.operations.iter().filter(lists);
        let names = suggest::list(names.map(|known| known.name.as_str()));
        let help = match names.is_empty() {
            true => "take one that answers with a table".to_owned(),
            false => format!("take one that answers with a table, e.g. {names}"),
        };
        context.report("complete-not-a-table", message, &op.place, Some(help));
    }
    let job = Job {
        operation,
        place: &op.place,
        with: node.get("with"),
        scope,
        implied: &[],
        completes: Some(name),
    };
    // Completing another parameter is no use of one.
    let bindings = scope.without_use(|| bind::bind(context, &job, declared));
    Some(plain_step(operation, bindings, op))
}
