//! The client: what an operation reads and writes with.

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream::BoxStream};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE},
};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::io::AsyncBufRead;
use tokio_util::{io::StreamReader, sync::CancellationToken};
use tower::{BoxError, ServiceExt as _};

use super::{
    Cluster, Identity, Include, Resource,
    connect::{RequestBody, ResponseBody},
    discovery::is_kind,
    layers::{guard::ClusterScoped, limit::OpenEnded, request::RequestInfo},
    list::{self, PageEnd},
    query::{Target, segment},
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

/// Which objects a list is about. All of it is evaluated by the API server.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Label selector, as kubectl's `-l`.
    pub selector: Option<String>,
    /// Field selector, as kubectl's `--field-selector`.
    pub field_selector: Option<String>,
    /// Objects a page; everything at once if none.
    pub page_size: Option<usize>,
    /// Where to go on, as the former page said.
    pub continue_token: Option<String>,
}

/// How a list that was read object by object ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListEnd {
    /// Every object was seen.
    Complete,
    /// The reader had enough.
    Stopped,
}

/// Which lines of a container's log are wanted.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// The container.
    pub container: String,
    /// Of the instance before the last restart.
    pub previous: bool,
    /// Not older than this.
    pub since: Option<jiff::Timestamp>,
    /// At most so many of the last lines.
    pub tail: Option<u64>,
    /// At most so many bytes.
    pub limit_bytes: Option<u64>,
    /// Go on reading as lines come.
    pub follow: bool,
}

/// A change to some fields of an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// RFC 6902.
    Json(Value),
    /// Kubernetes' own, which knows merge keys; built-in kinds only.
    Strategic(Value),
}

/// What has to hold for a write to be carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// The object is still the one that was looked at.
    pub uid: Option<String>,
    /// Nobody has changed it since.
    pub resource_version: Option<String>,
}

/// A client of one cluster within a [`Grant`]. Cheap to make; nothing is contacted before its first request.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) cluster: Arc<Cluster>,
    pub(super) grant: Grant,
}

/// Who changes fields, in the API server's books.
const FIELD_MANAGER: &str = "kube-mcp";
/// Objects a page where the reader did not say.
const PAGE: usize = 500;
/// The most that one answer may take in memory.
const MOST: usize = 256 << 20;
/// The most that one line of a log may take.
const LINE: usize = 64 << 10;

