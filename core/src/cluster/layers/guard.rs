//! Refuses requests that may not be sent: no grant, more access than granted, the server's mode, the
//! configuration's rules. What it cannot read it refuses.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    FutureExt as _,
    future::{Either, Ready, ready},
};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use tower::{BoxError, Layer, Service};

use super::request::RequestInfo;
use crate::{
    Error, ErrorKind,
    call::{Access, Mode},
    cluster::{
        Grant,
        connect::{RequestBody, ResponseBody},
    },
    config::{AccessSection, Rule},
};

/// What the guard of one cluster goes by.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    /// The cluster's names: its own, and its context's where an alias renames it.
    pub(crate) clusters: Vec<String>,
    /// The server's mode.
    pub(crate) mode: Mode,
    /// Only what one of these allows, if there are any.
    pub(crate) allow: Vec<Rule>,
    /// Never what one of these names.
    pub(crate) deny: Vec<Rule>,
}

impl Policy {
    /// The policy of the configuration for the cluster of these names.
    pub(crate) fn new(clusters: Vec<String>, access: &AccessSection) -> Self {
        Self {
            clusters,
            mode: access.mode,
            allow: access.allow.clone(),
            deny: access.deny.clone(),
        }
    }
}

/// Marks a request about a kind whose objects live in no namespace, so that rules about namespaces do not
/// concern it. A path without a namespace does not tell that from a list over all namespaces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClusterScoped;

impl Policy {
    /// Whether the request may be sent.
    fn check(&self, request: &Request<RequestBody>) -> Result<(), Error> {
        let Some(grant) = request.extensions().get::<Grant>() else {
            return Err(Error::internal(
                "a request without a grant was refused: every request has to come from a client of the core",
            ));
        };
        let Ok(info) = RequestInfo::read(request.method(), request.uri()) else {
            return Err(refused(format!(
                "the path {:?} is not clear (empty or dotted segments, encoded slashes) and was not sent",
                request.uri().path()
            )));
        };
        let cluster_scoped = request.extensions().get::<ClusterScoped>().is_some();
        let needed = info.access();
        if needed == Access::Read {
            return self.rules(&info, cluster_scoped);
        }
        self.mode(&info)?;
        if needed > grant.access {
            return Err(refused(format!(
                "to {info} needs {needed} access, and this operation is declared {}",
                grant.access
            )));
        }
        if grant.dry_run && !is_dry_run(request, &info) {
            return Err(refused(format!(
                "only a dry run was granted, and to {info} was asked without dryRun=All"
            )));
        }
        self.rules(&info, cluster_scoped)
    }

    /// Whether mode and rules let such a request pass, granted that an operation of enough access sends it.
    pub(crate) fn permits(&self, info: &RequestInfo, cluster_scoped: bool) -> Result<(), Error> {
        if info.access() != Access::Read {
            self.mode(info)?;
        }
        self.rules(info, cluster_scoped)
    }

    fn mode(&self, info: &RequestInfo) -> Result<(), Error> {
        if self.mode == Mode::ReadOnly {
            return Err(refused(format!(
                "the server runs in read-only mode, which refuses to {info}"
            )));
        }
        Ok(())
    }

    fn rules(&self, info: &RequestInfo, cluster_scoped: bool) -> Result<(), Error> {
        // Rules speak of resources. What is no resource (discovery, version, health) can only be read, and
        // without the reviews about ourselves no refusal could be explained.
        if (!info.is_resource && info.access() == Access::Read) || info.is_self_review() {
            return Ok(());
        }
        let asked = Asked {
            info,
            clusters: &self.clusters,
            cluster_scoped,
        };
        if let Some(place) = self.deny.iter().position(|rule| asked.denied_by(rule)) {
            return Err(refused(format!(
                "the configuration's rule access.deny[{place}] ({}) refuses to {info}{}",
                Shown(&self.deny[place]),
                asked.over_all_namespaces(&self.deny[place])
            )));
        }
        if !self.allow.is_empty() && !self.allow.iter().any(|rule| asked.allowed_by(rule)) {
            return Err(refused(format!(
                "no rule of the configuration's access.allow allows to {info}; it would need verbs: [{}], \
                 resources: [{}]",
                info.verb,
                info.qualified()
            )));
        }
        Ok(())
    }
}

/// A resource name in a rule that a cluster serves no kind for. It still holds for what it literally says, but
/// somebody meant something else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnknownResource {
    /// `allow` or `deny`.
    pub list: &'static str,
    /// Which of the list's rules.
    pub rule: usize,
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "access.{}[{}]: {:?}", self.list, self.rule, self.name)
    }
}

/// Resource names in the rules for this cluster that it serves no kind, or no subresource, for.
pub(crate) fn unknown_resources(
    policy: &Policy,
    is_served: impl Fn(&str, Option<&str>, Option<&str>) -> bool,
) -> Vec<UnknownResource> {
    let rules = [("deny", &policy.deny), ("allow", &policy.allow)];
    let words = rules.into_iter().flat_map(|(list, rules)| {
        let rules = rules.iter().enumerate();
        rules
            .filter(|(_, rule)| {
                matches(&rule.clusters, |word| {
                    policy.clusters.iter().any(|name| name == word)
                })
            })
            .flat_map(move |(place, rule)| {
                rule.resources
                    .iter()
                    .map(move |word| (list, place, word.as_str()))
            })
    });
    words
        .filter(|(_, _, word)| {
            let (name, sub) = split(word);
            let (plural, group) = plural_and_group(name);
            plural != "*" && !is_served(plural, group, sub.filter(|sub| *sub != "*"))
        })
        .map(|(list, rule, word)| UnknownResource {
            list,
            rule,
            name: word.to_owned(),
        })
        .collect()
}

