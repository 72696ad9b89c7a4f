//! Runs what was generated: arguments, aliases, steps, templates, the output stage.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use crate::{
    Error,
    call::{Access, Audit, Caller, Codes, Consent, Progress},
    cluster::Clusters,
    config::Config,
};

pub mod surface;

use surface::{Prompt, ResourceTemplate, Role, Surface, Tool};

/// Everything that is served, ready to be called. One for a process, shared by all transports.
pub struct Engine {}

/// Who calls, and what the call may use: the same for tools, prompts, resources and completion.
#[derive(Clone)]
pub struct Context {
    /// Who calls.
    pub caller: Caller,
    /// Whether and how consent can be had.
    pub consent: Consent,
    /// Cancelled when the caller cancels or the server stops.
    pub cancel: CancellationToken,
    /// Where progress goes.
    pub progress: Arc<dyn Progress>,
}

/// A tool as it is listed.
#[derive(Clone)]
pub struct ListedTool {
    /// Its declaration.
    pub tool: &'static Tool,
    /// The highest access of its operations.
    pub access: Access,
    /// The input schema, with `cluster` if there are several.
    pub schema: Arc<Map<String, Value>>,
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text for the model.
    pub text: String,
    /// Whether it is an error.
    pub is_error: bool,
    /// A person has to agree first. A server whose client can ask does so and calls again with the code as
    /// `confirm`; else the text, which carries plan and code, is the answer.
    pub consent: Option<ConsentRequest>,
}

/// What a person is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentRequest {
    /// The plan, without the code.
    pub question: String,
    /// The code that carries the plan out.
    pub code: String,
}

/// A rendered prompt.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// What the prompt is for.
    pub description: String,
    /// Its messages.
    pub messages: Vec<(Role, String)>,
}

/// What was read of a resource.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The MIME type.
    pub mime: &'static str,
    /// The text.
    pub text: String,
}

/// What is to be completed.
#[derive(Clone, Debug)]
pub enum Completing<'a> {
    /// An argument of a prompt.
    Prompt(&'a str),
    /// A variable of a resource's URI template.
    Resource(&'a str),
    /// A parameter of a tool (shell completion).
    Tool(&'a str),
}

impl Engine {
    /// An engine over these surfaces. Nothing is contacted.
    ///
    /// # Errors
    /// If a name is in two surfaces, or the configuration names a tool or toolset that does not exist.
    pub fn new(
        surfaces: &[&'static Surface],
        config: Arc<Config>,
        clusters: Arc<Clusters>,
        codes: Arc<dyn Codes>,
        audit: Arc<dyn Audit>,
    ) -> Result<Self, Error> {
        todo!()
    }

    /// The configured clusters.
    pub fn clusters(&self) -> &Arc<Clusters> {
        todo!()
    }

    /// What a client is told when it connects: the template `instructions.md.j2`, rendered with the names of the
    /// listed `tools` and the `mode`; nothing if no surface has one.
    pub fn instructions(&self) -> Option<String> {
        todo!()
    }

    /// The tools that are listed, sorted by name.
    pub fn tools(&self) -> &[ListedTool] {
        todo!()
    }

    /// The prompts, sorted by name.
    pub fn prompts(&self) -> &[&'static Prompt] {
        todo!()
    }

    /// The resources, sorted by name.
    pub fn resources(&self) -> &[&'static ResourceTemplate] {
        todo!()
    }

    /// Whether a tool of this name exists, listed or not. Calling one that does not is a protocol error.
    pub fn knows_tool(&self, name: &str) -> bool {
        todo!()
    }

    /// Calls a tool. Whatever goes wrong is an answer.
    pub async fn call_tool(&self, name: &str, arguments: Map<String, Value>, context: &Context) -> Answer {
        todo!()
    }

    /// Renders a prompt with live data.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no such prompt;
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) if an argument is wrong or missing.
    pub async fn get_prompt(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        context: &Context,
    ) -> Result<Rendered, Error> {
        todo!()
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if no template matches the URI, or the object is not there.
    pub async fn read_resource(&self, uri: &str, context: &Context) -> Result<Contents, Error> {
        todo!()
    }

    /// Values that complete `typed`, given the other arguments. Empty where a variable that is needed is not
    /// given yet, and on any failure.
    pub async fn complete(
        &self,
        what: Completing<'_>,
        argument: &str,
        typed: &str,
        given: &Map<String, Value>,
        context: &Context,
    ) -> Vec<String> {
        todo!()
    }
}
