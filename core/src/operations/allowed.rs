//! Where something is allowed that is not allowed everywhere.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};

use super::{
    builtin,
    names::{listed, names_of},
};
use crate::{
    Error, ErrorKind,
    call::Cx,
    cluster::{RequestInfo, Resource},
    output::Next,
};

/// Namespaces that are asked about, one by one.
const NAMESPACES: usize = 100;
/// Requests under way at once.
const AT_ONCE: usize = 8;

/// A list of all namespaces that was refused: `again` is the same list, to be suggested for a namespace in which it is
/// allowed. Any other error, and one of a list of a namespace, stays as it is.
pub(super) async fn refused(
    cx: &Cx,
    resource: &Resource,
    namespace: Option<&str>,
    again: Next,
    error: Error,
) -> Error {
    if error.kind != ErrorKind::Forbidden || !resource.namespaced || namespace.is_some() {
        return error;
    }
    let asked = RequestInfo {
        verb: "list".to_owned(),
        is_resource: true,
        group: resource.group.clone(),
        resource: resource.plural.clone(),
        ..RequestInfo::default()
    };
    // What rights do not refuse, this server's own rules do, or an admission plugin: their words say why.
    let is_ours = cx
        .client()
        .may(&asked)
        .await
        .map_or(true, |everywhere| everywhere.allowed);
    let (Ok(me), false) = (cx.whoami().await, is_ours) else {
        return error;
    };
    let allowed = namespaces(cx, &asked)
        .await
        .map_or_else(|_| Vec::new(), |(allowed, _)| allowed);
    let cluster = cx.cluster().name();
    let told = format!(
        "{} may not list {} in all namespaces on {cluster} (403)",
        me.user,
        resource.qualified()
    );
    match allowed.first() {
        Some(first) => Error::new(error.kind, format!("{told}. It may in: {}", listed(&allowed)))
            .next(again.arg("namespace", first)),
        None => Error::new(
            error.kind,
            format!("{told}; name a namespace, or ask for a role that allows it"),
        ),
    }
}

/// The other namespaces in which it is allowed, and what could not be found out.
pub(super) async fn namespaces(cx: &Cx, asked: &RequestInfo) -> Result<(Vec<String>, Option<String>), Error> {
    let mut note = None;
    let mut names: BTreeSet<String> = match names_of(cx, &builtin::namespaces(), None).await {
        Ok(names) => names.into_iter().collect(),
        Err(error) if error.kind == ErrorKind::Forbidden => {
            note = Some("the other namespaces may not be listed: name one to ask about it".to_owned());
            likely(cx).await
        }
        Err(error) => return Err(error),
    };
    if let Some(namespace) = &asked.namespace {
        names.remove(namespace);
    }
    if names.len() > NAMESPACES {
        note = Some(format!(
            "asked about the first {NAMESPACES} of {} namespaces",
            names.len()
        ));
    }
    let questions = names.into_iter().take(NAMESPACES).map(|namespace| {
        let there = RequestInfo {
            namespace: Some(namespace.clone()),
            ..asked.clone()
        };
        (namespace, there)
    });
    Ok((among(cx, questions).await?, note))
}

/// Those of the questions, in their order, to which the answer is yes; each is told by a name.
pub(super) async fn among(
    cx: &Cx,
    questions: impl Iterator<Item = (String, RequestInfo)>,
) -> Result<Vec<String>, Error> {
    // Collected first: a closure over references in the stream would keep the whole call on one thread.
    let asking: Vec<_> = questions
        .map(async |(name, asked)| {
            let decision = cx.client().may(&asked).await?;
            Ok::<_, Error>(decision.allowed.then_some(name))
        })
        .collect();
    let answers: Vec<Result<Option<String>, Error>> = stream::iter(asking).buffered(AT_ONCE).collect().await;
    answers.into_iter().filter_map(Result::transpose).collect()
}

/// The namespaces that are known without a list of them: the context's, and a service account's own.
async fn likely(cx: &Cx) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = [cx.default_namespace().to_owned()].into();
    if let Ok(me) = cx.whoami().await
        && let Some(account) = me.user.strip_prefix("system:serviceaccount:")
        && let Some((namespace, _)) = account.split_once(':')
    {
        names.insert(namespace.to_owned());
    }
    names
}
