//! What a tool offers of the reserved parameters, and whether it may ask.

use super::Context;
use crate::{
    signature::{Access, Output, Signature},
    tree::Node,
};

/// The views of an answer, the default first. An answer with one view has nothing to choose.
pub(crate) fn views(output: &Output) -> &'static [&'static str] {
    match output {
        Output::Table => &["table", "yaml", "json"],
        Output::Object | Output::Record(_) => &["yaml", "json"],
        Output::Change => &["diff", "json"],
        Output::Lines => &["text"],
    }
}

/// Reads `offer`.
pub(crate) fn offer(context: &mut Context<'_>, tool: &Node, operation: Option<&Signature>) -> Vec<String> {
    let Some((key, list)) = tool.entry("offer") else {
        return Vec::new();
    };
    if tool.get("steps").is_some() {
        let help = Some("leave `offer` out, or bind one operation with `op`".to_owned());
        let message = "a composed tool offers nothing: its answer is made of several";
        context.report("offer-not-available", message, &key.place, help);
        return Vec::new();
    }
    let mut offered: Vec<String> = Vec::new();
    for item in list.items() {
        let Some(name) = item.as_str() else { continue };
        if offered.iter().any(|known| known == name) {
            let message = format!("`{name}` is offered twice");
            context.report(
                "duplicate-offer",
                message,
                &item.place,
                Some("keep one of them".to_owned()),
            );
            continue;
        }
        if let Some(operation) = operation {
            let why = match name {
                "where" | "sort" if !operation.paged => Some("gives no pages"),
                "fields" if !operation.paged && operation.output != Output::Object => {
                    Some("gives neither pages nor an object")
                }
                "output" if views(&operation.output).len() < 2 => Some("answers in one form only"),
                _ => None,
            };
            if let Some(why) = why {
                let message = format!("`{name}` cannot be offered: operation `{}` {why}", operation.name);
                let mut help = format!("leave `{name}` out");
                if operation.output == Output::Table && name != "output" {
                    help.push_str(
                        "; it comes with `page: Page`, which the operation's function does not take",
                    );
                }
                context.report("offer-not-available", message, &item.place, Some(help));
            }
        }
        offered.push(name.to_owned());
    }
    offered
}

/// `confirm: always` is for what changes something.
pub(crate) fn confirm(context: &mut Context<'_>, tool: &Node, access: Option<Access>) -> bool {
    let Some((key, value)) = tool.entry("confirm") else {
        return false;
    };
    if access == Some(Access::Read) && value.as_str() == Some("always") {
        let help = Some("leave `confirm` out".to_owned());
        context.report(
            "confirm-on-read",
            "there is nothing to confirm: this tool only reads",
            &key.place,
            help,
        );
    }
    value.as_str() == Some("always")
}
