//! What a cluster serves, asked for once and again when it is missing something.
//!
//! kube's own discovery keeps neither short names nor singulars, so the answers are read here: both aggregated
//! documents in two requests, or group by group on servers that do not have them.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use kube::client::{APIGroupDiscoveryList, APIResourceDiscovery};
use serde::Deserialize;
use tokio::time::Instant;

use super::{
    Client, Resource,
    registry::{Registry, Served},
};
use crate::Error;

/// Served by Kubernetes from 1.26 on; the last is what older servers give.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,\
                          application/json";
/// How long an answer is good.
const LIFETIME: Duration = Duration::from_secs(600);
/// How often a miss may ask again, so that misspellings do not hammer the server.
const AGAIN: Duration = Duration::from_secs(5);

/// A cluster's kinds, as they were last seen.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    seen: RwLock<Option<(Instant, Arc<Registry>)>>,
    /// Held while asking, so that many callers ask once.
    asking: tokio::sync::Mutex<()>,
}

impl Discovery {
    fn seen(&self, younger_than: Duration) -> Option<Arc<Registry>> {
        let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
        seen.as_ref()
            .filter(|(at, _)| at.elapsed() < younger_than)
            .map(|(_, registry)| registry.clone())
    }

    /// A kind by group and plural, if it has been seen.
    pub(super) fn known(&self, group: &str, plural: &str) -> Option<Resource> {
        let registry = self.seen(Duration::MAX)?;
        let kinds = registry.preferred();
        kinds
            .iter()
            .find(|kind| kind.group == group && kind.plural == plural)
            .cloned()
    }

    /// The kinds, asked for where they were not yet or long ago.
    pub(super) async fn registry(&self, client: &Client) -> Result<Arc<Registry>, Error> {
        self.younger_than(LIFETIME, client).await
    }

    /// The kinds, asked for again unless that was a moment ago.
    pub(super) async fn refreshed(&self, client: &Client) -> Result<Arc<Registry>, Error> {
        self.younger_than(AGAIN, client).await
    }

    async fn younger_than(&self, age: Duration, client: &Client) -> Result<Arc<Registry>, Error> {
        if let Some(registry) = self.seen(age) {
            return Ok(registry);
        }
        let _asking = self.asking.lock().await;
        if let Some(registry) = self.seen(age) {
            return Ok(registry);
        }
        match ask(client).await {
            Ok(registry) => {
                let registry = Arc::new(registry);
                client.cluster.check_rules(&registry);
                *self.seen.write().unwrap_or_else(PoisonError::into_inner) =
                    Some((Instant::now(), registry.clone()));
                Ok(registry)
            }
            // What was known is better than nothing.
            Err(error) => self.seen(Duration::MAX).ok_or(error),
        }
    }
}

async fn ask(client: &Client) -> Result<Registry, Error> {
    let (core, groups) = futures::try_join!(
        client.get_bytes("/api", Some(AGGREGATED)),
        client.get_bytes("/apis", Some(AGGREGATED))
    )?;
    let (mut served, mut failed) = (Vec::new(), Vec::new());
    if is_kind(&core, "APIGroupDiscoveryList") && is_kind(&groups, "APIGroupDiscoveryList") {
        for document in [core, groups] {
            let list: APIGroupDiscoveryList = read(client, &document)?;
            aggregated(list, &mut served, &mut failed);
        }
    } else {
        one_by_one(client, &core, &groups, &mut served, &mut failed).await?;
    }
    Ok(Registry::new(served, failed))
}

fn read<'a, T: Deserialize<'a>>(client: &Client, document: &'a [u8]) -> Result<T, Error> {
    serde_json::from_slice(document)
        .map_err(|error| client.unreadable("its discovery document", document, &error))
}

/// Whether a document is of this kind, without reading all of it into something.
pub(super) fn is_kind(document: &[u8], kind: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, default)]
        kind: std::borrow::Cow<'a, str>,
    }
    // API servers write the kind first.
    let head = &document[..document.len().min(64)];
    let needle = format!("\"kind\":\"{kind}\"");
    if head
        .windows(needle.len())
        .any(|window| window == needle.as_bytes())
    {
        return true;
    }
    serde_json::from_slice::<Kind<'_>>(document).is_ok_and(|document| document.kind == kind)
}

