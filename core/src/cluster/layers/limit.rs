//! Holds back what would be too much at once for an API server: requests under way, and requests a second.
//!
//! tower's own layers let go of a request once its head has arrived, and a rate limit of theirs cannot be shared
//! by clones. A permit here is held until the body is read or dropped. What goes on until someone ends it holds one
//! only until its answer begins, for a few watches must not keep every other request from the API server; how many
//! of these are open has a bound of its own, beyond which one more is refused. A wait has no deadline of its own:
//! every request runs within that of its call.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::{BoxError, Layer, Service};

use crate::{
    Error, ErrorKind,
    cluster::connect::{RequestBody, ResponseBody, box_body},
};

/// Answers that go on until someone ends them, open at once: each is a connection of its own.
const STREAMS: usize = 128;

/// The layer; all its services share one limit.
#[derive(Clone, Debug)]
pub(crate) struct LimitLayer(Arc<Limit>);

#[derive(Debug)]
struct Limit {
    permits: Arc<Semaphore>,
    streams: Arc<Semaphore>,
    rate: Mutex<Rate>,
}

impl LimitLayer {
    /// At most so many requests under way, and so many a second averaged over a second.
    pub(crate) fn new(concurrency: usize, rate: u64) -> Self {
        Self(Arc::new(Limit {
            permits: Arc::new(Semaphore::new(concurrency.max(1))),
            streams: Arc::new(Semaphore::new(STREAMS)),
            rate: Mutex::new(Rate::new(rate)),
        }))
    }
}

/// Marks a request whose answer goes on until someone ends it: a watch, a log that is followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenEnded;

/// A leaky bucket that holds one second's requests.
#[derive(Debug)]
struct Rate {
    /// What one request takes.
    step: Duration,
    /// When the bucket will be empty.
    empty: Instant,
}

impl Rate {
    fn new(a_second: u64) -> Self {
        Self {
            step: Duration::from_secs(1) / u32::try_from(a_second.max(1)).unwrap_or(u32::MAX),
            empty: Instant::now(),
        }
    }

    /// Takes a place and says how long to wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        self.empty = self.empty.max(now) + self.step;
        (self.empty - now).saturating_sub(Duration::from_secs(1))
    }
}

impl<S> Layer<S> for LimitLayer {
    type Service = Limited<S>;

    fn layer(&self, inner: S) -> Limited<S> {
        Limited {
            inner,
            limit: self.0.clone(),
        }
    }
}

/// Waits for a permit before each request.
#[derive(Clone, Debug)]
pub(crate) struct Limited<S> {
    inner: S,
    limit: Arc<Limit>,
}

impl<S> Service<Request<RequestBody>> for Limited<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>, Error = BoxError>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        // The service that was polled ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let limit = self.limit.clone();
        Box::pin(async move {
            let stream = match request.extensions().get::<OpenEnded>() {
                Some(OpenEnded) => Some(limit.streams.clone().try_acquire_owned().map_err(|_| full())?),
                None => None,
            };
            let permit = limit.permits.clone().acquire_owned().await?;
            let wait = limit
                .rate
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(Instant::now());
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
            let response = inner.call(request).await?;
            Ok(response.map(|inner| {
                box_body(Held {
                    inner,
                    _permit: stream.unwrap_or(permit),
                })
            }))
        })
    }
}

fn full() -> Error {
    Error::new(
        ErrorKind::Server,
        format!("{STREAMS} watches and followed logs are open already; wait until some of them have ended"),
    )
}

/// A body that holds a permit.
struct Held {
    inner: ResponseBody,
    _permit: OwnedSemaphorePermit,
}

impl Body for Held {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt as _, Full};
    use tower::{ServiceBuilder, ServiceExt as _};

    use super::*;

    #[test]
    fn a_second_s_requests_pass_at_once_and_the_rest_wait() {
        let mut rate = Rate::new(10);
        let now = Instant::now();
        rate.empty = now;
        let waits: Vec<_> = (0..12).map(|_| rate.take(now)).collect();
        assert!(waits[..10].iter().all(Duration::is_zero));
        assert_eq!(waits[11], Duration::from_millis(200));
        assert!(rate.take(now + Duration::from_secs(2)).is_zero());
    }

    #[tokio::test]
    async fn a_permit_is_held_until_the_body_is_read_or_dropped() {
        let service = ServiceBuilder::new()
            .layer(LimitLayer::new(1, 1000))
            .service(tower::service_fn(|_: Request<RequestBody>| async {
                Ok::<_, BoxError>(Response::new(box_body(Full::new(Bytes::from_static(b"x")))))
            }));
        let ask = || service.clone().oneshot(Request::new(RequestBody::default()));
        let first = ask().await.unwrap();
        let second = tokio::spawn(ask());
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!second.is_finished());
        first.into_body().collect().await.unwrap();
        drop(second.await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn what_goes_on_until_someone_ends_it_holds_only_a_place_of_its_own() {
        let service = ServiceBuilder::new()
            .layer(LimitLayer::new(1, 1000))
            .service(tower::service_fn(|_: Request<RequestBody>| async {
                Ok::<_, BoxError>(Response::new(box_body(Full::new(Bytes::from_static(b"x")))))
            }));
        let watch = || {
            let mut watch = Request::new(RequestBody::default());
            watch.extensions_mut().insert(OpenEnded);
            service.clone().oneshot(watch)
        };
        let mut open = Vec::new();
        for _ in 0..STREAMS {
            open.push(watch().await.unwrap());
        }
        let error = watch().await.unwrap_err();
        assert!(error.to_string().contains("128 watches"), "{error}");
        let request = Request::new(RequestBody::default());
        drop(service.clone().oneshot(request).await.unwrap());
        open.pop();
        watch().await.unwrap();
    }
}
