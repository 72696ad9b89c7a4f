//! One event for each request: what was asked, how it ended, how long it took and how much came. Never a body, and
//! never the value of a query, which may name what nobody should read in a log.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Instant,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Method, Request, Response};
use http_body::{Body, Frame, SizeHint};
use tower::{BoxError, Layer, Service};

use crate::cluster::{
    connect::{RequestBody, ResponseBody, box_body},
    explain::chain,
};

/// Directives for tracing's filter that keep the libraries' logs harmless: kube logs whole bodies (secrets!) when
/// it cannot read one.
pub const LOG_DIRECTIVES: [&str; 5] = [
    "kube_client=off",
    "rustls_platform_verifier=off",
    "kube_runtime=error",
    "hyper_util=warn",
    "rustls=warn",
];

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct TraceLayer(pub(crate) Arc<str>);

impl<S> Layer<S> for TraceLayer {
    type Service = Traced<S>;

    fn layer(&self, inner: S) -> Traced<S> {
        Traced {
            inner,
            cluster: self.0.clone(),
        }
    }
}

/// Says what passes.
#[derive(Clone, Debug)]
pub(crate) struct Traced<S> {
    inner: S,
    cluster: Arc<str>,
}

impl<S> Service<Request<RequestBody>> for Traced<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return Box::pin(self.inner.call(request));
        }
        let mut seen = Seen {
            cluster: self.cluster.clone(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            keys: query_keys(request.uri().query()),
            since: Instant::now(),
            status: None,
            bytes: 0,
            ended: false,
        };
        let response = self.inner.call(request);
        Box::pin(async move {
            match response.await {
                Ok(response) => {
                    seen.status = Some(response.status().as_u16());
                    Ok(response.map(|inner| box_body(Counted { inner, seen })))
                }
                Err(error) => {
                    seen.ended = true;
                    tracing::debug!(cluster = %seen.cluster, method = %seen.method, path = %seen.path, error = chain(error.as_ref()), "request failed");
                    Err(error)
                }
            }
        })
    }
}

fn query_keys(query: Option<&str>) -> String {
    let keys: Vec<_> = query
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split('=').next())
        .collect();
    keys.join(",")
}

/// What is known of a request that is under way. Its event is written when it is dropped, however that comes.
struct Seen {
    cluster: Arc<str>,
    method: Method,
    path: String,
    keys: String,
    since: Instant,
    status: Option<u16>,
    bytes: u64,
    ended: bool,
}

impl Drop for Seen {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        tracing::debug!(
            cluster = %self.cluster,
            method = %self.method,
            path = %self.path,
            query = %self.keys,
            status = self.status,
            bytes = self.bytes,
            ms = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

struct Counted {
    inner: ResponseBody,
    seen: Seen,
}

impl Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.seen.bytes += data.len() as u64;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
