//! The client: what an operation reads and writes with.

use std::{ops::ControlFlow, sync::Arc, time::Instant};

use bytes::Bytes;
use futures::stream::BoxStream;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Cluster, Include, Resource};
use crate::{Error, call::Access};

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
    cluster: Arc<Cluster>,
    grant: Grant,
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
        todo!()
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
        todo!()
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
        each: impl FnMut(Value) -> ControlFlow<()>,
    ) -> Result<ListEnd, Error> {
        todo!()
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
        todo!()
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
        todo!()
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
        todo!()
    }

    /// A GET of any path (with query), read as JSON: version, metrics, reviews.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn get_path<T: DeserializeOwned>(&self, path_and_query: &str) -> Result<T, Error> {
        todo!()
    }

    /// A POST of one of the reviews that only read (`SelfSubjectReview`, `SelfSubjectAccessReview`, …).
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn review(&self, path: &str, body: &Value) -> Result<Value, Error> {
        todo!()
    }
}
