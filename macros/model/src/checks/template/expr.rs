//! Evaluates expressions over what is known of the data.

use super::{
    names::{FILTERS, FUNCTIONS, TESTS, other_filter},
    walk::Walker,
};
use crate::{
    checks::{bind::LIMIT, data::Data},
    diagnostic::Diagnostic,
    signature::ParamSignature,
    suggest,
    template::{Arg, Expr, Kind, Name},
};

/// What is known of an expression's value.
pub(super) struct Known {
    pub(super) data: Data,
    /// The parameter, step or variable that may have no value here.
    pub(super) absent: Option<String>,
}

impl From<Data> for Known {
    fn from(data: Data) -> Self {
        Self { data, absent: None }
    }
}

impl Walker<'_, '_> {
    /// An expression whose value is used: it must be there.
    pub(super) fn needed(&mut self, expr: &Expr) -> Data {
        let known = self.eval(expr);
        if let Some(path) = known.absent.filter(|_| !self.lenient) {
            let place = self.text.place(expr.at.clone());
            let what = match path.split_once('.') {
                Some(("steps", id)) => format!("step `{id}` may have no result"),
                _ => format!("`{path}` may have no value"),
            };
            let help = match path.split_once('.') {
                Some(("steps", id)) => {
                    format!("put it in `{{% if steps.{id}.ok %}}`, or write `| default(\"…\")`")
                }
                _ => format!("write `{path} | default(\"…\")`, or put it in `{{% if {path} %}}`"),
            };
            self.report(Diagnostic::new("unguarded-value", what, place).help(help));
        }
        known.data
    }

    /// An expression whose value may be absent.
    pub(super) fn eval(&mut self, expr: &Expr) -> Known {
        match &expr.kind {
            Kind::Var(name) => self.variable(name, expr),
            Kind::Str(_) => Data::Text.into(),
            Kind::Number | Kind::Const => Data::Any.into(),
            Kind::Attr(base, name) => self.attribute(base, name),
            Kind::Item(base, key) => match &key.kind {
                Kind::Str(text) => self.attribute(
                    base,
                    &Name {
                        text: text.clone(),
                        at: key.at.clone(),
                    },
                ),
                _ => {
                    let data = self.needed(base);
                    self.needed(key);
                    if let Data::Params | Data::Steps | Data::Uri = data {
                        self.use_all(&data);
                    }
                    data.item().into()
                }
            },
            Kind::Slice(base, bounds) => {
                let data = self.needed(base);
                bounds.iter().for_each(|bound| {
                    self.needed(bound);
                });
                data.into()
            }
            Kind::Filter { name, subject, args } => self.filter(name, subject.as_deref(), args),
            Kind::Test { name, subject, args } => {
                self.eval(subject);
                self.args(args);
                if !TESTS.contains(&name.text.as_str()) {
                    let help = match name.text.as_str() {
                        "ok" | "error" => Some(format!("write `{}.{}`", self.source(subject), name.text)),
                        text => suggest::help(text, word_tests(), "there are"),
                    };
                    self.unknown("unknown-test", "test", name, help);
                }
                Data::Flag.into()
            }
            Kind::Call { callee, args } => self.call(callee, args),
            Kind::And(left, right) | Kind::Or(left, right) => {
                self.eval(left);
                let guards = self.implied(left, matches!(expr.kind, Kind::And(..)));
                self.under(guards, |walker| walker.eval(right));
                Data::Any.into()
            }
            Kind::Not(inner) => {
                self.eval(inner);
                Data::Flag.into()
            }
            Kind::IfElse { test, yes, no } => {
                self.eval(test);
                let (if_so, if_not) = (self.implied(test, true), self.implied(test, false));
                let yes = self.under(if_so, |walker| walker.eval(yes));
                let no = no.as_ref().map(|no| self.under(if_not, |walker| walker.eval(no)));
                let absent = yes.absent.or_else(|| no.and_then(|no| no.absent));
                Known {
                    data: Data::Any,
                    absent,
                }
            }
            Kind::Compare { operands, .. } => {
                operands.iter().for_each(|operand| {
                    self.eval(operand);
                });
                Data::Flag.into()
            }
            Kind::Arithmetic(operands) => {
                operands.iter().for_each(|operand| {
                    self.needed(operand);
                });
                Data::Any.into()
            }
            Kind::List(items) | Kind::Map(items) => {
                items.iter().for_each(|item| {
                    self.eval(item);
                });
                Data::Any.into()
            }
        }
    }

