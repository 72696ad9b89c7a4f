//! tools.md.

use kube_mcp_core::engine::surface::{Param, Surface, Tool, Toolset};
use kube_mcp_model::signature::Catalog;

use super::page;
use crate::cli::show::{access_of, added};

const ABOUT: &str = "\
What each tool takes and what it is bound to. A parameter without words of its own means what it means to the operation. \
Every tool but those that need no cluster also takes `cluster` where several are configured. `dry_run` answers with the \
plan alone, `confirm` takes the code that came with a plan.";

/// The page of all tools, by toolset.
pub(super) fn page(surfaces: &[&'static Surface], catalog: &Catalog) -> String {
    let mut text = page::head("Tools", ABOUT);
    for surface in surfaces {
        for toolset in surface.toolsets {
            text.push_str(&heading(toolset));
            let tools = surface.tools.iter().filter(|tool| tool.toolset == toolset.name);
            tools.for_each(|tool| text.push_str(&section(tool, catalog)));
        }
    }
    text
}

fn heading(toolset: &Toolset) -> String {
    let on = match toolset.default {
        true => "",
        false => " Off unless `--toolsets` names it.",
    };
    let description = toolset.description.trim_end_matches('.');
    format!("\n## Toolset {}\n\n{description}.{on}\n", toolset.name)
}

fn section(tool: &Tool, catalog: &Catalog) -> String {
    let title = tool.title.map(|title| format!("*{title}.* ")).unwrap_or_default();
    let mut facts = vec![access_of(tool).word().to_owned()];
    if tool.always_confirm {
        facts.push("always asks".to_owned());
    }
    facts.push(page::operations(tool.steps));
    let mut text = format!(
        "\n### {}\n\n{title}{}\n\n{}\n",
        tool.name,
        page::one_line(tool.description),
        facts.join(" · ")
    );
    let rows: Vec<Vec<String>> = tool
        .params
        .iter()
        .map(|param| {
            vec![
                format!("`{}`", param.name),
                page::type_of(param),
                page::default_of(param),
                meaning(param, tool, catalog),
            ]
        })
        .collect();
    text.push_str(&page::table(&["parameter", "type", "default", ""], &rows));
    let added: Vec<String> = added(tool)
        .into_iter()
        .filter(|name| !name.starts_with("cluster"))
        .map(|name| format!("`{name}`"))
        .collect();
    if !added.is_empty() {
        text.push_str(&format!("\nAdded: {}.\n", added.join(", ")));
    }
    if let Some(example) = tool.examples.first() {
        text.push_str(&format!("\n    {} {}\n", tool.name, example.args));
    }
    text
}

/// What a parameter means: in its own words, else in those of the operation that it is bound to.
fn meaning(param: &Param, tool: &Tool, catalog: &Catalog) -> String {
    if !param.description.is_empty() {
        return param.description.to_owned();
    }
    let doc = page::bound_to(param, tool.steps).and_then(|(operation, name)| {
        let operation = catalog.operations.iter().find(|known| known.name == operation)?;
        let param = operation.params.iter().find(|known| known.name == name)?;
        Some(param.doc.clone())
    });
    match doc {
        Some(doc) => doc.trim().trim_end_matches('.').to_owned(),
        None if param.name == "limit" => "Rows shown".to_owned(),
        None => String::new(),
    }
}
