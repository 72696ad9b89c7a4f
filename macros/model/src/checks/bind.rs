//! Bindings: what each parameter of an operation gets.

use super::{
    Context,
    data::{Data, Miss},
    literal,
    params::{Declared, kind_words, value_fits},
    scope::Scope,
    template::{Text, Walker},
};
use crate::{
    diagnostic::{Diagnostic, Place},
    ir::{Binding, ParamKind, Source},
    signature::{Base, ParamSignature, Signature, Type},
    spec::{Bound, read},
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
        let binding = match explicit {
            Some((_, node)) => explicit_binding(context, job, param, node, declared),
            None => implicit_binding(context, job, param, declared),
        };
        match binding {
            Some(binding) => bindings.push(binding),
            None if explicit.is_none() && !param.ty.optional => unbound(context, job, param),
            None => {}
        }
    }
    bindings
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
        context.found.push(
            Diagnostic::new("unknown-binding", message, key.place.clone())
                .maybe_help(help)
                .note(format!("declared at {}", operation.at)),
        );
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
        let ty = if param.ty.list {
            "array, items: string".to_owned()
        } else {
            words.split(' ').next().unwrap_or_default().to_owned()
        };
        format!(
            "declare a parameter, `{name}: {{type: {ty}, required: true}}`, or fix it: `with: {{{name}: …}}`"
        )
    };
    context.found.push(
        Diagnostic::new("unbound-parameter", message, job.place.clone())
            .help(help)
            .note(format!("declared at {}", job.operation.at)),
    );
}