    fn under<T>(&mut self, guards: Vec<String>, inner: impl FnOnce(&mut Self) -> T) -> T {
        let mark = self.guards.len();
        self.guards.extend(guards);
        let result = inner(self);
        self.guards.truncate(mark);
        result
    }

    fn absent(&self, path: String) -> Option<String> {
        (self.scope.may_be_absent(&path) && !self.guards.contains(&path)).then_some(path)
    }

    fn variable(&mut self, name: &str, expr: &Expr) -> Known {
        if let Some(local) = self.local(name) {
            let known = (local.data.clone(), local.path.clone());
            return Known {
                data: known.0,
                absent: known.1.and_then(|path| self.absent(path)),
            };
        }
        let scope = self.scope;
        match name {
            "params" if scope.params.is_some() => return Data::Params.into(),
            "steps" if scope.steps.is_some() => return Data::Steps.into(),
            "uri" if scope.vars.is_some() => return Data::Uri.into(),
            "self" | "super" => return Data::Any.into(),
            _ if FUNCTIONS.contains(&name) && scope.param(name).is_none() && scope.var(name).is_none() => {
                return Data::Callable.into();
            }
            _ if scope.open => return Data::Any.into(),
            _ => {}
        }
        scope.meant(name);
        let help = if scope.param(name).is_some() {
            Some(format!("did you mean `params.{name}`?"))
        } else if scope.step(name).is_some() {
            Some(format!("did you mean `steps.{name}`?"))
        } else if scope.var(name).is_some() {
            Some(format!("did you mean `uri.{name}`?"))
        } else {
            let roots = [
                ("params", scope.params.is_some()),
                ("steps", scope.steps.is_some()),
                ("uri", scope.vars.is_some()),
            ];
            let there = roots
                .into_iter()
                .filter(|(_, there)| *there)
                .map(|(root, _)| root);
            let locals = self.locals.iter().map(|local| local.name.as_str());
            let names: Vec<&str> = there.chain(locals).collect();
            suggest::help(name, names, "there are")
        };
        let message = format!("there is no variable `{name}` here");
        let place = self.text.place(expr.at.clone());
        self.report(Diagnostic::new("unknown-template-variable", message, place).maybe_help(help));
        Data::Any.into()
    }

    fn attribute(&mut self, base: &Expr, name: &Name) -> Known {
        // `steps.x.ok` is there even if nothing else of the step is.
        let known = self.eval(base);
        match known.data {
            Data::Params => self.param(name),
            Data::Steps => self.step(name),
            Data::Uri => self.uri(name),
            Data::Step(index) => self.step_part(index, name, base),
            data => {
                if let Some(path) = known.absent.filter(|_| !self.lenient) {
                    // Reported once, where the value is used first.
                    return Known {
                        data: data.at(&name.text).unwrap_or(Data::Any),
                        absent: Some(path),
                    };
                }
                self.part(&data, name, base)
            }
        }
    }

    fn part(&mut self, data: &Data, name: &Name, base: &Expr) -> Known {
        if let Data::Module(names) = data {
            if !names.contains(&name.text) {
                let help = suggest::help(&name.text, names.iter().map(String::as_str), "it has");
                self.unknown("unknown-function", "macro", name, help);
            }
            return Data::Callable.into();
        }
        match data.at(&name.text) {
            Ok(data) => data.into(),
            Err(miss) => {
                let of = format!("`{}`", self.source(base));
                let (message, help) = miss.explain(&name.text, &of);
                let place = self.text.place(name.at.clone());
                self.report(Diagnostic::new("unknown-field", message, place).maybe_help(help));
                Data::Any.into()
            }
        }
    }

    fn param(&mut self, name: &Name) -> Known {
        match self.scope.param(&name.text) {
            Some(param) => {
                param.used.set(true);
                let absent = self.absent(format!("params.{}", name.text));
                Known {
                    data: param.data.clone(),
                    absent,
                }
            }
            None => {
                let message = format!("{} has no parameter `{}`", self.scope.owner, name.text);
                self.missing(
                    "unknown-parameter",
                    message,
                    name,
                    Some(self.scope.param_help(&name.text)),
                )
            }
        }
    }

    fn uri(&mut self, name: &Name) -> Known {
        match self.scope.var(&name.text) {
            Some(var) => {
                var.used.set(true);
                let absent = self.absent(format!("uri.{}", name.text));
                Known {
                    data: Data::Text,
                    absent,
                }
            }
            None => {
                let message = format!("the URI of {} has no variable `{}`", self.scope.owner, name.text);
                self.missing(
                    "unknown-uri-variable",
                    message,
                    name,
                    Some(self.scope.var_help(&name.text)),
                )
            }
        }
    }