fn plural_and_group(name: &str) -> (&str, Option<&str>) {
    name.split_once('.')
        .map_or((name, None), |(plural, group)| (plural, Some(group)))
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Forbidden, message)
}

/// A request as rules see it.
struct Asked<'a> {
    info: &'a RequestInfo,
    clusters: &'a [String],
    cluster_scoped: bool,
}

impl Asked<'_> {
    fn denied_by(&self, rule: &Rule) -> bool {
        matches(&rule.clusters, |word| {
            self.clusters.iter().any(|name| name == word)
        }) && matches(&rule.verbs, |word| word == self.info.verb)
            && matches(&rule.resources, |word| self.denied_resource(word))
            && self.namespace_denied(rule)
    }

    fn allowed_by(&self, rule: &Rule) -> bool {
        matches(&rule.clusters, |word| {
            self.clusters.iter().any(|name| name == word)
        }) && matches(&rule.verbs, |word| word == self.info.verb)
            && matches(&rule.resources, |word| self.allowed_resource(word))
            && matches(&rule.namespaces, |word| {
                self.info.namespace.as_deref() == Some(word)
            })
    }

    /// In a denial a resource stands for its subresources too, and a name without a group for every group.
    fn denied_resource(&self, word: &str) -> bool {
        let (name, sub) = split(word);
        let (plural, group) = name
            .split_once('.')
            .map_or((name, None), |(plural, group)| (plural, Some(group)));
        (plural == "*" || plural == self.info.resource)
            && group.is_none_or(|group| group == self.info.group)
            && sub.is_none_or(|sub| sub == "*" || Some(sub) == self.info.subresource.as_deref())
    }

    /// In an allowance words mean no more than they say.
    fn allowed_resource(&self, word: &str) -> bool {
        let (name, sub) = split(word);
        let (plural, group) = name.split_once('.').unwrap_or((name, ""));
        (plural == "*" || (plural == self.info.resource && group == self.info.group))
            && match sub {
                Some("*") => true,
                sub => sub == self.info.subresource.as_deref(),
            }
    }

    /// A list over all namespaces would show what a denial of one of them is to hide.
    fn namespace_denied(&self, rule: &Rule) -> bool {
        match self.info.namespace.as_deref() {
            Some(namespace) => matches(&rule.namespaces, |word| word == namespace),
            None => rule.namespaces.is_empty() || contains_star(&rule.namespaces) || !self.cluster_scoped,
        }
    }

    fn over_all_namespaces(&self, rule: &Rule) -> &'static str {
        let all =
            self.info.namespace.is_none() && !rule.namespaces.is_empty() && !contains_star(&rule.namespaces);
        if all { " over all namespaces; name one" } else { "" }
    }
}

fn split(word: &str) -> (&str, Option<&str>) {
    word.split_once('/')
        .map_or((word, None), |(name, sub)| (name, Some(sub)))
}

fn contains_star(words: &[String]) -> bool {
    words.iter().any(|word| word == "*")
}

fn matches(words: &[String], is: impl Fn(&str) -> bool) -> bool {
    words.is_empty() || words.iter().any(|word| word == "*" || is(word))
}

/// A rule as it stands in the configuration.
struct Shown<'a>(&'a Rule);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule {
            verbs,
            resources,
            namespaces,
            clusters,
        } = self.0;
        let mut first = true;
        for (key, words) in [
            ("verbs", verbs),
            ("resources", resources),
            ("namespaces", namespaces),
            ("clusters", clusters),
        ] {
            if !words.is_empty() {
                let comma = if std::mem::take(&mut first) { "" } else { ", " };
                write!(f, "{comma}{key}: [{}]", words.join(", "))?;
            }
        }
        if first {
            f.write_str("everything")?;
        }
        Ok(())
    }
}

/// Whether the API server will treat the request as a dry run. A deletion's body wins over its query there: with
/// a body and the query alone the object would really go.
fn is_dry_run(request: &Request<RequestBody>, info: &RequestInfo) -> bool {
    let asked: Vec<_> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(key, _)| *key == "dryRun")
        .map(|(_, value)| value)
        .collect();
    let by_query = asked == ["All"];
    match info.access() {
        Access::Read | Access::Write => return by_query,
        // The API server runs the rest of these whatever the query says.
        Access::Exec => return by_query && info.subresource.as_deref() == Some("ephemeralcontainers"),
        Access::Destructive => {}
    }
    #[derive(Deserialize)]
    struct Options {
        #[serde(default, rename = "dryRun")]
        dry_run: Vec<String>,
    }
    let body = request.body().clone().collect().now_or_never();
    match body.and_then(Result::ok).map(http_body_util::Collected::to_bytes) {
        Some(body) if body.is_empty() => by_query,
        Some(body) => serde_json::from_slice(&body).is_ok_and(|options: Options| options.dry_run == ["All"]),
        None => false,
    }
}

/// The layer.
#[derive(Clone, Debug)]
pub(crate) struct GuardLayer(pub(crate) Arc<Policy>);

impl<S> Layer<S> for GuardLayer {
    type Service = Guard<S>;

    fn layer(&self, inner: S) -> Guard<S> {
        Guard {
            inner,
            policy: self.0.clone(),
        }
    }
}

/// Lets through what may be sent.
#[derive(Clone, Debug)]
pub(crate) struct Guard<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> Service<Request<RequestBody>> for Guard<S>
where
    S: Service<Request<RequestBody>, Response = Response<ResponseBody>, Error = BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = BoxError;
    type Future = Either<S::Future, Ready<Result<Self::Response, BoxError>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<RequestBody>) -> Self::Future {
        match self.policy.check(&request) {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(ready(Err(error.into()))),
        }
    }
}

#[cfg(test)]
mod tests;
