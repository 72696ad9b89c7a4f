//! What a tool takes: its own parameters and those that the engine adds.

use super::aliases::{normal, targets};
use crate::{
    Error,
    call::Access,
    engine::{
        api::ListedTool,
        registry::reaches_cluster,
        surface::{Param, ParamKind, Tool},
    },
    nearest::nearest,
    output::OutputKind,
};

/// The parameters that the engine may add, `cluster` aside.
const RESERVED: &[(&str, ParamKind)] = &[
    ("where", ParamKind::String),
    ("sort", ParamKind::String),
    ("fields", ParamKind::String),
    ("output", ParamKind::String),
    ("cursor", ParamKind::String),
    ("dry_run", ParamKind::Boolean),
    ("confirm", ParamKind::String),
];

/// What a tool takes.
pub(super) struct Takes {
    pub(super) tool: &'static Tool,
    /// Whether it changes something: then less is guessed.
    pub(super) changes: bool,
    reserved: Vec<Param>,
}

impl Takes {
    /// The compiled schema says which parameters the engine adds; `cluster` is taken even where there is only one.
    pub(super) fn of(listed: &ListedTool) -> Self {
        let tool = listed.tool;
        let mut takes = Self {
            tool,
            changes: listed.access > Access::Read,
            reserved: Vec::new(),
        };
        for (name, kind) in RESERVED {
            if listed.advertises(name) && !takes.owns(name) {
                let choices = if *name == "output" { views(tool) } else { &[] };
                takes.reserved.push(reserved_param(name, *kind, choices));
            }
        }
        if reaches_cluster(tool.steps) {
            takes
                .reserved
                .push(reserved_param("cluster", ParamKind::String, &[]));
        }
        takes
    }

    /// Whether the tool itself declares this parameter.
    pub(super) fn owns(&self, name: &str) -> bool {
        self.tool.params.iter().any(|param| param.name == name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.param(name).is_some()
    }

    pub(super) fn param(&self, name: &str) -> Option<&Param> {
        self.params().find(|param| param.name == name)
    }

    fn params(&self) -> impl Iterator<Item = &Param> {
        self.tool.params.iter().chain(&self.reserved)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.params().map(|param| param.name)
    }

    /// The parameter that `given` names: as it stands, in another spelling, or by an alias.
    pub(super) fn target(&self, given: &str) -> Option<&'static str> {
        let wanted = normal(given);
        self.names()
            .find(|name| *name == given)
            .or_else(|| self.names().find(|name| normal(name) == wanted))
            .or_else(|| {
                targets(given)
                    .iter()
                    .find_map(|target| self.names().find(|name| name == target))
            })
    }

    /// The error of an argument that the tool does not take.
    pub(super) fn unknown(&self, name: &str) -> Error {
        // `name` is no `namespace` that broke off.
        let near = nearest(name, self.names())
            .filter(|near| !(near.starts_with(name) && name.len() * 2 < near.len()))
            .map_or(String::new(), |near| format!("; did you mean {near}?"));
        // A cluster is taken everywhere, but told of only where there are several.
        let names: Vec<&str> = self.names().filter(|name| *name != "cluster").collect();
        let takes = if names.is_empty() {
            "no arguments".to_owned()
        } else {
            names.join(", ")
        };
        Error::invalid(format!(
            "unknown argument {name}{near}; {} takes {takes}",
            self.tool.name
        ))
    }
}

/// The views of the tool's answer.
fn views(tool: &Tool) -> &'static [&'static str] {
    match tool.steps.first().map(|step| step.op.output) {
        Some(OutputKind::Table) => &["table", "yaml", "json"],
        Some(OutputKind::Change) => &["diff", "json"],
        _ => &["yaml", "json"],
    }
}

fn reserved_param(name: &'static str, kind: ParamKind, choices: &'static [&'static str]) -> Param {
    Param {
        name,
        kind,
        description: "",
        required: false,
        default: None,
        choices,
        minimum: None,
        maximum: None,
        complete: None,
    }
}
