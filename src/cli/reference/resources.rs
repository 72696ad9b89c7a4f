//! prompts.md and resources.md.

use kube_mcp_core::engine::surface::{Prompt, ResourceTemplate, Source, Step, Surface};

use super::page;

/// The page of all prompts.
pub(super) fn prompts(surfaces: &[&'static Surface]) -> String {
    let about = "What a person can start from; a prompt arrives with what was read for it.";
    let mut text = page::head("Prompts", about);
    for prompt in surfaces.iter().flat_map(|surface| surface.prompts) {
        text.push_str(&prompt_section(prompt));
    }
    text
}

fn prompt_section(prompt: &Prompt) -> String {
    let rows: Vec<Vec<String>> = prompt
        .params
        .iter()
        .map(|param| {
            vec![
                format!("`{}`", param.name),
                page::default_of(param),
                param.description.to_owned(),
                param.complete.map(completed).unwrap_or_default(),
            ]
        })
        .collect();
    let templates: Vec<String> = prompt
        .messages
        .iter()
        .map(|message| format!("`templates/{}`", message.template))
        .collect();
    let reads = match prompt.steps {
        [] => String::new(),
        steps => format!("Reads {}. ", page::operations(steps)),
    };
    format!(
        "\n## {}\n\n{}{}\n{}\n{reads}Written as {}.\n",
        prompt.name,
        titled(prompt.title),
        page::one_line(prompt.description),
        page::table(&["parameter", "default", "", "completed by"], &rows),
        templates.join(", ")
    )
}

/// The page of all resources.
pub(super) fn page(surfaces: &[&'static Surface]) -> String {
    let about = "What a client can attach to a conversation by its URI.";
    let mut text = page::head("Resources", about);
    for resource in surfaces.iter().flat_map(|surface| surface.resources) {
        text.push_str(&section(resource));
    }
    text
}

fn section(resource: &ResourceTemplate) -> String {
    let rows: Vec<Vec<String>> = resource
        .complete
        .iter()
        .map(|(variable, step)| vec![format!("`{variable}`"), completed(step)])
        .collect();
    let watched = if resource.subscribe {
        " · can be watched"
    } else {
        ""
    };
    format!(
        "\n## {}\n\n    {}\n\n{}{}\n\n{} · `{}`{watched}\n{}",
        resource.name,
        resource.uri,
        titled(resource.title),
        page::one_line(resource.description),
        resource.mime,
        resource.step.op.name,
        page::table(&["variable", "completed by"], &rows)
    )
}

fn titled(title: Option<&str>) -> String {
    title.map(|title| format!("*{title}.* ")).unwrap_or_default()
}

/// The operation that completes something, with what it depends on.
fn completed(step: &Step) -> String {
    let others: Vec<String> = step
        .bindings
        .iter()
        .filter_map(|binding| match binding.source {
            Source::Param(name) | Source::Uri(name) => Some(format!("`{name}`")),
            _ => None,
        })
        .collect();
    match others.as_slice() {
        [] => format!("`{}`", step.op.name),
        others => format!("`{}` of {}", step.op.name, others.join(", ")),
    }
}
