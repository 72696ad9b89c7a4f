//! One cluster as one user: a kubeconfig context with its connections, its guard and what was learned of it.

use std::sync::{Arc, PoisonError, RwLock};

use tower::{ServiceBuilder, util::BoxCloneSyncService};

use super::{
    Client, Grant, RequestInfo, Resource,
    connect::{Connecting, HttpService, server_uri},
    discovery::Discovery,
    kubeconfig::Entry,
    layers::{
        guard::{GuardLayer, Policy, UnknownResource, unknown_resources},
        limit::LimitLayer,
        retry::Repeat,
        trace::TraceLayer,
    },
    openapi::Documents,
    plugin::Plugin,
    proxy::{self, ProxyEnv},
    registry::Registry,
    schema::Schemas,
    transport::Transport,
};
use crate::{
    Error, ErrorKind,
    config::{Config, Timeouts},
};

/// How a cluster is called.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) context: Option<&'a str>,
    pub(super) namespace: Option<&'a str>,
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
    /// What the guard goes by.
    policy: Arc<Policy>,
    /// Everything that a request passes.
    pub(super) service: HttpService,
    /// What is at its end, if it is a kubeconfig's or a service account's.
    pub(super) transport: Option<Transport>,
    /// Whether nothing of it is real.
    simulation: bool,
    discovery: Discovery,
    documents: Documents,
    identified: RwLock<Option<Identity>>,
}

impl Cluster {
    pub(super) fn new(named: Named<'_>, entry: Result<Entry, Error>, config: &Config) -> Self {
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
        let transport = Transport::new(entry, how);
        let service = BoxCloneSyncService::new(transport.clone());
        Self {
            credentials,
            proxy,
            transport: Some(transport),
            ..Self::over(service, named, &server, config)
        }
    }

    fn over(transport: HttpService, named: Named<'_>, server: &str, config: &Config) -> Self {
        let kubernetes = &config.kubernetes;
        let mut names = vec![named.name.to_owned()];
        names.extend(
            named
                .context
                .filter(|context| *context != named.name)
                .map(str::to_owned),
        );
        let policy = Arc::new(Policy::new(names, &config.access));
        let service = ServiceBuilder::new()
            .layer(TraceLayer(named.name.into()))
            .layer(GuardLayer(policy.clone()))
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
            policy,
            service: BoxCloneSyncService::new(service),
            transport: None,
            simulation: false,
            discovery: Discovery::default(),
            documents: Documents::default(),
            identified: RwLock::new(None),
        }
    }

    /// A simulation whose API server is this service, behind the same layers as any other.
    pub(super) fn embedded(name: &str, transport: HttpService, config: &Config) -> Self {
        let named = Named {
            name,
            context: None,
            namespace: None,
        };
        Self {
            simulation: true,
            ..Self::over(transport, named, "the simulation in this process", config)
        }
    }

    /// A cluster whose API server is this service, which is told as a real one.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn scripted(name: &str, transport: HttpService, config: &Config) -> Self {
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

    /// Whether nothing of it is real: it lives in this process, and no container runs in it.
    pub fn is_simulation(&self) -> bool {
        self.simulation
    }

    /// The API server's URL, or what else it is.
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

    /// The kind of this name in the only group that has one, where the group that was given has none.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn elsewhere(self: &Arc<Self>, kind: &str, grant: Grant) -> Result<Option<Resource>, Error> {
        let registry = self.discovery.registry(&self.client(grant)).await?;
        Ok(match registry.elsewhere(kind)[..] {
            [only] => Some(only.clone()),
            _ => None,
        })
    }

    /// Every kind that the cluster serves, in its preferred version.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn resources(self: &Arc<Self>, grant: Grant) -> Result<Arc<[Resource]>, Error> {
        Ok(self.discovery.registry(&self.client(grant)).await?.preferred())
    }

    /// What the cluster serves by now: discovery is asked again unless that was a moment ago.
    ///
    /// # Errors
    /// As they come, explained.
    pub async fn discover(self: &Arc<Self>, grant: Grant) -> Result<Arc<Registry>, Error> {
        self.discovery.refreshed(&self.client(grant)).await
    }

    /// The schemas of a kind's group version.
    ///
    /// # Errors
    /// If the cluster publishes none; the others as they come, explained.
    pub async fn schemas(self: &Arc<Self>, resource: &Resource, grant: Grant) -> Result<Arc<Schemas>, Error> {
        self.documents.of(&self.client(grant), resource).await
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

    /// Whether the server's own mode and rules let such a request pass, whatever the API server says of it.
    ///
    /// # Errors
    /// If they do not: with the mode or the rule that refuses.
    pub(crate) fn permits(&self, info: &RequestInfo, cluster_scoped: bool) -> Result<(), Error> {
        self.policy.permits(info, cluster_scoped)
    }

    /// What it serves.
    pub(super) async fn registry(&self, client: &Client) -> Result<Arc<Registry>, Error> {
        self.discovery.registry(client).await
    }

    /// The names in rules that this cluster serves no kind for.
    pub(super) fn unknown_in_rules(&self, registry: &Registry) -> Vec<UnknownResource> {
        unknown_resources(&self.policy, |plural, group, sub| {
            registry.serves(plural, group, sub)
        })
    }

    /// Logs which names in rules this cluster serves no kind for.
    pub(super) fn check_rules(&self, registry: &Registry) {
        let unknown: Vec<String> = self
            .unknown_in_rules(registry)
            .iter()
            .map(ToString::to_string)
            .collect();
        if !unknown.is_empty() {
            tracing::warn!(cluster = %self.name, "no kind of these names in rules: {}", unknown.join(", "));
        }
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
