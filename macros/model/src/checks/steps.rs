//! Steps: their order, what they refer to, and that at most the last one changes something.

use std::cell::Cell;

use super::{
    Context,
    bind::{self, Job},
    data::Data,
    params::Declared,
    scope::{ParamFact, Scope, StepFact},
    template::{Outcome, Text, Walker},
};
use crate::{
    diagnostic::Diagnostic,
    ir::{Placed, Step},
    signature::{Access, Reach, Signature},
    spec::name_is_good,
    tree::Node,
};

/// No more steps than this: who needs more writes an operation.
const MOST: usize = 8;

/// Steps that were read.
pub(crate) struct Steps<'a> {
    pub(crate) steps: Vec<Step>,
    pub(crate) facts: Vec<StepFact>,
    pub(crate) operations: Vec<Option<&'a Signature>>,
}

/// Reads the steps of a tool or, where `reads_only` says who only reads, of a prompt.
pub(crate) fn read<'a>(
    context: &mut Context<'a>,
    list: &'a Node,
    owner: &str,
    params: &[ParamFact],
    declared: &mut [Declared<'a>],
    reads_only: Option<&str>,
) -> Steps<'a> {
    let nodes = list.items();
    if nodes.len() > MOST {
        let message = format!("{owner} has {} steps, and {MOST} are the most", nodes.len());
        let help = Some("write an operation that does it".to_owned());
        context.report("too-many-steps", message, &nodes[MOST].place, help);
    }
    let mut facts: Vec<StepFact> = Vec::new();
    let mut operations = Vec::new();
    for node in nodes {
        let operation = node.get("op").and_then(|op| match reads_only {
            Some(what) => context.read_operation(op, what),
            None => context.operation(op),
        });
        let id = node.text("id").unwrap_or_default();
        let id_place = node.get("id").map_or(&node.place, |id| &id.place);
        let twin = facts.iter().find(|fact| !id.is_empty() && fact.id == id);
        if let Some(first) = twin {
            context.found.push(
                Diagnostic::new(
                    "duplicate-step",
                    format!("two steps are called `{id}`"),
                    id_place.clone(),
                )
                .note(format!("the other one is at {}", first.place))
                .help("give it an id of its own"),
            );
        }
        // Nothing can refer to it, which is no mistake of its own.
        let nameless = !name_is_good(id) || twin.is_some();
        facts.push(StepFact {
            id: if nameless { String::new() } else { id.to_owned() },
            place: id_place.clone(),
            data: operation.map_or(Data::Any, |operation| Data::of(operation, context.catalog)),
            may_skip: node.get("when").is_some() || node.text("on_error") == Some("continue"),
            used: Cell::new(nameless),
        });
        operations.push(operation);
    }
    changes(context, nodes, &operations);
    let mut steps = Vec::new();
    for (index, (node, operation)) in nodes.iter().zip(&operations).enumerate() {
        let scope = Scope {
            params: Some(params),
            steps: Some(&facts),
            reach: index,
            ..Scope::of(owner)
        };
        let before: Vec<bool> = facts.iter().map(|fact| fact.used.replace(false)).collect();
        steps.push(step(context, node, *operation, scope, declared));
        let needs = facts
            .iter()
            .enumerate()
            .filter(|(_, fact)| fact.used.get())
            .map(|(index, _)| index);
        if let Some(Some(step)) = steps.last_mut() {
            step.needs = needs.collect();
        }
        for (fact, before) in facts.iter().zip(before) {
            fact.used.set(fact.used.get() || before);
        }
    }
    Steps {
        steps: steps.into_iter().flatten().collect(),
        facts,
        operations,
    }
}

