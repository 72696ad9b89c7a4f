//! Reads the Tables of a list, in as few and as small requests as give each row its namespace.
//!
//! One namespace or a cluster-scoped kind is one Table without objects. All namespaces are the list of namespaces
//! and one such Table for each, eight at a time: a Table over all namespaces carries no namespace, and with
//! metadata it is twenty times the size. Only where there are too many namespaces, or they may not be listed, is
//! it read with metadata, in pages. Each Table is dropped once it was read.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{Stream, StreamExt as _, stream};
use serde_json::Value;

use super::{
    builtin,
    names::{listed, names_of},
};
use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{Include, ListEnd, ListQuery, Resource, TableRow, TableView},
    output::Next,
};

/// A list stops here, and says so.
const OBJECTS: usize = 20_000;
/// A list stops after this, and says so.
const TIME: Duration = Duration::from_secs(10);
/// A list that has a deadline ends this long before it, to answer with what it has.
const MARGIN: Duration = Duration::from_millis(500);
/// More namespaces than this are not asked one by one.
const NAMESPACES: usize = 200;
/// Requests under way at once.
const AT_ONCE: usize = 8;
/// Objects a page of a Table with metadata.
const METADATA_PAGE: usize = 500;
/// Objects a page of a Table with whole objects.
const OBJECT_PAGE: usize = 100;

/// What is listed.
pub(super) struct Scan<'a> {
    pub(super) cx: &'a Cx,
    pub(super) resource: &'a Resource,
    /// All of them if none.
    pub(super) namespace: Option<&'a str>,
    pub(super) query: ListQuery,
    /// Whether rows need their whole object.
    pub(super) objects: bool,
}

/// How a scan went.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Whether everything was seen.
    pub(super) complete: bool,
    /// What could not be read.
    pub(super) notes: Vec<String>,
}

