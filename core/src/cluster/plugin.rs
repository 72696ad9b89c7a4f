//! Exec credential plugins (client.authentication.k8s.io), run as processes of ours.
//!
//! A plugin gets no terminal: its stdin is empty, since ours may carry the protocol. It has a deadline, and when
//! that passes, when nobody waits any more or when this process ends, it goes with everything that it started.

use std::{process::Stdio, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecAuthCluster, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::Command,
};

use super::{kubeconfig::Entry, process::Group};
use crate::{Error, ErrorKind, output::remember_credential};

/// What a plugin gave.
#[derive(Clone)]
pub(super) struct Credential {
    /// A bearer token.
    pub(super) token: Option<String>,
    /// A client certificate and its key, in PEM.
    pub(super) certificate: Option<(String, String)>,
    /// From when on another one is wanted, somewhat before it expires.
    pub(super) renew: Option<Timestamp>,
}

/// A plugin as a kubeconfig's user names it.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    exec: ExecConfig,
    place: String,
    timeout: Duration,
}

/// The variable of `http.token`.
const OUR_TOKEN: &str = "KUBE_MCP_HTTP_TOKEN";
/// What a plugin may print at most.
const OUTPUT: usize = 1 << 20;
/// How much of its complaints is kept.
const COMPLAINT: usize = 4 << 10;

#[derive(Deserialize)]
struct ExecCredential {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<String>,
}

impl Plugin {
    /// The plugin of this entry's user, if it has one. Static credentials win, as in kubectl.
    pub(super) fn of(entry: &Entry, timeout: Duration) -> Option<Self> {
        let user = &entry.user;
        if user.token.is_some() || user.token_file.is_some() || user.username.is_some() {
            return None;
        }
        Some(Self {
            exec: user.exec.clone()?,
            place: entry.place.clone(),
            timeout,
        })
    }

