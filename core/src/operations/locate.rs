//! The object that a kind and a name mean, wherever it is.
//!
//! A read without a namespace answers from the only other namespace that has such an object, and says so. A
//! change never guesses: it names the candidates and does nothing.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    names::{check_namespace, listed, names_of},
    pods::gone::gone,
    selection::Selection,
};
use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef},
    cluster::{Include, Resource, TableView},
    monitoring::status::{self, Verdict},
    nearest::nearest,
    output::{Next, ObjectId, Scope},
};

/// Finds the object that a read names: the first line of every operation about one object. `op` is that operation:
/// an error suggests it with another name or namespace.
///
/// # Errors
/// If there is no such kind, or no such object: with what is near, or where it is.
pub(super) async fn object(
    cx: &Cx,
    op: &'static str,
    kind: &KindRef,
    name: &str,
    namespace: Option<&str>,
) -> Result<Found, Error> {
    let resource = cx.resolve(kind).await?;
    Wanted::of(op, &resource, name, namespace).for_read(cx).await
}

/// An object that was asked for by name.
#[derive(Debug)]
pub(super) struct Found {
    /// Its kind.
    pub(super) resource: Resource,
    /// The object.
    pub(super) object: Value,
    /// What it is and where; no namespace if it is cluster-scoped.
    pub(super) id: ObjectId,
    /// That it is not where it was looked for, to be told.
    pub(super) note: Option<String>,
}

impl Found {
    /// Its namespace.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.id.namespace.as_deref()
    }

    /// Where an answer about it looked.
    pub(super) fn scope(&self) -> Scope {
        self.id.namespace.clone().map_or(Scope::Cluster, Scope::Namespace)
    }

    /// How it is.
    pub(super) fn verdict(&self) -> Verdict<'static> {
        let Resource { group, kind, .. } = &self.resource;
        status::of_object(group, kind, &self.object, Timestamp::now())
    }
}

/// What is looked for, and by which call, where [`object`] is not enough: for a change, or if the kind was not said.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// The call without its name and namespace: an error suggests it with others.
    pub(super) again: Next,
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
}

impl<'a> Wanted<'a> {
    /// An object of a kind that is known, looked for by a call of `op` that takes `kind`, `name` and `namespace`.
    pub(super) fn of(
        op: &'static str,
        resource: &'a Resource,
        name: &'a str,
        namespace: Option<&'a str>,
    ) -> Self {
        Self {
            again: Next::op(op).arg("kind", &resource.kind),
            resource,
            namespace,
            name,
        }
    }

    /// The object, for a read.
    pub(super) async fn for_read(&self, cx: &Cx) -> Result<Found, Error> {
        let missing = match self.in_namespace(cx).await? {
            Ok(found) => return Ok(found),
            Err(missing) => missing,
        };
        let candidates = match self.elsewhere(cx).await {
            Ok(candidates) => candidates,
            Err(error) => return Err(self.blind(missing, &error)),
        };
        if let ([only], None) = (candidates.as_slice(), self.namespace) {
            return self.found_in(cx, only).await;
        }
        Err(self.missing(cx, missing, &candidates, None).await)
    }

    /// The object in a namespace where it was not looked for.
    async fn found_in(&self, cx: &Cx, namespace: &str) -> Result<Found, Error> {
        let object = cx.client().get(self.resource, Some(namespace), self.name).await?;
        let note = format!("{} {} found in {namespace}", self.resource.kind, self.name);
        Ok(self.found(object, Some(namespace), Some(note)))
    }

