//! `show TOOL`: a tool as the engine will run it.

use std::fmt::Write;

use crate::{
    checks::type_words,
    ir::{Source, Step, Tool},
    schema::changes,
    signature::{Access, Catalog, Reach, Signature},
};

/// What a tool is made of: where it stands, its access, the reserved parameters it gets, its schema and what every
/// parameter of its operations is bound to, with places.
pub fn describe(tool: &Tool, catalog: &Catalog) -> String {
    let operation = |step: &Step| {
        catalog
            .operations
            .iter()
            .find(|operation| operation.name == step.op)
    };
    let operations: Vec<&Signature> = tool.steps.iter().filter_map(operation).collect();
    let access = operations
        .iter()
        .map(|operation| operation.access)
        .max()
        .unwrap_or(Access::Read);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{}  {}", tool.name, tool.at);
    if let Some(title) = &tool.title {
        let _ = writeln!(text, "title: {title}");
    }
    let _ = writeln!(text, "{}", tool.description);
    let _ = writeln!(text, "toolset: {}", tool.toolset);
    let confirm = if tool.always_confirm { ", always asks" } else { "" };
    let _ = writeln!(text, "access: {}{confirm}", access_word(access));
    let _ = writeln!(text, "reserved parameters: {}", reserved(tool, &operations));
    for step in &tool.steps {
        describe_step(&mut text, step, operation(step), catalog);
    }
    if let Some(template) = &tool.template {
        let _ = writeln!(text, "\nanswer: templates/{template}");
    }
    let _ = writeln!(text, "\ninput schema:\n{:#}", tool.schema);
    text
}

/// The word for an access.
pub fn access_word(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Destructive => "destructive",
        Access::Exec => "exec",
    }
}

fn reserved(tool: &Tool, operations: &[&Signature]) -> String {
    let mut names: Vec<String> = tool
        .offer
        .iter()
        .map(|name| format!("{name} (offered)"))
        .collect();
    if let [operation] = operations
        && operation.paged
    {
        names.push("cursor".to_owned());
    }
    let (dry_run, confirm) = changes(operations);
    names.extend(dry_run.then(|| "dry_run".to_owned()));
    names.extend(confirm.then(|| "confirm".to_owned()));
    if operations
        .iter()
        .any(|operation| operation.reach == Reach::Cluster)
    {
        names.push("cluster (if there are several)".to_owned());
    }
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}

fn describe_step(text: &mut String, step: &Step, operation: Option<&Signature>, catalog: &Catalog) {
    let id = if step.id.is_empty() {
        String::new()
    } else {
        format!("step {}: ", step.id)
    };
    let _ = writeln!(text, "\n{id}{}  {}", step.op, step.at);
    if let Some(operation) = operation {
        let _ = writeln!(text, "  declared at {}", operation.at);
    }
    if let Some(when) = &step.when {
        let _ = writeln!(text, "  when {}  {}", when.text, when.at);
    }
    if step.continue_on_error {
        let _ = writeln!(text, "  goes on if it fails");
    }
    if let Some(cluster) = &step.cluster {
        let _ = writeln!(text, "  on cluster {}", source_words(cluster));
    }
    for binding in &step.bindings {
        let ty = operation
            .and_then(|operation| operation.params.iter().find(|param| param.name == binding.param))
            .map_or_else(|| "integer".to_owned(), |param| type_words(&param.ty, catalog));
        let source = source_words(&binding.source);
        let _ = writeln!(text, "  {}: {ty} = {source}  {}", binding.param, binding.at);
    }
    for param in operation
        .map(|operation| operation.params.as_slice())
        .unwrap_or_default()
    {
        if step.bindings.iter().all(|binding| binding.param != param.name) {
            let _ = writeln!(
                text,
                "  {}: {}, left out",
                param.name,
                type_words(&param.ty, catalog)
            );
        }
    }
}

/// A source as a spec writes it.
pub fn source_words(source: &Source) -> String {
    match source {
        Source::Param(name) => format!("$params.{name}"),
        Source::Step(path) => format!("$steps.{path}"),
        Source::Uri(name) => format!("$uri.{name}"),
        Source::Template(text) => format!("\"{text}\""),
        Source::Fixed(value) => value.to_string(),
    }
}
