//! The object that a kind and a name mean, wherever it is.
//!
//! A read without a namespace answers from the only other namespace that has such an object, and says so. A
//! change never guesses: it names the candidates and does nothing.

use serde_json::Value;

use super::{builtin, selection::Selection};
use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{Cell, Include, Resource, TableView},
    output::{Next, ObjectId, nearest::nearest},
};

/// How many names an error lists.
const NAMED: usize = 5;

/// An object that was asked for by name.
#[derive(Debug)]
pub(super) struct Found {
    /// The object.
    pub(super) object: Value,
    /// Where it is; none if it is cluster-scoped.
    pub(super) namespace: Option<String>,
    /// That it is not where it was looked for, to be told.
    pub(super) note: Option<String>,
}

/// What is looked for, and by which call.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    /// The call without its name and namespace: an error suggests it with others.
    pub(super) again: Next,
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) name: &'a str,
}

impl Wanted<'_> {
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
            let object = cx.client().get(self.resource, Some(only), self.name).await?;
            return Ok(Found {
                object,
                note: Some(format!("{} {} found in {only}", self.resource.kind, self.name)),
                namespace: Some(only.clone()),
            });
        }
        Err(self.missing(cx, missing, &candidates, None).await)
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

    /// The identity of the object.
    pub(super) fn id(&self, namespace: Option<String>) -> ObjectId {
        ObjectId {
            cluster: None,
            kind: self.resource.kind.clone(),
            namespace,
            name: self.name.to_owned(),
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
                Ok(Ok(Found {
                    object,
                    namespace: namespace.map(str::to_owned),
                    note: None,
                }))
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
        let table: TableView<'_> = parse(&bytes)?;
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
            return self.near(cx, message).await;
        };
        message.push_str(if consequence.is_some() {
            ". It exists in: "
        } else {
            "; it exists in: "
        });
        message.push_str(&listed(candidates));
        Error::not_found(message).next(self.again.clone().arg("name", self.name).arg("namespace", first))
    }

    /// It is nowhere: the names that are near, or that the namespace does not even exist.
    async fn near(&self, cx: &Cx, mut message: String) -> Error {
        let namespace = self
            .resource
            .namespaced
            .then(|| self.namespace.unwrap_or_else(|| cx.default_namespace()));
        let names = names(cx, self.resource, namespace).await.unwrap_or_default();
        if let (true, Some(namespace)) = (names.is_empty(), namespace) {
            let namespaces = self::names(cx, &builtin::namespaces(), None)
                .await
                .unwrap_or_default();
            if !namespaces.is_empty() && !namespaces.iter().any(|known| known == namespace) {
                message.push_str("; there is no namespace ");
                message.push_str(namespace);
                if let Some(near) = nearest(namespace, namespaces.iter().map(String::as_str)) {
                    message.push_str(", nearest: ");
                    message.push_str(near);
                }
                return Error::not_found(message);
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

/// The names of all objects of a kind.
pub(super) async fn names(
    cx: &Cx,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<Vec<String>, Error> {
    let query = Selection::default().query();
    let bytes = cx
        .client()
        .table(resource, namespace, &query, Include::None)
        .await?;
    Ok(names_in(&parse(&bytes)?))
}

/// The names of a Table's rows.
pub(super) fn names_in(table: &TableView<'_>) -> Vec<String> {
    table.rows.iter().filter_map(|row| name_of(&row.cells)).collect()
}

fn name_of(cells: &[Cell<'_>]) -> Option<String> {
    match cells.first()? {
        Cell::Text(name) => Some(name.clone().into_owned()),
        _ => None,
    }
}

/// A namespace that does not exist has no objects; that is no answer to what was asked. `again` is the call, without
/// its namespace.
///
/// # Errors
/// If it does not exist. Whether it does may not be ours to see: that is no error.
pub(super) async fn check_namespace(cx: &Cx, namespace: Option<&str>, again: Next) -> Result<(), Error> {
    let Some(namespace) = namespace else {
        return Ok(());
    };
    let namespaces = builtin::namespaces();
    match cx.client().get(&namespaces, None, namespace).await {
        Err(error) if error.kind == ErrorKind::NotFound => {
            let names = names(cx, &namespaces, None).await.unwrap_or_default();
            let near = nearest(namespace, names.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| format!("; nearest: {near}"));
            let next = match near {
                Some(near) => again.arg("namespace", near),
                None => Next::op("resources.list").arg("kind", "Namespace"),
            };
            Err(Error::not_found(format!("there is no namespace {namespace}{hint}")).next(next))
        }
        _ => Ok(()),
    }
}

/// Reads the body of a Table.
pub(super) fn parse(bytes: &[u8]) -> Result<TableView<'_>, Error> {
    serde_json::from_slice(bytes).map_err(|error| {
        Error::new(
            ErrorKind::Server,
            format!("the API server's table cannot be read: {error}"),
        )
    })
}

/// A few names, and how many more there are.
pub(super) fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED {
        text.push_str(&format!(" and {} more", names.len() - NAMED));
    }
    text
}
