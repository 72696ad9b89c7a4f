//! The configured clusters.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Full;
use kube::config::{AuthInfo, Cluster as ClusterEntry};
use tower::{BoxError, Service, ServiceBuilder, util::BoxCloneSyncService};

use super::{
    connect::box_body,
    context::{Cluster, Named},
    kubeconfig::{Entry, Merged, Source},
};
use crate::{Error, config, nearest::nearest};

/// The name of the cluster that this process runs in, if it has no kubeconfig.
const IN_CLUSTER: &str = "in-cluster";

/// All clusters that calls may name. Made from the kubeconfig without contacting any.
#[derive(Debug)]
pub struct Clusters {
    clusters: BTreeMap<String, Arc<Cluster>>,
    default: Option<String>,
    /// Why there are none, or why there is no default.
    trouble: Option<Error>,
}

impl Clusters {
    /// Reads the kubeconfig files (or finds itself in a cluster). A kubeconfig that is not there is no error:
    /// there are then no clusters, and a call says so. One that cannot be read is kept and told by each call.
    pub fn load(config: &config::Config) -> Self {
        Self::from_source(&Source::of(config), config)
    }

    pub(super) fn from_source(source: &Source, config: &config::Config) -> Self {
        match Merged::read(source) {
            Ok(merged) if !merged.files.is_empty() => Self::from_kubeconfig(&merged, config),
            Ok(_) => match in_cluster(config) {
                Some(cluster) => Self::of(vec![cluster], Some(IN_CLUSTER.to_owned()), None),
                None => Self::none(Error::not_found(format!(
                    "there is no cluster: {}; set KUBECONFIG to a kubeconfig file, or give --kubeconfig FILE, and \
                     start the server again",
                    source.describe()
                ))),
            },
            Err(error) => Self::none(error),
        }
    }

    /// One cluster, whose API server is a service in this process: a simulation, and told as one wherever it is
    /// shown. What a kubeconfig or the configuration says of others does not matter to it.
    pub fn embedded<S, B>(name: &str, service: S, config: &config::Config) -> Self
    where
        S: Service<Request<Full<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let service = ServiceBuilder::new()
            .map_response(|response: Response<B>| response.map(box_body))
            .map_err(Into::into)
            .service(service);
        let cluster = Cluster::embedded(name, BoxCloneSyncService::new(service), config);
        Self::of(vec![cluster], Some(name.to_owned()), None)
    }

    /// Whether what is served is a simulation and no real cluster.
    pub fn is_simulation(&self) -> bool {
        self.clusters.values().any(|cluster| cluster.is_simulation())
    }

    /// These clusters.
    pub(crate) fn of(clusters: Vec<Cluster>, default: Option<String>, trouble: Option<Error>) -> Self {
        let clusters = clusters
            .into_iter()
            .map(|cluster| (cluster.name().to_owned(), Arc::new(cluster)))
            .collect();
        Self {
            clusters,
            default,
            trouble,
        }
    }

    fn none(trouble: Error) -> Self {
        Self::of(Vec::new(), None, Some(trouble))
    }

    fn from_kubeconfig(merged: &Merged, config: &config::Config) -> Self {
        let kubernetes = &config.kubernetes;
        let files = merged.places();
        if merged.contexts.is_empty() {
            return Self::none(Error::not_found(format!(
                "the kubeconfig {files} has no contexts; get one from where the cluster comes from, or name another \
                 file"
            )));
        }
        let mut clusters: Vec<Cluster> = Vec::new();
        for (context, (entry, _)) in &merged.contexts {
            if !kubernetes.contexts.is_empty() && !kubernetes.contexts.contains(context) {
                continue;
            }
            let name = kubernetes.aliases.get(context).unwrap_or(context);
            if clusters.iter().any(|cluster| cluster.name() == *name) {
                return Self::none(Error::invalid(format!(
                    "two contexts are called {name:?}: correct kubernetes.aliases in the configuration"
                )));
            }
            clusters.push(Cluster::new(
                Named {
                    name,
                    context: Some(context),
                    namespace: entry.namespace.as_deref(),
                },
                merged.entry(context),
                config,
            ));
        }
        let missing = missing_contexts(config, merged);
        if clusters.is_empty() {
            return Self::none(Error::not_found(format!(
                "kubernetes.contexts leaves no cluster: {}",
                missing.join("; ")
            )));
        }
        for what in missing {
            tracing::warn!("{what}");
        }
        if let Some(trouble) = denied_cluster_unknown(config, merged) {
            return Self::none(trouble);
        }
        let names: Vec<_> = clusters.iter().map(|cluster| cluster.name()).collect();
        let by_context = |context: &str| {
            clusters
                .iter()
                .find(|cluster| cluster.context.as_deref() == Some(context) || cluster.name() == context)
                .map(|cluster| cluster.name().to_owned())
        };
        let (default, trouble) = match (&kubernetes.context, &merged.current) {
            (Some(wanted), _) => match by_context(wanted) {
                Some(name) => (Some(name), None),
                None => (
                    None,
                    Some(Error::not_found(format!(
                        "kubernetes.context: {}",
                        unknown_context(wanted, &names, &files)
                    ))),
                ),
            },
            (None, Some(current)) if by_context(current).is_some() => (by_context(current), None),
            _ if clusters.len() == 1 => (Some(names[0].to_owned()), None),
            _ => (
                None,
                Some(Error::invalid(format!(
                    "the kubeconfig has no current context that may be used; name a cluster: {}",
                    names.join(", ")
                ))),
            ),
        };
        Self::of(clusters, default, trouble)
    }

    /// The names, the default's first, the others sorted.
    pub fn names(&self) -> Vec<&str> {
        let default = self.default.as_deref();
        let others = self
            .clusters
            .keys()
            .map(String::as_str)
            .filter(|name| Some(*name) != default);
        default.into_iter().chain(others).collect()
    }

    /// The name of the cluster of calls that name none: the context current at start.
    pub fn default_name(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// The cluster of this name, or the default.
    ///
    /// # Errors
    /// If there is none of that name (with the nearest), or none at all (with what to do).
    pub fn get(&self, name: Option<&str>) -> Result<Arc<Cluster>, Error> {
        let none = || {
            self.trouble
                .clone()
                .unwrap_or_else(|| Error::not_found("there is no cluster"))
        };
        if self.clusters.is_empty() {
            return Err(none());
        }
        let Some(name) = name else {
            let name = self.default.as_deref().ok_or_else(none)?;
            return self.clusters.get(name).cloned().ok_or_else(none);
        };
        if let Some(cluster) = self.clusters.get(name) {
            return Ok(cluster.clone());
        }
        // The context's own name still means the cluster that an alias renamed.
        if let Some(cluster) = self
            .clusters
            .values()
            .find(|cluster| cluster.context.as_deref() == Some(name))
        {
            return Ok(cluster.clone());
        }
        let names = self.names();
        let nearest = nearest(name, names.iter().copied());
        Err(Error::not_found(match nearest {
            Some(near) => format!(
                "no cluster {name:?}; did you mean {near}? (clusters: {})",
                names.join(", ")
            ),
            None => format!("no cluster {name:?}; clusters: {}", names.join(", ")),
        }))
    }
}

