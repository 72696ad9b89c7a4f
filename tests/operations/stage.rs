//! The suite's own place in the cluster: namespace, custom resource, fixtures and the servers that answer.

use std::{
    env, fs,
    path::PathBuf,
    process::{self, Command},
    sync::{Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    facts,
    kubectl::{apply, eventually, items, json as kubectl_json, kubectl, kubectl_with},
    mcp::{Answer, Server},
};

/// The label of all that the suite makes outside its namespace, and of the namespace.
const LABEL: &str = "kube-mcp/suite=operations";
/// What an earlier run left and that is older than this, in seconds, is removed.
const STALE: u64 = 1200;

/// The place, with its fixtures applied and in the states that they are meant to reach.
pub(crate) struct Stage {
    /// The run's id: part of all names that are not the namespace's.
    pub(crate) run: String,
    /// The namespace.
    pub(crate) namespace: String,
    /// Values that no answer may hold.
    planted: Vec<String>,
    folder: TempDir,
    server: Mutex<Server>,
}

/// Which kubeconfig a server gets.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Contexts {
    /// One cluster.
    One,
    /// `one` and `two`, which are the same cluster, and `gone`, where nothing answers.
    Several,
    /// One cluster, as a user who may read pods in the suite's namespace only.
    Reader,
    /// As the reader, but another user, to whom one trial gives further rights.
    Scout,
}

impl Contexts {
    fn file(self) -> &'static str {
        match self {
            Self::One => "one.json",
            Self::Several => "several.json",
            Self::Reader => "reader.json",
            Self::Scout => "scout.json",
        }
    }
}

/// A fixture, with the run's id filled in.
fn fixture(name: &str, run: &str) -> Result<String, String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/cluster")
        .join(name);
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.replace("RUN", run))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// An id that no other run has: letters and digits, as names and API groups take them.
pub(crate) fn new_run() -> String {
    format!("r{:x}x{:x}", now() & 0xff_ffff, process::id())
}

impl Stage {
    /// Makes the place and waits until the fixtures are as they are meant to be.
    pub(crate) fn set(run: &str) -> Result<Self, String> {
        remove_stale();
        let namespace = format!("kube-mcp-{run}");
        let started = format!("kube-mcp/started={}", now());
        kubectl(&["create", "namespace", &namespace])?;
        kubectl(&["label", "namespace", &namespace, LABEL, &started])?;
        let crd = format!("sprockets.{run}.kube-mcp.example");
        apply(&fixture("sprockets.yaml", run)?, None)?;
        kubectl(&["label", "crd", &crd, &started])?;
        // Without the default account no pod is admitted; the controller makes it soon after the namespace.
        eventually(30, || {
            kubectl(&["get", "serviceaccount", "default", "-n", &namespace])
        })?;
        apply(&fixture("references.yaml", run)?, Some(&namespace))?;
        apply(&fixture("workloads.yaml", run)?, Some(&namespace))?;
        apply(&fixture("settings.yaml", run)?, Some(&namespace))?;
        kubectl(&[
            "wait",
            "--for=condition=Established",
            "crd",
            &crd,
            "--timeout=30s",
        ])?;
        eventually(20, || {
            apply(&fixture("sprocket-objects.yaml", run)?, Some(&namespace))
        })?;

        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        write_kubeconfigs(&folder, &namespace)?;
        let server = Mutex::new(Server::connect(command(&folder, Contexts::One))?.0);
        let stage = Self {
            run: run.to_owned(),
            planted: planted(run),
            namespace,
            folder,
            server,
        };
        stage.settle()?;
        Ok(stage)
    }

    /// Makes a namespace of a trial's own, beside the suite's. The trial removes it.
    pub(crate) fn other_namespace(&self, name: &str) -> Result<String, String> {
        let namespace = format!("{}-{name}", self.namespace);
        kubectl(&["create", "namespace", &namespace])?;
        kubectl(&[
            "label",
            "namespace",
            &namespace,
            LABEL,
            &format!("kube-mcp/started={}", now()),
        ])?;
        Ok(namespace)
    }

