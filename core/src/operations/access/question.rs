//! What is asked about, read from a verb and a kind as a person says them.

use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef},
    cluster::{RequestInfo, Resource},
    config::VERBS,
    nearest::nearest,
};

/// RBAC's verbs that only a review knows, and all of them.
const OF_REVIEWS: [&str; 7] = ["use", "bind", "escalate", "impersonate", "approve", "sign", "*"];
/// Deeds that are no verbs of RBAC's: the verb and the subresource that they need.
const DEEDS: [(&str, &str, Option<&str>); 10] = [
    ("exec", "create", Some("exec")),
    ("attach", "create", Some("attach")),
    ("port-forward", "create", Some("portforward")),
    ("portforward", "create", Some("portforward")),
    ("logs", "get", Some("log")),
    ("log", "get", Some("log")),
    ("evict", "create", Some("eviction")),
    ("scale", "patch", Some("scale")),
    ("describe", "get", None),
    ("apply", "patch", None),
];
/// What a subresource can be asked for.
const OF_SUBRESOURCES: [&str; 4] = ["get", "create", "update", "patch"];

/// What is asked about: a kind, perhaps a verb, and where.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) verb: Option<String>,
    /// The verbs that the kind has.
    pub(super) verbs: Vec<String>,
    pub(super) namespaced: bool,
    /// All of them if none.
    pub(super) namespace: Option<String>,
    name: Option<String>,
    group: String,
    resource: String,
    subresource: Option<String>,
}

impl Question {
    /// Reads verb and kind.
    ///
    /// # Errors
    /// If there is no such verb, kind or subresource: with what is near.
    pub(super) async fn read(cx: &Cx, verb: Option<&str>, kind: &KindRef) -> Result<Self, Error> {
        let verb = verb.map(str::to_ascii_lowercase);
        let deed = verb
            .as_deref()
            .and_then(|verb| DEEDS.iter().find(|(deed, ..)| *deed == verb));
        if kind.0 == "*" {
            return Ok(Self {
                verb: verb.map(known).transpose()?,
                verbs: VERBS.map(str::to_owned).to_vec(),
                namespaced: true,
                namespace: None,
                name: None,
                group: "*".to_owned(),
                resource: "*".to_owned(),
                subresource: None,
            });
        }
        let (resource, given) = resolve(cx, kind).await?;
        let (verb, subresource) = match deed {
            // `deployments/scale` with `scale` says the same twice.
            Some((_, verb, needed)) => (Some((*verb).to_owned()), given.or(needed.map(str::to_owned))),
            None => {
                let verb = match verb {
                    // What a kind serves is a verb, whatever it is called.
                    Some(verb) if resource.can(&verb) => Some(verb),
                    verb => verb.map(known).transpose()?,
                };
                (verb, given)
            }
        };
        if let Some(subresource) = &subresource {
            has(&resource, subresource)?;
        }
        Ok(Self {
            verb,
            verbs: match &subresource {
                Some(_) => OF_SUBRESOURCES.map(str::to_owned).to_vec(),
                None => {
                    let mut verbs = resource.verbs;
                    verbs.sort_by_key(|verb| rank(verb));
                    verbs
                }
            },
            namespaced: resource.namespaced,
            namespace: None,
            name: None,
            group: resource.group,
            resource: resource.plural,
            subresource,
        })
    }

    /// Says where: an object that is named without a namespace is in the context's.
    pub(super) fn place(&mut self, cx: &Cx, name: Option<String>, namespace: Option<&str>) {
        let default = name.as_ref().map(|_| cx.default_namespace());
        self.namespace = namespace
            .or(default)
            .filter(|_| self.namespaced)
            .map(str::to_owned);
        self.name = name;
    }

    /// The question about a verb.
    pub(super) fn info(&self, verb: &str) -> RequestInfo {
        RequestInfo {
            verb: verb.to_owned(),
            is_resource: true,
            group: self.group.clone(),
            resource: self.resource.clone(),
            subresource: self.subresource.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            ..RequestInfo::default()
        }
    }

    /// `pods/exec`, `deployments.apps web`.
    pub(super) fn what(&self) -> String {
        let what = self.info("").qualified();
        match &self.name {
            Some(name) => format!("{what} {name}"),
            None => what,
        }
    }

    /// ` in payments`; nothing for what is in no namespace.
    pub(super) fn at(&self) -> String {
        match (&self.namespace, self.namespaced) {
            (Some(namespace), _) => format!(" in {namespace}"),
            (None, true) => " in all namespaces".to_owned(),
            (None, false) => String::new(),
        }
    }
}

/// The kind, and the subresource after its slash if there is one.
async fn resolve(cx: &Cx, kind: &KindRef) -> Result<(Resource, Option<String>), Error> {
    let error = match cx.resolve(kind).await {
        Ok(resource) => return Ok((resource, None)),
        Err(error) => error,
    };
    // `apps/Deployment` was a group and a kind.
    let Some((left, subresource)) = kind.0.rsplit_once('/') else {
        return Err(error);
    };
    match cx.resolve(&KindRef(left.to_owned())).await {
        Ok(resource) => Ok((resource, Some(subresource.to_lowercase()))),
        Err(_) => Err(error),
    }
}

/// Whether the kind has the subresource.
fn has(resource: &Resource, subresource: &str) -> Result<(), Error> {
    let known = &resource.subresources;
    // What the kind is known by without discovery has none.
    if known.is_empty() && resource.verbs.is_empty() || known.iter().any(|known| known == subresource) {
        return Ok(());
    }
    let near = nearest(subresource, known.iter().map(String::as_str));
    let have = match known.is_empty() {
        true => "it has none".to_owned(),
        false => format!("it has {}", known.join(", ")),
    };
    let error = Error::new(
        ErrorKind::Invalid,
        format!(
            "kind: {} has no subresource {subresource}; {have}",
            resource.qualified()
        ),
    );
    Err(match near {
        Some(near) => error.instead("kind", format!("{}/{near}", resource.qualified())),
        None => error,
    })
}

/// RBAC's verbs, reads before writes.
fn verbs() -> impl Iterator<Item = &'static str> {
    VERBS.into_iter().chain(OF_REVIEWS)
}

/// Where a verb stands in a list of them: reads before writes.
pub(super) fn rank(verb: &str) -> usize {
    verbs().position(|known| known == verb).unwrap_or(usize::MAX)
}

/// A verb of RBAC's.
fn known(verb: String) -> Result<String, Error> {
    if verbs().any(|known| known == verb) {
        return Ok(verb);
    }
    let words = || verbs().chain(DEEDS.into_iter().map(|(deed, ..)| deed));
    let error = Error::invalid(format!(
        "verb: expected one of {}, not {verb:?}",
        VERBS.join(", ")
    ));
    Err(match nearest(&verb, words()) {
        Some(near) => error.instead("verb", near),
        None => error,
    })
}
