//! What we may do, asked of the API server (SelfSubjectAccessReview).

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};

use super::{Finding, Level};
use crate::{
    Error,
    cluster::{Client, RequestInfo, Resource, registry::Registry},
};

/// Reviews under way at once.
const AT_ONCE: usize = 8;
const CHECK: &str = "rights";

/// A right that something needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needed {
    /// The verb, e.g. `list`.
    pub verb: String,
    /// The kind as a person may say it, e.g. `deployments.apps`.
    pub kind: String,
    /// The subresource, e.g. `log`.
    pub subresource: Option<String>,
    /// Who needs it.
    pub users: Vec<String>,
}

/// Where a right is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Held {
    Everywhere,
    Here,
    Nowhere,
    NotServed,
}

/// What is missing for what is needed, by where it is held.
pub(super) async fn rights(client: &Client, registry: &Registry, needed: &[Needed]) -> Vec<Finding> {
    let namespace = client.cluster.default_namespace();
    let asked: Vec<_> = stream::iter(needed)
        .map(|need| async move { (need, held(client, registry, need).await) })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut by_place: BTreeMap<Held, Vec<(&Needed, Option<Resource>)>> = BTreeMap::new();
    let mut failures = Vec::new();
    for (need, answer) in asked {
        match answer {
            Ok((held, resource)) => by_place.entry(held).or_default().push((need, resource)),
            Err(error) => failures.push(error),
        }
    }
    let mut findings = Vec::new();
    if let Some(error) = failures.first() {
        findings.push(Finding::error(
            Level::Warn,
            CHECK,
            error,
            "kubectl auth can-i --list",
        ));
    }
    let total: usize = by_place.values().map(Vec::len).sum();
    for (held, needs) in by_place {
        let words: Vec<String> = needs.iter().map(|(need, _)| told(need)).collect();
        let words = words.join("; ");
        findings.push(match held {
            Held::Everywhere => Finding::ok(CHECK, format!("{} of {total} that tools need", needs.len())),
            Held::Here => Finding::warn(
                CHECK,
                format!("only in namespace {namespace}, not in all: {words}"),
                format!(
                    "name the namespace in calls, or have a ClusterRole bound that has {}",
                    rules(&needs)
                ),
            ),
            // Other namespaces than the context's are not asked: there may be hundreds.
            Held::Nowhere => Finding::warn(
                CHECK,
                format!("missing, in namespace {namespace} too: {words}"),
                format!(
                    "have a role bound that has {}, or give the context a namespace that has it bound",
                    rules(&needs)
                ),
            ),
            Held::NotServed => Finding::warn(
                CHECK,
                format!("the cluster serves no such kind: {words}"),
                "install what serves it, or leave these tools out with --disable",
            ),
        });
    }
    findings
}

async fn held(
    client: &Client,
    registry: &Registry,
    need: &Needed,
) -> Result<(Held, Option<Resource>), Error> {
    let Some(resource) = registry.find(&need.kind)? else {
        return Ok((Held::NotServed, None));
    };
    let held = if allowed(client, need, resource, None).await? {
        Held::Everywhere
    } else if resource.namespaced
        && allowed(client, need, resource, Some(client.cluster.default_namespace())).await?
    {
        Held::Here
    } else {
        Held::Nowhere
    };
    Ok((held, Some(resource.clone())))
}

async fn allowed(
    client: &Client,
    need: &Needed,
    resource: &Resource,
    namespace: Option<&str>,
) -> Result<bool, Error> {
    let asked = RequestInfo {
        verb: need.verb.clone(),
        is_resource: true,
        group: resource.group.clone(),
        resource: resource.plural.clone(),
        subresource: need.subresource.clone(),
        namespace: namespace.map(str::to_owned),
        ..RequestInfo::default()
    };
    Ok(client.may(&asked).await?.allowed)
}

/// `get pods/log (these, those)`.
fn told(need: &Needed) -> String {
    let sub = need
        .subresource
        .as_ref()
        .map(|sub| format!("/{sub}"))
        .unwrap_or_default();
    format!("{} {}{sub} ({})", need.verb, need.kind, need.users.join(", "))
}

/// The rules of a role that would give these rights.
fn rules(needs: &[(&Needed, Option<Resource>)]) -> String {
    let mut by_group: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (need, resource) in needs {
        let Some(resource) = resource else { continue };
        let name = match &need.subresource {
            Some(sub) => format!("{}/{sub}", resource.plural),
            None => resource.plural.clone(),
        };
        by_group
            .entry((&resource.group, &need.verb))
            .or_default()
            .push(name);
    }
    let rules: Vec<String> = by_group
        .into_iter()
        .map(|((group, verb), names)| {
            format!(
                "{{apiGroups: [{group:?}], resources: [{}], verbs: [{verb}]}}",
                names.join(", ")
            )
        })
        .collect();
    rules.join(", ")
}
