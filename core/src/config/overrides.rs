//! What the command line says: it wins over the environment and the file.

use std::{net::SocketAddr, path::PathBuf};

use super::{Confirm, HttpAuth, LogFormat, Transport};
use crate::call::Mode;

/// Values given as flags. `None` (or empty) leaves what the environment or the file says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// The configuration file in place of the default one; it has to exist.
    pub config: Option<PathBuf>,
    /// `server.transport`.
    pub transport: Option<Transport>,
    /// `server.toolsets`.
    pub toolsets: Option<Vec<String>>,
    /// `server.disable`.
    pub disable: Option<Vec<String>>,
    /// `server.budget`.
    pub budget: Option<usize>,
    /// `server.log`.
    pub log: Option<String>,
    /// `server.log_format`.
    pub log_format: Option<LogFormat>,
    /// `server.templates`.
    pub templates: Option<PathBuf>,
    /// `kubernetes.kubeconfig`.
    pub kubeconfig: Vec<PathBuf>,
    /// `kubernetes.context`.
    pub context: Option<String>,
    /// `kubernetes.demo`.
    pub demo: Option<bool>,
    /// `access.mode`.
    pub mode: Option<Mode>,
    /// `access.confirm`.
    pub confirm: Option<Confirm>,
    /// Values of secrets are shown: only a flag can say so.
    pub reveal_secrets: bool,
    /// `http.listen`.
    pub listen: Option<SocketAddr>,
    /// `http.auth`.
    pub auth: Option<HttpAuth>,
    /// `http.stateless`.
    pub stateless: Option<bool>,
}
