//! Reads objects and lists, and whatever else a path of the API server answers.

use std::{ops::ControlFlow, time::Duration};

use bytes::Bytes;
use futures::TryStreamExt as _;
use http::{HeaderValue, Method, StatusCode, header::ACCEPT_ENCODING};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::io::AsyncBufRead;
use tokio_util::io::StreamReader;
use tower::ServiceExt as _;

use super::{Client, Sent, info};
use crate::{
    Error, ErrorKind,
    cluster::{
        Include, Resource,
        discovery::is_kind,
        layers::limit::OpenEnded,
        list::{self, PageEnd},
        query::Target,
    },
};

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

/// Objects a page where the reader did not say.
const PAGE: usize = 500;
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

impl Client {
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
        let reply = self.exchange(Method::GET, &target, Sent::of(resource)).await?;
        self.parse(&target, &reply.body)
    }

    /// The bytes of a Table of the objects that match, in one namespace, or in all of them or cluster-scoped if
    /// `namespace` is none; read it with [`TableView`](crate::cluster::TableView).
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
        let reply = self.exchange(Method::GET, &target, sent).await?;
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
                None => return Ok(ListEnd::Complete),
                next if next == query.continue_token => {
                    return Err(Error::new(
                        ErrorKind::Server,
                        format!(
                            "{} answers a page of {} with the same page again",
                            self.cluster.name(),
                            resource.qualified()
                        ),
                    ));
                }
                next => query.continue_token = next,
            }
        }
    }

    /// Gives each object of one page to `each`.
    pub(in crate::cluster) async fn page(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &ListQuery,
        each: &mut impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<PageEnd, Error> {
        let size = query.page_size.unwrap_or(PAGE);
        let target = collection(resource, namespace, query, Some(size));
        let reply = self.exchange(Method::GET, &target, Sent::of(resource)).await?;
        list::read_page(&reply.body, &resource.api_version(), &resource.kind, each)
            .map_err(|error| self.unreadable(target.as_str(), &reply.body, &error))
    }

    /// Opens a watch that tells what happened since a resource version: one event a line, for at most `span`.
    pub(in crate::cluster) async fn open_watch(
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

    /// A GET of any path (with query), read as JSON: version, metrics, reviews.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn get_path<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, Error> {
        let body = self.get_bytes(path_and_query, None).await?;
        serde_json::from_slice(&body).map_err(|error| self.unreadable(path_and_query, &body, &error))
    }

    /// A GET of any path, as it comes.
    pub(in crate::cluster) async fn get_bytes(
        &self,
        path_and_query: &str,
        accept: Option<&'static str>,
    ) -> Result<Bytes, Error> {
        let sent = Sent {
            accept,
            ..Sent::default()
        };
        Ok(self
            .exchange(Method::GET, &Target::new(path_and_query), sent)
            .await?
            .body)
    }

    /// The status of a GET, whatever it is; none if there is no answer.
    pub(in crate::cluster) async fn status_of(&self, path: &str) -> Option<StatusCode> {
        let request = self
            .request(Method::GET, &Target::new(path), Sent::default())
            .ok()?;
        let answer = self.cluster.service.clone().oneshot(request).await;
        answer.ok().map(|response| response.status())
    }
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
