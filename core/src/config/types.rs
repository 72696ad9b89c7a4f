//! What can be configured.

use std::{
    collections::BTreeMap,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use crate::call::Mode;

/// The whole configuration, with every default filled in.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// What is served and how.
    pub server: ServerSection,
    /// Which clusters, and how they are reached.
    pub kubernetes: KubernetesSection,
    /// What may be done.
    pub access: AccessSection,
    /// How HTTP is served.
    pub http: HttpSection,
}

/// The `server` section.
#[derive(Clone, Debug)]
pub struct ServerSection {
    /// How clients reach the server.
    pub transport: Transport,
    /// Toolsets served; none means those that are on by default.
    pub toolsets: Option<Vec<String>>,
    /// Tools never served.
    pub disable: Vec<String>,
    /// Tokens that an answer may take, by a byte estimate.
    pub budget: usize,
    /// What is logged, as a tracing filter, e.g. `info` or `kube_mcp=debug`.
    pub log: String,
    /// How it is logged.
    pub log_format: LogFormat,
    /// Templates read from this folder in place of the compiled ones.
    pub templates: Option<PathBuf>,
    /// Audit lines are appended to this file; they go to stderr without one.
    pub audit: Option<PathBuf>,
}

impl Default for ServerSection {
    fn default() -> Self {
        Self {
            transport: Transport::Stdio,
            toolsets: None,
            disable: Vec::new(),
            budget: 4_000,
            log: "warn".to_owned(),
            log_format: LogFormat::Text,
            templates: None,
            audit: None,
        }
    }
}

/// How clients reach the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// stdin and stdout.
    #[default]
    Stdio,
    /// Streamable HTTP.
    Http,
}

/// The form of log lines on stderr.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The `kubernetes` section.
#[derive(Clone, Debug)]
pub struct KubernetesSection {
    /// The embedded cluster in place of all others: no kubeconfig is read then.
    pub demo: bool,
    /// Kubeconfig files, merged in order as kubectl does; `KUBECONFIG` or `~/.kube/config` if none.
    pub kubeconfig: Vec<PathBuf>,
    /// The default context in place of the current one.
    pub context: Option<String>,
    /// Only these contexts; all if none.
    pub contexts: Vec<String>,
    /// Names of clusters by context.
    pub aliases: BTreeMap<String, String>,
    /// Requests under way at once, a cluster.
    pub concurrency: usize,
    /// Requests a second, a cluster, averaged over a second.
    pub rate: u64,
    /// Deadlines.
    pub timeouts: Timeouts,
}

impl Default for KubernetesSection {
    fn default() -> Self {
        Self {
            demo: false,
            kubeconfig: Vec::new(),
            context: None,
            contexts: Vec::new(),
            aliases: BTreeMap::new(),
            concurrency: 16,
            rate: 200,
            timeouts: Timeouts::default(),
        }
    }
}

/// Deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Of a connection.
    pub connect: Duration,
    /// Of an exec credential plugin.
    pub plugin: Duration,
    /// Of one request.
    pub request: Duration,
    /// Of one call.
    pub call: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            plugin: Duration::from_secs(15),
            request: Duration::from_secs(25),
            call: Duration::from_secs(30),
        }
    }
}

/// The `access` section.
#[derive(Clone, Debug, Default)]
pub struct AccessSection {
    /// The access mode.
    pub mode: Mode,
    /// Whose word counts as consent.
    pub confirm: Confirm,
    /// Values of secrets are shown. A start-up flag, never a parameter, and not read from the file.
    pub reveal_secrets: bool,
    /// Only what one of these allows, if there are any.
    pub allow: Vec<Rule>,
    /// Never what one of these names: it wins over `allow`.
    pub deny: Vec<Rule>,
}

/// Whose word counts as consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Confirm {
    /// A person asked by the client, or else the code that a model repeats.
    #[default]
    Any,
    /// Only a person asked by the client.
    AskOnly,
}

/// RBAC's verbs of requests, reads before writes.
pub(crate) const VERBS: [&str; 8] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];

/// A rule in RBAC's words. An empty list matches everything; so does `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verbs: Vec<String>,
    /// `secrets`, `deployments.apps`, `pods/exec`.
    pub resources: Vec<String>,
    /// Namespaces.
    pub namespaces: Vec<String>,
    /// Clusters by name.
    pub clusters: Vec<String>,
}

/// The `http` section: what counts where the transport is HTTP.
#[derive(Clone, Debug)]
pub struct HttpSection {
    /// Where to listen: a loopback address; port 0 is any free one.
    pub listen: SocketAddr,
    /// Whether a bearer token is needed.
    pub auth: HttpAuth,
    /// The token, in place of a random one.
    pub token: Option<Secret>,
    /// A file with the token, in place of a random one; it is not read if there is a `token`.
    pub token_file: Option<PathBuf>,
    /// Origins of web pages that may call, beside those of loopback hosts, e.g. `https://app.example.com`.
    pub allowed_origins: Vec<String>,
    /// Names under which the server may be called, beside those of loopback, e.g. `mcp.example.com`.
    pub allowed_hosts: Vec<String>,
    /// Bytes that the body of a request may have.
    pub body_limit: usize,
    /// Whether clients of revisions with sessions are served without them, too.
    pub stateless: bool,
    /// Sessions that may be open at once.
    pub sessions: usize,
    /// How long a session may be silent, its calls included, until it is closed.
    pub session_idle: Duration,
}

impl Default for HttpSection {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            auth: HttpAuth::Token,
            token: None,
            token_file: None,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            body_limit: 4 * 1024 * 1024,
            stateless: false,
            sessions: 100,
            session_idle: Duration::from_secs(30 * 60),
        }
    }
}

/// What a client of HTTP has to show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpAuth {
    /// The bearer token.
    #[default]
    Token,
    /// Nothing.
    None,
}

/// A text that does not show in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
