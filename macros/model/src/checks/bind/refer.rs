//! What a value refers to: a parameter, a step's result, a variable of a URI, or nothing outside itself.

use serde_json::Value as Json;

use super::super::{
    Context,
    data::{Data, Miss},
    scope::Scope,
    template::{Text, Walker},
};
use crate::{
    ir::Source,
    spec::{Bound, read},
    tree::Node,
};

/// A value that has been read, and what it refers to looked up.
pub(super) enum Referred<'a> {
    Param(&'a str),
    /// What stands at a path below `steps`.
    Step(Vec<&'a str>, Data),
    Uri(&'a str),
    Template {
        text: &'a str,
        /// Whether it never comes out empty.
        always_text: bool,
    },
    Fixed(Json),
}

impl Referred<'_> {
    pub(super) fn into_source(self) -> Source {
        match self {
            Self::Param(name) => Source::Param(name.to_owned()),
            Self::Step(path, _) => Source::Step(path.join(".")),
            Self::Uri(name) => Source::Uri(name.to_owned()),
            Self::Template { text, .. } => Source::Template(text.to_owned()),
            Self::Fixed(value) => Source::Fixed(value),
        }
    }
}

/// Reads a value where it stands; `implied` is what a condition says is there. Reported, and nothing, if what it
/// refers to does not exist. Steps and variables count as used from here on; whether a parameter does is the
/// caller's to say.
pub(super) fn refer<'a>(
    context: &mut Context<'a>,
    node: &'a Node,
    scope: Scope<'_>,
    implied: &[String],
) -> Option<Referred<'a>> {
    match read(node) {
        Ok(Bound::Param(name)) => know_param(context, &scope, name, node).then_some(Referred::Param(name)),
        Ok(Bound::Step(path)) => {
            let data = step_path(context, &scope, &path, node)?;
            Some(Referred::Step(path, data))
        }
        Ok(Bound::Uri(name)) => know_var(context, &scope, name, node).then_some(Referred::Uri(name)),
        Ok(Bound::Template(text)) => {
            let always_text = inline(context, scope, text, node, implied);
            Some(Referred::Template { text, always_text })
        }
        Ok(Bound::Fixed(value)) => Some(Referred::Fixed(value)),
        Err(diagnostic) => {
            scope.mentioned(node.as_str().unwrap_or_default());
            context.found.push(*diagnostic);
            None
        }
    }
}

fn know_param(context: &mut Context<'_>, scope: &Scope<'_>, name: &str, node: &Node) -> bool {
    if scope.param(name).is_some() {
        return true;
    }
    scope.meant(name);
    let message = format!("{} has no parameter `{name}`", scope.owner);
    context.report(
        "unknown-parameter",
        message,
        &node.place,
        Some(scope.param_help(name)),
    );
    false
}

fn know_var(context: &mut Context<'_>, scope: &Scope<'_>, name: &str, node: &Node) -> bool {
    if let Some(var) = scope.var(name) {
        var.used.set(true);
        return true;
    }
    scope.meant(name);
    let message = format!("the URI of {} has no variable `{name}`", scope.owner);
    context.report(
        "unknown-uri-variable",
        message,
        &node.place,
        Some(scope.var_help(name)),
    );
    false
}

/// What stands at `$steps.id.path`; reported if nothing does.
fn step_path(context: &mut Context<'_>, scope: &Scope<'_>, path: &[&str], node: &Node) -> Option<Data> {
    let (id, rest) = path.split_first()?;
    let Some((index, step)) = scope.step(id) else {
        scope.meant(id);
        if let help @ Some(_) = scope.step_help(id) {
            context.report(
                "unknown-step",
                format!("{} has no step `{id}`", scope.owner),
                &node.place,
                help,
            );
        }
        return None;
    };
    if index >= scope.reach {
        let help = Some("steps refer to earlier steps only: change their order".to_owned());
        let message = format!("step `{id}` does not come before this one");
        context.report("later-step", message, &node.place, help);
        scope.use_steps();
        return None;
    }
    step.used.set(true);
    match rest {
        ["ok"] => return Some(Data::Flag),
        ["error"] => return Some(Data::Text),
        _ => {}
    }
    let mut data = step.data.clone();
    let mut so_far = format!("steps.{id}");
    for key in rest {
        match data.at(key) {
            Ok(next) => data = next,
            Err(miss) => {
                let of = match miss {
                    Miss::Unknown(_) if so_far.matches('.').count() == 1 => format!("step `{id}`"),
                    _ => format!("`${so_far}`"),
                };
                let (message, help) = miss.explain(key, &of);
                context.report("unknown-field", message, &node.place, help);
                return None;
            }
        }
        so_far = format!("{so_far}.{key}");
    }
    Some(data)
}

/// Checks a text with `{{ }}` where it stands; whether it always gives text.
fn inline<'a>(
    context: &mut Context<'a>,
    scope: Scope<'_>,
    text: &'a str,
    node: &'a Node,
    implied: &[String],
) -> bool {
    let source = context.source(node);
    let text_at = Text::Inline { node, text, source };
    Walker::new(
        scope,
        &context.library,
        context.catalog,
        text_at,
        &mut context.found,
    )
    .value(text, implied)
    .always_text
}
