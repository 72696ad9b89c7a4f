//! What a path means.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use http::Uri;
use percent_encoding::percent_decode_str;

use super::{autoscaling, events, kinds::Kind, server::Api};

/// What a request is about, where it is about objects.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Of which kind, as the objects are kept.
    pub(crate) kind: Arc<Kind>,
    /// The kind that the client named: the other one of Events, or the same.
    pub(crate) served: Arc<Kind>,
    /// In which namespace; `None` for all, and for what is in none.
    pub(crate) namespace: Option<String>,
    /// Which one; `None` for all.
    pub(crate) name: Option<String>,
    /// What beneath it, as `status`.
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// The namespace, empty for a cluster's own.
    pub(crate) fn place(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    /// The name, empty for all.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// The kind of the objects that are sent there: beneath an object another, as `Scale`.
    pub(crate) fn spoken(&self) -> Kind {
        let mut kind = (*self.kind).clone();
        if let Some(sub) = self
            .subresource
            .as_deref()
            .and_then(|name| self.kind.subresource(name))
        {
            kind.group.clone_from(&sub.group);
            kind.version.clone_from(&sub.version);
            kind.kind.clone_from(&sub.kind);
            kind.custom = kind.custom.filter(|_| sub.kind == self.kind.kind);
        }
        kind
    }
}

/// The parts of a path between slashes.
pub(crate) fn parts(path: &str) -> Vec<Cow<'_, str>> {
    path.trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy())
        .collect()
}

/// The objects that a path means; `None` if it is no path of objects, or no such kind is served.
pub(crate) fn target(api: &Api, path: &str) -> Option<Target> {
    let parts = parts(path);
    let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] => ("", *version, rest),
        ["apis", group, version, rest @ ..] => (*group, *version, rest),
        _ => return None,
    };
    let kinds = api.kinds();
    let find = |plural: &str| kinds.at(group, version, plural).cloned();
    let (namespace, kind, rest) = match rest {
        // `namespaces/NAME/status` is of the namespace itself, `namespaces/NAME/pods` of what is in it.
        ["namespaces", namespace, plural, rest @ ..] if find(plural).is_some_and(|kind| kind.namespaced) => {
            (Some((*namespace).to_owned()), find(plural)?, rest)
        }
        [plural, rest @ ..] => (None, find(plural)?, rest),
        [] => return None,
    };
    let (name, subresource) = match rest {
        [] => (None, None),
        [name] => (Some((*name).to_owned()), None),
        [name, subresource] => {
            kind.subresource(subresource)?;
            (Some((*name).to_owned()), Some((*subresource).to_owned()))
        }
        _ => return None,
    };
    // What lives in a namespace has no name outside of it.
    if name.is_some() && kind.namespaced && namespace.is_none() {
        return None;
    }
    let kept = match kind.group.as_str() {
        events::GROUP => kinds.named("events")?.clone(),
        _ if autoscaling::is_older(&kind) => kinds.named(autoscaling::RESOURCE)?.clone(),
        _ => kind.clone(),
    };
    Some(Target {
        kind: kept,
        served: kind,
        namespace,
        name,
        subresource,
    })
}

/// The parameters of a query.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Those of a URI.
    pub(crate) fn of(uri: &Uri) -> Self {
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', " "))
                .decode_utf8_lossy()
                .into_owned()
        };
        let pairs = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(name, value)| (decode(name), decode(value)))
                .collect(),
        )
    }

    /// The value of a parameter; `None` if it is not there or empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given(name).filter(|value| !value.is_empty())
    }

    /// Whether a parameter says yes: whatever is given and not a no is.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.given(name)
            .is_some_and(|value| value != "0" && !value.eq_ignore_ascii_case("false"))
    }

    /// The value of a parameter, which may be empty.
    pub(crate) fn given(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
