//! What was done, would be done, or failed: the answer of every change, and the matter of every plan.

use serde::Serialize;

use super::Next;

/// The answer of a change.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// What was done, as the answer's first line says it, starting with a verb in the past (`Labelled 2 pods in
    /// shop`); one made from the items if empty.
    pub heading: String,
    /// One for each object.
    pub items: Vec<ChangeItem>,
    /// Warnings (of the API server, of a controller that will revert it) and the way back.
    pub notes: Vec<String>,
    /// Calls worth making next.
    pub next: Vec<Next>,
}

/// What happens to one object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangeItem {
    /// What is done.
    pub verb: Verb,
    /// The kind, e.g. `Pod`.
    pub kind: String,
    /// The namespace, none for a cluster-scoped object.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The object's uid: an object of the same name that was made anew is another one.
    pub uid: Option<String>,
    /// How far it got.
    pub result: Outcome,
    /// The difference as unified lines (`-old`, `+new`, ` context`); empty where there is nothing to show.
    pub diff: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// What is done to an object, by the API's verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// A new object.
    Create,
    /// Some fields change.
    Patch,
    /// The whole object is replaced.
    Update,
    /// The object goes.
    Delete,
    /// Something is run or opened in it.
    Exec,
}

impl Verb {
    /// The word for it being done: `created`, `changed`, …
    pub fn past(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Patch => "changed",
            Self::Update => "replaced",
            Self::Delete => "deleted",
            Self::Exec => "run",
        }
    }

    /// The word for what would be done: `create`, `change`, …
    pub fn infinitive(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Patch => "change",
            Self::Update => "replace",
            Self::Delete => "delete",
            Self::Exec => "run",
        }
    }
}

/// How far a change got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It would be done.
    Planned,
    /// It is done.
    Done,
    /// It was so already.
    Unchanged,
    /// It was tried and failed.
    Failed,
}
