//! A checked package: what the checks hand to code generation, to `show` and to the generated reference.
//!
//! It mirrors `kube_mcp_core::engine::surface`, which is what it becomes. Every name in it has been resolved and
//! every `at` is a `spec/…yaml:line:column`.

use serde_json::Value;

/// What one package serves.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its toolsets, in the order of `toolsets.yaml`.
    pub toolsets: Vec<Toolset>,
    /// Its tools, sorted by name.
    pub tools: Vec<Tool>,
    /// Its prompts, sorted by name.
    pub prompts: Vec<Prompt>,
    /// Its resources, sorted by name.
    pub resources: Vec<Resource>,
    /// Its templates, sorted by name.
    pub templates: Vec<Template>,
}

/// A named group of tools.
#[derive(Clone, Debug)]
pub struct Toolset {
    /// Its name, the folder under `spec/tools`.
    pub name: String,
    /// One line.
    pub description: String,
    /// Whether it is served unless configured otherwise.
    pub default: bool,
}

/// A tool.
#[derive(Clone, Debug)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What clients show.
    pub title: Option<String>,
    /// What a model reads.
    pub description: String,
    /// Its toolset.
    pub toolset: String,
    /// `confirm: always`.
    pub always_confirm: bool,
    /// Its own parameters, in the order of the file.
    pub params: Vec<Param>,
    /// What it offers, of `output`, `fields`, `where`, `sort`.
    pub offer: Vec<String>,
    /// The JSON schema of its input with every reserved parameter but `cluster`.
    pub schema: Value,
    /// Its steps; a single one with an empty id where the spec has `op`.
    pub steps: Vec<Step>,
    /// The template of its answer.
    pub template: Option<String>,
    /// Its examples.
    pub examples: Vec<Example>,
    /// Where it is declared.
    pub at: String,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ParamKind,
    /// What it means; empty if nothing needs saying.
    pub description: String,
    /// Whether a call must give it.
    pub required: bool,
    /// What counts if a call does not.
    pub default: Option<Value>,
    /// The values it may have; any if empty.
    pub choices: Vec<String>,
    /// The least value of a number.
    pub minimum: Option<f64>,
    /// The greatest value of a number.
    pub maximum: Option<f64>,
    /// What completes it.
    pub complete: Option<Step>,
    /// Where it is declared.
    pub at: String,
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

/// An operation with its bindings.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its name within the tool; empty for the only one.
    pub id: String,
    /// The operation's name.
    pub op: String,
    /// What its parameters get, in the operation's order; a `limit` bound to the page comes last.
    pub bindings: Vec<Binding>,
    /// Its condition.
    pub when: Option<Placed>,
    /// `on_error: continue`.
    pub continue_on_error: bool,
    /// The cluster, if it is not the call's.
    pub cluster: Option<Source>,
    /// Indexes of the steps that it refers to.
    pub needs: Vec<usize>,
    /// Where it is declared.
    pub at: String,
}

/// A text and where it stands.
#[derive(Clone, Debug)]
pub struct Placed {
    /// The text.
    pub text: String,
    /// Where it stands.
    pub at: String,
}

/// What one parameter of an operation gets.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The operation's parameter.
    pub param: String,
    /// What it gets.
    pub source: Source,
    /// Where that is said.
    pub at: String,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Source {
    /// `$params.x`, or a parameter of the same name.
    Param(String),
    /// `$steps.id.path`, without `$steps.`.
    Step(String),
    /// `$uri.x`.
    Uri(String),
    /// A minijinja text.
    Template(String),
    /// A literal, with `$$` already read as `$`.
    Fixed(Value),
}

/// A prompt.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// What clients show.
    pub title: Option<String>,
    /// What it is for.
    pub description: String,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What is gathered.
    pub steps: Vec<Step>,
    /// Its messages.
    pub messages: Vec<Message>,
    /// Where it is declared.
    pub at: String,
}

/// A message of a prompt.
#[derive(Clone, Debug)]
pub struct Message {
    /// `user` or `assistant`.
    pub role: String,
    /// Its template.
    pub template: String,
}

/// A resource.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Its name.
    pub name: String,
    /// What clients show.
    pub title: Option<String>,
    /// What it is.
    pub description: String,
    /// The URI template.
    pub uri: String,
    /// The MIME type.
    pub mime: String,
    /// What reads it.
    pub step: Step,
    /// What completes each variable.
    pub complete: Vec<(String, Step)>,
    /// `subscribe: true`.
    pub subscribe: bool,
    /// Where it is declared.
    pub at: String,
}

/// A template.
#[derive(Clone, Debug)]
pub struct Template {
    /// Its path under `templates/`.
    pub name: String,
    /// Its text.
    pub source: String,
}

/// An example of a call: a test once there is a cluster to run it on.
#[derive(Clone, Debug)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// The arguments.
    pub args: Value,
    /// What the answer has to satisfy.
    pub expect: Value,
    /// Where it stands.
    pub at: String,
}
