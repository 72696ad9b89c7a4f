//! File < environment < flags.

use super::{Config, Overrides};
use crate::Error;

impl Config {
    /// The configuration of this process: defaults, then the file, then the environment, then the flags.
    ///
    /// # Errors
    /// Every mistake in the file and the environment, each with its place.
    pub fn load(overrides: &Overrides) -> Result<Self, Error> {
        let mut config = Self::default();
        config.apply(overrides);
        Ok(config)
    }

    /// Applies the flags, which win over everything else.
    fn apply(&mut self, overrides: &Overrides) {
        let Overrides {
            config: _,
            toolsets,
            disable,
            budget,
            log,
            log_format,
            templates,
            kubeconfig,
            context,
            mode,
            confirm,
            reveal_secrets,
        } = overrides.clone();
        let (server, kubernetes, access) = (&mut self.server, &mut self.kubernetes, &mut self.access);
        server.toolsets = toolsets.or(server.toolsets.take());
        set(&mut server.disable, disable);
        set(&mut server.budget, budget);
        set(&mut server.log, log);
        set(&mut server.log_format, log_format);
        server.templates = templates.or(server.templates.take());
        if !kubeconfig.is_empty() {
            kubernetes.kubeconfig = kubeconfig;
        }
        kubernetes.context = context.or(kubernetes.context.take());
        set(&mut access.mode, mode);
        set(&mut access.confirm, confirm);
        access.reveal_secrets = reveal_secrets;
    }
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}
