//! The client: what an operation reads and writes with.

mod logs;
mod read;
mod review;
mod write;

use std::{sync::Arc, time::Instant};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response,
    header::{ACCEPT, CONTENT_TYPE},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

pub(crate) use self::review::Decision;
pub use self::{
    logs::LogQuery,
    read::{ListEnd, ListQuery},
    write::{Patch, Preconditions},
};
use super::{
    Cluster, Resource,
    connect::{RequestBody, ResponseBody},
    layers::{guard::ClusterScoped, request::RequestInfo},
    query::Target,
};
use crate::{Error, ErrorKind, call::Access};

/// What a client may do, carried by each of its requests and checked by the guard layer. A request without a
/// grant is refused.
#[derive(Clone, Debug)]
pub struct Grant {
    /// No request may need more than this.
    pub access: Access,
    /// Only server-side dry runs may change anything.
    pub dry_run: bool,
    /// When the call has to have answered: no request outlives it.
    pub deadline: Instant,
    /// Cancelled when the call is.
    pub cancel: CancellationToken,
}

/// A client of one cluster within a [`Grant`]. Cheap to make; nothing is contacted before its first request.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) cluster: Arc<Cluster>,
    pub(super) grant: Grant,
}

/// The most that one answer may take in memory.
const MOST: usize = 256 << 20;

const JSON: &str = "application/json";

/// An answer, read whole.
struct Reply {
    headers: HeaderMap,
    body: Bytes,
}

/// What is sent beside method and target.
#[derive(Default)]
struct Sent {
    accept: Option<&'static str>,
    content_type: Option<&'static str>,
    body: Bytes,
    cluster_scoped: bool,
}

impl Client {
    pub(super) fn new(cluster: Arc<Cluster>, grant: Grant) -> Self {
        Self { cluster, grant }
    }

    /// The path of an object. One that lives in a namespace and was named without one is in the context's.
    fn object(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Result<String, Error> {
        checked("name", name)?;
        let namespace = match namespace {
            Some(namespace) => namespace,
            None => self.cluster.default_namespace(),
        };
        checked("namespace", namespace)?;
        Ok(resource.path(Some(namespace), Some(name)))
    }

    fn request(&self, method: Method, target: &Target, sent: Sent) -> Result<Request<RequestBody>, Error> {
        let mut request = Request::new(RequestBody::new(sent.body));
        *request.method_mut() = method;
        *request.uri_mut() = target
            .as_str()
            .parse()
            .map_err(|_| Error::invalid(format!("{:?} is not a path of an API server", target.as_str())))?;
        let headers = request.headers_mut();
        headers.insert(ACCEPT, HeaderValue::from_static(sent.accept.unwrap_or(JSON)));
        if let Some(content_type) = sent.content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        request.extensions_mut().insert(self.grant.clone());
        if sent.cluster_scoped {
            request.extensions_mut().insert(ClusterScoped);
        }
        Ok(request)
    }

    /// Sends a request and reads its answer whole, all within its deadline.
    async fn exchange(&self, method: Method, target: &Target, sent: Sent) -> Result<Reply, Error> {
        let request = self.request(method, target, sent)?;
        let info = info(&request);
        self.within(&info, async {
            let response = self.send(request, &info).await?;
            let (head, body) = response.into_parts();
            let body = self.collect(body, MOST).await?;
            Ok(Reply {
                headers: head.headers,
                body,
            })
        })
        .await
    }

    /// Sends a request; what is no success comes back as an error that explains it.
    async fn send(
        &self,
        request: Request<RequestBody>,
        info: &RequestInfo,
    ) -> Result<Response<ResponseBody>, Error> {
        let answer = self.cluster.service.clone().oneshot(request).await;
        let response = answer.map_err(|error| self.not_answered(error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (head, body) = response.into_parts();
        let body = self.collect(body, 1 << 20).await.unwrap_or_default();
        Err(self.refusal(info, &head, &body).await)
    }

    async fn collect(&self, mut body: ResponseBody, most: usize) -> Result<Bytes, Error> {
        use http_body::Body as _;
        let mut bytes = Vec::with_capacity(usize::try_from(body.size_hint().lower()).unwrap_or(0).min(most));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| self.broken(&error))?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > most {
                return Err(Error::new(
                    ErrorKind::Server,
                    format!(
                        "the answer of {} is larger than {} MiB; narrow it with a namespace or selector",
                        self.cluster.name(),
                        most >> 20
                    ),
                ));
            }
            // The usual small answer is one piece, which need not be copied.
            if bytes.is_empty() && body.is_end_stream() {
                return Ok(data);
            }
            bytes.extend_from_slice(&data);
        }
        Ok(bytes.into())
    }

    fn parse<T: DeserializeOwned>(&self, target: &Target, body: &[u8]) -> Result<T, Error> {
        serde_json::from_slice(body).map_err(|error| self.unreadable(target.as_str(), body, &error))
    }

    /// When a request that starts now has to have been answered.
    fn deadline(&self) -> Instant {
        (Instant::now() + self.cluster.timeouts.request).min(self.grant.deadline)
    }

    /// Ends work at its deadline, or at once when the call is cancelled.
    async fn within<T>(
        &self,
        info: &RequestInfo,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let deadline = self.deadline();
        tokio::select! {
            biased;
            () = self.grant.cancel.cancelled() => Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")),
            result = tokio::time::timeout_at(deadline.into(), work) => {
                result.unwrap_or_else(|_| Err(self.too_late(info)))
            }
        }
    }
}

impl Sent {
    fn of(resource: &Resource) -> Self {
        Self {
            cluster_scoped: !resource.namespaced,
            ..Self::default()
        }
    }
}

/// What a request asks for, for messages. The guard refuses what cannot be read.
fn info(request: &Request<RequestBody>) -> RequestInfo {
    RequestInfo::read(request.method(), request.uri()).unwrap_or_default()
}

/// A name that can stand in a path.
fn checked(what: &str, text: &str) -> Result<(), Error> {
    if text.is_empty()
        || text == "."
        || text == ".."
        || text.contains(['/', '%'])
        || text.contains(char::is_control)
    {
        return Err(Error::invalid(format!(
            "{what} {text:?} cannot be the name of an object: it must not be empty, hold / or %, or be . or .."
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
