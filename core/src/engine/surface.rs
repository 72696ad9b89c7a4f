//! The static tables that build scripts generate from YAML: the product of the spec language.
//!
//! Everything here is data but [`Invoke`], the one typed function of a step. Places (`at`) are
//! `spec/…yaml:line:column`.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::{
    call::{Cx, Operation, Result, ServerCx, Values},
    output::Output,
};

/// What one package serves.
#[derive(Debug)]
pub struct Surface {
    /// The package's name, for messages.
    pub package: &'static str,
    /// Its toolsets.
    pub toolsets: &'static [Toolset],
    /// Its tools, sorted by name.
    pub tools: &'static [Tool],
    /// Its prompts, sorted by name.
    pub prompts: &'static [Prompt],
    /// Its resources, sorted by name.
    pub resources: &'static [ResourceTemplate],
    /// Its templates, sorted by name.
    pub templates: &'static [Template],
    /// Every operation that the build script found, proved to exist.
    pub operations: &'static [&'static Operation],
    /// The signatures of these as JSON, as the model reads them: `lint` needs them at run time.
    pub signatures: &'static str,
}

impl Surface {
    /// The names that no other surface may have, each with what it is of.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        let tools = self.tools.iter().map(|tool| ("tool", tool.name));
        let prompts = self.prompts.iter().map(|prompt| ("prompt", prompt.name));
        let resources = self.resources.iter().map(|resource| ("resource", resource.name));
        let templates = self.templates.iter().map(|template| ("template", template.name));
        tools.chain(prompts).chain(resources).chain(templates)
    }
}

/// A named group of tools.
#[derive(Debug)]
pub struct Toolset {
    /// Its name, the folder under `spec/tools`.
    pub name: &'static str,
    /// One line.
    pub description: &'static str,
    /// Whether it is served unless configured otherwise.
    pub default: bool,
}

/// A tool.
#[derive(Debug)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What clients show.
    pub title: Option<&'static str>,
    /// What a model reads.
    pub description: &'static str,
    /// Its toolset.
    pub toolset: &'static str,
    /// It asks even where the mode would let it run.
    pub always_confirm: bool,
    /// Its own parameters, as declared.
    pub params: &'static [Param],
    /// The reserved parameters that its spec offers, of `output`, `fields`, `where`, `sort`.
    pub offer: &'static [&'static str],
    /// The JSON schema of its input, with every reserved parameter but `cluster`.
    pub schema: &'static str,
    /// Its steps, in order; one with an empty id where the spec has `op`.
    pub steps: &'static [Step],
    /// The template of the answer; without one the last step's output is the answer.
    pub template: Option<&'static str>,
    /// Calls that its spec shows and that answer.
    pub examples: &'static [Example],
    /// Where it is declared.
    pub at: &'static str,
    /// The code that was generated for it, as `show` prints it.
    pub code: &'static str,
}

/// A call that a spec shows.
#[derive(Debug)]
pub struct Example {
    /// What it is an example of.
    pub name: &'static str,
    /// Its arguments, a JSON object.
    pub args: &'static str,
}

/// A parameter of a tool or prompt.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ParamKind,
    /// What it means.
    pub description: &'static str,
    /// Whether a call must give it.
    pub required: bool,
    /// What counts if a call does not, as JSON.
    pub default: Option<&'static str>,
    /// The values it may have; any if empty.
    pub choices: &'static [&'static str],
    /// The least value of a number.
    pub minimum: Option<f64>,
    /// The greatest value of a number.
    pub maximum: Option<f64>,
    /// What completes it: an operation that lists names.
    pub complete: Option<&'static Step>,
}

impl Param {
    /// Whether this is what counts if a call does not give it.
    pub(super) fn is_default(&self, value: &Value) -> bool {
        self.default_value().is_some_and(|default| default == *value)
    }

    /// What counts if a call does not give it.
    pub(super) fn default_value(&self) -> Option<Value> {
        serde_json::from_str(self.default?).ok()
    }
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list of strings.
    Strings,
    /// A list of whole numbers.
    Integers,
    /// A list of numbers.
    Numbers,
    /// A list of true or false.
    Booleans,
}

