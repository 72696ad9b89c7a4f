//! A resource: a URI template (RFC 6570, level 1) and the operation that reads it.

use std::cell::Cell;

use super::{
    Context,
    bind::{self, Job},
    scope::{Scope, VarFact},
    tool,
};
use crate::{
    diagnostic::Place,
    ir::Resource,
    signature::Output,
    spec::{RESOURCE, Shape, check_name, conform},
    suggest,
    tree::Node,
};

/// The variable that says which cluster to read; the engine takes it.
const CLUSTER: &str = "cluster";
/// The variable that is `_` for an object without a namespace.
const NAMESPACE: &str = "namespace";

/// Reads a resource.
pub(crate) fn read<'a>(context: &mut Context<'a>, node: &'a Node) -> Option<Resource> {
    conform(node, &Shape::Form(&RESOURCE), "a resource", &mut context.found);
    let name = node.text("name").unwrap_or_default();
    let owner = format!("resource `{name}`");
    let uri = node.get("uri")?;
    let vars = variables(context, uri);
    let known = vars.is_some();
    let vars = vars.unwrap_or_default();
    let scope = Scope {
        vars: Some(&vars),
        ..Scope::of(&owner)
    };

    let op = node.get("op");
    let operation = op.and_then(|op| context.read_operation(op, "a resource"));
    let step = op.zip(operation).filter(|_| known).map(|(op, operation)| {
        let job = Job {
            operation,
            place: &op.place,
            with: node.get("with"),
            scope,
            implied: &[],
            completes: None,
        };
        let bindings = bind::bind(context, &job, &mut []);
        tool::plain_step(operation, bindings, op)
    });
    if step.is_some() {
        for var in vars.iter().filter(|var| !var.used.get() && var.name != CLUSTER) {
            let message = format!("variable `{}` of the URI is not used", var.name);
            let help = format!(
                "bind it: `with: {{…: $uri.{}}}`, or take it out of the URI",
                var.name
            );
            context.report("unused-uri-variable", message, &uri.place, Some(help));
        }
    }
    let mut complete = Vec::new();
    for (key, node) in node.get("complete").map(Node::entries).unwrap_or_default() {
        if known && scope.var(&key.name).is_none() {
            let names = vars.iter().map(|var| var.name.as_str());
            let help = suggest::help(&key.name, names, "its variables are");
            let message = format!("the URI of {owner} has no variable `{}`", key.name);
            context.report("unknown-uri-variable", message, &key.place, help);
            continue;
        }
        if let Some(step) = tool::completion(context, node, scope, &key.name, &mut []) {
            complete.push((key.name.clone(), step));
        }
    }
    let subscribe = node.flag("subscribe").unwrap_or(false);
    if subscribe
        && let Some((key, _)) = node.entry("subscribe")
        && operation.is_some_and(|operation| operation.output != Output::Object)
    {
        let message = "only API objects can be watched, and this operation gives none";
        context.report(
            "subscribe-without-object",
            message,
            &key.place,
            Some("leave `subscribe` out".to_owned()),
        );
    }
    Some(Resource {
        name: name.to_owned(),
        title: node.text("title").map(str::to_owned),
        description: node.text("description").unwrap_or_default().trim().to_owned(),
        uri: uri.as_str().unwrap_or_default().to_owned(),
        mime: node.text("mime").map_or_else(
            || mime(operation.map(|operation| &operation.output)),
            str::to_owned,
        ),
        step: step?,
        complete,
        subscribe,
        at: node
            .get("name")
            .map_or(&node.place, |name| &name.place)
            .to_string(),
    })
}

fn mime(output: Option<&Output>) -> String {
    match output {
        Some(Output::Object | Output::Record(_)) => "application/yaml",
        _ => "text/plain",
    }
    .to_owned()
}

/// The variables of a URI; none if it is not one, which is reported.
fn variables(context: &mut Context<'_>, node: &Node) -> Option<Vec<VarFact>> {
    let uri = node.as_str()?;
    let bad = |context: &mut Context<'_>, message: String, help: &str| {
        context.report("bad-uri", message, &node.place, Some(help.to_owned()));
        None
    };
    const FORM: &str = "write it as k8s://{cluster}/{namespace}/{kind}/{name}";
    let scheme = uri.split_once("://").map(|(scheme, _)| scheme);
    let good_scheme = scheme.is_some_and(|scheme| {
        scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
    });
    if !good_scheme || uri.contains(char::is_whitespace) {
        return bad(context, format!("`{uri}` is not a URI"), FORM);
    }
    let mut vars: Vec<VarFact> = Vec::new();
    let mut rest = uri;
    let mut after_variable = false;
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return bad(context, "a `}` in the URI closes nothing".to_owned(), FORM);
        }
        if after_variable && open == 0 {
            return bad(
                context,
                "two variables of the URI have nothing between them".to_owned(),
                "put a `/` between them, so that it is clear where one ends",
            );
        }
        let Some(close) = rest[open..].find('}') else {
            return bad(context, "a `{` in the URI is not closed".to_owned(), FORM);
        };
        let name = &rest[open + 1..open + close];
        if name.starts_with(['+', '#', '/', '.', ';', '?', '&']) || name.ends_with('*') || name.contains(',')
        {
            return bad(
                context,
                format!("`{{{name}}}` is beyond what URIs may use here"),
                "use plain variables, `{name}` (RFC 6570, level 1)",
            );
        }
        let place = Place { ..node.place.clone() };
        check_name(name, &place, &mut context.found);
        if vars.iter().any(|var| var.name == name) {
            return bad(
                context,
                format!("variable `{name}` occurs twice in the URI"),
                "name each of them once",
            );
        }
        vars.push(VarFact {
            name: name.to_owned(),
            always: name != NAMESPACE,
            used: Cell::new(false),
        });
        rest = &rest[open + close + 1..];
        after_variable = true;
    }
    Some(vars)
}