    /// Waits until every fixture is in its state.
    fn settle(&self) -> Result<(), String> {
        let namespace = &self.namespace;
        for workload in ["deployment/web", "statefulset/db", "daemonset/agent"] {
            kubectl(&["rollout", "status", workload, "-n", namespace, "--timeout=90s"])?;
        }
        kubectl(&[
            "wait",
            "--for=condition=Failed",
            "job/migrate",
            "-n",
            namespace,
            "--timeout=60s",
        ])?;
        eventually(90, || {
            let pods = facts::pods(namespace)?;
            let crashed = pods
                .iter()
                .any(|pod| pod.name.starts_with("crash-") && pod.restarts >= 2);
            let unpulled = pods
                .iter()
                .any(|pod| pod.name == "no-image" && pod.status == "ImagePullBackOff");
            let unplaced = !self.events("too-large", "FailedScheduling")?.is_empty();
            if crashed && unpulled && unplaced {
                return Ok(());
            }
            Err(format!("the fixtures did not reach their states: {pods:?}"))
        })
    }

    /// The events of an object with this reason, as kubectl has them.
    pub(crate) fn events(&self, object: &str, reason: &str) -> Result<Vec<Value>, String> {
        let selector = format!("involvedObject.name={object},reason={reason}");
        items(&[
            "get",
            "events",
            "-n",
            &self.namespace,
            "--field-selector",
            &selector,
        ])
    }

    /// The name of the only pod of this app.
    pub(crate) fn pod_of(&self, app: &str) -> Result<String, String> {
        let selector = format!("app={app}");
        let names = facts::names("pods", &["-n", &self.namespace, "-l", &selector])?;
        names
            .into_iter()
            .next()
            .ok_or_else(|| format!("no pod of app {app}"))
    }

    /// An object of the suite's namespace.
    pub(crate) fn object(&self, kind: &str, name: &str) -> Result<Value, String> {
        kubectl_json(&["get", kind, name, "-n", &self.namespace])
    }

    /// Calls a tool on the server that all trials share; an error of the tool is an `Err`.
    pub(crate) fn ask(&self, tool: &str, arguments: &Value) -> Result<String, String> {
        let answer = self.call(tool, arguments)?;
        if answer.is_error {
            return Err(format!("{tool} {arguments} failed: {}", answer.text));
        }
        Ok(answer.text)
    }

    /// Calls a tool that has to answer with an error; gives its text.
    pub(crate) fn refused(&self, tool: &str, arguments: &Value) -> Result<String, String> {
        let answer = self.call(tool, arguments)?;
        if !answer.is_error {
            return Err(format!(
                "{tool} {arguments} was expected to fail and answered: {}",
                answer.text
            ));
        }
        Ok(answer.text)
    }

    /// A request on the server that all trials share.
    pub(crate) fn request(&self, method: &str, params: Value) -> Result<Value, String> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let result = server.request(method, params)?;
        self.keeps_secrets(method, &result.to_string())?;
        Ok(result)
    }

    fn call(&self, tool: &str, arguments: &Value) -> Result<Answer, String> {
        let mut server = self.server.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = server.call(tool, arguments)?;
        self.keeps_secrets(tool, &answer.text)?;
        Ok(answer)
    }

    /// A server of a trial's own.
    pub(crate) fn server(&self, contexts: Contexts, flags: &[&str]) -> Result<Server, String> {
        let mut command = command(&self.folder, contexts);
        command.args(flags);
        Ok(Server::connect(command)?.0)
    }

    /// A path for a file of a trial's own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs the program: `kube-mcp ARGUMENTS…`. Gives whether it succeeded and all that it wrote.
    pub(crate) fn program(&self, arguments: &[&str]) -> Result<(bool, String), String> {
        let output = command(&self.folder, Contexts::One)
            .args(arguments)
            .output()
            .map_err(|error| error.to_string())?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        self.keeps_secrets("the command line", &text)?;
        Ok((output.status.success(), text))
    }

    /// Every answer of the suite passes here: no planted value may be in it, plain or as base64.
    pub(crate) fn keeps_secrets(&self, source: &str, text: &str) -> Result<(), String> {
        match self.planted.iter().find(|value| text.contains(value.as_str())) {
            Some(value) => Err(format!("{source} shows the secret value {value}:\n{text}")),
            None => Ok(()),
        }
    }
}

