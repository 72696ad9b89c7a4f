//! One request: where it goes, and who it is from.

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::StreamExt as _;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::{
    BodyExt, BodyStream, Full, LengthLimitError, Limited, StreamBody, combinators::BoxBody,
};
use hyper::body::Incoming;
use rmcp::{
    model::Extensions,
    transport::streamable_http_server::{
        SessionManager as _, StreamableHttpServerConfig, StreamableHttpService,
    },
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tower::BoxError;

use super::{
    authority::{Authority, Refusal},
    cors,
    sessions::Sessions,
};
use crate::{config::HttpSection, server::handler::Handler};

/// Where MCP is spoken.
pub(super) const ENDPOINT: &str = "/mcp";
/// Where whoever starts the server learns that it runs.
const HEALTH: &str = "/healthz";
const SESSION: &str = "mcp-session-id";
/// How long a client may take from the end of a request's head to that of its body.
const UPLOAD: Duration = Duration::from_secs(60);
/// Seconds after which a client that was refused a session may try again.
const RETRY: HeaderValue = HeaderValue::from_static("60");

type Body = BoxBody<Bytes, Infallible>;

/// Who calls, put into a request where the handler finds it.
#[derive(Clone)]
struct Subject(String);

/// Who calls, if the request has come over HTTP.
pub(in crate::server) fn subject(extensions: &Extensions) -> Option<&str> {
    let parts = extensions.get::<http::request::Parts>()?;
    parts
        .extensions
        .get::<Subject>()
        .map(|subject| subject.0.as_str())
}

/// What answers requests.
pub(super) struct Responder {
    authority: Authority,
    sessions: Arc<Sessions>,
    mcp: StreamableHttpService<Arc<Handler>, Sessions>,
    /// The most bytes of a body.
    body_limit: usize,
    /// Cancelled when the server begins to end: streams that would never end by themselves do.
    ended: CancellationToken,
}

impl Responder {
    /// `closed` is cancelled when nothing more is to be answered.
    pub(super) fn new(
        handler: Handler,
        authority: Authority,
        config: &HttpSection,
        ended: CancellationToken,
        closed: CancellationToken,
    ) -> Self {
        let sessions = Sessions::new(config);
        let protocol = StreamableHttpServerConfig::default()
            // Ours is `authority`, which has looked at every request by then.
            .disable_allowed_hosts()
            .with_legacy_session_mode(!config.stateless)
            // An answer alone needs no stream of events.
            .with_json_response(true)
            .with_max_request_body_bytes(config.body_limit)
            .with_cancellation_token(closed);
        let handler = Arc::new(handler);
        let mcp =
            StreamableHttpService::new(move || Ok(Arc::clone(&handler)), Arc::clone(&sessions), protocol);
        Self {
            authority,
            sessions,
            mcp,
            body_limit: config.body_limit,
            ended,
        }
    }

    /// The answer to a request. Its arguments and its token are not logged.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Response<Body> {
        let started = Instant::now();
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.admit(request).await.unwrap_or_else(refused);
        let (status, seconds) = (response.status(), started.elapsed().as_secs_f64());
        tracing::debug!(%method, path, %status, seconds, "answered");
        response
    }

    async fn admit(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        self.authority.check_names(&request)?;
        let page = request.headers().get(ORIGIN).cloned();
        let routed = self.route(request).await;
        match page {
            None => routed,
            // The page is to see why it was refused, too.
            Some(page) => {
                let mut response = routed.unwrap_or_else(refused);
                cors::allow(&mut response, page);
                Ok(response)
            }
        }
    }

    async fn route(&self, request: Request<Incoming>) -> Result<Response<Body>, Refusal> {
        match request.uri().path() {
            ENDPOINT if cors::is_preflight(&request) => Ok(text(StatusCode::OK, String::new())),
            ENDPOINT => {
                self.authority.check_token(request.headers())?;
                let (head, body) = request.into_parts();
                let body = whole(body, self.body_limit).await?;
                Ok(self.mcp(Request::from_parts(head, Full::new(body))).await)
            }
            HEALTH => Ok(text(StatusCode::OK, "ok".to_owned())),
            path => Err(Refusal {
                status: StatusCode::NOT_FOUND,
                why: format!("nothing is at {path}: MCP is at {ENDPOINT}, the server's health at {HEALTH}"),
            }),
        }
    }

    async fn mcp(&self, mut request: Request<Full<Bytes>>) -> Response<Body> {
        let session = self.session(&request).await;
        let subject = self.authority.subject(session.as_deref());
        request.extensions_mut().insert(Subject(subject));
        // What a client listens to without having asked anything has no answer that would end it.
        let listens = request.method() == Method::GET;
        let (response, refused) = Sessions::noting_refusal(self.mcp.handle(request)).await;
        if refused {
            let why = "all sessions are taken: end one (DELETE with its Mcp-Session-Id), or wait until an idle one is \
                       closed; http.sessions and http.session_idle of the server's configuration set the bounds, and \
                       2026-07-28 needs no session";
            let mut response = text(StatusCode::SERVICE_UNAVAILABLE, why.to_owned());
            response.headers_mut().insert(RETRY_AFTER, RETRY);
            return response;
        }
        if !listens {
            return response;
        }
        let ended = self.ended.clone().cancelled_owned();
        response.map(|body| BodyExt::boxed(StreamBody::new(BodyStream::new(body).take_until(ended))))
    }

    /// The session that the request is of, if there is such a one.
    async fn session<B>(&self, request: &Request<B>) -> Option<String> {
        let session = request.headers().get(SESSION)?.to_str().ok()?;
        let known = self.sessions.has_session(&session.into()).await;
        known.is_ok_and(|known| known).then(|| session.to_owned())
    }
}

/// The whole body of a request, if it is not too large and does not take too long.
pub(super) async fn whole<B>(body: B, most: usize) -> Result<Bytes, Refusal>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let refused = |status, why| Err(Refusal { status, why });
    let too_large = || {
        let why = format!(
            "the body has more than {most} bytes; http.body_limit of the server's configuration sets the bound"
        );
        refused(StatusCode::PAYLOAD_TOO_LARGE, why)
    };
    // A Content-Length says it beforehand.
    if body.size_hint().lower() > most as u64 {
        return too_large();
    }
    match timeout(UPLOAD, Limited::new(body, most).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => too_large(),
        Ok(Err(error)) => refused(
            StatusCode::BAD_REQUEST,
            format!("the body cannot be read: {error}"),
        ),
        Err(_) => {
            let why = format!("the body was not there after {} s", UPLOAD.as_secs());
            refused(StatusCode::REQUEST_TIMEOUT, why)
        }
    }
}

fn refused(Refusal { status, why }: Refusal) -> Response<Body> {
    tracing::info!(%status, why, "refused");
    text(status, why)
}

fn text(status: StatusCode, mut text: String) -> Response<Body> {
    text.push('\n');
    let mut response = Response::new(Full::from(text).boxed());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}
