//! What a server passes to the engine and gets back.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::surface::{Role, Step, Tool};
use crate::call::{Access, Caller, Consent, Progress};

/// Who calls, and what the call may use: the same for tools, prompts, resources and completion.
#[derive(Clone)]
pub struct Context {
    /// Who calls.
    pub caller: Caller,
    /// Whether and how consent can be had.
    pub consent: Consent,
    /// The code of a plan that a person has agreed to: it counts in place of the argument `confirm`.
    pub agreed: Option<String>,
    /// Cancelled when the caller cancels or the server stops.
    pub cancel: CancellationToken,
    /// Where progress goes.
    pub progress: Arc<dyn Progress>,
}

/// A tool as it is listed.
#[derive(Clone, Debug)]
pub struct ListedTool {
    /// Its declaration.
    pub tool: &'static Tool,
    /// The highest access of its operations.
    pub access: Access,
    /// The input schema, with `cluster` if there are several.
    pub schema: Arc<Map<String, Value>>,
}

impl ListedTool {
    /// Whether its schema tells of this parameter, its own or one that the engine adds.
    pub(super) fn advertises(&self, name: &str) -> bool {
        let properties = self.schema.get("properties").and_then(Value::as_object);
        properties.is_some_and(|properties| properties.contains_key(name))
    }

    /// What a call takes of the operation that is its answer: the operation's word for it, and the tool's.
    pub(super) fn takes(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        let bound = self.tool.steps.last().into_iter().flat_map(Step::given);
        let added = ["cursor", "fields"]
            .into_iter()
            .filter(|name| self.advertises(name));
        bound.chain(added.map(|name| (name, name)))
    }
}

/// The call that arguments mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The tool that would run: the one that was called, or the one that the arguments belong to.
    pub tool: &'static str,
    /// Its arguments in its own words, without what counts anyway.
    pub arguments: Map<String, Value>,
    /// What the answer would say first, if it is another tool.
    pub note: Option<String>,
}

/// The answer to a call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The text for the model.
    pub text: String,
    /// Whether it is an error.
    pub is_error: bool,
    /// A person has to agree first. A server whose client can ask does so and calls again with the code as
    /// [`Context::agreed`]; else the text, which carries plan and code, is the answer.
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
#[derive(Clone, Copy, Debug)]
pub enum Completing<'a> {
    /// An argument of a prompt.
    Prompt(&'a str),
    /// A variable of a resource's URI template.
    Resource(&'a str),
    /// A parameter of a tool (shell completion).
    Tool(&'a str),
}