    /// Runs it.
    ///
    /// # Errors
    /// If it cannot be started, does not end in time, fails, or prints no credential: each with what it printed and
    /// what to do.
    pub(super) async fn run(&self, entry: &Entry) -> Result<Credential, Error> {
        if self.exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(self.told(
                ErrorKind::Unauthorized,
                "wants a terminal (interactiveMode: Always), which a server has not; use credentials that need none",
            ));
        }
        let mut command = self.command(entry)?;
        let group = Group::spawn(&mut command);
        let mut child = group.map_err(|error| self.not_started(&error))?;
        let (mut stdout, mut stderr) = (child.stdout(), child.stderr());
        let (mut printed, mut complaint) = (Vec::new(), Vec::new());
        let ended = tokio::time::timeout(self.timeout, async {
            let read = async {
                tokio::join!(
                    read_head(&mut stdout, &mut printed, OUTPUT),
                    read_tail(&mut stderr, &mut complaint, COMPLAINT)
                );
            };
            tokio::pin!(read);
            // A process that it left behind may hold the pipes open: what is there shortly after its end counts.
            let status = tokio::select! {
                status = child.wait() => {
                    let _ = tokio::time::timeout(Duration::from_millis(300), &mut read).await;
                    status
                }
                () = &mut read => child.wait().await,
            };
            status
        })
        .await;
        // Kills what is left of it if it did not end.
        drop(child);
        let complaint = tail(&complaint);
        match ended {
            Err(_) => Err(self.error(
                ErrorKind::Timeout,
                &format!(
                    "gave no credential in {} s and was stopped",
                    self.timeout.as_secs_f32()
                ),
                &complaint,
            )),
            Ok(Err(error)) => Err(self.failed(&format!("could not be waited for: {error}"))),
            Ok(Ok(status)) if !status.success() => {
                Err(self.error(ErrorKind::Unauthorized, &format!("failed ({status})"), &complaint))
            }
            Ok(Ok(_)) if printed.len() > OUTPUT => {
                Err(self.failed("printed more than 1 MiB, which is no credential"))
            }
            Ok(Ok(_)) => self.parse(&printed, &complaint),
        }
    }

    fn command(&self, entry: &Entry) -> Result<Command, Error> {
        let program = self.exec.command.as_deref().unwrap_or_default();
        if program.is_empty() {
            return Err(Error::invalid(format!(
                "{}: the user's exec has no command; correct the kubeconfig",
                self.place
            )));
        }
        let version = self.exec.api_version.as_deref().unwrap_or_default();
        if !matches!(
            version,
            "client.authentication.k8s.io/v1" | "client.authentication.k8s.io/v1beta1"
        ) {
            return Err(Error::invalid(format!(
                "{}: the user's exec has the apiVersion {version:?}; expected client.authentication.k8s.io/v1 or \
                 client.authentication.k8s.io/v1beta1: update the plugin and write its entry anew",
                self.place
            )));
        }
        let mut spec = json!({"interactive": false});
        if self.exec.provide_cluster_info {
            let cluster = ExecAuthCluster::try_from(&entry.cluster).map_err(|error| {
                Error::invalid(format!("{}: {error}; correct the kubeconfig", self.place))
            })?;
            spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
        }
        let info = json!({"apiVersion": version, "kind": "ExecCredential", "spec": spec});
        let mut command = Command::new(program);
        command
            .args(self.exec.args.iter().flatten())
            .env("KUBERNETES_EXEC_INFO", info.to_string())
            // A plugin has no business with who may call us.
            .env_remove(OUR_TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        for variable in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                command.env(name, value);
            }
        }
        Ok(command)
    }

    fn parse(&self, printed: &[u8], complaint: &str) -> Result<Credential, Error> {
        // What it printed may hold a credential, so no error shows it.
        let credential: ExecCredential = serde_yaml::from_slice(printed).map_err(|_| {
            self.error(
                ErrorKind::Unauthorized,
                &format!("printed {} bytes that are no ExecCredential", printed.len()),
                complaint,
            )
        })?;
        if credential.kind.as_deref() != Some("ExecCredential")
            || credential.api_version != self.exec.api_version
        {
            let what = format!(
                "answered with {} {} where ExecCredential {} was asked for; update it, or correct the apiVersion",
                credential.kind.unwrap_or_default(),
                credential.api_version.unwrap_or_default(),
                self.exec.api_version.as_deref().unwrap_or_default(),
            );
            return Err(self.told(ErrorKind::Unauthorized, &what));
        }
        let status = credential
            .status
            .ok_or_else(|| self.failed("answered without a status"))?;
        let certificate = match (status.client_certificate_data, status.client_key_data) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => return Err(self.failed("gave a certificate or a key, but not both")),
        };
        let token = status.token.filter(|token| !token.is_empty());
        if token.is_none() && certificate.is_none() {
            return Err(self.failed("gave neither a token nor a certificate"));
        }
        token.iter().for_each(remember_credential);
        certificate.iter().for_each(|(_, key)| remember_credential(key));
        let renew = match status.expiration_timestamp {
            None => None,
            Some(text) => {
                let expires: Timestamp = text
                    .parse()
                    .map_err(|_| self.failed("gave an expirationTimestamp that is not a time"))?;
                let now = Timestamp::now();
                // A short-lived one is used for most of its life all the same.
                let early = (expires.duration_since(now) / 4)
                    .clamp(SignedDuration::ZERO, SignedDuration::from_secs(30));
                expires.checked_sub(early).ok()
            }
        };
        Ok(Credential {
            token,
            certificate,
            renew,
        })
    }

    /// Its command line, for a person to repeat; values that may be credentials left out.
    pub(super) fn line(&self) -> String {
        let mut line = self.exec.command.clone().unwrap_or_default();
        let mut hide = false;
        for arg in self.exec.args.iter().flatten() {
            line.push(' ');
            let shown = match (std::mem::take(&mut hide), arg.split_once('=')) {
                (true, _) => "…".to_owned(),
                (false, Some((flag, _))) if is_secret_flag(flag) => format!("{flag}=…"),
                _ => arg.clone(),
            };
            hide = is_secret_flag(arg);
            match shown.is_empty() || shown.contains(char::is_whitespace) {
                true => line.push_str(&format!("'{shown}'")),
                false => line.push_str(&shown),
            }
        }
        line
    }

    fn not_started(&self, error: &std::io::Error) -> Error {
        let hint = self
            .exec
            .install_hint
            .as_deref()
            .map(str::trim)
            .filter(|hint| !hint.is_empty());
        let advice = match (error.kind(), hint) {
            (std::io::ErrorKind::NotFound, Some(hint)) => format!("it is not installed, or not in PATH; {hint}"),
            (std::io::ErrorKind::NotFound, None) => {
                "it is not installed, or not in the PATH of this server; install it, or give its full path in the \
                 kubeconfig"
                    .to_owned()
            }
            _ => format!("{error}; make it a program that this user can run"),
        };
        Error::new(
            ErrorKind::Unauthorized,
            format!(
                "{}: the credential plugin `{}` could not be started: {advice}",
                self.place,
                self.exec.command.as_deref().unwrap_or_default()
            ),
        )
    }

    fn failed(&self, what: &str) -> Error {
        self.error(ErrorKind::Unauthorized, what, "")
    }

    fn error(&self, kind: ErrorKind, what: &str, complaint: &str) -> Error {
        let said = if complaint.is_empty() {
            String::new()
        } else {
            format!("; it said: {complaint}")
        };
        let advice = "run it in a terminal to see what it wants (often a login), then call again";
        self.told(kind, &format!("{what}{said}; {advice}"))
    }

    fn told(&self, kind: ErrorKind, what: &str) -> Error {
        let line = self.line();
        Error::new(
            kind,
            format!("{}: the credential plugin `{line}` {what}", self.place),
        )
    }
}

