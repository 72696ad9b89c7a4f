//! rmcp's handler over an engine.

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc};

use futures::FutureExt as _;
use rmcp::{
    RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
        CompletionInfo, DiscoverResult, ErrorData, GetPromptRequestParams, GetPromptResponse,
        GetPromptResult, Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
        ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, MetaObject,
        PaginatedRequestParams, PromptMessage, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, Reference, ResourceContents, Role, ServerCapabilities, ServerConfig,
    },
    service::RequestContext,
};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use super::{
    asking::{self, Questions},
    listing,
    progress::NoProgress,
    stopping::Stopping,
};
use crate::{
    Error, ErrorKind,
    config::{Config, Confirm},
    engine::{Completing, Context, Engine, surface},
    output::Redactor,
};

/// How long a client may keep a list: what is served does not change while the server runs, but a client may
/// meet another server under the same name.
const LIST_TTL_MS: u64 = 5 * 60 * 1000;

/// Calls of tools under way at once: those of a session outlive the connections on which they came.
pub(super) const CALLS: usize = 512;

/// What a client is told of a panic.
pub(super) const BUG: &str = "a bug of this server stopped the request; its log has more";

/// The protocol's handler. One for a transport.
pub(super) struct Handler {
    pub(super) engine: Arc<Engine>,
    pub(super) confirm: Confirm,
    pub(super) questions: Questions,
    pub(super) stopping: Stopping,
    /// One for each call that may be under way.
    pub(super) places: Semaphore,
    /// The transport's name for whoever calls, where it does not tell callers apart.
    pub(super) caller: &'static str,
    info: ServerConfig,
}

impl Handler {
    pub(super) fn new(
        engine: Arc<Engine>,
        config: &Config,
        caller: &'static str,
        stopping: Stopping,
    ) -> Self {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_prompts()
            .enable_resources()
            .enable_completions()
            .build();
        let mut info = ServerConfig::new(capabilities).with_server_info(implementation());
        info.instructions = engine.instructions();
        Self {
            engine,
            confirm: config.access.confirm,
            questions: Questions::default(),
            stopping,
            places: Semaphore::new(CALLS),
            caller,
            info,
        }
    }

    /// What everything but a tool is called with: reads only.
    fn reading(&self, cx: &RequestContext<RoleServer>) -> Context {
        let asks = asking::can_ask(cx.client_capabilities().as_ref());
        self.context(cx, asks, Arc::new(NoProgress))
    }

    /// Runs what answers with a result or not at all, but no longer than the server does. A panic must not leave
    /// the client without an answer.
    async fn bounded<T>(
        &self,
        cx: &RequestContext<RoleServer>,
        run: impl Future<Output = T>,
    ) -> Result<T, ErrorData> {
        let mut run = std::pin::pin!(AssertUnwindSafe(run).catch_unwind());
        let result = tokio::select! {
            biased;
            result = &mut run => result,
            () = self.stopping.cancel_calls.cancelled() => {
                cx.ct.cancel();
                run.await
            }
        };
        result.map_err(|_| ErrorData::internal_error(BUG, None))
    }
}

fn implementation() -> Implementation {
    Implementation::new("kube-mcp", env!("CARGO_PKG_VERSION")).with_title("Kubernetes")
}

/// Whether the request is of the stateless era.
pub(super) fn is_modern(cx: &RequestContext<RoleServer>) -> bool {
    cx.protocol_version()
        .is_some_and(|version| !version.has_initialize())
}

/// Says who answers: from 2026-07-28 every result should.
fn stamp(meta: &mut Option<MetaObject>, cx: &RequestContext<RoleServer>) {
    if is_modern(cx)
        && let Ok(server) = serde_json::to_value(implementation())
    {
        meta.get_or_insert_default()
            .insert("io.modelcontextprotocol/serverInfo".to_owned(), server);
    }
}

/// Every list is one page, so that no cursor can be one of ours.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(ErrorData::invalid_params(
            "unknown cursor: the list is one page",
            None,
        )),
    }
}

