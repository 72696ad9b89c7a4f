//! Names: which parameter each argument means.

use serde_json::{Map, Value};

use super::{
    aliases::{is_kind_word, normal, targets},
    coerce::coerce,
};
use crate::{
    Error,
    call::Access,
    engine::{
        api::ListedTool,
        registry::reaches_cluster,
        surface::{Param, ParamKind, Tool},
    },
    output::OutputKind,
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
    let (tool, changes) = (listed.tool, listed.access > Access::Read);
    let takes = Takes::of(listed);
    let (named, mut extra) = name_arguments(tool, &takes, given)?;
    let mut accepted = Accepted::default();
    for Named {
        target,
        value,
        given_as,
    } in named
    {
        let param = takes
            .param(&target)
            .ok_or_else(|| Error::internal(format!("no parameter {target}")))?;
        let Some(value) = coerce(param, value)? else {
            continue;
        };
        let slot = accepted.values.entry(target);
        match slot {
            serde_json::map::Entry::Vacant(slot) => {
                slot.insert(value);
            }
            serde_json::map::Entry::Occupied(slot) if *slot.get() == value => {}
            serde_json::map::Entry::Occupied(slot) => {
                let message = format!(
                    "{} is given twice, as {} and as {given_as}",
                    slot.key(),
                    slot.get()
                );
                return Err(Error::invalid(message).into());
            }
        }
    }
    take_reserved(&mut accepted, &takes);
    move_field_selectors(&takes, &mut accepted)?;
    split_name(&takes, changes, &mut accepted)?;
    if let Some((name, value)) = extra.pop() {
        let error = unknown(tool, &takes, &name);
        return Err(Box::new(Misfit::Extra {
            name: normal_target(&name),
            value,
            rest: accepted,
            error,
        }));
    }
    for param in tool.params {
        if accepted.values.contains_key(param.name) {
            continue;
        }
        if param.required {
            let error = Error::invalid(format!("{} needs {}", tool.name, describe(param)));
            return Err(Box::new(Misfit::Missing {
                name: param.name,
                rest: accepted,
                error,
            }));
        }
        if let Some(default) = param.default.and_then(|json| serde_json::from_str(json).ok()) {
            accepted.values.insert(param.name.to_owned(), default);
        }
    }
    Ok(accepted)
}

fn describe(param: &Param) -> String {
    let what = if param.description.is_empty() {
        String::new()
    } else {
        format!(" ({})", param.description)
    };
    format!("{}{what}", param.name)
}

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

/// What a tool takes: its own parameters and those that the engine adds.
struct Takes {
    own: &'static [Param],
    reserved: Vec<Param>,
}

impl Takes {
    /// The compiled schema says which parameters the engine adds; `cluster` is taken even where there is only one.
    fn of(listed: &ListedTool) -> Self {
        let tool = listed.tool;
        let properties = listed.schema.get("properties").and_then(Value::as_object);
        let advertised = |name: &str| properties.is_some_and(|properties| properties.contains_key(name));
        let own = |name: &str| tool.params.iter().any(|param| param.name == name);
        let mut reserved: Vec<Param> = RESERVED
            .iter()
            .filter(|(name, _)| advertised(name) && !own(name))
            .map(|(name, kind)| reserved_param(name, *kind))
            .collect();
        if let Some(output) = reserved.iter_mut().find(|param| param.name == "output") {
            output.choices = match tool.steps.first().map(|step| step.op.output) {
                Some(OutputKind::Table) => &["table", "yaml", "json"],
                Some(OutputKind::Change) => &["diff", "json"],
                _ => &["yaml", "json"],
            };
        }
        if reaches_cluster(tool.steps) {
            reserved.push(reserved_param("cluster", ParamKind::String));
        }
        Self {
            own: tool.params,
            reserved,
        }
    }

    fn param(&self, name: &str) -> Option<&Param> {
        self.own
            .iter()
            .chain(&self.reserved)
            .find(|param| param.name == name)
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        self.own.iter().chain(&self.reserved).map(|param| param.name)
    }

    /// The parameter that `given` names: as it stands, in another spelling, or by an alias.
    fn target(&self, given: &str) -> Option<&'static str> {
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
}

