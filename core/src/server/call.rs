//! One call of a tool: progress, cancellation, consent, and whatever else can happen to it.

use std::{sync::Arc, time::Instant};

use futures::FutureExt as _;
use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData},
    service::RequestContext,
};
use serde_json::{Map, Value};

use super::{
    asking::{self, not_done},
    handler::{CALLS, Handler, is_modern, said},
    http,
    progress::{self, NoProgress},
};
use crate::{
    call::{Access, Caller, Consent, Progress},
    config::Confirm,
    engine::{Answer, Context},
    nearest::nearest,
};

impl Handler {
    pub(super) async fn call(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let CallToolRequestParams {
            name,
            arguments,
            input_responses,
            request_state,
            ..
        } = request;
        if !self.engine.knows_tool(&name) {
            return Err(self.unknown_tool(&name));
        }
        let Ok(_place) = self.places.try_acquire() else {
            return Err(ErrorData::internal_error(
                format!("{CALLS} calls are under way already; wait for their answers"),
                None,
            ));
        };
        let arguments = arguments.unwrap_or_default();
        let asks = asking::can_ask(cx.client_capabilities().as_ref());
        let modern = is_modern(&cx);

        let agreed = match self
            .questions
            .take(&name, request_state.as_deref(), input_responses.as_ref())
        {
            None => None,
            Some(Ok(code)) => Some(code),
            Some(Err(why)) => return Ok(finish(not_done(why))),
        };
        let run = |agreed| self.run(&name, arguments.clone(), agreed, asks, &cx);
        let mut answer = run(agreed).await;
        if asks && !modern {
            answer = asking::settle(
                answer,
                |question| asking::ask(&cx.peer, question, &cx.ct, &self.stopping.ended).boxed(),
                |code| run(Some(code)).boxed(),
            )
            .await;
        } else if asks && let Some(consent) = answer.consent.take() {
            return Ok(match self.questions.put(&name, consent) {
                Some(question) => question.into(),
                None => finish(not_done("nobody could be asked")),
            });
        }
        Ok(finish(answer))
    }

    /// Runs the tool once; `agreed` is the code of what a person has agreed to.
    async fn run(
        &self,
        name: &str,
        arguments: Map<String, Value>,
        agreed: Option<String>,
        asks: bool,
        cx: &RequestContext<RoleServer>,
    ) -> Answer {
        let started = Instant::now();
        let (progress, forward) = progress_of(cx);
        let confirmed = agreed.is_some();
        let context = Context {
            agreed,
            ..self.context(cx, asks, progress)
        };
        let mut call = std::pin::pin!(self.engine.call_tool(name, arguments, &context));
        let mut forward = std::pin::pin!(forward);
        loop {
            tokio::select! {
                biased;
                answer = &mut call => return answer,
                () = self.stopping.cancel_calls.cancelled(), if !cx.ct.is_cancelled() => {
                    self.log_cancelled(name, confirmed, started);
                    cx.ct.cancel();
                }
                () = &mut forward => {}
            }
        }
    }

    /// What a call may use.
    pub(super) fn context(
        &self,
        cx: &RequestContext<RoleServer>,
        asks: bool,
        progress: Arc<dyn Progress>,
    ) -> Context {
        let client = cx
            .client_info()
            .map(|info| format!("{} {}", info.name, info.version))
            .unwrap_or_default();
        Context {
            caller: Caller {
                id: http::subject(&cx.extensions).unwrap_or(self.caller).to_owned(),
                client,
            },
            consent: if !asks && self.confirm == Confirm::AskOnly {
                Consent::Refused
            } else {
                Consent::Code
            },
            agreed: None,
            cancel: cx.ct.clone(),
            progress,
        }
    }

    fn log_cancelled(&self, name: &str, confirmed: bool, started: Instant) {
        let access = self.engine.access_of(name);
        let seconds = started.elapsed().as_secs_f64();
        if access == Access::Read {
            tracing::info!(tool = name, seconds, "cancelled at the end of the server");
        } else {
            tracing::warn!(
                tool = name,
                %access,
                confirmed,
                seconds,
                "cancelled at the end of the server: a change that was sent already may have been carried out"
            );
        }
    }

    fn unknown_tool(&self, name: &str) -> ErrorData {
        let names = self.engine.tools().iter().map(|listed| listed.tool.name);
        let message = match nearest(name, names) {
            Some(near) => format!("unknown tool {name:?}; did you mean {near}?"),
            None => format!("unknown tool {name:?}"),
        };
        ErrorData::invalid_params(said(&message), None)
    }
}

/// Where an operation reports to, and what sends it on, if the client asked for that.
fn progress_of(
    cx: &RequestContext<RoleServer>,
) -> (Arc<dyn Progress>, futures::future::BoxFuture<'static, ()>) {
    match cx.meta.get_progress_token() {
        Some(token) => {
            let (progress, forward) = progress::channel(token, cx.peer.clone());
            (progress, forward.boxed())
        }
        None => (Arc::new(NoProgress), std::future::pending().boxed()),
    }
}

fn finish(answer: Answer) -> CallToolResponse {
    let content = vec![ContentBlock::text(answer.text)];
    let mut result = CallToolResult::success(content);
    // Left out where it is false: that is its meaning, and the fewer words the better.
    result.is_error = answer.is_error.then_some(true);
    result.into()
}
