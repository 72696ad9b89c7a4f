//! `spec/toolsets.yaml`.

use super::Context;
use crate::{
    ir::Toolset,
    spec::{Shape, TOOLSETS, conform},
    tree::Node,
};

/// Reads the toolsets, each with its node.
pub(crate) fn read<'a>(context: &mut Context<'a>, node: &'a Node) -> Vec<(Toolset, &'a Node)> {
    conform(node, &Shape::Form(&TOOLSETS), "toolsets.yaml", &mut context.found);
    let mut toolsets = Vec::new();
    for node in node.get("toolsets").map(Node::items).unwrap_or_default() {
        let Some(name) = node.text("name") else { continue };
        let toolset = Toolset {
            name: name.to_owned(),
            description: node.text("description").unwrap_or_default().trim().to_owned(),
            default: node.flag("default").unwrap_or(false),
        };
        toolsets.push((toolset, node.get("name").unwrap_or(node)));
    }
    toolsets
}