fn reserved_param(name: &'static str, kind: ParamKind) -> Param {
    Param {
        name,
        kind,
        description: "",
        required: false,
        default: None,
        choices: &[],
        minimum: None,
        maximum: None,
        complete: None,
    }
}

/// An argument whose parameter is known.
struct Named {
    target: String,
    value: Value,
    given_as: String,
}

/// Arguments that no parameter of the tool takes.
type Extra = Vec<(String, Value)>;

fn name_arguments(
    tool: &Tool,
    takes: &Takes,
    given: Map<String, Value>,
) -> Result<(Vec<Named>, Extra), Error> {
    let (mut named, mut extra) = (Vec::new(), Vec::new());
    let mut group = None;
    for (name, value) in given {
        let takes_kind = takes.param("kind").is_some();
        if let Some(target) = takes.target(&name) {
            named.push(Named {
                target: target.to_owned(),
                value,
                given_as: name,
            });
        } else if normal(&name) == "allnamespaces" {
            all_namespaces(takes, value, &mut named, name)?;
        } else if takes_kind && matches!(normal(&name).as_str(), "apiversion" | "group" | "apigroup") {
            group = value.as_str().map(|text| group_of(text).to_owned());
        } else if takes_kind && takes.param("name").is_some() && is_kind_word(&name) && value.is_string() {
            // `service: checkout` says kind and name at once.
            named.push(Named {
                target: "name".to_owned(),
                value,
                given_as: name.clone(),
            });
            named.push(Named {
                target: "kind".to_owned(),
                value: Value::from(name.clone()),
                given_as: name,
            });
        } else if !value.is_null() {
            extra.push((name, value));
        }
    }
    if let Some(group) = group.filter(|group| !group.is_empty())
        && let Some(kind) = named.iter_mut().find(|named| named.target == "kind")
        && let Some(text) = kind.value.as_str().filter(|text| !text.contains(['.', '/']))
    {
        kind.value = Value::from(format!("{text}.{group}"));
    }
    // Two arguments that no tool is told of at once: the first is enough to say what is taken.
    if extra.len() > 1 {
        return Err(unknown(tool, takes, &extra[0].0));
    }
    Ok((named, extra))
}

/// The group of an `apiVersion`; `extensions` has been served by nobody since 1.22.
fn group_of(api_version: &str) -> &str {
    match api_version.split_once('/') {
        Some(("extensions", _)) => "",
        Some((group, _)) => group,
        None if api_version.contains('.') => api_version,
        None => "",
    }
}

/// `allNamespaces: true` is what a list does by itself; a change must name one.
fn all_namespaces(
    takes: &Takes,
    value: Value,
    named: &mut Vec<Named>,
    given_as: String,
) -> Result<(), Error> {
    let asked = matches!(&value, Value::Bool(true)) || value.as_str().is_some_and(|text| text == "true");
    if asked && takes.param("namespace").is_some() {
        named.push(Named {
            target: "namespace".to_owned(),
            value: Value::from("*"),
            given_as,
        });
    }
    Ok(())
}

fn take_reserved(accepted: &mut Accepted, takes: &Takes) {
    let values = &mut accepted.values;
    let own = |name: &str| takes.own.iter().any(|param| param.name == name);
    let mut text = |name: &str| match own(name) {
        true => None,
        false => values
            .remove(name)
            .and_then(|value| value.as_str().map(str::to_owned)),
    };
    accepted.reserved = Reserved {
        cluster: text("cluster"),
        cursor: text("cursor"),
        filter: text("where"),
        sort: text("sort"),
        fields: text("fields"),
        output: text("output"),
        // A confirmation that is no code (`true`, `yes`) is none.
        confirm: text("confirm")
            .filter(|code| !matches!(normal(code).as_str(), "true" | "yes" | "false" | "no")),
        dry_run: values.remove("dry_run") == Some(Value::Bool(true)),
    };
}

