//! The arguments of a call, as they are understood.

use serde_json::{Map, Value, map::Entry};

use super::{
    aliases::normal,
    coerce::coerce,
    names::{Named, meant_elsewhere, named},
    parts::{drop_all_namespaces, move_field_selectors, split_name},
    takes::Takes,
};
use crate::{
    Error,
    call::Page,
    engine::{
        api::ListedTool,
        render::View,
        surface::{Param, Tool},
    },
};

/// The arguments of a call as they were understood.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accepted {
    /// The tool's own parameters, defaults filled in; what was left out is absent.
    pub(crate) values: Map<String, Value>,
    /// The parameters that the engine adds.
    pub(crate) reserved: Reserved,
}

/// The parameters that the engine adds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reserved {
    pub(crate) cluster: Option<String>,
    pub(crate) cursor: Option<String>,
    pub(crate) filter: Option<String>,
    pub(crate) sort: Option<String>,
    pub(crate) fields: Option<String>,
    pub(crate) output: Option<String>,
    pub(crate) dry_run: bool,
    pub(crate) confirm: Option<String>,
}

impl Reserved {
    /// The part of a list that is wanted; the limit comes from its binding.
    pub(in crate::engine) fn page(&self) -> Page {
        Page {
            cursor: self.cursor.clone(),
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            fields: self.fields.clone(),
            ..Page::default()
        }
    }

    /// The view that was asked for, if any.
    pub(in crate::engine) fn view(&self) -> Option<View> {
        match self.output.as_deref() {
            Some("table") => Some(View::Table),
            Some("yaml") => Some(View::Yaml),
            Some("json") => Some(View::Json),
            _ => None,
        }
    }
}

/// Why arguments do not fit; what could be read of them is kept for a call of another tool.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// An argument that the tool does not take, although others do: the name as others spell it, and its value.
    Extra {
        name: String,
        value: Value,
        rest: Accepted,
        error: Error,
    },
    /// A required parameter was left out.
    Missing {
        name: &'static str,
        rest: Accepted,
        error: Error,
    },
    /// Anything else.
    Wrong(Error),
}

impl From<Error> for Box<Misfit> {
    fn from(error: Error) -> Self {
        Self::new(Misfit::Wrong(error))
    }
}

impl Misfit {
    /// The error that tells it.
    pub(crate) fn into_error(self) -> Error {
        match self {
            Self::Extra { error, .. } | Self::Missing { error, .. } | Self::Wrong(error) => error,
        }
    }
}

/// Reads the arguments of a call.
pub(crate) fn accept(listed: &ListedTool, given: Map<String, Value>) -> Result<Accepted, Box<Misfit>> {
    let takes = Takes::of(listed);
    let (named, extra) = named(&takes, given)?;
    let mut accepted = Accepted::default();
    for argument in named {
        accepted.take(&takes, argument)?;
    }
    accepted.set_reserved_apart(&takes);
    move_field_selectors(&takes, &mut accepted)?;
    split_name(&takes, &mut accepted)?;
    drop_all_namespaces(&takes, &mut accepted)?;
    if let Some((name, value)) = extra {
        return Err(Box::new(Misfit::Extra {
            error: takes.unknown(&name),
            name: meant_elsewhere(&name),
            value,
            rest: accepted,
        }));
    }
    for param in takes.tool.params {
        if accepted.values.contains_key(param.name) {
            continue;
        }
        if param.required {
            return Err(Box::new(Misfit::Missing {
                error: Error::invalid(format!("{} needs {}", takes.tool.name, described(param))),
                name: param.name,
                rest: accepted,
            }));
        }
        if let Some(default) = param.default_value() {
            accepted.values.insert(param.name.to_owned(), default);
        }
    }
    Ok(accepted)
}

impl Reserved {
    /// The parameters that were given, as arguments.
    pub(in crate::engine) fn arguments(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let texts = [
            ("cluster", &self.cluster),
            ("cursor", &self.cursor),
            ("where", &self.filter),
            ("sort", &self.sort),
            ("fields", &self.fields),
            ("output", &self.output),
            ("confirm", &self.confirm),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name, Value::from(text.clone()?))));
        texts.chain(self.dry_run.then_some(("dry_run", Value::Bool(true))))
    }
}

fn described(param: &Param) -> String {
    match param.description {
        "" => param.name.to_owned(),
        description => format!("{} ({description})", param.name),
    }
}

impl Accepted {
    /// The call in the tool's own words, without what counts anyway.
    pub(in crate::engine) fn arguments(&self, tool: &Tool) -> Map<String, Value> {
        let own = tool
            .params
            .iter()
            .filter_map(|param| Some((param, self.values.get(param.name)?)))
            .filter(|(param, value)| !param.is_default(value))
            .map(|(param, value)| (param.name, value.clone()));
        own.chain(self.reserved.arguments())
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Takes an argument's value as its parameter's type.
    fn take(&mut self, takes: &Takes, argument: Named) -> Result<(), Error> {
        let Named {
            target,
            value,
            given_as,
        } = argument;
        let param = takes
            .param(target)
            .ok_or_else(|| Error::internal(format!("no parameter {target}")))?;
        let Some(value) = coerce(param, value)? else {
            return Ok(());
        };
        match self.values.entry(target) {
            Entry::Vacant(slot) => _ = slot.insert(value),
            Entry::Occupied(slot) if *slot.get() == value => {}
            Entry::Occupied(slot) => {
                return Err(Error::invalid(format!(
                    "{target} is given twice, as {} and as {given_as}",
                    slot.get()
                )));
            }
        }
        Ok(())
    }

    /// Sets apart what the engine added, unless the tool has a parameter of its own by that name.
    fn set_reserved_apart(&mut self, takes: &Takes) {
        let mut take = |name: &str| match takes.owns(name) {
            true => None,
            false => self.values.remove(name),
        };
        let mut text = |name: &str| match take(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        };
        self.reserved = Reserved {
            cluster: text("cluster"),
            cursor: text("cursor"),
            filter: text("where"),
            sort: text("sort"),
            fields: text("fields"),
            output: text("output"),
            // A confirmation that is no code (`true`, `yes`) is none.
            confirm: text("confirm")
                .filter(|code| !matches!(normal(code).as_str(), "true" | "yes" | "false" | "no")),
            dry_run: take("dry_run") == Some(Value::Bool(true)),
        };
    }
}
