//! Asking a person, where the client can.
//!
//! An answer that wants consent carries a question and a code. If the client can put the question to a person
//! (elicitation), the code stays here: it is redeemed when the person agrees, and the model never sees it. Up to
//! 2025-11-25 the server sends a request of its own and waits; from 2026-07-28 it answers that input is required,
//! keeps the code under a random handle, and the client repeats its call with the handle and the person's
//! answer. The handle carries nothing, so there is nothing in it to read or to forge.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use futures::future::BoxFuture;
use rmcp::{
    Peer, RoleServer,
    model::{
        ClientCapabilities, ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction,
        ElicitationSchema, InputRequest, InputRequiredResult, InputResponses,
    },
};
use tokio_util::sync::CancellationToken;

use crate::engine::{Answer, ConsentRequest};

#[cfg(test)]
mod tests;

/// How long a person has to answer: as long as a code counts.
const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How often one call may ask: each time the plan may have changed while the person thought.
const ROUNDS: usize = 3;
/// Questions of the stateless era that may be open; the oldest goes.
const OPEN: usize = 256;
/// The one field of the form, and the name of the question.
const FIELD: &str = "confirm";

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// To go ahead.
    Yes,
    /// No, or nothing.
    No(&'static str),
}

impl Said {
    fn of(result: &ElicitResult) -> Self {
        match result.action {
            // A form that was sent off without the box ticked is no consent.
            ElicitationAction::Accept => match result.content.as_ref().and_then(|content| content.get(FIELD))
            {
                Some(serde_json::Value::Bool(true)) => Self::Yes,
                _ => Self::No("it was not confirmed"),
            },
            ElicitationAction::Decline => Self::No("declined"),
            _ => Self::No("the question was dismissed"),
        }
    }
}

/// Whether a client can put a form to a person.
pub(super) fn can_ask(capabilities: Option<&ClientCapabilities>) -> bool {
    capabilities
        .and_then(|capabilities| capabilities.elicitation.as_ref())
        // A client that names no mode means forms: there was nothing else at first.
        .is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

/// The answer after a no.
pub(super) fn not_done(why: &str) -> Answer {
    Answer {
        text: format!("NOT DONE: {why}; nothing was changed"),
        is_error: false,
        consent: None,
    }
}

fn form(question: &str) -> ElicitRequestParams {
    let schema = ElicitationSchema::builder()
        .required_bool_property(FIELD, |field| field.title("Carry this out").with_default(false));
    ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: question.to_owned(),
        // The builder cannot fail on a property that it has just been given.
        requested_schema: schema
            .build()
            .unwrap_or_else(|_| ElicitationSchema::new(BTreeMap::new())),
    }
}

/// Asks as up to 2025-11-25: the server's own request. `gone` is cancelled when nobody can answer any more.
pub(super) async fn ask(
    peer: &Peer<RoleServer>,
    question: String,
    cancel: &CancellationToken,
    gone: &CancellationToken,
) -> Said {
    let asked = peer.create_elicitation_with_timeout(form(&question), Some(PATIENCE));
    tokio::select! {
        biased;
        () = cancel.cancelled() => Said::No("the call was cancelled"),
        () = gone.cancelled() => Said::No("the client has gone"),
        result = asked => match result {
            Ok(result) => Said::of(&result),
            Err(error) => {
                tracing::info!(%error, "a person could not be asked");
                Said::No("nobody could be asked")
            }
        },
    }
}

/// Settles an answer by asking until it wants no consent. `ask` puts a question, `call` repeats the call with a
/// code.
pub(super) async fn settle<'a>(
    mut answer: Answer,
    ask: impl Fn(String) -> BoxFuture<'a, Said>,
    call: impl Fn(String) -> BoxFuture<'a, Answer>,
) -> Answer {
    for _ in 0..ROUNDS {
        let Some(ConsentRequest { question, code }) = answer.consent.take() else {
            return answer;
        };
        match ask(question).await {
            Said::Yes => answer = call(code).await,
            Said::No(why) => return not_done(why),
        }
    }
    match answer.consent {
        None => answer,
        Some(_) => not_done("what it would do changed each time it was agreed to; try again"),
    }
}

/// Questions of the stateless era: handles and the codes that they stand for.
#[derive(Default)]
pub(super) struct Questions {
    open: Mutex<HashMap<String, Open>>,
}

struct Open {
    code: String,
    tool: String,
    asked: Instant,
}

impl Questions {
    fn open(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result that asks; nothing if the system has no randomness for a handle.
    pub(super) fn put(&self, tool: &str, consent: ConsentRequest) -> Option<InputRequiredResult> {
        let handle = handle()?;
        let now = Instant::now();
        let mut open = self.open();
        open.retain(|_, question| now.duration_since(question.asked) < PATIENCE);
        if open.len() >= OPEN {
            let oldest = open
                .iter()
                .min_by_key(|(_, question)| question.asked)
                .map(|(handle, _)| handle.clone());
            oldest.and_then(|oldest| open.remove(&oldest));
        }
        let request = ElicitRequest::new(form(&consent.question));
        open.insert(
            handle.clone(),
            Open {
                code: consent.code,
                tool: tool.to_owned(),
                asked: now,
            },
        );
        let requests = BTreeMap::from([(FIELD.to_owned(), InputRequest::Elicitation(request))]);
        Some(InputRequiredResult::new(Some(requests), Some(handle)))
    }

    /// What a repeated call brings: the code if the person agreed, or why not. Nothing if the handle is not that
    /// of an open question of this tool: the call is then one like any other. A handle counts once.
    pub(super) fn take(
        &self,
        tool: &str,
        state: Option<&str>,
        responses: Option<&InputResponses>,
    ) -> Option<Result<String, &'static str>> {
        let question = {
            let mut open = self.open();
            if open.get(state?)?.tool != tool {
                return None;
            }
            open.remove(state?)?
        };
        if question.asked.elapsed() >= PATIENCE {
            return None;
        }
        let said = responses
            .and_then(|responses| responses.get(FIELD))
            .and_then(|response| serde_json::from_value::<ElicitResult>(response.clone()).ok())
            .map_or(Said::No("the question was not answered"), |result| {
                Said::of(&result)
            });
        Some(match said {
            Said::Yes => Ok(question.code),
            Said::No(why) => Err(why),
        })
    }
}

fn handle() -> Option<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