/// One operation with its bindings.
#[derive(Debug)]
pub struct Step {
    /// Its name within the tool.
    pub id: &'static str,
    /// The operation.
    pub op: &'static Operation,
    /// What its parameters get; `limit` of a page is one of them.
    pub bindings: &'static [Binding],
    /// It runs only if this minijinja expression holds.
    pub when: Option<Expression>,
    /// The call goes on without it if it fails.
    pub continue_on_error: bool,
    /// The cluster, if it is not the call's.
    pub cluster: Option<Source>,
    /// Indexes of the steps that it refers to.
    pub needs: &'static [usize],
    /// The typed call.
    pub invoke: Invoke,
    /// Where it is declared.
    pub at: &'static str,
}

impl Step {
    /// Which of the operation's parameters the caller gives: the operation's word for each, and the caller's.
    pub(super) fn given(&self) -> impl Iterator<Item = (&'static str, &'static str)> + use<> {
        self.bindings.iter().filter_map(|binding| match binding.source {
            Source::Param(name) | Source::Uri(name) => Some((binding.param, name)),
            _ => None,
        })
    }
}

/// An expression or template text, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Expression {
    /// Its text.
    pub text: &'static str,
    /// Where it stands.
    pub at: &'static str,
}

/// What one parameter of an operation gets.
#[derive(Debug)]
pub struct Binding {
    /// The operation's parameter.
    pub param: &'static str,
    /// What it gets.
    pub source: Source,
    /// Where that is said.
    pub at: &'static str,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// `$params.x`.
    Param(&'static str),
    /// `$steps.id.path`: the path after `steps.`.
    Step(&'static str),
    /// `$uri.x`.
    Uri(&'static str),
    /// A minijinja text, always a string; empty counts as left out.
    Template(&'static str),
    /// A literal as JSON.
    Fixed(&'static str),
}

/// The generated function of a step: takes the bound values, calls the operation.
#[derive(Clone, Copy, Debug)]
pub enum Invoke {
    /// Of an operation on a cluster.
    Cluster(for<'a> fn(&'a Cx, Values) -> Invoked<'a>),
    /// Of an operation on the server itself.
    Server(for<'a> fn(&'a ServerCx, Values) -> Invoked<'a>),
}

/// An operation on its way to its answer.
pub type Invoked<'a> = BoxFuture<'a, Result<Output>>;

/// A prompt.
#[derive(Debug)]
pub struct Prompt {
    /// Its name.
    pub name: &'static str,
    /// What clients show.
    pub title: Option<&'static str>,
    /// What it is for.
    pub description: &'static str,
    /// Its parameters; all are strings.
    pub params: &'static [Param],
    /// What is read before it is rendered.
    pub steps: &'static [Step],
    /// Its messages.
    pub messages: &'static [Message],
    /// Where it is declared.
    pub at: &'static str,
}

/// A message of a prompt.
#[derive(Debug)]
pub struct Message {
    /// Whose it is.
    pub role: Role,
    /// Its template.
    pub template: &'static str,
}

/// Whose message it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The user's.
    User,
    /// The model's.
    Assistant,
}

/// A resource, by a URI template (RFC 6570, level 1).
#[derive(Debug)]
pub struct ResourceTemplate {
    /// Its name.
    pub name: &'static str,
    /// What clients show.
    pub title: Option<&'static str>,
    /// What it is.
    pub description: &'static str,
    /// The URI, with `{variables}`.
    pub uri: &'static str,
    /// The MIME type of what is read.
    pub mime: &'static str,
    /// What reads it.
    pub step: Step,
    /// What completes each variable.
    pub complete: &'static [(&'static str, Step)],
    /// Whether it can be watched.
    pub subscribe: bool,
    /// Where it is declared.
    pub at: &'static str,
}

/// A template's source.
#[derive(Debug)]
pub struct Template {
    /// Its path under `templates/`, e.g. `tools/describe.md.j2`.
    pub name: &'static str,
    /// Its text.
    pub source: &'static str,
}
