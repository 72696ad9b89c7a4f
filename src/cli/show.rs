//! `show`: everything about one tool.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{
    Error,
    call::{Access, Reach},
    engine::surface::{Source, Step, Surface, Tool},
};
use kube_mcp_model::suggest;
use serde_json::Value;

use super::{listing::aligned, terminal, terminal::Outcome};

/// Show a tool: its schema, what it binds, what it may do, and the code that was generated for it
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The tool
    tool: String,
}

impl Show {
    pub(super) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let tools = || {
            surfaces
                .iter()
                .flat_map(|surface| surface.tools.iter().map(|tool| (surface.package, tool)))
        };
        let (package, tool) = tools().find(|(_, tool)| tool.name == self.tool).ok_or_else(|| {
            let names = tools().map(|(_, tool)| tool.name);
            let help = suggest::help(&self.tool, names, "there are").unwrap_or_default();
            Error::not_found(format!("unknown tool `{}`: {help}", self.tool))
        })?;
        terminal::print(&shown(tool, package))?;
        Ok(ExitCode::SUCCESS)
    }
}

fn shown(tool: &Tool, package: &str) -> String {
    let mut text = tool.name.to_owned();
    if let Some(title) = tool.title {
        text.push_str(&format!(" ({title})"));
    }
    text.push_str(&format!("\n\n{}\n\n", tool.description.trim()));
    let mut facts = vec![
        ["package", package],
        ["declared", tool.at],
        ["toolset", tool.toolset],
        ["access", access_of(tool).word()],
    ];
    if tool.always_confirm {
        facts.push(["confirm", "always"]);
    }
    if let Some(template) = tool.template {
        facts.push(["template", template]);
    }
    let added = added(tool).join(", ");
    if !added.is_empty() {
        facts.push(["added", &added]);
    }
    let facts: Vec<Vec<String>> = facts
        .iter()
        .map(|fact| fact.map(str::to_owned).to_vec())
        .collect();
    text.push_str(&aligned(&facts));
    text.push_str("\nBindings:\n\n");
    for step in tool.steps {
        text.push_str(&bound(step, tool.steps));
    }
    let schema = serde_json::from_str::<Value>(tool.schema)
        .and_then(|schema| serde_json::to_string_pretty(&schema))
        .unwrap_or_else(|_| tool.schema.to_owned());
    text + &format!("\nInput schema:\n\n{schema}\n\nCode:\n\n{}", tool.code)
}

/// The highest access of a tool's operations.
pub(super) fn access_of(tool: &Tool) -> Access {
    let accesses = tool.steps.iter().map(|step| step.op.access);
    accesses.max().unwrap_or(Access::Read)
}

/// Parameters that are not the author's own.
pub(super) fn added(tool: &Tool) -> Vec<&'static str> {
    let mut added = Vec::new();
    if tool.steps.iter().any(|step| step.op.reach == Reach::Cluster) {
        added.push("cluster (if there are several)");
    }
    if let [only] = tool.steps
        && only.op.paged
    {
        added.push("cursor");
    }
    added.extend(tool.offer);
    if tool.steps.iter().any(|step| step.op.access > Access::Read) {
        added.extend(["dry_run", "confirm"]);
    }
    added
}

fn bound(step: &Step, steps: &[Step]) -> String {
    let mut heading = match step.id {
        "" => step.op.name.to_owned(),
        id => format!("{id}: {}", step.op.name),
    };
    heading.push_str(&format!(" [{}]", step.op.access));
    if let Some(when) = step.when {
        heading.push_str(&format!(", when {}", when.text));
    }
    if step.continue_on_error {
        heading.push_str(", goes on without it");
    }
    if let Some(cluster) = step.cluster {
        heading.push_str(&format!(", on cluster {}", source(cluster)));
    }
    let after: Vec<&str> = step
        .needs
        .iter()
        .filter_map(|index| steps.get(*index))
        .map(|step| step.id)
        .collect();
    if !after.is_empty() {
        heading.push_str(&format!(", after {}", after.join(", ")));
    }
    let mut rows: Vec<Vec<String>> = step
        .bindings
        .iter()
        .map(|binding| {
            vec![
                format!("    {}", binding.param),
                source(binding.source),
                binding.at.to_owned(),
            ]
        })
        .collect();
    let unbound = step
        .op
        .params
        .iter()
        .filter(|param| step.bindings.iter().all(|binding| binding.param != param.name));
    rows.extend(unbound.map(|param| vec![format!("    {}", param.name), "left out".to_owned()]));
    format!("  {heading}\n{}", aligned(&rows))
}

fn source(source: Source) -> String {
    match source {
        Source::Param(name) => format!("$params.{name}"),
        Source::Step(path) => format!("$steps.{path}"),
        Source::Uri(name) => format!("$uri.{name}"),
        Source::Template(text) => format!("\"{text}\""),
        Source::Fixed(json) => json.to_owned(),
    }
}
