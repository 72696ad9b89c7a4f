//! Which cluster the suite runs on: the one that `KUBECONFIG` names, or else the embedded one.

use std::{
    env, fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::kubectl::kubectl;

/// Trials that only a real cluster can pass, with the reason. docs/testing.md tells them too.
pub(crate) const REAL_ONLY: &[(&str, &str)] = &[(
    "doctor::what_is_wrong_on_the_way",
    "the embedded cluster has no TLS, so no certificate can be the wrong one",
)];
/// More would say that the embedded cluster is not what it claims to be.
const _: () = assert!(REAL_ONLY.len() <= 10);

/// What kubectl is given in place of the environment's.
static GIVEN: OnceLock<Given> = OnceLock::new();

struct Given {
    kubeconfig: PathBuf,
    cache: PathBuf,
}

/// The cluster.
pub(crate) enum Ground {
    /// A real one.
    Real,
    /// The embedded one, and why there is no real one.
    Embedded {
        /// It ends with this.
        _running: Embedded,
        /// Why.
        why: String,
    },
    /// None, with the reason.
    None(String),
}

/// A running `kube-mcp demo`. It ends with this.
pub(crate) struct Embedded {
    child: Child,
    _folder: TempDir,
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Ground {
    /// Finds the real cluster, or starts the embedded one. `~/.kube/config` is left alone: only `KUBECONFIG` names a
    /// cluster on which the suite may make things.
    pub(crate) fn find() -> Self {
        let why = if env::var_os("KUBECONFIG").is_none_or(|value| value.is_empty()) {
            "KUBECONFIG is not set".to_owned()
        } else {
            match kubectl(&["get", "--raw", "/readyz"]) {
                Ok(_) => return Self::Real,
                Err(error) => error,
            }
        };
        match Embedded::start() {
            Ok(embedded) => Self::Embedded {
                _running: embedded,
                why,
            },
            Err(error) => Self::None(format!("{why}; the embedded one: {error}")),
        }
    }
}

impl Embedded {
    fn start() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let kubeconfig = folder.path().join("kubeconfig");
        let mut child = Command::new(env!("CARGO_BIN_EXE_kube-mcp"))
            .args(["demo", "--empty", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start `kube-mcp demo`: {error}"))?;
        let stdout = child.stdout.take().ok_or("`kube-mcp demo` has no stdout")?;
        let embedded = Self {
            child,
            _folder: folder,
        };
        // A kubeconfig is written, and stdout stays open: it has come whole when the current context is told.
        let mut text = String::new();
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|error| error.to_string())?;
            text.push_str(&line);
            text.push('\n');
            fs::write(&kubeconfig, &text).map_err(|error| error.to_string())?;
            if line.trim_start().starts_with("context:") {
                break;
            }
        }
        let cache = embedded._folder.path().join("cache");
        drop(GIVEN.set(Given { kubeconfig, cache }));
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            match kubectl(&["get", "--raw", "/readyz"]) {
                Ok(_) => return Ok(embedded),
                Err(error) if Instant::now() > end || error.starts_with("cannot start") => return Err(error),
                Err(_) => thread::sleep(Duration::from_millis(100)),
            }
        }
    }
}

/// Points a command at the suite's cluster.
pub(crate) fn aim(command: &mut Command) -> &mut Command {
    match GIVEN.get() {
        Some(given) => command
            .env("KUBECONFIG", &given.kubeconfig)
            .env("KUBECACHEDIR", &given.cache),
        None => command,
    }
}
