//! What the engine serves, as the protocol lists it.

use rmcp::model::{Prompt, PromptArgument, ResourceTemplate, Tool, ToolAnnotations};

use crate::{
    call::{Access, Reach},
    engine::{ListedTool, surface},
};

/// A tool. A read says that it is one; everything else says that it may destroy, `write` too, because MCP's
/// `destructiveHint: false` means that a tool only adds. The other hints keep their defaults.
pub(super) fn tool(listed: &ListedTool) -> Tool {
    let mut annotations = ToolAnnotations::new();
    if listed.access == Access::Read {
        annotations.read_only_hint = Some(true);
    } else {
        annotations.destructive_hint = Some(true);
    }
    let tool = Tool::new(listed.tool.name, listed.tool.description, listed.schema.clone())
        .with_annotations(annotations);
    match listed.tool.title {
        Some(title) => tool.with_title(title),
        None => tool,
    }
}

/// A prompt. Where there are several clusters, one whose data comes from a cluster takes its name.
pub(super) fn prompt(prompt: &surface::Prompt, several_clusters: bool) -> Prompt {
    let mut arguments: Vec<PromptArgument> = prompt
        .params
        .iter()
        .map(|param| {
            let argument = PromptArgument::new(param.name).with_required(param.required);
            if param.description.is_empty() {
                argument
            } else {
                argument.with_description(param.description)
            }
        })
        .collect();
    if several_clusters && prompt.steps.iter().any(|step| step.op.reach == Reach::Cluster) {
        arguments.push(PromptArgument::new("cluster").with_required(false));
    }
    let listed = Prompt::new(prompt.name, Some(prompt.description), Some(arguments));
    match prompt.title {
        Some(title) => listed.with_title(title),
        None => listed,
    }
}

pub(super) fn resource_template(resource: &surface::ResourceTemplate) -> ResourceTemplate {
    let listed = ResourceTemplate::new(resource.uri, resource.name)
        .with_description(resource.description)
        .with_mime_type(resource.mime);
    match resource.title {
        Some(title) => listed.with_title(title),
        None => listed,
    }
}