    /// The object, for a read that may come before or after its life: none if there is no such object where it is
    /// meant to be. Who may not look elsewhere means the context's namespace.
    pub(super) async fn if_there(&self, cx: &Cx) -> Result<Option<Found>, Error> {
        let missing = match self.in_namespace(cx).await? {
            Ok(found) => return Ok(Some(found)),
            Err(_) if self.namespace.is_some() => return Ok(None),
            Err(missing) => missing,
        };
        match self.elsewhere(cx).await {
            Ok(candidates) => match candidates.as_slice() {
                [] => Ok(None),
                [only] => self.found_in(cx, only).await.map(Some),
                several => Err(self.missing(cx, missing, several, None).await),
            },
            Err(error) if error.kind == ErrorKind::Forbidden => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The object, for a change.
    pub(super) async fn for_change(&self, cx: &Cx) -> Result<Found, Error> {
        let missing = match self.in_namespace(cx).await? {
            Ok(found) => return Ok(found),
            Err(missing) => missing,
        };
        match self.elsewhere(cx).await {
            Ok(candidates) => Err(self
                .missing(cx, missing, &candidates, Some("nothing was done"))
                .await),
            Err(error) => Err(self.blind(missing, &error)),
        }
    }

    fn found(&self, object: Value, namespace: Option<&str>, note: Option<String>) -> Found {
        Found {
            resource: self.resource.clone(),
            object,
            id: ObjectId {
                cluster: None,
                kind: self.resource.kind.clone(),
                namespace: namespace.map(str::to_owned),
                name: self.name.to_owned(),
            },
            note,
        }
    }

    /// The object where it was looked for, or else the words that it is not there.
    async fn in_namespace(&self, cx: &Cx) -> Result<Result<Found, String>, Error> {
        if let Some(error) = self.wildcard() {
            return Err(error);
        }
        let namespace = self
            .resource
            .namespaced
            .then(|| self.namespace.unwrap_or_else(|| cx.default_namespace()));
        match cx.client().get(self.resource, namespace, self.name).await {
            Ok(object) => {
                // Whatever goes wrong from here on may repeat its values.
                cx.redactor().observe(&object);
                Ok(Ok(self.found(object, namespace, None)))
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                let place =
                    namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"));
                Ok(Err(format!("no {} {}{place}", self.resource.kind, self.name)))
            }
            Err(error) => Err(error),
        }
    }

    /// A name with a wildcard names no object: what it would match is a list.
    fn wildcard(&self) -> Option<Error> {
        let stem = self.name.split(['*', '?']).next().unwrap_or_default();
        (stem.len() < self.name.len()).then(|| {
            let next = Next::op("resources.list")
                .arg("kind", &self.resource.kind)
                .arg_if("namespace", self.namespace);
            let next = if stem.is_empty() {
                next
            } else {
                next.arg("where", format!("name~^{stem}"))
            };
            Error::invalid(format!("name: expected one name, not the pattern {}", self.name)).next(next)
        })
    }

    /// The namespaces that have an object of this name.
    async fn elsewhere(&self, cx: &Cx) -> Result<Vec<String>, Error> {
        if !self.resource.namespaced {
            return Ok(Vec::new());
        }
        let query = Selection::default()
            .with_field("metadata.name", self.name)
            .query();
        let bytes = cx
            .client()
            .table(self.resource, None, &query, Include::Metadata)
            .await?;
        let table = TableView::read(&bytes)?;
        let mut namespaces: Vec<String> = table
            .rows
            .iter()
            .filter_map(|row| row.object.as_ref()?.pointer("/metadata/namespace")?.as_str())
            .map(str::to_owned)
            .collect();
        namespaces.sort();
        Ok(namespaces)
    }

    /// It is not there, and where else it might be cannot be seen.
    fn blind(&self, missing: String, error: &Error) -> Error {
        let why = match error.kind {
            ErrorKind::Forbidden => "not allowed to look in all namespaces; give namespace".to_owned(),
            _ => format!("looking in the other namespaces failed: {}", error.message),
        };
        Error::not_found(format!("{missing}; {why}"))
    }

    /// It is not there: where it is, or what is there instead.
    async fn missing(
        &self,
        cx: &Cx,
        missing: String,
        candidates: &[String],
        consequence: Option<&str>,
    ) -> Error {
        let mut message = missing;
        if let Some(consequence) = consequence {
            message.push_str("; ");
            message.push_str(consequence);
        }
        let Some(first) = candidates.first() else {
            return self.near(cx, message, consequence).await;
        };
        message.push_str(if consequence.is_some() {
            ". It exists in: "
        } else {
            "; it exists in: "
        });
        message.push_str(&listed(candidates));
        Error::not_found(message).next(self.again.clone().arg("name", self.name).arg("namespace", first))
    }

    /// It is nowhere: what took its place, the names that are near, or that the namespace does not even exist.
    async fn near(&self, cx: &Cx, mut message: String, consequence: Option<&str>) -> Error {
        let namespace = self
            .resource
            .namespaced
            .then(|| self.namespace.unwrap_or_else(|| cx.default_namespace()));
        if let Some(namespace) = namespace
            && self.resource.group.is_empty()
            && self.resource.kind == "Pod"
            && let Some(gone) = gone(cx, namespace, self.name).await
        {
            let mut next = self.again.clone();
            next.args.retain(|(name, _)| name != "kind");
            let next = next
                .arg("kind", gone.kind)
                .arg("name", gone.name)
                .arg("namespace", namespace);
            return match consequence {
                // A workload is more than one of its pods.
                Some(consequence) => Error::not_found(format!("{}; {consequence}", gone.message)),
                None => Error::not_found(gone.message).next(next),
            };
        }
        let names = names_of(cx, self.resource, namespace).await.unwrap_or_default();
        if names.is_empty() && namespace.is_some() {
            let again = self.again.clone().arg("name", self.name);
            if let Err(error) = check_namespace(cx, namespace, again).await {
                return Error {
                    message: format!("{message}; {}", error.message),
                    ..error
                };
            }
        }
        if let Some(near) = nearest(self.name, names.iter().map(String::as_str)) {
            message.push_str("; nearest: ");
            message.push_str(near);
            let next = self
                .again
                .clone()
                .arg("name", near)
                .arg_if("namespace", namespace);
            return Error::not_found(message).next(next);
        }
        let next = Next::op("resources.list")
            .arg("kind", &self.resource.kind)
            .arg_if("namespace", namespace.filter(|_| !names.is_empty()));
        Error::not_found(message).next(next)
    }
}