/// The contexts that the configuration names and no file has, each with the nearest.
pub(super) fn missing_contexts(config: &config::Config, merged: &Merged) -> Vec<String> {
    let known: Vec<_> = merged.contexts.keys().map(String::as_str).collect();
    let files = merged.places();
    let named = config.kubernetes.contexts.iter();
    named
        .chain(config.kubernetes.aliases.keys())
        .filter(|name| !merged.contexts.contains_key(*name))
        .map(|name| unknown_context(name, &known, &files))
        .collect()
}

/// A denial that names a cluster that does not exist: it was meant for another, which nothing would guard.
fn denied_cluster_unknown(config: &config::Config, merged: &Merged) -> Option<Error> {
    let aliases = config.kubernetes.aliases.values();
    let known: Vec<_> = merged
        .contexts
        .keys()
        .chain(aliases)
        .map(String::as_str)
        .collect();
    let denied = config.access.deny.iter().enumerate();
    let (place, name) = denied
        .flat_map(|(place, rule)| rule.clusters.iter().map(move |name| (place, name)))
        .find(|(_, name)| *name != "*" && !known.contains(&name.as_str()))?;
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("clusters: {}", known.join(", ")),
    };
    Some(Error::invalid(format!(
        "access.deny[{place}] in the configuration names the cluster {name:?}, which does not exist: {hint}; nothing \
         runs until it is corrected"
    )))
}

fn unknown_context(name: &str, known: &[&str], files: &str) -> String {
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("there is no context {name:?} in {files}; did you mean {near}?"),
        None => format!(
            "there is no context {name:?} in {files}; contexts: {}",
            known.join(", ")
        ),
    }
}

/// The cluster that this process runs in, if it does.
fn in_cluster(config: &config::Config) -> Option<Cluster> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".to_owned());
    let folder = Path::new("/var/run/secrets/kubernetes.io/serviceaccount");
    service_account(folder, &host, &port, config)
}

/// The cluster of a pod's service account, if its files are there.
pub(super) fn service_account(
    folder: &Path,
    host: &str,
    port: &str,
    config: &config::Config,
) -> Option<Cluster> {
    let file = |name: &str| folder.join(name);
    let (token, authority) = (file("token"), file("ca.crt"));
    if !token.exists() {
        return None;
    }
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let entry = Entry {
        cluster: ClusterEntry {
            server: Some(format!("https://{host}:{port}")),
            certificate_authority: Some(authority.display().to_string()),
            ..ClusterEntry::default()
        },
        user: AuthInfo {
            token_file: Some(token.display().to_string()),
            ..AuthInfo::default()
        },
        root_cert_file: Some(authority),
        place: "the service account of this pod".to_owned(),
    };
    let namespace = std::fs::read_to_string(file("namespace")).ok();
    let named = Named {
        name: IN_CLUSTER,
        context: None,
        namespace: namespace.as_deref().map(str::trim),
    };
    Some(Cluster::new(named, Ok(entry), config))
}
