//! Bindings: what each parameter of an operation gets.

mod fits;
mod refer;

use fits::Slot;
use refer::{Referred, refer};

use super::{Context, literal, params::Declared, scope::Scope};
use crate::{
    diagnostic::{Diagnostic, Place},
    ir::{Binding, Source},
    signature::{Base, ParamSignature, Signature, Type},
    suggest,
    tree::Node,
};

/// The page's parameters that a spec does not bind.
const PAGE: [&str; 4] = ["cursor", "where", "sort", "fields"];
/// The one that it does.
pub(crate) const LIMIT: &str = "limit";

/// What is bound, and by whom.
pub(crate) struct Job<'s, 'a> {
    pub(crate) operation: &'a Signature,
    /// Where the operation is named: what is not bound is reported there.
    pub(crate) place: &'a Place,
    pub(crate) with: Option<&'a Node>,
    pub(crate) scope: Scope<'s>,
    /// What a condition says is there.
    pub(crate) implied: &'s [String],
    /// A completion: it is left out where something is not given yet, and gets no limit. The parameter that is
    /// completed does not bind to itself.
    pub(crate) completes: Option<&'s str>,
}

impl Job<'_, '_> {
    /// Reports a mistake, with the place where the operation is declared.
    fn report(
        &self,
        context: &mut Context<'_>,
        check: &'static str,
        message: String,
        place: &Place,
        help: Option<String>,
    ) {
        context.found.push(
            Diagnostic::new(check, message, place.clone())
                .maybe_help(help)
                .note(format!("declared at {}", self.operation.at)),
        );
    }
}

/// Binds the parameters of an operation. Enums of parameters are inherited or checked on the way.
pub(crate) fn bind<'a>(
    context: &mut Context<'a>,
    job: &Job<'_, 'a>,
    declared: &mut [Declared<'_>],
) -> Vec<Binding> {
    let operation = job.operation;
    unknown_keys(context, job);
    let limit = limit_signature();
    let page = operation.paged && operation.params.iter().all(|param| param.name != LIMIT);
    let mut bindings = Vec::new();
    for param in operation.params.iter().chain(page.then_some(&limit)) {
        let explicit = job.with.and_then(|with| with.entry(&param.name));
        let bound = match explicit {
            Some((_, node)) => written(context, job, node),
            None => of_same_name(job, &param.name),
        };
        match bound {
            Some((referred, place)) => {
                let slot = Slot { job, param };
                slot.check(context, &referred, place, declared);
                bindings.push(Binding {
                    param: param.name.clone(),
                    source: referred.into_source(),
                    at: place.to_string(),
                });
            }
            None if explicit.is_none() && !param.ty.optional => unbound(context, job, param),
            None => {}
        }
    }
    bindings
}

/// What is bound by `with`; a null leaves out.
fn written<'s, 'a: 's>(
    context: &mut Context<'a>,
    job: &Job<'s, 'a>,
    node: &'a Node,
) -> Option<(Referred<'s>, &'s Place)> {
    match refer(context, node, job.scope, job.implied)? {
        Referred::Fixed(value) if value.is_null() => None,
        referred => Some((referred, &node.place)),
    }
}

/// A parameter or variable of the same name.
fn of_same_name<'s, 'a: 's>(job: &Job<'s, 'a>, name: &str) -> Option<(Referred<'s>, &'s Place)> {
    if job.completes == Some(name) || (job.completes.is_some() && name == LIMIT) {
        return None;
    }
    if let Some(fact) = job.scope.param(name) {
        return Some((Referred::Param(&fact.name), &fact.place));
    }
    let var = job.scope.var(name)?;
    var.used.set(true);
    Some((Referred::Uri(&var.name), job.place))
}

/// Resolves a value that is not an operation's parameter: the cluster of a step.
pub(crate) fn source<'a>(context: &mut Context<'a>, node: &'a Node, scope: Scope<'_>) -> Option<Source> {
    let referred = refer(context, node, scope, &[])?;
    match &referred {
        Referred::Param(name) => {
            if let Some(param) = scope.param(name) {
                param.used.set(true);
            }
        }
        Referred::Fixed(value) if !value.is_string() => {
            let message = format!("`cluster` has to be a string, not {}", node.sort());
            context.report("wrong-type", message, &node.place, None);
            return None;
        }
        _ => {}
    }
    Some(referred.into_source())
}

/// `limit` of the page, as if it were a parameter.
fn limit_signature() -> ParamSignature {
    ParamSignature {
        name: LIMIT.to_owned(),
        ty: Type {
            optional: true,
            list: false,
            base: Base::Integer("usize".to_owned()),
        },
        doc: String::new(),
    }
}

fn unknown_keys(context: &mut Context<'_>, job: &Job<'_, '_>) {
    let operation = job.operation;
    let known = |name: &str| operation.params.iter().any(|param| param.name == name);
    for (key, value) in job.with.map(Node::entries).unwrap_or_default() {
        let name = key.name.as_str();
        if known(name) || (operation.paged && name == LIMIT) {
            continue;
        }
        job.scope.mentioned(value.as_str().unwrap_or_default());
        if operation.paged && PAGE.contains(&name) {
            let help = match name {
                "cursor" => "leave it out: the engine adds it".to_owned(),
                _ => format!("write `offer: [{name}]` so that a call may give it"),
            };
            let message = format!("`{name}` is the page's, of which a spec binds `{LIMIT}` only");
            context.report("page-binding", message, &key.place, Some(help));
            continue;
        }
        let names = operation
            .params
            .iter()
            .map(|param| param.name.as_str())
            .chain(operation.paged.then_some(LIMIT));
        let help = suggest::help(name, names, "its parameters are")
            .or_else(|| Some("it has no parameters".to_owned()));
        let message = format!("operation `{}` has no parameter `{name}`", operation.name);
        job.report(context, "unknown-binding", message, &key.place, help);
    }
}

fn unbound(context: &mut Context<'_>, job: &Job<'_, '_>, param: &ParamSignature) {
    let name = &param.name;
    let words = literal::words(&param.ty, context.catalog);
    let message = format!(
        "operation `{}` needs `{name}` ({words}), which {} does not bind",
        job.operation.name, job.scope.owner
    );
    let help = if job.completes.is_some() || job.scope.params.is_none() {
        format!("bind it: `with: {{{name}: …}}`")
    } else {
        let words = words.split(" (").next().unwrap_or_default();
        let ty = match words.strip_prefix("array of ") {
            Some(items) => format!("array, items: {items}"),
            None => words.to_owned(),
        };
        format!(
            "declare a parameter, `{name}: {{type: {ty}, required: true}}`, or fix it: `with: {{{name}: …}}`"
        )
    };
    job.report(context, "unbound-parameter", message, job.place, Some(help));
}
