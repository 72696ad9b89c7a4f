//! `demo`: the embedded cluster's API on a port.

#[cfg(feature = "demo")]
use std::{
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};
use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use kube_mcp_core::config::Overrides;

use super::terminal::Outcome;

/// Serve the API of the embedded cluster, a simulation, to kubectl and other clients
///
/// A small shop with things wrong in it: no container runs, nothing in it is
/// real, and it is gone when this ends. A kubeconfig for it is printed. Every
/// process of this machine that knows the port may do everything in it.
///
///   kube-mcp demo --kubeconfig-out demo.kubeconfig &
///   kubectl --kubeconfig demo.kubeconfig get pods -A
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Demo {
    /// Listen here; it has to be a loopback address, and port 0 is any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,

    /// Write the kubeconfig to this file as well, once the port is open; what is there is replaced
    #[arg(long, value_name = "FILE")]
    kubeconfig_out: Option<PathBuf>,

    /// Leave the shop out: one node, and what every cluster has
    #[arg(long)]
    empty: bool,
}

impl Demo {
    #[cfg(feature = "demo")]
    pub(super) fn run(self, overrides: &Overrides) -> Outcome {
        use std::process::ExitCode;

        use kube_mcp_core::{
            Error,
            server::{block_on, logging, terminated},
        };
        use kube_mcp_demo::{Cluster, Story, bind};

        use super::terminal;

        logging::init(
            overrides.log.as_deref().unwrap_or("warn"),
            overrides.log_format.unwrap_or_default(),
        )?;
        let story = if self.empty { Story::Empty } else { Story::Shop };
        let cluster = story
            .tell(jiff::Timestamp::now())
            .map_err(|error| Error::internal(error.to_string()))?;
        block_on(async {
            let listener = bind(self.listen)
                .await
                .map_err(|error| Error::invalid(format!("--listen {}: {error}", self.listen)))?;
            let server = format!("http://{}", listener.local_addr()?);
            let kubeconfig = Cluster::kubeconfig(&server);
            let how = match &self.kubeconfig_out {
                Some(file) => {
                    private(file, &kubeconfig)
                        .map_err(|error| Error::invalid(format!("{}: {error}", file.display())))?;
                    format!("export KUBECONFIG={}", file.display())
                }
                None => "write this into a file (--kubeconfig-out FILE does it) and export KUBECONFIG=FILE"
                    .to_owned(),
            };
            terminal::print(&kubeconfig)?;
            terminal::say(&format!(
                "Serving a simulation of Kubernetes at {server}: nothing in it is real, and it is gone when this ends \
                 (Ctrl-C).\nTo use it: {how}"
            ));
            tokio::select! {
                served = cluster.listen(listener) => served?,
                () = cluster.run() => {}
                () = terminated() => {}
            }
            Ok(ExitCode::SUCCESS)
        })?
    }

    #[cfg(not(feature = "demo"))]
    pub(super) fn run(self, _overrides: &Overrides) -> Outcome {
        Err(super::embedded::missing().into())
    }
}

/// Writes a file that nobody else may read, as kubeconfigs should be.
#[cfg(feature = "demo")]
fn private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(text.as_bytes())
}
