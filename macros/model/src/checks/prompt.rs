//! A prompt.

use super::{Context, params, scope::Scope, steps, tool};
use crate::{
    ir::{Message, Prompt},
    spec::{PROMPT, Shape, conform, value_of},
    tree::Node,
};

/// Reads a prompt.
pub(crate) fn read<'a>(context: &mut Context<'a>, node: &'a Node) -> Option<Prompt> {
    conform(node, &Shape::Form(&PROMPT), "a prompt", &mut context.found);
    let name = node.text("name").unwrap_or_default();
    let owner = format!("prompt `{name}`");
    let (mut declared, facts) = params::read(context, value_of(node, &PROMPT, "params"), true, &[]);
    tool::completions(context, &owner, &mut declared, &facts);
    let gathered = value_of(node, &PROMPT, "gather")
        .map(|list| steps::read(context, list, &owner, &facts, &mut declared, Some("a prompt")));
    let step_facts = gathered
        .as_ref()
        .map(|gathered| gathered.facts.as_slice())
        .unwrap_or_default();
    let scope = Scope {
        params: Some(&facts),
        steps: Some(step_facts),
        reach: step_facts.len(),
        ..Scope::of(&owner)
    };
    let mut messages = Vec::new();
    for message in node.get("messages").map(Node::items).unwrap_or_default() {
        let Some(named) = message.get("template") else {
            continue;
        };
        if let Some(template) = tool::file(context, named, scope) {
            messages.push(Message {
                role: message.text("role").unwrap_or("user").to_owned(),
                template,
            });
        }
    }
    // A message that was not found would have used them, and so would an operation.
    let known = gathered
        .iter()
        .all(|gathered| gathered.operations.iter().all(Option::is_some));
    if known
        && !messages.is_empty()
        && messages.len() == node.get("messages").map_or(0, |list| list.items().len())
    {
        params::unused(context, &facts, &owner, &[]);
        if let Some(gathered) = &gathered {
            steps::unused(context, gathered, None);
        }
    }
    Some(Prompt {
        name: name.to_owned(),
        title: node.text("title").map(str::to_owned),
        description: node.text("description").unwrap_or_default().trim().to_owned(),
        params: declared.into_iter().map(|declared| declared.param).collect(),
        steps: gathered.map(|gathered| gathered.steps).unwrap_or_default(),
        messages,
        at: node
            .get("name")
            .map_or(&node.place, |name| &name.place)
            .to_string(),
    })
}