fn is_secret_flag(flag: &str) -> bool {
    let flag = flag.to_lowercase();
    flag.starts_with('-')
        && ["secret", "password", "token", "key"]
            .iter()
            .any(|end| flag.ends_with(end))
}

async fn read_head(from: &mut (impl AsyncRead + Unpin), to: &mut Vec<u8>, most: usize) {
    // One byte too many tells that it was too much. An error ends it as the end does: the status says more.
    let _ = from.take(most as u64 + 1).read_to_end(to).await;
}

async fn read_tail(from: &mut (impl AsyncRead + Unpin), to: &mut Vec<u8>, most: usize) {
    let mut chunk = [0; 1024];
    while let Ok(read) = from.read(&mut chunk).await {
        if read == 0 {
            break;
        }
        to.extend_from_slice(&chunk[..read]);
        let over = to.len().saturating_sub(most);
        to.drain(..over);
    }
}

/// The last lines, on one.
fn tail(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let lines: Vec<_> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let last = lines[lines.len().saturating_sub(4)..].join(" / ");
    let clean: String = last.chars().filter(|c| !c.is_control()).collect();
    match clean.char_indices().rev().nth(499) {
        Some((at @ 1.., _)) => format!("…{}", &clean[at..]),
        _ => clean,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kube::config::{AuthInfo, ExecConfig};

    use super::*;

    #[test]
    fn a_plugin_does_not_learn_our_own_token() {
        let exec = ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".to_owned()),
            command: Some("sh".to_owned()),
            ..ExecConfig::default()
        };
        let user = AuthInfo {
            exec: Some(exec),
            ..AuthInfo::default()
        };
        let entry = Entry {
            cluster: kube::config::Cluster::default(),
            user,
            root_cert_file: None,
            place: "context c".to_owned(),
        };
        let plugin = Plugin::of(&entry, Duration::from_secs(1)).unwrap();
        let command = plugin.command(&entry).unwrap();
        let mut given = command.as_std().get_envs();
        assert!(given.any(|(name, value)| name == OUR_TOKEN && value.is_none()));
    }
}
