//! The engine as a command uses it: one caller, one call, an answer.

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use kube_mcp_core::{
    Error,
    call::{Audit, AuditEntry, Caller, Consent, Progress},
    cluster::Clusters,
    config::{Config, Confirm, Overrides},
    engine::{Context, Engine, surface::Surface},
    server::{AuditLog, MemoryCodes, logging},
};
use tokio_util::sync::CancellationToken;

use super::{embedded, terminal};

/// The configuration of this process, with its log set up.
pub(super) fn configuration(overrides: &Overrides) -> Result<Arc<Config>, Error> {
    let config = Config::load(overrides)?;
    logging::init(&config.server.log, config.server.log_format)?;
    Ok(Arc::new(config))
}

/// The clusters that the configuration means. None is contacted.
pub(super) fn clusters(config: &Config) -> Result<Clusters, Error> {
    match config.kubernetes.demo {
        true => embedded::clusters(config),
        false => Ok(Clusters::load(config)),
    }
}

/// An engine over the surfaces. Nothing is contacted.
pub(super) fn engine(
    surfaces: &[&'static Surface],
    config: &Arc<Config>,
    audit: Arc<dyn Audit>,
) -> Result<Arc<Engine>, Error> {
    let clusters = Arc::new(clusters(config)?);
    let codes = Arc::new(MemoryCodes::new());
    Engine::new(surfaces, Arc::clone(config), clusters, codes, audit).map(Arc::new)
}

/// Where a command's audit lines go: to the configured file; a person who runs it knows what was called.
pub(super) fn quiet_audit(config: &Config) -> Result<Arc<dyn Audit>, Error> {
    Ok(match config.server.audit.as_deref() {
        Some(file) => Arc::new(AuditLog::open(Some(file))?),
        None => Arc::new(NoAudit),
    })
}

struct NoAudit;

impl Audit for NoAudit {
    fn record(&self, _entry: &AuditEntry) {}
}

/// Cancelled by Ctrl-C.
pub(super) fn cancelled_by_the_keyboard() -> CancellationToken {
    let cancel = CancellationToken::new();
    let cancelled = cancel.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            cancelled.cancel();
        }
    });
    cancel
}

/// The context of calls from the command line; Ctrl-C cancels them.
pub(super) fn context(config: &Config) -> Context {
    let consent = match config.access.confirm {
        Confirm::AskOnly if !terminal::can_ask() => Consent::Refused,
        _ => Consent::Code,
    };
    Context {
        caller: Caller {
            id: "cli".to_owned(),
            client: "cli".to_owned(),
        },
        consent,
        agreed: None,
        cancel: cancelled_by_the_keyboard(),
        progress: Arc::new(ToStderr(io::stderr().is_terminal())),
    }
}

/// Progress as lines on stderr, if somebody looks at it.
struct ToStderr(bool);

impl Progress for ToStderr {
    fn report(&self, done: f64, total: Option<f64>, message: &str) {
        if self.0 {
            let total = total.map(|total| format!("/{total}")).unwrap_or_default();
            terminal::say(&format!("{done}{total} {message}"));
        }
    }
}
