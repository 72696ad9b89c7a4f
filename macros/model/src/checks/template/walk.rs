//! Walks the statements of a template with what is known of its variables.

use std::rc::Rc;

use super::{Library, Text, syntax};
use crate::{
    checks::{data::Data, scope::Scope},
    diagnostic::Diagnostic,
    signature::Catalog,
    spec::Found,
    suggest,
    template::{Expr, Kind, Name, Statement, SyntaxError, expression, statements},
};

/// A variable that the template itself makes.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) name: String,
    pub(super) data: Data,
    /// The parameter or step that it stands for.
    pub(super) path: Option<String>,
}

impl Local {
    fn new(name: impl Into<String>, data: Data) -> Self {
        Self {
            name: name.into(),
            data,
            path: None,
        }
    }
}

/// What checking a value's template told.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Whether its rendering always has text in it.
    pub(crate) always_text: bool,
    /// The paths that have a value where a condition holds.
    pub(crate) implied: Vec<String>,
}

/// One run over a template and what it includes.
pub(crate) struct Walker<'a, 'f> {
    pub(super) scope: Scope<'a>,
    pub(super) library: &'f Library<'a>,
    pub(super) catalog: &'a Catalog,
    pub(super) found: &'f mut Found,
    pub(super) text: Text<'a>,
    pub(super) locals: Vec<Local>,
    pub(super) guards: Vec<String>,
    /// Whether what is absent is no error: a condition that meets it is false.
    pub(super) lenient: bool,
    chain: Vec<&'a str>,
    note: Option<String>,
}

impl<'a, 'f> Walker<'a, 'f> {
    pub(crate) fn new(
        scope: Scope<'a>,
        library: &'f Library<'a>,
        catalog: &'a Catalog,
        text: Text<'a>,
        found: &'f mut Found,
    ) -> Self {
        Self {
            scope,
            library,
            catalog,
            found,
            text,
            locals: Vec::new(),
            guards: Vec::new(),
            lenient: false,
            chain: Vec::new(),
            note: None,
        }
    }

    /// Checks a template of the library; `used_by` says where it is named.
    pub(crate) fn file(mut self, name: &str, used_by: Option<String>) {
        self.note = used_by;
        self.enter(name);
    }

    /// Checks a template that stands in a value, under the step's condition.
    pub(crate) fn value(mut self, text: &str, guards: &[String]) -> Outcome {
        self.guards = guards.to_vec();
        match statements(text) {
            Ok(body) => {
                self.body(&body);
                Outcome {
                    always_text: always_gives_text(&body),
                    implied: Vec::new(),
                }
            }
            Err(error) => {
                self.syntax(error);
                Outcome {
                    always_text: true,
                    implied: Vec::new(),
                }
            }
        }
    }

    /// Checks a condition.
    pub(crate) fn condition(mut self, text: &str) -> Outcome {
        self.lenient = true;
        match expression(text) {
            Ok(expr) => {
                self.eval(&expr);
                Outcome {
                    always_text: true,
                    implied: self.implied(&expr, true),
                }
            }
            Err(error) => {
                self.syntax(error);
                Outcome::default()
            }
        }
    }

    fn syntax(&mut self, error: SyntaxError) {
        if let Text::Inline { text, .. } = self.text {
            self.scope.mentioned(text);
        }

        self.found.push(syntax::explain(self.text, error));
    }