const JSON: &str = "application/json";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

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

    /// One object.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if it is not there; the others as they come, explained.
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Value, Error> {
        let target = Target::new(self.object(resource, namespace, name)?);
        let reply = self.read(Method::GET, &target, Sent::of(resource)).await?;
        self.parse(&target, &reply.body)
    }

    /// The bytes of a Table of the objects that match, in one namespace, or in all of them or cluster-scoped if
    /// `namespace` is none; read it with [`TableView`](super::TableView).
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn table(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        include: Include,
    ) -> Result<Bytes, Error> {
        let target =
            collection(resource, namespace, query, query.page_size).with("includeObject", include.word());
        let sent = Sent {
            accept: Some(TABLE),
            ..Sent::of(resource)
        };
        let reply = self.read(Method::GET, &target, sent).await?;
        if is_kind(&reply.body, "Table") {
            return Ok(reply.body);
        }
        // Some aggregated API servers know no Tables and answer with the objects.
        list::as_table(&reply.body, include)
            .map(Bytes::from)
            .map_err(|error| self.unreadable(target.as_str(), &reply.body, &error))
    }

    /// Gives each object that matches to `each`, page by page, dropping it at once: a list never stands in
    /// memory whole. `managedFields` are skipped.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn for_each(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        mut each: impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<ListEnd, Error> {
        let mut query = query.clone();
        loop {
            let end = self.page(resource, namespace, &query, &mut each).await?;
            if end.stopped {
                return Ok(ListEnd::Stopped);
            }
            match end.next {
                Some(next) => query.continue_token = Some(next),
                None => return Ok(ListEnd::Complete),
            }
        }
    }

    /// Gives each object of one page to `each`.
    pub(super) async fn page(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        each: &mut impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<PageEnd, Error> {
        let size = query.page_size.unwrap_or(PAGE);
        let target = collection(resource, namespace, query, Some(size));
        let reply = self.read(Method::GET, &target, Sent::of(resource)).await?;
        list::read_page(&reply.body, &resource.api_version(), &resource.kind, each)
            .map_err(|error| self.unreadable(target.as_str(), &reply.body, &error))
    }

    /// Opens a watch that tells what happened since a resource version: one event a line, for at most `span`.
    pub(super) async fn open_watch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        resource_version: &str,
        span: Duration,
    ) -> Result<impl AsyncBufRead + Send + Unpin + use<>, Error> {
        let target = collection(resource, namespace, query, None)
            .with("watch", "true")
            .with("allowWatchBookmarks", "true")
            .with("resourceVersion", resource_version)
            .with("timeoutSeconds", span.as_secs().to_string());
        let mut request = self.request(Method::GET, &target, Sent::of(resource))?;
        // From 1.37 on the API server packs each event on its own, which no reader of a stream expects.
        request
            .headers_mut()
            .insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        request.extensions_mut().insert(OpenEnded);
        let info = info(&request);
        let response = self.within(&info, self.send(request, &info)).await?;
        let body = response.into_body().into_data_stream();
        Ok(StreamReader::new(body.map_err(std::io::Error::other)))
    }

    /// Changes some fields of an object; answers with the object as it is (or, rehearsed, would be) afterwards
    /// and the API server's warnings.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a precondition does not hold.
    pub async fn patch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Patch,
        preconditions: &Preconditions,
    ) -> Result<(Value, Vec<String>), Error> {
        let (content_type, body) = patch.with(preconditions)?;
        let target = self
            .change(self.object(resource, namespace, name)?)
            .with("fieldManager", FIELD_MANAGER)
            .with("fieldValidation", "Strict");
        let sent = Sent {
            content_type: Some(content_type),
            body: body.to_string().into(),
            ..Sent::of(resource)
        };
        let reply = self.read(Method::PATCH, &target, sent).await?;
        Ok((self.parse(&target, &reply.body)?, warnings(&reply.headers)))
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) if a precondition does not hold.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        preconditions: &Preconditions,
    ) -> Result<Vec<String>, Error> {
        let mut options = json!({"kind": "DeleteOptions", "apiVersion": "v1"});
        let mut held = serde_json::Map::new();
        if let Some(uid) = &preconditions.uid {
            held.insert("uid".to_owned(), uid.as_str().into());
        }
        if let Some(version) = &preconditions.resource_version {
            held.insert("resourceVersion".to_owned(), version.as_str().into());
        }
        if !held.is_empty() {
            options["preconditions"] = held.into();
        }
        // With a body the API server does not look at the query: a dry run has to be asked for in both.
        if self.grant.dry_run {
            options["dryRun"] = json!(["All"]);
        }
        let target = self.change(self.object(resource, namespace, name)?);
        let sent = Sent {
            content_type: Some(JSON),
            body: options.to_string().into(),
            ..Sent::of(resource)
        };
        let reply = self.read(Method::DELETE, &target, sent).await?;
        Ok(warnings(&reply.headers))
    }

    /// The lines of a container's log, each with its timestamp.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn logs(
        &self,
        namespace: &str,
        pod: &str,
        query: &LogQuery,
    ) -> Result<BoxStream<'static, Result<String, Error>>, Error> {
        checked("namespace", namespace)?;
        checked("pod", pod)?;
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}/log",
            segment(namespace),
            segment(pod)
        );
        let flag = |on: bool| on.then_some("true");
        let target = Target::new(path)
            .with("timestamps", "true")
            .with_some(
                "container",
                Some(&query.container).filter(|name| !name.is_empty()),
            )
            .with_some("previous", flag(query.previous))
            .with_some("follow", flag(query.follow))
            .with_some("sinceTime", query.since.map(|since| since.to_string()))
            .with_some("tailLines", query.tail.map(|lines| lines.to_string()))
            .with_some("limitBytes", query.limit_bytes.map(|bytes| bytes.to_string()));
        let request = self.request(Method::GET, &target, Sent::default())?;
        let info = info(&request);
        let response = self.within(&info, self.send(request, &info)).await?;
        // Following goes on for as long as the call does.
        let deadline = match query.follow {
            true => self.grant.deadline,
            false => self.deadline(),
        };
        Ok(self.lines(response.into_body(), info, deadline))
    }

    /// A GET of any path (with query), read as JSON: version, metrics, reviews.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn get_path<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, Error> {
        let body = self.get_bytes(path_and_query, None).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(path_and_query, &body, &error))
    }

    /// A POST of one of the reviews that only read (`SelfSubjectReview`, `SelfSubjectAccessReview`, …).
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn review(&self, path: &str, body: &Value) -> Result<Value, Error> {
        let target = Target::new(path);
        let sent = Sent {
            content_type: Some(JSON),
            body: body.to_string().into(),
            cluster_scoped: true,
            ..Sent::default()
        };
        let reply = self.read(Method::POST, &target, sent).await?;
        self.parse(&target, &reply.body)
    }

    /// A GET of any path, as it comes.
    pub(super) async fn get_bytes(
        &self,
        path_and_query: &str,
        accept: Option<&'static str>,
    ) -> Result<Bytes, Error> {
        let sent = Sent {
            accept,
            ..Sent::default()
        };
        Ok(self
            .read(Method::GET, &Target::new(path_and_query), sent)
            .await?
            .body)
    }

    /// The status of a GET, whatever it is; none if there is no answer.
    pub(super) async fn status_of(&self, path: &str) -> Option<StatusCode> {
        let request = self
            .request(Method::GET, &Target::new(path), Sent::default())
            .ok()?;
        let answer = self.cluster.service.clone().oneshot(request).await;
        answer.ok().map(|response| response.status())
    }

    /// Who the API server takes us for.
    pub(super) async fn identity(&self) -> Result<Identity, Error> {
        let body = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"});
        let review = self
            .review("/apis/authentication.k8s.io/v1/selfsubjectreviews", &body)
            .await?;
        let user = &review["status"]["userInfo"];
        Ok(Identity {
            user: user["username"].as_str().unwrap_or_default().to_owned(),
            groups: user["groups"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|group| group.as_str().map(str::to_owned))
                .collect(),
        })
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

    /// A target of a change: a dry run where nothing else was granted.
    fn change(&self, path: String) -> Target {
        Target::new(path).with_some("dryRun", self.grant.dry_run.then_some("All"))
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
    async fn read(&self, method: Method, target: &Target, sent: Sent) -> Result<Reply, Error> {
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

    fn lines(
        &self,
        body: ResponseBody,
        info: RequestInfo,
        deadline: Instant,
    ) -> BoxStream<'static, Result<String, Error>> {
        let client = self.clone();
        let reader = StreamReader::new(body.into_data_stream().map_err(std::io::Error::other));
        futures::stream::unfold(Some(reader), move |reader| {
            let (client, info) = (client.clone(), info.clone());
            async move {
                let mut reader = reader?;
                let next = tokio::select! {
                    biased;
                    () = client.grant.cancel.cancelled() => {
                        Some(Err(Error::new(ErrorKind::Cancelled, "the call was cancelled")))
                    }
                    line = tokio::time::timeout_at(deadline.into(), list::line(&mut reader, LINE)) => match line {
                        Ok(Ok(line)) => line.map(Ok),
                        Ok(Err(error)) => {
                            let error: BoxError = error.into();
                            Some(Err(client.broken(&error)))
                        }
                        Err(_) => Some(Err(client.too_late(&info))),
                    },
                }?;
                // After an error there is nothing more.
                let reader = next.is_ok().then_some(reader);
                Some((next, reader))
            }
        })
        .boxed()
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

fn collection(
    resource: &Resource,
    namespace: Option<&str>,
    query: &ListQuery,
    size: Option<usize>,
) -> Target {
    Target::new(resource.path(namespace, None))
        .with_some("labelSelector", query.selector.as_ref())
        .with_some("fieldSelector", query.field_selector.as_ref())
        .with_some("limit", size.map(|size| size.to_string()))
        .with_some("continue", query.continue_token.as_ref())
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

impl Patch {
    /// The content type, and the body with the preconditions in it.
    fn with(&self, preconditions: &Preconditions) -> Result<(&'static str, Value), Error> {
        let held = [
            ("uid", &preconditions.uid),
            ("resourceVersion", &preconditions.resource_version),
        ];
        let held = held
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)));
        let (content_type, patch) = match self {
            Self::Merge(patch) => ("application/merge-patch+json", patch),
            Self::Strategic(patch) => ("application/strategic-merge-patch+json", patch),
            Self::Json(patch) => {
                let Some(steps) = patch.as_array() else {
                    return Err(Error::invalid("a JSON patch is a list of operations"));
                };
                // Set and not tested: what was set to something else is a conflict, while a test that fails is
                // told as any other bad patch.
                let held = held.map(
                    |(key, value)| json!({"op": "add", "path": format!("/metadata/{key}"), "value": value}),
                );
                let steps: Vec<_> = steps.iter().cloned().chain(held).collect();
                return Ok(("application/json-patch+json", steps.into()));
            }
        };
        let mut patch = patch.clone();
        let Some(fields) = patch.as_object_mut() else {
            return Err(Error::invalid("a merge patch is an object"));
        };
        let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
        let Some(metadata) = metadata.as_object_mut() else {
            return Err(Error::invalid("a patch's metadata is an object"));
        };
        for (key, value) in held {
            metadata.insert(key.to_owned(), value.as_str().into());
        }
        Ok((content_type, patch))
    }
}

/// The API server's warnings: `Warning: 299 - "…"`.
fn warnings(headers: &HeaderMap) -> Vec<String> {
    headers
        .get_all(http::header::WARNING)
        .iter()
        .filter_map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let quoted = text.split_once('"')?.1;
            let quoted = &quoted[..quoted.rfind('"').unwrap_or(quoted.len())];
            Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\"))
        })
        .collect()
}

#[cfg(test)]
mod tests;