/// Field paths in a label selector go where they belong.
fn move_field_selectors(takes: &Takes, accepted: &mut Accepted) -> Result<(), Error> {
    let Some(Value::String(selector)) = accepted.values.get("selector") else {
        return Ok(());
    };
    let is_field = |part: &&str| {
        ["metadata.", "spec.", "status.", "involvedObject."]
            .iter()
            .any(|root| part.trim().starts_with(root))
    };
    let (fields, labels): (Vec<&str>, Vec<&str>) = selector.split(',').partition(is_field);
    if fields.is_empty() {
        return Ok(());
    }
    let mut moved: Vec<(&str, String)> = Vec::new();
    for field in fields {
        let (path, value) = field.split_once('=').unwrap_or((field, ""));
        let value = value.trim_start_matches('=');
        let target = match path.trim() {
            "spec.nodeName" if takes.param("node").is_some() => Some(("node", value.to_owned())),
            "status.phase" if takes.param("status").is_some() => Some(("status", value.to_owned())),
            _ if takes.param("field_selector").is_some() => Some(("field_selector", field.trim().to_owned())),
            _ => None,
        };
        match target {
            Some(target) => moved.push(target),
            None => {
                return Err(Error::invalid(format!(
                    "selector: expected labels such as app=web, found the field {}",
                    path.trim()
                )));
            }
        }
    }
    let labels = labels.join(",");
    if labels.is_empty() {
        accepted.values.remove("selector");
    } else {
        accepted.values.insert("selector".to_owned(), Value::from(labels));
    }
    for (name, text) in moved {
        let joined = match accepted.values.get(name).and_then(Value::as_str) {
            Some(there) if name == "field_selector" => format!("{there},{text}"),
            _ => text,
        };
        accepted.values.insert(name.to_owned(), Value::from(joined));
    }
    Ok(())
}

/// `deployment/web` is kind and name; `shop/web` is namespace and name, which a change does not take.
fn split_name(takes: &Takes, changes: bool, accepted: &mut Accepted) -> Result<(), Error> {
    let Some(Value::String(name)) = accepted.values.get("name") else {
        return Ok(());
    };
    let Some((left, right)) = name.split_once('/').map(|(l, r)| (l.to_owned(), r.to_owned())) else {
        return Ok(());
    };
    if right.contains('/') || left.is_empty() || right.is_empty() {
        return Err(Error::invalid(format!(
            "name: expected one name or kind/name, found {name}"
        )));
    }
    let is_kind = is_kind_word(left.split('.').next().unwrap_or(&left));
    let (target, taken) = match (
        is_kind,
        takes.param("kind").is_some(),
        takes.param("namespace").is_some(),
    ) {
        (true, true, _) => ("kind", left),
        (false, _, true) if changes => {
            return Err(Error::invalid(format!(
                "name: a change takes the namespace by itself: name={right} namespace={left}"
            )));
        }
        (false, _, true) => ("namespace", left),
        _ => {
            return Err(Error::invalid(format!(
                "name: expected a name without a slash, found {name}"
            )));
        }
    };
    if let Some(there) = accepted.values.get(target).and_then(Value::as_str)
        && !there.eq_ignore_ascii_case(&taken)
        && !(target == "kind" && same_kind(there, &taken))
    {
        return Err(Error::invalid(format!(
            "name says {target} {taken}, {target} says {there}"
        )));
    }
    accepted.values.insert(target.to_owned(), Value::from(taken));
    accepted.values.insert("name".to_owned(), Value::from(right));
    Ok(())
}

/// Whether two everyday words may name the same kind: enough to tell `deploy/web` with `kind: Deployment` from a
/// contradiction; discovery decides the rest.
fn same_kind(one: &str, other: &str) -> bool {
    let (one, other) = (normal(one), normal(other));
    one.starts_with(&other) || other.starts_with(&one)
}

fn unknown(tool: &Tool, takes: &Takes, name: &str) -> Error {
    let near = takes
        .names()
        .map(|candidate| (crate::error::edits(&normal(candidate), &normal(name)), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().max(3) / 3)
        .min()
        .map_or(String::new(), |(_, near)| format!("; did you mean {near}?"));
    // A cluster is taken everywhere, but told of only where there are several.
    let names: Vec<&str> = takes.names().filter(|name| *name != "cluster").collect();
    let takes = if names.is_empty() {
        "no arguments".to_owned()
    } else {
        names.join(", ")
    };
    Error::invalid(format!(
        "unknown argument {name}{near}; {} takes {takes}",
        tool.name
    ))
}

/// The name that other tools give to what this argument means.
fn normal_target(name: &str) -> String {
    match targets(name).first() {
        Some(target) => (*target).to_owned(),
        None => normal(name),
    }
}