    fn step(&mut self, name: &Name) -> Known {
        match self.scope.step(&name.text) {
            Some((index, step)) if index < self.scope.reach => {
                step.used.set(true);
                Known {
                    data: Data::Step(index),
                    absent: self.absent(format!("steps.{}", name.text)),
                }
            }
            Some(_) => {
                let message = format!("step `{}` does not come before this one", name.text);
                let help = Some("steps refer to earlier steps only: change their order".to_owned());
                self.missing("later-step", message, name, help)
            }
            None => match self.scope.step_help(&name.text) {
                None => Data::Any.into(),
                help => {
                    let message = format!("{} has no step `{}`", self.scope.owner, name.text);
                    self.missing("unknown-step", message, name, help)
                }
            },
        }
    }

    fn missing(&mut self, check: &'static str, message: String, name: &Name, help: Option<String>) -> Known {
        self.scope.meant(&name.text);
        let place = self.text.place(name.at.clone());
        self.report(Diagnostic::new(check, message, place).maybe_help(help));
        Data::Any.into()
    }

    fn step_part(&mut self, index: usize, name: &Name, base: &Expr) -> Known {
        let step = self.scope.steps.and_then(|steps| steps.get(index));
        match (name.text.as_str(), step) {
            ("ok", _) => Data::Flag.into(),
            ("error", _) => Data::Text.into(),
            (_, Some(step)) => {
                let known = self.part(&step.data, name, base);
                Known {
                    data: known.data,
                    absent: self.absent(format!("steps.{}", step.id)),
                }
            }
            _ => Data::Any.into(),
        }
    }

    /// Marks everything as used: a template that goes over all parameters uses each.
    fn use_all(&mut self, data: &Data) {
        match data {
            Data::Params => self.scope.use_params(),
            Data::Steps => self.scope.use_steps(),
            Data::Uri => self.scope.use_vars(),
            _ => {}
        }
    }

    fn filter(&mut self, name: &Name, subject: Option<&Expr>, args: &[Arg]) -> Known {
        let data = match subject {
            Some(subject) if matches!(name.text.as_str(), "default" | "d") => self.eval(subject).data,
            Some(subject) => self.needed(subject),
            None => Data::Any,
        };
        if let Data::Params | Data::Steps | Data::Uri = data {
            self.use_all(&data);
        }
        self.args(args);
        if !FILTERS.contains(&name.text.as_str()) {
            let help = other_filter(&name.text)
                .map(str::to_owned)
                .or_else(|| {
                    let nearest = suggest::nearest(&name.text, FILTERS.iter().copied());
                    nearest.map(|nearest| format!("did you mean `{nearest}`?"))
                })
                .unwrap_or_else(|| format!("there are {}", FILTERS.join(", ")));
            self.unknown("unknown-filter", "filter", name, Some(help));
            return Data::Any.into();
        }
        self.attribute_argument(name, &data, args);
        match name.text.as_str() {
            "default" | "d" | "sort" | "reverse" | "select" | "reject" | "selectattr" | "rejectattr"
            | "unique" | "list" => data,
            "first" | "last" | "min" | "max" => data.item(),
            "length" | "count" | "int" => Data::Integer,
            "join" | "upper" | "lower" | "trim" | "title" | "capitalize" | "replace" | "indent"
            | "string" | "tojson" | "format" | "safe" | "escape" | "e" | "pprint" => Data::Text,
            _ => Data::Any,
        }
        .into()
    }

    /// `selectattr("status", …)` and `map(attribute="name")` name a key of the rows.
    fn attribute_argument(&mut self, filter: &Name, data: &Data, args: &[Arg]) {
        let by_position = matches!(filter.text.as_str(), "selectattr" | "rejectattr" | "groupby");
        let argument = args.iter().enumerate().find(|(index, arg)| match &arg.name {
            Some(name) => name.text == "attribute",
            None => by_position && *index == 0,
        });
        let Some((
            _,
            Arg {
                value:
                    Expr {
                        kind: Kind::Str(path),
                        at,
                    },
                ..
            },
        )) = argument
        else {
            return;
        };
        let mut item = data.item();
        for key in path.split('.') {
            match item.at(key) {
                Ok(data) => item = data,
                Err(miss) => {
                    let (message, help) = miss.explain(key, "an item of the list");
                    let place = self.text.place(at.clone());
                    self.report(Diagnostic::new("unknown-field", message, place).maybe_help(help));
                    return;
                }
            }
        }
    }

    fn args(&mut self, args: &[Arg]) {
        args.iter().for_each(|arg| {
            self.eval(&arg.value);
        });
    }