fn aggregated(list: APIGroupDiscoveryList, served: &mut Vec<Served>, failed: &mut Vec<String>) {
    for group in list.items {
        let name = group
            .metadata
            .and_then(|metadata| metadata.name)
            .unwrap_or_default();
        // A kind's preferred version is the first that has it, which need not be the group's first.
        let mut seen = Vec::new();
        for version in group.versions {
            let Some(number) = version.version else { continue };
            if version.freshness.as_deref() == Some("Stale") {
                failed.push(format!("{name}/{number}"));
            }
            for found in version.resources {
                let Some(one) = from_aggregated(&name, &number, found, &mut seen) else {
                    continue;
                };
                served.push(one);
            }
        }
    }
}

fn from_aggregated(
    group: &str,
    version: &str,
    found: APIResourceDiscovery,
    seen: &mut Vec<String>,
) -> Option<Served> {
    let plural = found.resource?;
    let response = found.response_kind.unwrap_or_default();
    let preferred = !seen.contains(&plural);
    if preferred {
        seen.push(plural.clone());
    }
    let kind = response.kind.filter(|kind| !kind.is_empty())?;
    Some(Served {
        resource: Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            singular: found
                .singular_resource
                .filter(|singular| !singular.is_empty())
                .unwrap_or_else(|| kind.to_lowercase()),
            kind,
            plural,
            short_names: found.short_names,
            namespaced: found.scope.as_deref() == Some("Namespaced"),
            verbs: found.verbs,
            subresources: found
                .subresources
                .into_iter()
                .filter_map(|sub| sub.subresource)
                .collect(),
            categories: found.categories,
        },
        preferred,
    })
}

#[derive(Deserialize)]
struct ApiVersions {
    #[serde(default)]
    versions: Vec<String>,
}

#[derive(Deserialize)]
struct ApiGroups {
    #[serde(default)]
    groups: Vec<ApiGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiGroup {
    name: String,
    #[serde(default)]
    versions: Vec<ApiGroupVersion>,
    preferred_version: Option<ApiGroupVersion>,
}

#[derive(Clone, Deserialize)]
struct ApiGroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ApiResources {
    #[serde(default)]
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiResource {
    name: String,
    kind: String,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    categories: Vec<String>,
}

/// The old way: a request for each version of each group. One that fails costs its own kinds only.
async fn one_by_one(
    client: &Client,
    core: &Bytes,
    groups: &Bytes,
    served: &mut Vec<Served>,
    failed: &mut Vec<String>,
) -> Result<(), Error> {
    let core: ApiVersions = read(client, core)?;
    let groups: ApiGroups = read(client, groups)?;
    let mut wanted: Vec<(String, String)> = core.versions.into_iter().map(|v| (String::new(), v)).collect();
    for group in groups.groups {
        let mut versions: Vec<_> = group.versions.into_iter().map(|v| v.version).collect();
        if let Some(preferred) = group.preferred_version {
            versions.sort_by_key(|version| *version != preferred.version);
        }
        wanted.extend(versions.into_iter().map(|version| (group.name.clone(), version)));
    }
    let answers: Vec<_> = stream::iter(wanted)
        .map(|(group, version)| async move {
            let path = match group.as_str() {
                "" => format!("/api/{version}"),
                group => format!("/apis/{group}/{version}"),
            };
            let answer = client.get_path::<ApiResources>(&path).await;
            (group, version, answer)
        })
        .buffered(8)
        .collect()
        .await;
    let mut seen = Vec::new();
    for (group, version, answer) in answers {
        match answer {
            Ok(list) => from_list(&group, &version, list.resources, &mut seen, served),
            Err(error) if group.is_empty() => return Err(error),
            Err(_) => failed.push(format!("{group}/{version}")),
        }
    }
    Ok(())
}

fn from_list(
    group: &str,
    version: &str,
    list: Vec<ApiResource>,
    seen: &mut Vec<(String, String)>,
    served: &mut Vec<Served>,
) {
    let start = served.len();
    let (subs, kinds): (Vec<_>, Vec<_>) = list.into_iter().partition(|resource| resource.name.contains('/'));
    for found in kinds {
        let key = (group.to_owned(), found.name.clone());
        let preferred = !seen.contains(&key);
        if preferred {
            seen.push(key);
        }
        served.push(Served {
            resource: Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                singular: match found.singular_name.as_str() {
                    "" => found.kind.to_lowercase(),
                    singular => singular.to_owned(),
                },
                kind: found.kind,
                plural: found.name,
                short_names: found.short_names,
                namespaced: found.namespaced,
                verbs: found.verbs,
                subresources: Vec::new(),
                categories: found.categories,
            },
            preferred,
        });
    }
    for sub in subs {
        if let Some((plural, name)) = sub.name.split_once('/')
            && let Some(owner) = served[start..]
                .iter_mut()
                .find(|served| served.resource.plural == plural)
        {
            owner.resource.subresources.push(name.to_owned());
        }
    }
}
