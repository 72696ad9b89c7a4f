//! What a value, a condition or a template may refer to.

use std::cell::Cell;

use super::data::Data;
use crate::{diagnostic::Place, suggest};

/// A parameter as others see it.
#[derive(Debug)]
pub(crate) struct ParamFact {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) data: Data,
    /// Whether there is always a value: it is required or has a default.
    pub(crate) always: bool,
    pub(crate) used: Cell<bool>,
}

/// A step as others see it.
#[derive(Debug)]
pub(crate) struct StepFact {
    /// Empty if it has none that could be referred to, which has been reported.
    pub(crate) id: String,
    pub(crate) place: Place,
    pub(crate) data: Data,
    /// Whether it may have no result: it has a condition, or the call goes on if it fails.
    pub(crate) may_skip: bool,
    pub(crate) used: Cell<bool>,
}

/// A variable of a URI.
#[derive(Debug)]
pub(crate) struct VarFact {
    pub(crate) name: String,
    pub(crate) always: bool,
    pub(crate) used: Cell<bool>,
}

/// What there is. A part that is `None` does not exist here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    /// Who asks: `` tool `pods_list` ``.
    pub(crate) owner: &'a str,
    pub(crate) params: Option<&'a [ParamFact]>,
    /// All steps; those from `reach` on come later and may not be referred to.
    pub(crate) steps: Option<&'a [StepFact]>,
    pub(crate) reach: usize,
    pub(crate) vars: Option<&'a [VarFact]>,
    /// Nothing is known of the variables: a template that nothing uses.
    pub(crate) open: bool,
}

impl<'a> Scope<'a> {
    /// The scope of a template that nothing uses.
    pub(crate) const OPEN: Scope<'static> = Scope {
        open: true,
        ..Scope::of("")
    };

    /// A scope in which there is nothing yet.
    pub(crate) const fn of(owner: &'a str) -> Self {
        Self {
            owner,
            params: None,
            steps: None,
            reach: 0,
            vars: None,
            open: false,
        }
    }

    pub(crate) fn param(&self, name: &str) -> Option<&'a ParamFact> {
        self.params?.iter().find(|param| param.name == name)
    }

    pub(crate) fn step(&self, id: &str) -> Option<(usize, &'a StepFact)> {
        self.steps?.iter().enumerate().find(|(_, step)| step.id == id)
    }

    /// What to write in place of the name of a parameter that there is not.
    pub(crate) fn param_help(&self, name: &str) -> String {
        let names = self
            .params
            .unwrap_or_default()
            .iter()
            .map(|param| param.name.as_str());
        suggest::help(name, names, "its parameters are").unwrap_or_else(|| match self.vars {
            Some(_) => format!("a resource has no parameters: use a variable of its URI, `$uri.{name}`"),
            None => format!("declare it: `params: {{{name}: {{type: string}}}}`"),
        })
    }

    /// What to write in place of a variable that the URI has not.
    pub(crate) fn var_help(&self, name: &str) -> String {
        let names = self.vars.unwrap_or_default().iter().map(|var| var.name.as_str());
        suggest::help(name, names, "its variables are")
            .unwrap_or_else(|| format!("only resources have a URI: did you mean `$params.{name}`?"))
    }

    /// What to write in place of the id of a step that there is not; nothing if a step has lost its id, which may be
    /// the one that is meant.
    pub(crate) fn step_help(&self, id: &str) -> Option<String> {
        let ids = || self.steps.unwrap_or_default().iter().map(|step| step.id.as_str());
        if ids().any(str::is_empty) {
            return None;
        }
        suggest::help(id, ids(), "its steps are")
            .or_else(|| Some("only tools with `steps:` and prompts with `gather:` have steps".to_owned()))
    }

    pub(crate) fn var(&self, name: &str) -> Option<&'a VarFact> {
        self.vars?.iter().find(|var| var.name == name)
    }

    /// Counts all parameters as used.
    pub(crate) fn use_params(&self) {
        self.params
            .unwrap_or_default()
            .iter()
            .for_each(|param| param.used.set(true));
    }

    /// Counts all steps as used.
    pub(crate) fn use_steps(&self) {
        self.steps
            .unwrap_or_default()
            .iter()
            .for_each(|step| step.used.set(true));
    }

    /// Counts all variables as used.
    pub(crate) fn use_vars(&self) {
        self.vars
            .unwrap_or_default()
            .iter()
            .for_each(|var| var.used.set(true));
    }

    /// Does something that is no use of a parameter or variable.
    pub(crate) fn without_use<T>(&self, work: impl FnOnce() -> T) -> T {
        let params = self.params.unwrap_or_default().iter().map(|param| &param.used);
        let vars = self.vars.unwrap_or_default().iter().map(|var| &var.used);
        let before: Vec<(&Cell<bool>, bool)> = params.chain(vars).map(|used| (used, used.get())).collect();
        let done = work();
        before.into_iter().for_each(|(used, was)| used.set(was));
        done
    }

    /// Counts as used what a text that could not be read mentions: one mistake is not to be told as two.
    pub(crate) fn mentioned(&self, text: &str) {
        for word in text
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .filter(|word| !word.is_empty())
        {
            self.meant(word);
        }
    }

    /// Counts as used whatever is called so, or nearly so.
    pub(crate) fn meant(&self, name: &str) {
        let params = || self.params.unwrap_or_default().iter();
        let steps = || self.steps.unwrap_or_default().iter();
        let vars = || self.vars.unwrap_or_default().iter();
        let nearest = suggest::nearest(name, params().map(|param| param.name.as_str()));
        params()
            .filter(|param| Some(param.name.as_str()) == nearest)
            .for_each(|param| param.used.set(true));
        let nearest = suggest::nearest(name, steps().map(|step| step.id.as_str()));
        steps()
            .filter(|step| Some(step.id.as_str()) == nearest)
            .for_each(|step| step.used.set(true));
        let nearest = suggest::nearest(name, vars().map(|var| var.name.as_str()));
        vars()
            .filter(|var| Some(var.name.as_str()) == nearest)
            .for_each(|var| var.used.set(true));
    }

    /// Whether this path may have no value: `params.x`, `steps.id`, `uri.x`.
    pub(crate) fn may_be_absent(&self, path: &str) -> bool {
        match path.split_once('.') {
            Some(("params", name)) => self.param(name).is_some_and(|param| !param.always),
            Some(("steps", id)) => self.step(id).is_some_and(|(_, step)| step.may_skip),
            Some(("uri", name)) => self.var(name).is_some_and(|var| !var.always),
            _ => false,
        }
    }
}