    fn call(&mut self, callee: &Expr, args: &[Arg]) -> Known {
        self.args(args);
        match &callee.kind {
            Kind::Var(name) if self.local(name).is_some() => {}
            Kind::Var(name) if name == "next" => self.next_call(args),
            Kind::Var(name)
                if matches!(name.as_str(), "super" | "caller") || FUNCTIONS.contains(&name.as_str()) => {}
            Kind::Var(name) => {
                let named = Name {
                    text: name.clone(),
                    at: callee.at.clone(),
                };
                let macros = self
                    .locals
                    .iter()
                    .filter(|local| matches!(local.data, Data::Callable));
                let names: Vec<&str> = FUNCTIONS
                    .iter()
                    .copied()
                    .chain(macros.map(|local| local.name.as_str()))
                    .collect();
                let help = if FILTERS.contains(&name.as_str()) {
                    Some(format!("`{name}` is a filter: write `x | {name}`"))
                } else {
                    suggest::help(name, names, "there are")
                };
                self.unknown("unknown-function", "function", &named, help);
            }
            Kind::Attr(base, name) => {
                let of_loop = matches!(&base.kind, Kind::Var(var) if matches!(var.as_str(), "loop" | "self"));
                let known = self.eval(base);
                if matches!(known.data, Data::Module(_)) {
                    self.part(&known.data, name, base);
                } else if !of_loop {
                    let help = if FILTERS.contains(&name.text.as_str()) {
                        Some(format!("use the filter: `{} | {}`", self.source(base), name.text))
                    } else {
                        other_filter(&name.text).map(str::to_owned)
                    };
                    let help = help.or_else(|| Some("values have no methods: use a filter".to_owned()));
                    self.unknown("unknown-method", "method", name, help);
                }
            }
            _ => {
                self.eval(callee);
            }
        }
        Data::Any.into()
    }

    /// `next("resources.diagnose", kind=…)`: the operation and its parameters are known.
    fn next_call(&mut self, args: &[Arg]) {
        let Some(Arg {
            name: None,
            value: Expr {
                kind: Kind::Str(op),
                at,
            },
        }) = args.first()
        else {
            return;
        };
        let catalog = self.catalog;
        let Some(operation) = catalog.operations.iter().find(|operation| operation.name == *op) else {
            let names = catalog.operations.iter().map(|operation| operation.name.as_str());
            let help = suggest::help(op, names, "there are");
            let named = Name {
                text: op.clone(),
                at: at.clone(),
            };
            self.unknown("unknown-operation", "operation", &named, help);
            return;
        };
        let given = || args.iter().skip(1).filter_map(|arg| arg.name.as_ref());
        let (params, limit) = (&operation.params, operation.paged.then_some(LIMIT));
        let names = || params.iter().map(|param| param.name.as_str()).chain(limit);
        let mut all_known = true;
        for Name { text: name, at } in given().filter(|given| names().all(|name| name != given.text)) {
            all_known = false;
            let help = suggest::help(name, names(), "its parameters are");
            let place = self.text.place(at.clone());
            let message = format!("operation `{op}` has no parameter `{name}`");
            self.report(Diagnostic::new("unknown-binding", message, place).maybe_help(help));
        }
        // What is spread is not known, and what is misspelt is the mistake.
        if !all_known || given().count() + 1 < args.len() {
            return;
        }
        let missing =
            |param: &&ParamSignature| !param.ty.optional && given().all(|given| given.text != param.name);
        if let Some(ParamSignature { name, .. }) = params.iter().find(missing) {
            let message = format!("operation `{op}` needs `{name}`, so this is never a call");
            let place = self.text.place(at.clone());
            let help = format!("give it: `next(\"{op}\", {name}=…)`");
            self.report(Diagnostic::new("unbound-parameter", message, place).help(help));
        }
    }

    fn unknown(&mut self, check: &'static str, sort: &str, name: &Name, help: Option<String>) {
        let place = self.text.place(name.at.clone());
        self.report(
            Diagnostic::new(check, format!("unknown {sort} `{}`", name.text), place).maybe_help(help),
        );
    }

    /// An expression as it is written.
    fn source(&self, expr: &Expr) -> String {
        let text = match self.text {
            super::Text::File { text, .. } | super::Text::Inline { text, .. } => text,
        };
        text.get(expr.at.clone()).unwrap_or("it").trim().to_owned()
    }
}

/// The tests that are words.
fn word_tests() -> impl Iterator<Item = &'static str> {
    TESTS
        .iter()
        .copied()
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}