macro_rules! list {
    ($result:ident, $items:expr, $cx:expr) => {{
        let mut result = $result::with_all_items($items)
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private);
        if is_modern($cx) {
            stamp(&mut result.meta, $cx);
        } else {
            // Older revisions do not know these.
            result.ttl_ms = None;
            result.cache_scope = None;
        }
        Ok(result)
    }};
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        self.info.clone()
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let result = self.negotiate_initialize(&request)?;
        let mut peer = request;
        // What was agreed on counts, not what was asked for.
        peer.protocol_version = result.protocol_version.clone();
        cx.peer.set_peer_info(peer);
        Ok(result)
    }

    async fn discover(&self, _: RequestContext<RoleServer>) -> Result<DiscoverResult, ErrorData> {
        let versions = self.supported_protocol_versions().into_owned();
        Ok(DiscoverResult::from_server_info(versions, self.get_info())
            .with_ttl_ms(LIST_TTL_MS)
            .with_cache_scope(CacheScope::Private))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        one_page(request)?;
        list!(
            ListToolsResult,
            self.engine.tools().iter().map(listing::tool).collect(),
            &cx
        )
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let stamped = cx.clone();
        let mut response = self.call(request, cx).await?;
        match &mut response {
            CallToolResponse::Complete(result) => stamp(&mut result.meta, &stamped),
            CallToolResponse::InputRequired(result) => stamp(&mut result.meta, &stamped),
            _ => {}
        }
        Ok(response)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        one_page(request)?;
        let several = self.engine.has_several_clusters();
        let prompts = self
            .engine
            .prompts()
            .iter()
            .map(|prompt| listing::prompt(prompt, several));
        list!(ListPromptsResult, prompts.collect(), &cx)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let context = self.reading(&cx);
        let arguments = request.arguments.unwrap_or_default();
        let rendered = self
            .bounded(&cx, self.engine.get_prompt(&request.name, arguments, &context))
            .await?
            .map_err(|error| match error.kind {
                ErrorKind::NotFound | ErrorKind::Invalid => {
                    ErrorData::invalid_params(said(&error.message), None)
                }
                _ => ErrorData::internal_error(said(&error.message), None),
            })?;
        let messages = rendered
            .messages
            .into_iter()
            .map(|(role, text)| {
                let role = match role {
                    surface::Role::User => Role::User,
                    surface::Role::Assistant => Role::Assistant,
                };
                PromptMessage::new_text(role, text)
            })
            .collect();
        let mut result = GetPromptResult::new(messages).with_description(rendered.description);
        stamp(&mut result.meta, &cx);
        Ok(result.into())
    }

    /// There are too many objects in a cluster to list them: resources are templates.
    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        one_page(request)?;
        list!(ListResourcesResult, Vec::new(), &cx)
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        cx: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        one_page(request)?;
        let templates = self
            .engine
            .resources()
            .iter()
            .map(|resource| listing::resource_template(resource));
        list!(ListResourceTemplatesResult, templates.collect(), &cx)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let context = self.reading(&cx);
        let contents = self
            .bounded(&cx, self.engine.read_resource(&request.uri, &context))
            .await?
            .map_err(|error| resource_error(error, &request.uri))?;
        let contents = ResourceContents::text(contents.text, request.uri).with_mime_type(contents.mime);
        let mut result = ReadResourceResult::new(vec![contents]);
        if is_modern(&cx) {
            // It is live: stale at once.
            result = result.with_ttl_ms(0).with_cache_scope(CacheScope::Private);
        }
        stamp(&mut result.meta, &cx);
        Ok(result.into())
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        cx: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let what = match &request.r#ref {
            Reference::Prompt(prompt) => {
                let known = self
                    .engine
                    .prompts()
                    .iter()
                    .any(|known| known.name == prompt.name);
                known.then_some(Completing::Prompt(&prompt.name))
            }
            // The protocol names it by its URI template, the engine too.
            Reference::Resource(resource) => {
                let known = self
                    .engine
                    .resources()
                    .iter()
                    .any(|known| known.uri == resource.uri);
                known.then_some(Completing::Resource(&resource.uri))
            }
            _ => None,
        };
        let Some(what) = what else {
            return Err(ErrorData::invalid_params(
                "ref: no such prompt or resource template",
                None,
            ));
        };
        let given: Map<String, Value> = request
            .context
            .and_then(|context| context.arguments)
            .unwrap_or_default()
            .into_iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
        let context = self.reading(&cx);
        let complete = self.engine.complete(
            what,
            &request.argument.name,
            &request.argument.value,
            &given,
            &context,
        );
        let mut values = self.bounded(&cx, complete).await?;
        let total = values.len();
        values.truncate(CompletionInfo::MAX_VALUES);
        let info = CompletionInfo::with_pagination(
            values,
            u32::try_from(total).ok(),
            total > CompletionInfo::MAX_VALUES,
        )
        .map_err(|error| ErrorData::internal_error(error, None))?;
        let mut result = CompleteResult::new(info);
        stamp(&mut result.meta, &cx);
        Ok(result)
    }
}

fn resource_error(error: Error, uri: &str) -> ErrorData {
    match error.kind {
        // rmcp makes it -32602 for a client of 2026-07-28.
        ErrorKind::NotFound => {
            ErrorData::resource_not_found(said(&error.message), Some(serde_json::json!({ "uri": uri })))
        }
        ErrorKind::Invalid => ErrorData::invalid_params(said(&error.message), None),
        _ => ErrorData::internal_error(said(&error.message), None),
    }
}

/// The longest message of an error of the protocol.
const LONGEST: usize = 2_000;

/// A message of an error of the protocol, which passes no output stage: it may repeat what the client wrote, but no
/// secret in it, and no megabytes of it.
pub(super) fn said(message: &str) -> String {
    let message = Redactor::new(false).text(message);
    match message.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", message.get(..end).unwrap_or_default()),
        None => message.into_owned(),
    }
}
