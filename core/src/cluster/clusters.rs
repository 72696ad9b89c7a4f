//! The configured clusters.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, PoisonError, RwLock},
};

use kube::config::{AuthInfo, Cluster as ClusterEntry};
use tower::{ServiceBuilder, util::BoxCloneSyncService};

use super::{
    Client, Grant, Resource,
    connect::{Connecting, HttpService, server_uri},
    discovery::Discovery,
    kubeconfig::{Entry, Merged, Source},
    layers::{
        guard::{GuardLayer, Policy},
        limit::LimitLayer,
        retry::Repeat,
        trace::TraceLayer,
    },
    plugin::Plugin,
    proxy::{self, ProxyEnv},
    transport::Transport,
};
use crate::{
    Error, ErrorKind,
    config::{self, Timeouts},
};

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
        let home = etcetera::home_dir().ok();
        let variable = std::env::var_os("KUBECONFIG");
        let source = Source::find(
            &config.kubernetes.kubeconfig,
            variable.as_deref(),
            home.as_deref(),
        );
        Self::from_source(&source, config)
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

    /// These clusters, for tests and embedded ones.
    pub(crate) fn of(clusters: Vec<Cluster>, default: Option<String>, trouble: Option<Error>) -> Self {
        let clusters = clusters
            .into_iter()
            .map(|cluster| (cluster.name.clone(), Arc::new(cluster)))
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
        let files: Vec<_> = merged
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        let files = files.join(", ");
        if merged.contexts.is_empty() {
            return Self::none(Error::not_found(format!(
                "the kubeconfig {files} has no contexts"
            )));
        }
        let mut clusters: Vec<Cluster> = Vec::new();
        for (context, (entry, _)) in &merged.contexts {
            if !kubernetes.contexts.is_empty() && !kubernetes.contexts.contains(context) {
                continue;
            }
            let name = kubernetes.aliases.get(context).unwrap_or(context);
            if clusters.iter().any(|cluster| cluster.name == *name) {
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
        let known: Vec<_> = merged.contexts.keys().map(String::as_str).collect();
        let missing: Vec<_> = kubernetes
            .contexts
            .iter()
            .chain(kubernetes.aliases.keys())
            .filter(|name| !merged.contexts.contains_key(*name))
            .map(|name| unknown_context(name, &known, &files))
            .collect();
        if clusters.is_empty() {
            return Self::none(Error::not_found(format!(
                "kubernetes.contexts leaves no cluster: {}",
                missing.join("; ")
            )));
        }
        for what in missing {
            tracing::warn!("{what}");
        }
        let names: Vec<_> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        let by_context = |context: &str| {
            clusters
                .iter()
                .find(|cluster| cluster.context.as_deref() == Some(context) || cluster.name == context)
                .map(|cluster| cluster.name.clone())
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
        let nearest = nearest(name, &names);
        Err(Error::not_found(match nearest {
            Some(near) => format!(
                "no cluster {name:?}; did you mean {near}? (clusters: {})",
                names.join(", ")
            ),
            None => format!("no cluster {name:?}; clusters: {}", names.join(", ")),
        }))
    }
}

fn unknown_context(name: &str, known: &[&str], files: &str) -> String {
    match nearest(name, known) {
        Some(near) => format!("there is no context {name:?} in {files}; did you mean {near}?"),
        None => format!(
            "there is no context {name:?} in {files}; contexts: {}",
            known.join(", ")
        ),
    }
}

/// The nearest of these names, if one is near.
pub(super) fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    names
        .iter()
        .map(|known| (strsim::damerau_levenshtein(&name, &known.to_lowercase()), *known))
        .filter(|(distance, _)| *distance * 2 <= name.chars().count().max(2))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The cluster that this process runs in, if it does: its service account's files exist.
fn in_cluster(config: &config::Config) -> Option<Cluster> {
    let host = std::env::var("KUBERNETES_SERVICE_HOST").ok()?;
    let port = std::env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".to_owned());
    let file = |name: &str| Path::new(SERVICE_ACCOUNT).join(name);
    let (token, authority) = (file("token"), file("ca.crt"));
    if !token.exists() {
        return None;
    }
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
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

/// How a cluster is called.
struct Named<'a> {
    name: &'a str,
    context: Option<&'a str>,
    namespace: Option<&'a str>,
}

/// One cluster as one user: a kubeconfig context.
#[derive(Debug)]
pub struct Cluster {
    name: String,
    pub(super) context: Option<String>,
    identity: String,
    server: String,
    namespace: String,
    pub(super) timeouts: Timeouts,
    /// What to do when the API server does not accept the credentials.
    pub(super) credentials: String,
    /// The proxy on the way, without its credentials.
    pub(super) proxy: Option<String>,
    /// Everything that a request passes.
    pub(super) service: HttpService,
    discovery: Discovery,
    identified: RwLock<Option<Identity>>,
}

impl Cluster {
    fn new(named: Named<'_>, entry: Result<Entry, Error>, config: &config::Config) -> Self {
        let kubernetes = &config.kubernetes;
        let server = match &entry {
            Ok(entry) => server_uri(&entry.cluster)
                .map(|uri| uri.to_string().trim_end_matches('/').to_owned())
                .unwrap_or_else(|_| entry.cluster.server.clone().unwrap_or_default()),
            Err(_) => String::new(),
        };
        let credentials = entry.as_ref().map(describe_credentials).unwrap_or_default();
        let how = Connecting {
            timeout: kubernetes.timeouts.connect,
            pool: kubernetes.concurrency,
            proxy: ProxyEnv::from_env(),
        };
        let proxy = entry.as_ref().ok().and_then(|entry| {
            let server = server_uri(&entry.cluster).ok()?;
            let proxy = proxy::decide(&server, entry.cluster.proxy_url.as_deref(), &how.proxy).ok()??;
            Some(proxy.uri().to_string())
        });
        let entry = entry.map(|entry| {
            let plugin = Plugin::of(&entry, kubernetes.timeouts.plugin);
            (entry, plugin)
        });
        let transport = BoxCloneSyncService::new(Transport::new(entry, how));
        Self {
            credentials,
            proxy,
            ..Self::over(transport, named, &server, config)
        }
    }

    fn over(transport: HttpService, named: Named<'_>, server: &str, config: &config::Config) -> Self {
        let kubernetes = &config.kubernetes;
        let service = ServiceBuilder::new()
            .layer(TraceLayer(named.name.into()))
            .layer(GuardLayer(Arc::new(Policy::new(named.name, &config.access))))
            .retry(Repeat::default())
            .layer(LimitLayer::new(kubernetes.concurrency, kubernetes.rate))
            .service(transport);
        Self {
            name: named.name.to_owned(),
            context: named.context.map(str::to_owned),
            identity: format!("{} {server}", named.context.unwrap_or(named.name)),
            server: server.to_owned(),
            namespace: named
                .namespace
                .filter(|name| !name.is_empty())
                .unwrap_or("default")
                .to_owned(),
            timeouts: kubernetes.timeouts,
            credentials: String::new(),
            proxy: None,
            service: BoxCloneSyncService::new(service),
            discovery: Discovery::default(),
            identified: RwLock::new(None),
        }
    }

    /// A cluster whose API server is this service, behind the same layers as any other.
    #[cfg(test)]
    pub(crate) fn scripted(name: &str, transport: HttpService, config: &config::Config) -> Self {
        let named = Named {
            name,
            context: Some(name),
            namespace: None,
        };
        Self::over(transport, named, "https://scripted.test", config)
    }

    /// Its name: the context's, or the alias that the configuration gives it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Context and server URL: what codes and caches are bound to.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The API server's URL.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The namespace of calls that name an object without one.
    pub fn default_namespace(&self) -> &str {
        &self.namespace
    }

    /// A client within a grant.
    pub fn client(self: &Arc<Self>, grant: Grant) -> Client {
        Client::new(self.clone(), grant)
    }

    /// The kind that a person means. A miss refreshes discovery once.
    ///
    /// # Errors
    /// If no kind is near, or several match.
    pub async fn resolve(self: &Arc<Self>, kind: &str, grant: Grant) -> Result<Resource, Error> {
        let client = self.client(grant);
        let registry = self.discovery.registry(&client).await?;
        if let Some(resource) = registry.find(kind)? {
            return Ok(resource.clone());
        }
        let registry = self.discovery.refreshed(&client).await?;
        match registry.find(kind)? {
            Some(resource) => Ok(resource.clone()),
            None => Err(registry.unknown(&self.name, kind)),
        }
    }

    /// Every kind that the cluster serves, in its preferred version.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn resources(self: &Arc<Self>, grant: Grant) -> Result<Arc<[Resource]>, Error> {
        Ok(self.discovery.registry(&self.client(grant)).await?.preferred())
    }

    /// Who the API server takes us for.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn whoami(self: &Arc<Self>, grant: Grant) -> Result<Identity, Error> {
        let known = self
            .identified
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(identity) = known {
            return Ok(identity);
        }
        let identity = self.client(grant).identity().await?;
        *self.identified.write().unwrap_or_else(PoisonError::into_inner) = Some(identity.clone());
        Ok(identity)
    }

    /// A kind by group and plural, if discovery has been asked already.
    pub(super) fn known(&self, group: &str, plural: &str) -> Option<Resource> {
        self.discovery.known(group, plural)
    }

    /// The error of a cluster that gives no answer.
    pub(super) fn unreachable(&self, what: &str) -> Error {
        let try_it = match &self.context {
            Some(context) => format!(", or kubectl --context {context} version"),
            None => String::new(),
        };
        Error::new(
            ErrorKind::Unreachable,
            format!("{} unreachable: {what}; check VPN/network{try_it}", self.name),
        )
    }
}

fn describe_credentials(entry: &Entry) -> String {
    let user = &entry.user;
    if user.token.is_some() || user.token_file.is_some() {
        "the token has expired, was revoked or is another cluster's: get a new one".to_owned()
    } else if user.username.is_some() {
        "user name and password are wrong, or no longer allowed".to_owned()
    } else if let Some(exec) = &user.exec {
        format!(
            "log in again with what `{}` belongs to",
            exec.command.as_deref().unwrap_or_default()
        )
    } else if user.auth_provider.is_some() {
        "log in again with your identity provider".to_owned()
    } else if user.client_certificate.is_some() || user.client_certificate_data.is_some() {
        "the client certificate has expired, or is another cluster's".to_owned()
    } else {
        "the kubeconfig gives this context no credentials".to_owned()
    }
}

/// Who the API server takes us for (SelfSubjectReview).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User name.
    pub user: String,
    /// Groups.
    pub groups: Vec<String>,
}