    /// Reports a mistake, saying which spec it is a mistake for.
    pub(super) fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.notes.extend(self.note.clone());
        self.found.push(diagnostic);
    }

    pub(super) fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    /// Walks a template of the library with the variables as they are; what it exports stays.
    fn enter(&mut self, name: &str) {
        let library = self.library;
        let Some((name, parsed)) = library.get(name) else {
            return;
        };
        let Some(body) = &parsed.body else { return };
        parsed.used.set(true);
        let before = (self.text, self.note.clone());
        self.text = parsed.text;
        self.chain.push(name);
        self.body(body);
        self.chain.pop();
        (self.text, self.note) = before;
    }

    pub(super) fn body(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    /// Walks a body whose variables do not outlive it.
    fn scoped(&mut self, locals: Vec<Local>, guards: Vec<String>, body: &[Statement]) {
        let marks = (self.locals.len(), self.guards.len());
        self.locals.extend(locals);
        self.guards.extend(guards);
        self.body(body);
        self.locals.truncate(marks.0);
        self.guards.truncate(marks.1);
    }

    /// Walks a branch: what it sets stays known, since either branch may have been taken.
    fn branch(&mut self, guards: Vec<String>, body: &[Statement]) {
        let mark = self.guards.len();
        self.guards.extend(guards);
        self.body(body);
        self.guards.truncate(mark);
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Text { .. } => {}
            Statement::Emit(expr) | Statement::Do(expr) => {
                self.needed(expr);
            }
            Statement::For {
                targets,
                iter,
                filter,
                body,
                otherwise,
            } => {
                let items = self.needed(iter);
                let mut locals: Vec<Local> = match targets.as_slice() {
                    [one] => vec![Local::new(one, items.item())],
                    several => several.iter().map(|name| Local::new(name, Data::Any)).collect(),
                };
                let mark = self.locals.len();
                self.locals.extend(locals.clone());
                let mut guards = Vec::new();
                if let Some(filter) = filter {
                    self.eval(filter);
                    guards = self.implied(filter, true);
                }
                self.locals.truncate(mark);
                locals.push(Local::new("loop", Data::of_loop()));
                self.scoped(locals, guards, body);
                self.scoped(Vec::new(), Vec::new(), otherwise);
            }
            Statement::If {
                test,
                then,
                otherwise,
            } => {
                self.eval(test);
                let (yes, no) = (self.implied(test, true), self.implied(test, false));
                self.branch(yes, then);
                self.branch(no, otherwise);
            }
            Statement::With { assignments, body } => {
                let mut locals = Vec::new();
                for (names, value) in assignments {
                    locals.extend(self.assigned(names, value));
                }
                self.scoped(locals, Vec::new(), body);
            }
            Statement::Set { targets, value } => {
                let locals = self.assigned(targets, value);
                self.locals.extend(locals);
            }
            Statement::SetBlock {
                targets,
                filter,
                body,
            } => {
                self.scoped(Vec::new(), Vec::new(), body);
                if let Some(filter) = filter {
                    self.eval(filter);
                }
                self.locals
                    .extend(targets.iter().map(|name| Local::new(name, Data::Text)));
            }
            Statement::Filtered { filter, body } => {
                self.eval(filter);
                self.scoped(Vec::new(), Vec::new(), body);
            }
            Statement::Scoped { expr, body } => {
                if let Some(expr) = expr {
                    self.eval(expr);
                }
                self.scoped(Vec::new(), Vec::new(), body);
            }
            Statement::Macro {
                name,
                args,
                defaults,
                body,
            } => {
                defaults.iter().for_each(|default| {
                    self.eval(default);
                });
                self.locals.push(Local::new(name, Data::Callable));
                let mut locals: Vec<Local> = args.iter().map(|arg| Local::new(arg, Data::Any)).collect();
                locals.push(Local::new("caller", Data::Callable));
                self.scoped(locals, Vec::new(), body);
            }
            Statement::Include { name, ignore_missing } => {
                for name in self.named(name, *ignore_missing) {
                    let mark = self.locals.len();
                    self.enter(&name);
                    self.locals.truncate(mark);
                }
            }
            Statement::Import { name, alias } => {
                let exported = self.exported(name);
                if let Some(alias) = alias {
                    let names = exported.into_iter().map(|local| local.name).collect();
                    self.locals.push(Local::new(alias, Data::Module(Rc::new(names))));
                }
            }
            Statement::FromImport { name, names } => self.import_names(name, names),
        }
    }

    fn assigned(&mut self, names: &[String], value: &Expr) -> Vec<Local> {
        let value_data = self.eval(value).data;
        let path = self.path_of(value);
        match names {
            [one] => vec![Local {
                name: one.clone(),
                data: value_data,
                path,
            }],
            several => several.iter().map(|name| Local::new(name, Data::Any)).collect(),
        }
    }

    /// What a template makes that is imported: its macros and variables.
    fn exported(&mut self, name: &Expr) -> Vec<Local> {
        let mark = self.locals.len();
        for name in self.named(name, false) {
            self.enter(&name);
        }
        self.locals.split_off(mark)
    }

    fn import_names(&mut self, from: &Expr, names: &[(Name, String)]) {
        let known_before = self.found.len();
        let exported = self.exported(from);
        let missing = self.found.len() > known_before && exported.is_empty();
        for (name, alias) in names {
            match exported.iter().find(|local| local.name == name.text) {
                Some(local) => self.locals.push(Local {
                    name: alias.clone(),
                    ..local.clone()
                }),
                None => {
                    if !missing {
                        let known = exported.iter().map(|local| local.name.as_str());
                        let help = suggest::help(&name.text, known, "it has");
                        let place = self.text.place(name.at.clone());
                        let message = format!("there is no macro `{}` to import", name.text);
                        self.report(Diagnostic::new("unknown-function", message, place).maybe_help(help));
                    }
                    self.locals.push(Local::new(alias, Data::Any));
                }
            }
        }
    }

    /// The templates that an include names; those that are missing or lead in a circle are reported.
    fn named(&mut self, name: &Expr, ignore_missing: bool) -> Vec<String> {
        let choices: Vec<&Expr> = match &name.kind {
            Kind::List(items) => items.iter().collect(),
            _ => vec![name],
        };
        let several = choices.len() > 1;
        let mut named = Vec::new();
        for choice in choices {
            let Kind::Str(target) = &choice.kind else {
                let place = self.text.place(choice.at.clone());
                self.report(
                    Diagnostic::new("dynamic-include", "the template to include is not known before it is rendered", place)
                        .help("name it: `{% include \"partials/rows.md.j2\" %}`, one for each case in an `{% if %}`"),
                );
                self.eval(choice);
                continue;
            };
            let place = self.text.place(choice.at.clone());
            if self.chain.contains(&target.as_str()) {
                let circle = self.chain.join("` includes `");
                self.report(
                    Diagnostic::new(
                        "include-cycle",
                        format!("`{circle}` includes `{target}` again"),
                        place,
                    )
                    .help("move what both need into a third file"),
                );
            } else if self.library.get(target).is_some() {
                named.push(target.clone());
            } else if !ignore_missing && !several {
                let help = missing_template_help(target, self.library);
                self.report(
                    Diagnostic::new(
                        "unknown-template",
                        format!("there is no template `{target}`"),
                        place,
                    )
                    .maybe_help(help),
                );
            }
        }
        named
    }
}

