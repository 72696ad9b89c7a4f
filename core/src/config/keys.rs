//! Every key that can be configured: one table for the file, the environment and the documentation.

use std::{path::Path, time::Duration};

use super::{
    Config, Confirm, LogFormat,
    given::{Given, Wrong},
};
use crate::call::Mode;

/// Sets a key's value. `base` is the folder that relative paths of a file are relative to.
type Set = fn(&mut Config, Given<'_>, Option<&Path>, &mut Vec<Wrong>) -> Result<(), Wrong>;

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
pub(super) const SECTIONS: [&str; 3] = ["server", "kubernetes", "access"];

const MODES: [(&str, Mode); 3] = [
    ("read-only", Mode::ReadOnly),
    ("guarded", Mode::Guarded),
    ("full", Mode::Full),
];
const CONFIRM: [(&str, Confirm); 2] = [("any", Confirm::Any), ("ask-only", Confirm::AskOnly)];
const FORMATS: [(&str, LogFormat); 2] = [("text", LogFormat::Text), ("json", LogFormat::Json)];
/// The longest that anything may take.
const MOST: Duration = Duration::from_secs(600);

/// Every key, in the order of the documentation.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        key: "server.toolsets",
        variable: Some("KUBE_MCP_TOOLSETS"),
        takes: "words",
        default: "those that are on by default",
        about: "Toolsets served.",
        set: |config, given, _, _| given.words().map(|value| config.server.toolsets = Some(value)),
    },
    Setting {
        key: "server.disable",
        variable: Some("KUBE_MCP_DISABLE"),
        takes: "words",
        default: "none",
        about: "Tools never served.",
        set: |config, given, _, _| given.words().map(|value| config.server.disable = value),
    },
    Setting {
        key: "server.budget",
        variable: Some("KUBE_MCP_BUDGET"),
        takes: "200 to 1000000",
        default: "4000",
        about: "Tokens that an answer may take, by an estimate.",
        set: |config, given, _, _| {
            config.server.budget = usize::try_from(given.integer(200, 1_000_000)?).unwrap_or(usize::MAX);
            Ok(())
        },
    },
    Setting {
        key: "server.log",
        variable: Some("KUBE_MCP_LOG"),
        takes: "a filter",
        default: "warn",
        about: "What is logged on stderr: `error`, `warn`, `info`, `debug`, `trace`, or by part, as `kube_mcp=debug`.",
        set: |config, given, _, _| given.text().map(|value| config.server.log = value),
    },
    Setting {
        key: "server.log_format",
        variable: Some("KUBE_MCP_LOG_FORMAT"),
        takes: "text or json",
        default: "text",
        about: "How it is logged.",
        set: |config, given, _, _| {
            given
                .choice(&FORMATS)
                .map(|value| config.server.log_format = value)
        },
    },
    Setting {
        key: "server.templates",
        variable: Some("KUBE_MCP_TEMPLATES"),
        takes: "a folder",
        default: "the compiled ones",
        about: "Templates read from this folder, so that an author sees a change without a build.",
        set: |config, given, base, _| {
            given
                .path()
                .map(|value| config.server.templates = Some(within(base, value)))
        },
    },
    Setting {
        key: "kubernetes.kubeconfig",
        variable: Some("KUBE_MCP_KUBECONFIG"),
        takes: "files",
        default: "`KUBECONFIG`, else `~/.kube/config`",
        about: "Kubeconfig files, merged in order as kubectl does.",
        set: |config, given, base, _| {
            let files = given.paths()?.into_iter().map(|file| within(base, file));
            config.kubernetes.kubeconfig = files.collect();
            Ok(())
        },
    },
    Setting {
        key: "kubernetes.context",
        variable: Some("KUBE_MCP_CONTEXT"),
        takes: "a context",
        default: "the current one",
        about: "The cluster of calls that name none.",
        set: |config, given, _, _| given.text().map(|value| config.kubernetes.context = Some(value)),
    },
    Setting {
        key: "kubernetes.contexts",
        variable: Some("KUBE_MCP_CONTEXTS"),
        takes: "contexts",
        default: "all",
        about: "The only contexts that may be used.",
        set: |config, given, _, _| given.words().map(|value| config.kubernetes.contexts = value),
    },
    Setting {
        key: "kubernetes.aliases",
        variable: Some("KUBE_MCP_ALIASES"),
        takes: "a map of context to name",
        default: "none",
        about: "Names of clusters in place of their contexts' names.",
        set: |config, given, _, _| given.pairs().map(|value| config.kubernetes.aliases = value),
    },
    Setting {
        key: "kubernetes.concurrency",
        variable: Some("KUBE_MCP_CONCURRENCY"),
        takes: "1 to 1000",
        default: "16",
        about: "Requests under way at once, for each cluster.",
        set: |config, given, _, _| {
            config.kubernetes.concurrency = usize::try_from(given.integer(1, 1000)?).unwrap_or(usize::MAX);
            Ok(())
        },
    },
    Setting {
        key: "kubernetes.rate",
        variable: Some("KUBE_MCP_RATE"),
        takes: "1 to 10000",
        default: "200",
        about: "Requests a second, for each cluster.",
        set: |config, given, _, _| {
            given
                .integer(1, 10_000)
                .map(|value| config.kubernetes.rate = value)
        },
    },
    Setting {
        key: "kubernetes.connect_timeout",
        variable: Some("KUBE_MCP_CONNECT_TIMEOUT"),
        takes: "a duration",
        default: "5s",
        about: "Until a connection stands: TCP, proxy and TLS.",
        set: |config, given, _, _| {
            given
                .duration(MOST)
                .map(|value| config.kubernetes.timeouts.connect = value)
        },
    },
    Setting {
        key: "kubernetes.plugin_timeout",
        variable: Some("KUBE_MCP_PLUGIN_TIMEOUT"),
        takes: "a duration",
        default: "15s",
        about: "Until an exec credential plugin has answered.",
        set: |config, given, _, _| {
            given
                .duration(MOST)
                .map(|value| config.kubernetes.timeouts.plugin = value)
        },
    },
    Setting {
        key: "kubernetes.request_timeout",
        variable: Some("KUBE_MCP_REQUEST_TIMEOUT"),
        takes: "a duration",
        default: "25s",
        about: "Until a request has been answered.",
        set: |config, given, _, _| {
            given
                .duration(MOST)
                .map(|value| config.kubernetes.timeouts.request = value)
        },
    },
    Setting {
        key: "kubernetes.call_timeout",
        variable: Some("KUBE_MCP_CALL_TIMEOUT"),
        takes: "a duration",
        default: "30s",
        about: "Until a call has been answered; operations that wait take a timeout of their own.",
        set: |config, given, _, _| {
            given
                .duration(MOST)
                .map(|value| config.kubernetes.timeouts.call = value)
        },
    },
    Setting {
        key: "access.mode",
        variable: Some("KUBE_MCP_MODE"),
        takes: "read-only, guarded or full",
        default: "guarded",
        about: "What may be done: `read-only` changes nothing, `guarded` asks before what destroys or runs code, \
                `full` asks nothing.",
        set: |config, given, _, _| given.choice(&MODES).map(|value| config.access.mode = value),
    },
    Setting {
        key: "access.confirm",
        variable: Some("KUBE_MCP_CONFIRM"),
        takes: "any or ask-only",
        default: "any",
        about: "Whose word counts as consent: `ask-only` takes only a person's, asked by the client, and not a code \
                that a model repeats.",
        set: |config, given, _, _| given.choice(&CONFIRM).map(|value| config.access.confirm = value),
    },
    Setting {
        key: "access.allow",
        variable: None,
        takes: "rules",
        default: "everything",
        about: "Only what one of these rules allows. They mean no more than they say: `pods` is the core group's \
                pods without their subresources, `deployments.apps`, `pods/log`, `*`.",
        set: |config, given, _, wrong| {
            config.access.allow = given.rules(wrong);
            Ok(())
        },
    },
    Setting {
        key: "access.deny",
        variable: None,
        takes: "rules",
        default: "nothing",
        about: "Never what one of these rules names; they win over `allow`. In a denial a resource stands for its \
                subresources too, a name without a group for every group, and a namespace for lists over all \
                namespaces.",
        set: |config, given, _, wrong| {
            config.access.deny = given.rules(wrong);
            Ok(())
        },
    },
];

fn within(base: Option<&Path>, path: std::path::PathBuf) -> std::path::PathBuf {
    match base {
        Some(base) => base.join(path),
        None => path,
    }
}