/// A parameter or variable of the same name.
fn implicit_binding(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    declared: &mut [Declared<'_>],
) -> Option<Binding> {
    let name = param.name.as_str();
    if job.completes == Some(name) || (job.completes.is_some() && name == LIMIT) {
        return None;
    }
    if let Some(fact) = job.scope.param(name) {
        let place = fact.place.clone();
        param_binding(context, job, param, name, &place, declared);
        return Some(Binding {
            param: name.to_owned(),
            source: Source::Param(name.to_owned()),
            at: place.to_string(),
        });
    }
    let var = job.scope.var(name)?;
    let place = job.place.clone();
    var.used.set(true);
    text_binding(
        context,
        job,
        param,
        &format!("variable `{name}` of the URI"),
        &place,
    );
    if !var.always {
        maybe_absent(context, job, param, &format!("uri.{name}"), &place);
    }
    Some(Binding {
        param: name.to_owned(),
        source: Source::Uri(name.to_owned()),
        at: place.to_string(),
    })
}

fn explicit_binding<'a>(
    context: &mut Context<'a>,
    job: &Job<'_, 'a>,
    param: &ParamSignature,
    node: &'a Node,
    declared: &mut [Declared<'_>],
) -> Option<Binding> {
    let source = match read(node) {
        Ok(bound) => match bound {
            Bound::Param(name) => {
                if !know_param(context, &job.scope, name, node) {
                    return None;
                }
                param_binding(context, job, param, name, &node.place, declared);
                Source::Param(name.to_owned())
            }
            Bound::Step(path) => {
                let data = step_path(context, &job.scope, &path, node)?;
                step_binding(context, job, param, &path, &data, node);
                Source::Step(path.join("."))
            }
            Bound::Uri(name) => {
                if !know_var(context, &job.scope, name, node) {
                    return None;
                }
                text_binding(
                    context,
                    job,
                    param,
                    &format!("variable `{name}` of the URI"),
                    &node.place,
                );
                maybe_absent(context, job, param, &format!("uri.{name}"), &node.place);
                Source::Uri(name.to_owned())
            }
            Bound::Template(text) => {
                template_binding(context, job, param, text, node);
                Source::Template(text.to_owned())
            }
            Bound::Fixed(value) => {
                if value.is_null() {
                    return None;
                }
                if let Err(misfit) = literal::fits(&value, &param.ty, context.catalog) {
                    let message = format!(
                        "`{}` of operation `{}` has to be {}",
                        param.name, job.operation.name, misfit.expected
                    );
                    context.found.push(
                        Diagnostic::new(misfit.check, message, node.place.clone())
                            .maybe_help(misfit.help)
                            .note(format!("declared at {}", job.operation.at)),
                    );
                }
                Source::Fixed(value)
            }
        },
        Err(diagnostic) => {
            job.scope.mentioned(node.as_str().unwrap_or_default());
            context.found.push(*diagnostic);
            return None;
        }
    };
    Some(Binding {
        param: param.name.clone(),
        source,
        at: node.place.to_string(),
    })
}

/// Resolves a value that is not an operation's parameter: the cluster of a step.
pub(crate) fn source<'a>(context: &mut Context<'a>, node: &'a Node, scope: Scope<'_>) -> Option<Source> {
    match read(node) {
        Ok(Bound::Param(name)) => know_param(context, &scope, name, node).then(|| {
            if let Some(param) = scope.param(name) {
                param.used.set(true);
            }
            Source::Param(name.to_owned())
        }),
        Ok(Bound::Step(path)) => {
            step_path(context, &scope, &path, node).map(|_| Source::Step(path.join(".")))
        }
        Ok(Bound::Uri(name)) => know_var(context, &scope, name, node).then(|| Source::Uri(name.to_owned())),
        Ok(Bound::Template(text)) => {
            inline(context, scope, text, node, &[]);
            Some(Source::Template(text.to_owned()))
        }
        Ok(Bound::Fixed(value)) => {
            if value.is_string() {
                return Some(Source::Fixed(value));
            }
            let message = format!("`cluster` has to be a string, not {}", node.sort());
            context.report("wrong-type", message, &node.place, None);
            None
        }
        Err(diagnostic) => {
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
    let names = scope
        .params
        .into_iter()
        .flatten()
        .map(|param| param.name.as_str());
    let help = suggest::help(name, names, "its parameters are").or_else(|| {
        Some(match scope.vars {
            Some(_) => format!("a resource has no parameters: use a variable of its URI, `$uri.{name}`"),
            None => format!("declare it: `params: {{{name}: {{type: string}}}}`"),
        })
    });
    let message = format!("{} has no parameter `{name}`", scope.owner);
    context.report("unknown-parameter", message, &node.place, help);
    false
}

fn know_var(context: &mut Context<'_>, scope: &Scope<'_>, name: &str, node: &Node) -> bool {
    if let Some(var) = scope.var(name) {
        var.used.set(true);
        return true;
    }
    scope.meant(name);
    let names = scope.vars.into_iter().flatten().map(|var| var.name.as_str());
    let help = suggest::help(name, names, "its variables are").or_else(|| {
        Some(format!(
            "only resources have a URI: did you mean `$params.{name}`?"
        ))
    });
    let message = format!("the URI of {} has no variable `{name}`", scope.owner);
    context.report("unknown-uri-variable", message, &node.place, help);
    false
}

/// What stands at `$steps.id.path`; reported if nothing does.
fn step_path(context: &mut Context<'_>, scope: &Scope<'_>, path: &[&str], node: &Node) -> Option<Data> {
    let (id, rest) = path.split_first()?;
    let Some((index, step)) = scope.step(id) else {
        scope.meant(id);
        let names = scope.steps.into_iter().flatten().map(|step| step.id.as_str());
        let help = suggest::help(id, names, "its steps are")
            .or_else(|| Some("only tools with `steps:` and prompts with `gather:` have steps".to_owned()));
        context.report(
            "unknown-step",
            format!("{} has no step `{id}`", scope.owner),
            &node.place,
            help,
        );
        return None;
    };
    if index >= scope.reach {
        let help = Some("steps refer to earlier steps only: change their order".to_owned());
        let message = format!("step `{id}` does not come before this one");
        context.report("later-step", message, &node.place, help);
        scope
            .steps
            .into_iter()
            .flatten()
            .for_each(|step| step.used.set(true));
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

fn step_binding(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    path: &[&str],
    data: &Data,
    node: &Node,
) {
    let wanted_list = param.ty.list;
    let fits = match (data, &param.ty.base) {
        (Data::Any, _) => true,
        (Data::List(_), _) | (Data::Fields(_), _) => wanted_list && matches!(data, Data::List(_)),
        _ if wanted_list => false,
        (Data::Text, Base::String | Base::Choice(_) | Base::Text(_)) => true,
        (Data::Integer, Base::Integer(_) | Base::Number) => true,
        (Data::Flag, Base::Bool) => true,
        _ => false,
    };
    if !fits {
        let what = format!(
            "`$steps.{}` is {}",
            path.join("."),
            data.words().unwrap_or("something else")
        );
        mismatch(context, job, param, &what, &node.place, None);
    }
    if let [id, rest @ ..] = path
        && !matches!(rest, ["ok"])
    {
        // An error is there only if the step failed.
        maybe_absent(context, job, param, &format!("steps.{id}"), &node.place);
    }
}

fn template_binding<'a>(
    context: &mut Context<'a>,
    job: &Job<'_, 'a>,
    param: &ParamSignature,
    text: &'a str,
    node: &'a Node,
) {
    let always_text = inline(context, job.scope, text, node, job.implied);
    if param.ty.list || !matches!(param.ty.base, Base::String | Base::Choice(_) | Base::Text(_)) {
        let help = Some("pass a typed value through: `$params.x` or `$steps.id.path`".to_owned());
        mismatch(
            context,
            job,
            param,
            "a text with `{{ }}` is always a string",
            &node.place,
            help,
        );
    } else if !always_text && !param.ty.optional && job.completes.is_none() {
        let message = format!(
            "operation `{}` needs `{}`, but this text may come out empty",
            job.operation.name, param.name
        );
        let help = Some(
            "give it text in every case, e.g. an `{% else %}` or a default that is not empty".to_owned(),
        );
        context.report("maybe-absent", message, &node.place, help);
    }
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

/// A text that is bound: `uri` variables are strings.
fn text_binding(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    what: &str,
    place: &Place,
) {
    if param.ty.list || !matches!(param.ty.base, Base::String | Base::Choice(_) | Base::Text(_)) {
        mismatch(context, job, param, &format!("{what} is a string"), place, None);
    }
}

fn param_binding(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    name: &str,
    place: &Place,
    declared: &mut [Declared<'_>],
) {
    if let Some(fact) = job.scope.param(name)
        && job.completes.is_none()
    {
        fact.used.set(true);
    }
    maybe_absent(context, job, param, &format!("params.{name}"), place);
    let Some(declared) = declared.iter_mut().find(|declared| declared.param.name == name) else {
        return;
    };
    if !declared.typed {
        return;
    }
    let kind = declared.param.kind;
    let scalar_fits = |kind: ParamKind| {
        matches!(
            (kind, &param.ty.base),
            (ParamKind::String, Base::String | Base::Choice(_) | Base::Text(_))
                | (ParamKind::Integer, Base::Integer(_) | Base::Number)
                | (ParamKind::Number, Base::Number)
                | (ParamKind::Boolean, Base::Bool)
        )
    };
    let fits = match kind {
        ParamKind::Strings => param.ty.list && scalar_fits(ParamKind::String),
        ParamKind::Integers => param.ty.list && scalar_fits(ParamKind::Integer),
        ParamKind::Numbers => param.ty.list && scalar_fits(ParamKind::Number),
        ParamKind::Booleans => param.ty.list && scalar_fits(ParamKind::Boolean),
        scalar => !param.ty.list && scalar_fits(scalar),
    };
    if !fits {
        let what = format!("parameter `{name}` is declared {}", kind_words(kind));
        let place = declared
            .node
            .get("type")
            .map_or(place, |node| &node.place)
            .clone();
        let words = literal::words(&param.ty, context.catalog);
        let words = words.split(" (").next().unwrap_or_default();
        let help = match words.strip_prefix("array of ") {
            Some(items) => format!("write `type: array` and `items: {items}`"),
            None => format!("write `type: {words}`"),
        };
        mismatch(context, job, param, &what, &place, Some(help));
        return;
    }
    narrow(context, job, param, declared);
    range(context, job, param, declared);
    let default = declared
        .param
        .default
        .clone()
        .filter(|default| value_fits(default, &declared.param).is_ok());
    if let Some((value, node)) = default.zip(declared.node.get("default"))
        && let Err(misfit) = literal::fits(&value, &param.ty, context.catalog)
    {
        let message = format!(
            "the default of `{name}` goes to `{}` of operation `{}`, which has to be {}",
            param.name, job.operation.name, misfit.expected
        );
        context.report("bad-default", message, &node.place, misfit.help);
    }
}

/// An enum is inherited from the operation; one that is written may only narrow it.
fn narrow(context: &mut Context<'_>, job: &Job<'_, '_>, param: &ParamSignature, declared: &mut Declared<'_>) {
    let Some(variants) = literal::variants(&param.ty, context.catalog) else {
        return;
    };
    if declared.param.choices.is_empty() {
        declared.param.choices = variants.to_vec();
        return;
    }
    for item in declared.node.get("enum").map(Node::items).unwrap_or_default() {
        let Some(text) = item
            .as_str()
            .filter(|text| !variants.iter().any(|variant| variant == text))
        else {
            continue;
        };
        let names = variants.iter().map(String::as_str);
        let help = suggest::help(text, names, "it takes");
        let message = format!(
            "`{}` of operation `{}` does not take `{text}`",
            param.name, job.operation.name
        );
        context.report("enum-not-narrower", message, &item.place, help);
    }
}

/// Bounds that are wider than the Rust type would let through what then fails.
fn range(context: &mut Context<'_>, job: &Job<'_, '_>, param: &ParamSignature, declared: &Declared<'_>) {
    let Base::Integer(rust) = &param.ty.base else {
        return;
    };
    let (least, greatest) = literal::range(rust);
    for (name, value) in [
        ("minimum", declared.param.minimum),
        ("maximum", declared.param.maximum),
    ] {
        #[expect(clippy::cast_precision_loss, reason = "bounds are small or far outside")]
        let outside = value.is_some_and(|value| value < least as f64 || value > greatest as f64);
        if let Some(node) = declared.node.get(name).filter(|_| outside) {
            let message = format!(
                "`{}` of operation `{}` takes {least} to {greatest}, which this `{name}` is not within",
                param.name, job.operation.name
            );
            context.report("literal-out-of-range", message, &node.place, None);
        }
    }
}

fn mismatch(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    what: &str,
    place: &Place,
    help: Option<String>,
) {
    let words = literal::words(&param.ty, context.catalog);
    let message = format!(
        "{what}, but `{}` of operation `{}` takes {words}",
        param.name, job.operation.name
    );
    context.found.push(
        Diagnostic::new("type-mismatch", message, place.clone())
            .maybe_help(help)
            .note(format!("declared at {}", job.operation.at)),
    );
}

/// What may be absent goes to an optional parameter only.
fn maybe_absent(
    context: &mut Context<'_>,
    job: &Job<'_, '_>,
    param: &ParamSignature,
    path: &str,
    place: &Place,
) {
    let guarded = job.implied.iter().any(|implied| implied == path);
    if param.ty.optional || job.completes.is_some() || guarded || !job.scope.may_be_absent(path) {
        return;
    }
    let (what, help) = match path.split_once('.') {
        Some(("steps", id)) => (
            format!("step `{id}` may have no result"),
            format!("write `when: steps.{id}.ok` on this step, or bind something that is always there"),
        ),
        Some(("uri", name)) => (
            format!("`{name}` of the URI may be `_`, for none"),
            "bind it to an optional parameter".to_owned(),
        ),
        _ => (
            format!("parameter `{}` is optional", path.trim_start_matches("params.")),
            "write `required: true`, or give it a `default:`".to_owned(),
        ),
    };
    let message = format!(
        "{what}, but operation `{}` needs `{}`",
        job.operation.name, param.name
    );
    context.found.push(
        Diagnostic::new("maybe-absent", message, place.clone())
            .help(help)
            .note(format!("declared at {}", job.operation.at)),
    );
}