/// What to write where a template is not there.
pub(crate) fn missing_template_help(name: &str, library: &Library<'_>) -> Option<String> {
    let stripped = name.trim_start_matches("./").trim_start_matches("templates/");
    if stripped != name && library.get(stripped).is_some() {
        return Some(format!("names are relative to templates/: write `{stripped}`"));
    }
    let file = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    if let Some(elsewhere) = library.names().find(|known| file(known) == file(name)) {
        return Some(format!("did you mean `{elsewhere}`?"));
    }
    suggest::help(name, library.names(), "there are")
        .or_else(|| Some(format!("write it as templates/{name}")))
}

/// Whether a rendering always has text in it.
pub(crate) fn always_gives_text(body: &[Statement]) -> bool {
    body.iter().any(|statement| match statement {
        Statement::Text { blank } => !blank,
        Statement::Emit(expr) => expr_gives_text(expr),
        Statement::If { then, otherwise, .. } => always_gives_text(then) && always_gives_text(otherwise),
        Statement::With { body, .. } | Statement::Scoped { body, .. } => always_gives_text(body),
        _ => false,
    })
}

fn expr_gives_text(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Str(text) => !text.trim().is_empty(),
        Kind::IfElse { yes, no, .. } => {
            no.as_ref().is_some_and(|no| expr_gives_text(no)) && expr_gives_text(yes)
        }
        Kind::Filter { name, args, .. } if matches!(name.text.as_str(), "default" | "d") => {
            args.first().is_some_and(|arg| expr_gives_text(&arg.value))
        }
        _ => true,
    }
}