impl Scan<'_> {
    /// Gives each Table to `each`, with the namespace of its rows where they are all of one; rows with an object
    /// tell their own, see [`namespace_of`].
    pub(super) async fn run(
        &self,
        mut each: impl FnMut(Option<&str>, TableView<'_>) -> Result<(), Error> + Send,
    ) -> Result<Scanned, Error> {
        let stop = stop(self.cx);
        let mut left = OBJECTS;
        let mut take = |namespace: Option<&str>, bytes: &Bytes| -> Result<(ControlFlow<()>, String), Error> {
            let mut table = TableView::read(bytes)?;
            let cut = table.rows.len() > left;
            table.rows.truncate(left);
            left -= table.rows.len();
            let next = table
                .metadata
                .continue_token
                .as_deref()
                .unwrap_or_default()
                .to_owned();
            each(namespace, table)?;
            let flow = if cut || (left == 0 && !next.is_empty()) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            };
            Ok((flow, next))
        };
        if self.namespace.is_none() && self.resource.namespaced && !self.objects {
            match names_of(self.cx, &builtin::namespaces(), None).await {
                Ok(namespaces) if namespaces.len() <= NAMESPACES => {
                    return self.by_namespace(namespaces, stop, take).await;
                }
                Ok(_) => {}
                // Whoever may not list namespaces may still be allowed to list the kind everywhere.
                Err(error) if error.kind == ErrorKind::Forbidden => {}
                Err(error) => return Err(self.explain(error)),
            }
        }
        let whole = !self.objects && (self.namespace.is_some() || !self.resource.namespaced);
        let (include, page_size) = match (whole, self.objects) {
            (true, _) => (Include::None, None),
            (false, true) => (Include::Object, Some(OBJECT_PAGE)),
            (false, false) => (Include::Metadata, Some(METADATA_PAGE)),
        };
        let mut query = ListQuery {
            page_size,
            ..self.query.clone()
        };
        let client = self.cx.client();
        loop {
            let request = client.table(self.resource, self.namespace, &query, include);
            // The first page is waited for, whatever it takes: without it there is no answer.
            let answer = if query.continue_token.is_none() {
                request.await
            } else {
                match before(stop, request).await {
                    Some(answer) => answer,
                    None => return Ok(Scanned::default()),
                }
            };
            let bytes = answer.map_err(|error| self.explain(error))?;
            let (flow, next) = take(self.namespace, &bytes)?;
            if flow.is_break() {
                return Ok(Scanned::default());
            }
            if next.is_empty() {
                return Ok(Scanned {
                    complete: true,
                    notes: Vec::new(),
                });
            }
            // A page that leads to itself leads nowhere.
            if query.continue_token.as_ref() == Some(&next) {
                return Ok(Scanned::default());
            }
            query.continue_token = Some(next);
        }
    }

    async fn by_namespace(
        &self,
        namespaces: Vec<String>,
        stop: Instant,
        mut take: impl FnMut(Option<&str>, &Bytes) -> Result<(ControlFlow<()>, String), Error> + Send,
    ) -> Result<Scanned, Error> {
        let asked = namespaces.len();
        let mut tables = std::pin::pin!(self.tables(namespaces));
        let mut scanned = Scanned {
            complete: true,
            notes: Vec::new(),
        };
        let mut answered = 0;
        let mut forbidden: Vec<String> = Vec::new();
        let mut failed: Vec<(String, Error)> = Vec::new();
        loop {
            let (namespace, answer) = match before(stop, tables.next()).await {
                Some(Some(answer)) => answer,
                Some(None) => break,
                None => {
                    scanned.complete = false;
                    scanned
                        .notes
                        .push(format!("out of time: {answered} of {asked} namespaces read"));
                    break;
                }
            };
            answered += 1;
            match answer {
                Ok(bytes) => {
                    if take(Some(&namespace), &bytes)?.0.is_break() {
                        scanned.complete = false;
                        break;
                    }
                }
                Err(error) if error.kind == ErrorKind::Forbidden => {
                    failed.push((namespace.clone(), error));
                    forbidden.push(namespace);
                }
                // Deleted since the namespaces were listed.
                Err(error) if error.kind == ErrorKind::NotFound && answered > 1 => {}
                Err(error) if error.kind == ErrorKind::Cancelled => return Err(error),
                Err(error) => {
                    scanned
                        .notes
                        .push(format!("{namespace} could not be read: {}", error.message));
                    failed.push((namespace, error));
                }
            }
        }
        if failed.len() == asked
            && let Some((_, error)) = failed.into_iter().next()
        {
            return Err(self.explain(error));
        }
        if !forbidden.is_empty() {
            forbidden.sort();
            scanned.notes.push(format!(
                "not allowed to list {} in: {}",
                self.resource.qualified(),
                listed(&forbidden)
            ));
        }
        Ok(scanned)
    }

    fn tables(&self, namespaces: Vec<String>) -> impl Stream<Item = (String, Result<Bytes, Error>)> {
        stream::iter(namespaces)
            .map(async |namespace| {
                let bytes = self
                    .cx
                    .client()
                    .table(self.resource, Some(&namespace), &self.query, Include::None)
                    .await;
                (namespace, bytes)
            })
            .buffer_unordered(AT_ONCE)
    }

    /// Whoever may not list everywhere can often list somewhere.
    fn explain(&self, error: Error) -> Error {
        if error.kind != ErrorKind::Forbidden || self.namespace.is_some() || !self.resource.namespaced {
            return error;
        }
        error.next(
            Next::op("resources.list")
                .arg("kind", self.resource.qualified())
                .arg("namespace", self.cx.default_namespace())
                .remark("or another namespace that you may read"),
        )
    }
}

/// Gives each object of a list to `each`, for what no Table tells; whether these were all. No more are read than of
/// any other list.
///
/// # Errors
/// As they come, explained.
pub(super) async fn objects(
    cx: &Cx,
    resource: &Resource,
    namespace: Option<&str>,
    query: &ListQuery,
    mut each: impl FnMut(Value) + Send,
) -> Result<bool, Error> {
    let stop = stop(cx);
    let mut left = OBJECTS;
    let end = cx
        .client()
        .for_each(resource, namespace, query, |object| {
            if left == 0 || Instant::now() > stop {
                return ControlFlow::Break(());
            }
            left -= 1;
            each(object);
            ControlFlow::Continue(())
        })
        .await?;
    Ok(end == ListEnd::Complete)
}

/// When a list that starts now has to stop.
fn stop(cx: &Cx) -> Instant {
    let last = cx.call().deadline.checked_sub(MARGIN);
    (Instant::now() + TIME).min(last.unwrap_or_else(Instant::now))
}

/// The namespace that a row's object tells.
pub(super) fn namespace_of<'a>(row: &'a TableRow<'_>) -> Option<&'a str> {
    row.object.as_ref()?.pointer("/metadata/namespace")?.as_str()
}

async fn before<T>(stop: Instant, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout_at(stop.into(), future).await.ok()
}
