//! Everything that is served, ready to be called.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{
    api::{Context, ListedTool},
    next,
    registry::Registry,
    render::{NextResolver, Stage},
    surface::{Prompt, ResourceTemplate, Surface},
    templates::Templates,
};
use crate::{
    Error, ErrorKind,
    call::{Access, Audit, Call, Codes},
    cluster::Clusters,
    config::Config,
    output::{Next, Redactor},
};

/// The template of what a client is told when it connects.
const INSTRUCTIONS: &str = "instructions.md.j2";

/// Everything that is served, ready to be called: one for a process, shared by all transports.
pub struct Engine {
    pub(super) config: Arc<Config>,
    pub(super) clusters: Arc<Clusters>,
    pub(super) codes: Arc<dyn Codes>,
    pub(super) audit: Arc<dyn Audit>,
    pub(super) registry: Registry,
    pub(super) templates: Templates,
    pub(super) stage: Stage,
}

impl Engine {
    /// An engine over these surfaces. Nothing is contacted.
    ///
    /// # Errors
    /// If a name is in two surfaces, or the configuration names a tool or toolset that does not exist.
    pub fn new(
        surfaces: &[&'static Surface],
        config: Arc<Config>,
        clusters: Arc<Clusters>,
        codes: Arc<dyn Codes>,
        audit: Arc<dyn Audit>,
    ) -> Result<Self, Error> {
        let registry = Registry::new(surfaces, &config, clusters.names().len() > 1)?;
        let listed = Arc::clone(&registry.listed);
        let templates = Templates::new(surfaces, config.server.templates.clone(), Arc::clone(&listed));
        let stage = Stage::new(config.server.budget, Arc::new(Listed(listed)));
        Ok(Self {
            config,
            clusters,
            codes,
            audit,
            registry,
            templates,
            stage,
        })
    }

    /// The configured clusters.
    pub fn clusters(&self) -> &Arc<Clusters> {
        &self.clusters
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether calls may choose between clusters: their tools and prompts then take `cluster`.
    pub fn has_several_clusters(&self) -> bool {
        self.clusters.names().len() > 1
    }

    /// What a client is told when it connects: the template `instructions.md.j2`, rendered with the names of the
    /// listed `tools`, the `mode`, whether the cluster is a `simulation` and whether there are `several_clusters`. Nothing
    /// if no surface has that template, or if it fails.
    pub fn instructions(&self) -> Option<String> {
        if !self.templates.has(INSTRUCTIONS) {
            return None;
        }
        let tools: Vec<&str> = self.tools().iter().map(|listed| listed.tool.name).collect();
        let context = minijinja::context! {
            tools,
            mode => self.config.access.mode.word(),
            simulation => self.clusters.is_simulation(),
            several_clusters => self.has_several_clusters(),
        };
        match self.templates.render(INSTRUCTIONS, &context) {
            Ok(text) => Some(text.trim().to_owned()),
            Err(error) => {
                tracing::warn!(%error, "clients get no instructions");
                None
            }
        }
    }

    /// The tools that are listed, sorted by name.
    pub fn tools(&self) -> &[ListedTool] {
        &self.registry.listed
    }

    /// The prompts, sorted by name.
    pub fn prompts(&self) -> &[&'static Prompt] {
        &self.registry.prompts
    }

    /// The resources, sorted by name.
    pub fn resources(&self) -> &[&'static ResourceTemplate] {
        &self.registry.resources
    }

    /// Whether a tool of this name exists, listed or not. Calling one that does not is a protocol error.
    pub fn knows_tool(&self, name: &str) -> bool {
        self.registry.knows(name)
    }

    /// What a tool may do at most; one that does not exist does nothing.
    pub fn access_of(&self, name: &str) -> Access {
        self.registry.access_of(name)
    }

    /// The facts of a call that reads: what prompts, resources and completion run with.
    pub(super) fn reading(
        &self,
        what: &str,
        arguments: Map<String, Value>,
        context: &Context,
        redactor: &Arc<Redactor>,
    ) -> Call {
        Call {
            caller: context.caller.clone(),
            tool: what.to_owned(),
            arguments,
            mode: self.config.access.mode,
            always_confirm: false,
            dry_run: false,
            confirm: None,
            consent: context.consent,
            deadline: (Instant::now() + self.config.kubernetes.timeouts.call).into_std(),
            cancel: context.cancel.child_token(),
            progress: Arc::clone(&context.progress),
            codes: Arc::clone(&self.codes),
            redactor: Arc::clone(redactor),
        }
    }
}

/// Runs `future` until the call's deadline passes or its caller cancels.
pub(super) async fn within<T, E: From<Error>>(
    call: &Call,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        // What is cancelled already is not begun.
        biased;
        () = call.cancel.cancelled() => {
            Err(Error::new(ErrorKind::Cancelled, "the call was cancelled").into())
        }
        () = tokio::time::sleep_until(call.deadline.into()) => {
            call.cancel.cancel();
            Err(Error::new(
                ErrorKind::Timeout,
                "no answer before the call's deadline; narrow it with namespace, selector or limit",
            ).into())
        }
        result = future => result,
    }
}

/// Writes suggestions as calls of the listed tools.
struct Listed(Arc<[ListedTool]>);

impl NextResolver for Listed {
    fn call(&self, suggestion: &Next) -> Option<String> {
        next::resolve(&self.0, suggestion).map(|call| next::write(&call))
    }
}
