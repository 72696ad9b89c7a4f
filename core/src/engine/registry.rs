//! What is served: the surfaces' tools, prompts and resources under the configuration.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde_json::{Map, Value, json};

use super::{
    api::ListedTool,
    surface::{Prompt, ResourceTemplate, Step, Surface, Tool},
};
use crate::{
    Error, ErrorKind,
    call::{Access, Mode, Reach, Verdict},
    config::Config,
    nearest::nearest,
};

/// Everything that the surfaces declare, and what of it is listed.
#[derive(Default)]
pub(super) struct Registry {
    /// Every tool, listed or not.
    tools: BTreeMap<&'static str, &'static Tool>,
    pub(super) listed: Arc<[ListedTool]>,
    pub(super) prompts: Vec<&'static Prompt>,
    pub(super) resources: Vec<&'static ResourceTemplate>,
    toolsets: BTreeSet<&'static str>,
    mode: Mode,
}

impl Registry {
    pub(super) fn new(
        surfaces: &[&'static Surface],
        config: &Config,
        several_clusters: bool,
    ) -> Result<Self, Error> {
        let mut names = Names::default();
        let mut tools = BTreeMap::new();
        let (mut prompts, mut resources) = (Vec::new(), Vec::new());
        for surface in surfaces {
            for (what, name) in surface.names() {
                names.claim(what, name, surface.package)?;
            }
            tools.extend(surface.tools.iter().map(|tool| (tool.name, tool)));
            prompts.extend(surface.prompts);
            resources.extend(surface.resources);
        }
        prompts.sort_by_key(|prompt| prompt.name);
        resources.sort_by_key(|resource| resource.name);
        let toolsets = enabled_toolsets(surfaces, config)?;
        for name in &config.server.disable {
            if !tools.contains_key(name.as_str()) {
                return Err(unknown("server.disable", "tool", name, tools.keys().copied()));
            }
        }
        let mode = config.access.mode;
        let listed = tools
            .values()
            .copied()
            .filter(|tool| toolsets.contains(tool.toolset))
            .filter(|tool| !config.server.disable.iter().any(|name| name == tool.name))
            .filter(|tool| mode.verdict(access(tool.steps)) != Verdict::Refused)
            .map(|tool| ListedTool {
                tool,
                access: access(tool.steps),
                schema: Arc::new(schema(tool, several_clusters)),
            })
            .collect();
        Ok(Self {
            tools,
            listed,
            prompts,
            resources,
            toolsets,
            mode,
        })
    }

    /// Whether there is such a tool, listed or not.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// What a tool may do at most; a tool that does not exist does nothing.
    pub(super) fn access_of(&self, name: &str) -> Access {
        self.tools
            .get(name)
            .map_or(Access::Read, |tool| access(tool.steps))
    }

    /// The listed tool of this name.
    ///
    /// # Errors
    /// If there is none, with why: it does not exist, its toolset is off, the mode hides it.
    pub(super) fn listed(&self, name: &str) -> Result<&ListedTool, Error> {
        if let Some(listed) = self.listed.iter().find(|listed| listed.tool.name == name) {
            return Ok(listed);
        }
        let Some(tool) = self.tools.get(name) else {
            return Err(unknown(
                "call",
                "tool",
                name,
                self.listed.iter().map(|listed| listed.tool.name),
            ));
        };
        let access = access(tool.steps);
        let why = if self.mode.verdict(access) == Verdict::Refused {
            format!(
                "this server runs in {} mode, and {name} needs {access} access; whoever runs the server can start it with --mode guarded",
                self.mode
            )
        } else if !self.toolsets.contains(tool.toolset) {
            format!(
                "its toolset {} is off; whoever runs the server can start it with --toolsets",
                tool.toolset
            )
        } else {
            "the configuration disables it (server.disable)".to_owned()
        };
        Err(Error::new(
            ErrorKind::Forbidden,
            format!("{name} is not available: {why}"),
        ))
    }
}

/// The highest access of a tool's operations.
pub(super) fn access(steps: &[Step]) -> Access {
    steps
        .iter()
        .map(|step| step.op.access)
        .max()
        .unwrap_or(Access::Read)
}

/// Whether any of the steps works on a cluster.
pub(super) fn reaches_cluster(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.op.reach == Reach::Cluster)
}

/// The compiled input schema, with `cluster` where there are several: bare, since its meaning stands once, in the
/// description of the tool that lists clusters.
fn schema(tool: &Tool, several_clusters: bool) -> Map<String, Value> {
    // The literal is written by the build script; that it is JSON is tested there.
    let mut schema: Map<String, Value> = serde_json::from_str(tool.schema).unwrap_or_default();
    if several_clusters
        && reaches_cluster(tool.steps)
        && let Some(Value::Object(properties)) = schema.get_mut("properties")
    {
        properties.insert("cluster".to_owned(), json!({"type": "string"}));
    }
    schema
}

fn enabled_toolsets(surfaces: &[&'static Surface], config: &Config) -> Result<BTreeSet<&'static str>, Error> {
    let all = || surfaces.iter().flat_map(|surface| surface.toolsets);
    let Some(wanted) = &config.server.toolsets else {
        return Ok(all()
            .filter(|toolset| toolset.default)
            .map(|toolset| toolset.name)
            .collect());
    };
    if wanted.iter().any(|name| name == "all") {
        return Ok(all().map(|toolset| toolset.name).collect());
    }
    wanted
        .iter()
        .map(|name| {
            all()
                .map(|toolset| toolset.name)
                .find(|known| known == name)
                .ok_or_else(|| {
                    unknown(
                        "server.toolsets",
                        "toolset",
                        name,
                        all().map(|toolset| toolset.name),
                    )
                })
        })
        .collect()
}

fn unknown<'a>(place: &str, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are: {}", known.join(", ")),
    };
    Error::not_found(format!("{place}: no {what} {name}; {help}"))
}

/// Who has which name: one that is in two surfaces is an error at start.
#[derive(Default)]
struct Names(BTreeMap<(&'static str, &'static str), &'static str>);

impl Names {
    fn claim(&mut self, what: &'static str, name: &'static str, package: &'static str) -> Result<(), Error> {
        match self.0.insert((what, name), package) {
            None => Ok(()),
            Some(other) => Err(Error::invalid(format!(
                "the {what} {name} is declared by both {other} and {package}; rename one"
            ))),
        }
    }
}
