//! Every key that can be configured: one table for the file, the environment and the documentation.

use std::{path::Path, time::Duration};

use super::{
    Config, Confirm, HttpAuth, LogFormat, Secret, Transport,
    given::{Given, Wrong},
};
use crate::call::Mode;

/// Sets a key's value; the path is the folder that relative paths are relative to.
type Set = fn(&mut Config, Given<'_>, &Path) -> Result<(), Vec<Wrong>>;

/// A key.
pub(super) struct Setting {
    /// Section and name, e.g. `server.budget`.
    pub(super) key: &'static str,
    /// The variable that gives it, if one can.
    pub(super) variable: Option<&'static str>,
    /// What it takes, in the documentation.
    pub(super) takes: &'static str,
    /// Its default, in the documentation.
    pub(super) default: &'static str,
    /// What it does, in the documentation.
    pub(super) about: &'static str,
    pub(super) set: Set,
}

/// The sections.
pub(super) const SECTIONS: [&str; 4] = ["server", "kubernetes", "access", "http"];

const MODES: [(&str, Mode); 3] = [
    ("read-only", Mode::ReadOnly),
    ("guarded", Mode::Guarded),
    ("full", Mode::Full),
];
const CONFIRM: [(&str, Confirm); 2] = [("any", Confirm::Any), ("ask-only", Confirm::AskOnly)];
const TRANSPORTS: [(&str, Transport); 2] = [("stdio", Transport::Stdio), ("http", Transport::Http)];
const AUTHS: [(&str, HttpAuth); 2] = [("token", HttpAuth::Token), ("none", HttpAuth::None)];
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
/// The longest that anything may take.
const MOST: Duration = Duration::from_secs(600);
/// The longest that a session may be silent.
const MOST_IDLE: Duration = Duration::from_secs(24 * 60 * 60);

/// Every key, in the order of the documentation.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.toolsets",
        variable: Some("KUBE_MCP_TOOLSETS"),
        takes: "words",
        default: "those that are on by default",
        about: "Toolsets served.",
        set: |config, given, _| put(&mut config.server.toolsets, given.words()),
    },
    Setting {
        key: "server.disable",
        variable: Some("KUBE_MCP_DISABLE"),
        takes: "words",
        default: "none",
        about: "Tools never served.",
        set: |config, given, _| put(&mut config.server.disable, given.words()),
    },
    Setting {
        key: "server.budget",
        variable: Some("KUBE_MCP_BUDGET"),
        takes: "200 to 1000000",
        default: "4000",
        about: "Tokens that an answer may take, by an estimate.",
        set: |config, given, _| put(&mut config.server.budget, given.integer::<usize>(200, 1_000_000)),
    },
    Setting {
        key: "server.log",
        variable: Some("KUBE_MCP_LOG"),
        takes: "a filter",
        default: "warn",
        about: "What is logged on stderr: `error`, `warn`, `info`, `debug`, `trace`, or by part, as `kube_mcp=debug`.",
        set: |config, given, _| put(&mut config.server.log, given.text()),
    },
    Setting {
        key: "server.log_format",
        variable: Some("KUBE_MCP_LOG_FORMAT"),
        takes: "text or json",
        default: "text",
        about: "How it is logged.",
        set: |config, given, _| put(&mut config.server.log_format, given.choice(&FORMATS)),
    },
    Setting {
        key: "server.templates",
        variable: Some("KUBE_MCP_TEMPLATES"),
        takes: "a folder",
        default: "the compiled ones",
        about: "Templates read from this folder, so that an author sees a change without a build.",
        set: |config, given, base| put(&mut config.server.templates, given.path(base)),
    },
    Setting {
        key: "server.audit",
        variable: Some("KUBE_MCP_AUDIT"),
        takes: "a file",
        default: "stderr",
        about: "Audit lines are appended to this file: one JSON object for each call.",
        set: |config, given, base| put(&mut config.server.audit, given.path(base)),
    },
    Setting {
        key: "kubernetes.demo",
        variable: Some("KUBE_MCP_DEMO"),
        takes: "true or false",
        default: "false",
        about: "The embedded cluster, a simulation, in place of all others: no kubeconfig is read then, and the other \
                keys about contexts do not count.",
        set: |config, given, _| put(&mut config.kubernetes.demo, given.flag()),
    },
    Setting {
        key: "kubernetes.kubeconfig",
        variable: Some("KUBE_MCP_KUBECONFIG"),
        takes: "files",
        default: "`KUBECONFIG`, else `~/.kube/config`",
        about: "Kubeconfig files, merged in order as kubectl does.",
        set: |config, given, base| put(&mut config.kubernetes.kubeconfig, given.paths(base)),
    },
    Setting {
        key: "kubernetes.context",
        variable: Some("KUBE_MCP_CONTEXT"),
        takes: "a context",
        default: "the current one",
        about: "The cluster of calls that name none.",
        set: |config, given, _| put(&mut config.kubernetes.context, given.text()),
    },
    Setting {
        key: "kubernetes.contexts",
        variable: Some("KUBE_MCP_CONTEXTS"),
        takes: "contexts",
        default: "all",
        about: "The only contexts that may be used.",
        set: |config, given, _| put(&mut config.kubernetes.contexts, given.words()),
    },
    Setting {
        key: "kubernetes.aliases",
        variable: Some("KUBE_MCP_ALIASES"),
        takes: "a map of context to name",
        default: "none",
        about: "Names of clusters in place of their contexts' names.",
        set: |config, given, _| put(&mut config.kubernetes.aliases, given.pairs()),
    },
    Setting {
        key: "kubernetes.concurrency",
        variable: Some("KUBE_MCP_CONCURRENCY"),
        takes: "1 to 1000",
        default: "16",
        about: "Requests under way at once, for each cluster.",
        set: |config, given, _| {
            put(
                &mut config.kubernetes.concurrency,
                given.integer::<usize>(1, 1000),
            )
        },
    },
    Setting {
        key: "kubernetes.rate",
        variable: Some("KUBE_MCP_RATE"),
        takes: "1 to 10000",
        default: "200",
        about: "Requests a second, for each cluster.",
        set: |config, given, _| put(&mut config.kubernetes.rate, given.integer::<u64>(1, 10_000)),
    },
    Setting {
        key: "kubernetes.connect_timeout",
        variable: Some("KUBE_MCP_CONNECT_TIMEOUT"),
        takes: "a duration",
        default: "5s",
        about: "Until a connection stands: TCP, proxy and TLS.",
        set: |config, given, _| put(&mut config.kubernetes.timeouts.connect, given.duration(MOST)),
    },
    Setting {
        key: "kubernetes.plugin_timeout",
        variable: Some("KUBE_MCP_PLUGIN_TIMEOUT"),
        takes: "a duration",
        default: "15s",
        about: "Until an exec credential plugin has answered.",
        set: |config, given, _| put(&mut config.kubernetes.timeouts.plugin, given.duration(MOST)),
    },
    Setting {
        key: "kubernetes.request_timeout",
        variable: Some("KUBE_MCP_REQUEST_TIMEOUT"),
        takes: "a duration",
        default: "25s",
        about: "Until a request has been answered.",
        set: |config, given, _| put(&mut config.kubernetes.timeouts.request, given.duration(MOST)),
    },
    Setting {
        key: "kubernetes.call_timeout",
        variable: Some("KUBE_MCP_CALL_TIMEOUT"),
        takes: "a duration",
        default: "30s",
        about: "Until a call has been answered; operations that wait take a timeout of their own.",
        set: |config, given, _| put(&mut config.kubernetes.timeouts.call, given.duration(MOST)),
    },
    Setting {
        key: "access.mode",
        variable: Some("KUBE_MCP_MODE"),
        takes: "read-only, guarded or full",
        default: "guarded",
        about: "What may be done: `read-only` changes nothing, `guarded` asks before what destroys or runs code, \
                `full` asks nothing.",
        set: |config, given, _| put(&mut config.access.mode, given.choice(&MODES)),
    },
    Setting {
        key: "access.confirm",
        variable: Some("KUBE_MCP_CONFIRM"),
        takes: "any or ask-only",
        default: "any",
        about: "Whose word counts as consent: `ask-only` takes only a person's, asked by the client, and not a code \
                that a model repeats.",
        set: |config, given, _| put(&mut config.access.confirm, given.choice(&CONFIRM)),
    },
    Setting {
        key: "access.allow",
        variable: None,
        takes: "rules",
        default: "everything",
        about: "Only what one of these rules allows. They mean no more than they say: `pods` is the core group's \
                pods without their subresources, `deployments.apps`, `pods/log`, `*`.",
        set: |config, given, _| given.rules().map(|rules| config.access.allow = rules),
    },
    Setting {
        key: "access.deny",
        variable: None,
        takes: "rules",
        default: "nothing",
        about: "Never what one of these rules names; they win over `allow`. In a denial a resource stands for its \
                subresources too, a name without a group for every group, and a namespace for lists over all \
                namespaces.",
        set: |config, given, _| given.rules().map(|rules| config.access.deny = rules),
    },
    Setting {
        key: "server.transport",
        variable: Some("KUBE_MCP_TRANSPORT"),
        takes: "stdio or http",
        default: "stdio",
        about: "How clients reach the server; [http.md](http.md) is about the second.",
        set: |config, given, _| put(&mut config.server.transport, given.choice(&TRANSPORTS)),
    },
    Setting {
        key: "http.listen",
        variable: Some("KUBE_MCP_HTTP_LISTEN"),
        takes: "an address and a port",
        default: "127.0.0.1:8080",
        about: "Where to listen; an address of loopback. Port 0 is any free one.",
        set: |config, given, _| put(&mut config.http.listen, given.address()),
    },
    Setting {
        key: "http.auth",
        variable: Some("KUBE_MCP_HTTP_AUTH"),
        takes: "token or none",
        default: "token",
        about: "What a client has to show: `none` lets in every process of this machine.",
        set: |config, given, _| put(&mut config.http.auth, given.choice(&AUTHS)),
    },
    Setting {
        key: "http.token",
        variable: Some("KUBE_MCP_HTTP_TOKEN"),
        takes: "a text of 16 characters or more",
        default: "random at each start",
        about: "The bearer token. It wins over `token_file`.",
        set: |config, given, _| put(&mut config.http.token, given.text().map(Secret)),
    },
    Setting {
        key: "http.token_file",
        variable: Some("KUBE_MCP_HTTP_TOKEN_FILE"),
        takes: "a file",
        default: "none",
        about: "A file with the bearer token.",
        set: |config, given, base| put(&mut config.http.token_file, given.path(base)),
    },
    Setting {
        key: "http.allowed_origins",
        variable: Some("KUBE_MCP_HTTP_ALLOWED_ORIGINS"),
        takes: "origins",
        default: "none",
        about: "Origins of web pages that may call, as browsers send them (`https://app.example.com`), beside those of \
                loopback hosts.",
        set: |config, given, _| put(&mut config.http.allowed_origins, given.words()),
    },
    Setting {
        key: "http.allowed_hosts",
        variable: Some("KUBE_MCP_HTTP_ALLOWED_HOSTS"),
        takes: "hosts",
        default: "none",
        about: "Names under which the server may be called, with a port or for every port, beside `localhost` and \
                loopback addresses: what a reverse proxy on this machine sends as `Host`.",
        set: |config, given, _| put(&mut config.http.allowed_hosts, given.words()),
    },
    Setting {
        key: "http.body_limit",
        variable: Some("KUBE_MCP_HTTP_BODY_LIMIT"),
        takes: "1024 to 67108864",
        default: "4194304",
        about: "Bytes that the body of a request may have.",
        set: |config, given, _| {
            put(
                &mut config.http.body_limit,
                given.integer::<usize>(1024, 64 << 20),
            )
        },
    },
    Setting {
        key: "http.stateless",
        variable: Some("KUBE_MCP_HTTP_STATELESS"),
        takes: "true or false",
        default: "false",
        about: "Serve clients of revisions with sessions without them; 2026-07-28 has none anyway. Such clients cannot \
                be asked for consent.",
        set: |config, given, _| put(&mut config.http.stateless, given.flag()),
    },
    Setting {
        key: "http.sessions",
        variable: Some("KUBE_MCP_HTTP_SESSIONS"),
        takes: "1 to 10000",
        default: "100",
        about: "Sessions that may be open at once.",
        set: |config, given, _| put(&mut config.http.sessions, given.integer::<usize>(1, 10_000)),
    },
    Setting {
        key: "http.session_idle",
        variable: Some("KUBE_MCP_HTTP_SESSION_IDLE"),
        takes: "a duration",
        default: "30m",
        about: "How long a session may be silent, its calls included, until it is closed.",
        set: |config, given, _| put(&mut config.http.session_idle, given.duration(MOST_IDLE)),
    },
];

fn put<T>(slot: &mut T, value: Result<impl Into<T>, Wrong>) -> Result<(), Vec<Wrong>> {
    *slot = value.map_err(|wrong| vec![wrong])?.into();
    Ok(())
}