/// Removes what a run made. Best effort: what stays is removed as stale by a later run.
pub(crate) fn strike(run: &str) {
    let namespace = format!("kube-mcp-{run}");
    let crd = format!("sprockets.{run}.kube-mcp.example");
    drop(kubectl(&[
        "delete",
        "namespace",
        &namespace,
        "--wait=false",
        "--ignore-not-found",
    ]));
    drop(kubectl(&[
        "delete",
        "crd",
        &crd,
        "--wait=false",
        "--ignore-not-found",
    ]));
}

fn remove_stale() {
    for kind in ["namespaces", "crds"] {
        for item in items(&["get", kind, "-l", LABEL]).unwrap_or_default() {
            let started = item["metadata"]["labels"]["kube-mcp/started"].as_str();
            let started: u64 = started.and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
            if now().saturating_sub(started) > STALE {
                let name = facts::text(&item["metadata"]["name"]);
                drop(kubectl(&["delete", kind, &name, "--wait=false"]));
            }
        }
    }
}

/// The values of `settings.yaml`, `workloads.yaml` and `sprocket-objects.yaml` that are secret, as they are and as base64.
fn planted(run: &str) -> Vec<String> {
    let plain =
        ["user", "secret", "config", "env", "url", "custom"].map(|kind| format!("planted-{kind}-{run}"));
    let coded = plain.clone().map(|value| base64(value.as_bytes()));
    plain.into_iter().chain(coded).collect()
}

/// Base64 without its padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_usize, |group, byte| group << 8 | usize::from(*byte))
            << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[group >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// The program with one of the suite's kubeconfigs and nothing of the user's configuration.
fn command(folder: &TempDir, contexts: Contexts) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KUBE_MCP_")) {
        command.env_remove(name);
    }
    command
        .env("KUBECONFIG", folder.path().join(contexts.file()))
        .env("XDG_CONFIG_HOME", folder.path());
    command
}

/// Writes the kubeconfigs of [`Contexts`], made from the current context of the one that the suite was given.
fn write_kubeconfigs(folder: &TempDir, namespace: &str) -> Result<(), String> {
    let given = kubectl_json(&["config", "view", "--raw", "--minify", "--flatten"])?;
    let (cluster, user) = (&given["clusters"][0]["cluster"], &given["users"][0]["user"]);
    let bearer = |account| token(namespace, account).map(|token| json!({"token": token}));
    let config = |contexts: Value, user: &Value| {
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "one",
            "clusters": [
                {"name": "here", "cluster": cluster},
                {"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}},
            ],
            "users": [{"name": "user", "user": user}],
            "contexts": contexts,
        })
    };
    let one = json!([{"name": "one", "context": {"cluster": "here", "user": "user"}}]);
    let several = json!([
        {"name": "one", "context": {"cluster": "here", "user": "user", "namespace": namespace}},
        {"name": "two", "context": {"cluster": "here", "user": "user"}},
        {"name": "gone", "context": {"cluster": "nowhere", "user": "user"}},
    ]);
    let files = [
        (Contexts::One, config(one.clone(), user)),
        (Contexts::Several, config(several, user)),
        (Contexts::Reader, config(one.clone(), &bearer("reader")?)),
        (Contexts::Scout, config(one, &bearer("scout")?)),
    ];
    for (contexts, text) in files {
        let path = folder.path().join(contexts.file());
        fs::write(&path, text.to_string()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// A token of a service account, by the raw request: older kubectls have no command for it.
fn token(namespace: &str, account: &str) -> Result<String, String> {
    let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
    let request = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}});
    let answer = kubectl_with(&["create", "--raw", &path, "-f", "-"], &request.to_string())?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| error.to_string())?;
    Ok(facts::text(&answer["status"]["token"]))
}