/// A change comes last, alone, and fails the call if it fails.
fn changes(context: &mut Context<'_>, nodes: &[Node], operations: &[Option<&Signature>]) {
    let changing =
        |operation: &Option<&Signature>| operation.is_some_and(|operation| operation.access > Access::Read);
    let indexes: Vec<usize> = operations
        .iter()
        .enumerate()
        .filter(|(_, operation)| changing(operation))
        .map(|(index, _)| index)
        .collect();
    let place = |index: usize| nodes[index].get("op").map_or(&nodes[index].place, |op| &op.place);
    for second in indexes.iter().skip(1) {
        let help = Some("make a tool of each change, or write an operation that plans both".to_owned());
        let message = "only one step may change something, and an earlier one does".to_owned();
        context.report("second-change", message, place(*second), help);
    }
    if let [first, ..] = indexes.as_slice()
        && indexes.len() == 1
        && first + 1 < nodes.len()
    {
        let help = Some("move it to the end: what comes after a change was not in its plan".to_owned());
        context.report(
            "change-not-last",
            "the step that changes something comes last",
            place(*first),
            help,
        );
    }
    for index in indexes {
        if let Some(node) = nodes[index]
            .get("on_error")
            .filter(|node| node.as_str() == Some("continue"))
        {
            let help = Some("leave `on_error` out: a change that failed is the answer".to_owned());
            let message = "a step that changes something cannot go on when it fails";
            context.report("change-continues", message, &node.place, help);
        }
    }
}

fn step<'a>(
    context: &mut Context<'a>,
    node: &'a Node,
    operation: Option<&'a Signature>,
    scope: Scope<'_>,
    declared: &mut [Declared<'a>],
) -> Option<Step> {
    let (condition, when) = condition(context, node, scope);
    let cluster = node.get("cluster").and_then(|cluster| {
        if operation.is_some_and(|operation| operation.reach == Reach::Server) {
            let message = format!(
                "operation `{}` works on no cluster",
                operation
                    .map(|operation| operation.name.as_str())
                    .unwrap_or_default()
            );
            context.report(
                "cluster-not-taken",
                message,
                &cluster.place,
                Some("leave `cluster` out".to_owned()),
            );
        }
        bind::source(context, cluster, scope)
    });
    let operation = operation?;
    let place = node.get("op").map_or(&node.place, |op| &op.place);
    let job = Job {
        operation,
        place,
        with: node.get("with"),
        scope,
        implied: &condition.implied,
        completes: None,
    };
    let bindings = bind::bind(context, &job, declared);
    Some(Step {
        id: node.text("id").unwrap_or_default().to_owned(),
        op: operation.name.clone(),
        bindings,
        when,
        continue_on_error: node.text("on_error") == Some("continue"),
        cluster,
        needs: Vec::new(),
        at: place.to_string(),
    })
}

fn condition<'a>(context: &mut Context<'a>, node: &'a Node, scope: Scope<'_>) -> (Outcome, Option<Placed>) {
    let Some(when) = node.get("when") else {
        return (Outcome::default(), None);
    };
    let Some(text) = when.as_str().filter(|text| !text.trim().is_empty()) else {
        return (Outcome::default(), None);
    };
    if text.contains("{{") || text.contains("{%") {
        let bare = text.replace("{{", "").replace("}}", "");
        let help = Some(format!("write it bare: \"{}\"", bare.trim()));
        scope.mentioned(text);
        context.report(
            "braces-in-condition",
            "a condition is an expression, without braces",
            &when.place,
            help,
        );
        return (Outcome::default(), None);
    }
    if let Some(bare) = text.strip_prefix('$') {
        let help = Some(format!("write `{bare}`"));
        scope.mentioned(text);
        context.report(
            "template-syntax",
            "names in a condition have no dollar",
            &when.place,
            help,
        );
        return (Outcome::default(), None);
    }
    let text_at = Text::Inline {
        node: when,
        text,
        source: context.source(when),
    };
    let outcome = Walker::new(
        scope,
        &context.library,
        context.catalog,
        text_at,
        &mut context.found,
    )
    .condition(text);
    (
        outcome,
        Some(Placed {
            text: text.to_owned(),
            at: when.place.to_string(),
        }),
    )
}

/// Reports steps whose result nobody asks for. `last` is the index of the step that is the answer.
pub(crate) fn unused(context: &mut Context<'_>, steps: &Steps<'_>, last: Option<usize>) {
    for (index, fact) in steps.facts.iter().enumerate() {
        let changes = steps.operations[index].is_none_or(|operation| operation.access > Access::Read);
        if fact.used.get() || Some(index) == last || changes {
            continue;
        }
        let help = match last {
            Some(_) => format!(
                "bind `$steps.{}.…` in a later step, render it with `output: {{template: …}}`, or leave it out",
                fact.id
            ),
            None => format!("use `steps.{}` in the template, or leave the step out", fact.id),
        };
        context.report(
            "unused-step",
            format!("nothing uses the result of step `{}`", fact.id),
            &fact.place,
            Some(help),
        );
    }
}
