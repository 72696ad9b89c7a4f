//! File < environment < flags.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Config, Overrides,
    given::{Given, Wrong, did_you_mean, unknown_key},
    keys::{SECTIONS, SETTINGS},
    tree::{self, Node, Value},
};
use crate::Error;

/// The beginning of all our variables.
const PREFIX: &str = "KUBE_MCP_";
/// The variable that names the file.
const FILE: &str = "KUBE_MCP_CONFIG";

/// What was read, and what is wrong with it: the configuration holds what could be read nevertheless.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Where it was looked for; none if there is no home directory.
    pub file: Option<PathBuf>,
    /// Every mistake in the file and the environment, each with its place.
    pub mistakes: Vec<String>,
    /// What is in the file, if it is there.
    root: Option<Node>,
}

impl Loaded {
    /// Reads the configuration of this process: defaults, then the file, then the environment, then the flags.
    pub fn read(overrides: &Overrides) -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let default = etcetera::choose_base_strategy().ok().map(|dirs| {
            etcetera::BaseStrategy::config_dir(&dirs)
                .join("kube-mcp")
                .join("config.yaml")
        });
        Self::from_parts(overrides, &variables, default)
    }

    /// The same from given variables and a given default file.
    pub(super) fn from_parts(
        overrides: &Overrides,
        variables: &BTreeMap<String, String>,
        default: Option<PathBuf>,
    ) -> Self {
        let mut loaded = Self::default();
        let named = overrides.config.clone().or_else(|| {
            variables
                .get(FILE)
                .filter(|file| !file.is_empty())
                .map(PathBuf::from)
        });
        let must_exist = named.is_some();
        loaded.file = named.or(default);
        if let Some(file) = &loaded.file {
            match std::fs::read_to_string(file) {
                Ok(text) => loaded.root = loaded.config.apply_file(file, &text, &mut loaded.mistakes),
                Err(error) if must_exist => loaded.mistakes.push(format!(
                    "{}: the configuration cannot be read: {error}",
                    file.display()
                )),
                Err(_) => {}
            }
        }
        loaded.config.apply_variables(variables, &mut loaded.mistakes);
        loaded.config.apply(overrides);
        if loaded.config.kubernetes.demo && (!overrides.kubeconfig.is_empty() || overrides.context.is_some())
        {
            loaded.mistakes.push(
                "the embedded cluster (--demo, KUBE_MCP_DEMO, kubernetes.demo) has no kubeconfig and no contexts: leave \
                 --kubeconfig and --context out, or the demo"
                    .to_owned(),
            );
        }
        loaded
    }

    /// Whether there is a file.
    pub fn has_file(&self) -> bool {
        self.root.is_some()
    }

    /// Where a rule of `access.allow` or `access.deny` names this resource, as `FILE:LINE:COLUMN`.
    pub fn place_of_resource(&self, list: &str, rule: usize, name: &str) -> Option<String> {
        let rules = self.root.as_ref()?.get("access")?.get(list)?;
        let resources = rules.items().get(rule)?.get("resources")?;
        let at = match resources.items() {
            [] => resources.at,
            words => {
                let is_it = |word: &&Node| matches!(&word.value, Value::Text(text) if text == name);
                words.iter().find(is_it)?.at
            }
        };
        Some(format!(
            "{}:{}:{}",
            self.file.as_ref()?.display(),
            at.line,
            at.column
        ))
    }

    /// The configuration, if nothing is wrong with it.
    fn checked(self) -> Result<Config, Error> {
        match self.mistakes.as_slice() {
            [] => Ok(self.config),
            mistakes => Err(Error::invalid(mistakes.join("\n"))),
        }
    }
}

impl Config {
    /// The configuration of this process: defaults, then the file, then the environment, then the flags.
    ///
    /// # Errors
    /// Every mistake in the file and the environment, each with its place.
    pub fn load(overrides: &Overrides) -> Result<Self, Error> {
        Loaded::read(overrides).checked()
    }

    /// Applies a file; gives what is in it.
    fn apply_file(&mut self, file: &Path, text: &str, mistakes: &mut Vec<String>) -> Option<Node> {
        let mut wrong = Vec::new();
        let root = match tree::read(text) {
            Ok(root) => {
                self.apply_root(&root, file.parent().unwrap_or(Path::new("")), &mut wrong);
                Some(root)
            }
            Err((at, what)) => {
                wrong.push(Wrong { at: Some(at), what });
                None
            }
        };
        wrong.sort_by_key(|wrong| wrong.at.map(|at| (at.line, at.column)));
        mistakes.extend(wrong.into_iter().map(|Wrong { at, what }| match at {
            Some(at) if at.line > 0 => format!("{}:{}:{}: {what}", file.display(), at.line, at.column),
            _ => format!("{}: {what}", file.display()),
        }));
        root
    }

    fn apply_root(&mut self, root: &Node, base: &Path, wrong: &mut Vec<Wrong>) {
        let Some(sections) = map(root, "a map of sections", wrong) else {
            return;
        };
        for (section, content) in sections {
            if !SECTIONS.contains(&section.name.as_str()) {
                // Who puts a key on top level is told its section.
                let home = SETTINGS
                    .iter()
                    .find(|setting| setting.key.ends_with(&format!(".{}", section.name)));
                match home {
                    Some(setting) => wrong.push(Wrong {
                        at: Some(section.at),
                        what: format!(
                            "{:?} stands in a section: write it as {}",
                            section.name, setting.key
                        ),
                    }),
                    None => wrong.push(unknown_key(section, "the configuration", &SECTIONS)),
                }
                continue;
            }
            let Some(entries) = map(content, "a map of keys", wrong) else {
                continue;
            };
            for (key, value) in entries {
                let path = format!("{}.{}", section.name, key.name);
                let Some(setting) = SETTINGS.iter().find(|setting| setting.key == path) else {
                    if path == "access.reveal_secrets" {
                        wrong.push(Wrong {
                            at: Some(key.at),
                            what: "secrets are revealed by the flag --reveal-secrets only".to_owned(),
                        });
                        continue;
                    }
                    let known: Vec<_> = SETTINGS
                        .iter()
                        .filter_map(|setting| setting.key.strip_prefix(&format!("{}.", section.name)))
                        .collect();
                    wrong.push(unknown_key(key, &section.name, &known));
                    continue;
                };
                // A key without a value says nothing.
                if matches!(value.value, Value::Null) {
                    continue;
                }
                if let Err(found) = (setting.set)(self, Given::Node(value), base) {
                    wrong.extend(found.into_iter().map(|Wrong { at, what }| Wrong {
                        at,
                        what: format!("{path}: {what}"),
                    }));
                }
            }
        }
    }

    fn apply_variables(&mut self, variables: &BTreeMap<String, String>, mistakes: &mut Vec<String>) {
        let known: Vec<_> = SETTINGS
            .iter()
            .filter_map(|setting| setting.variable)
            .chain([FILE])
            .collect();
        for (name, value) in variables {
            let setting = SETTINGS.iter().find(|setting| setting.variable == Some(name));
            match setting {
                None if name == FILE || is_service_link(name) => {}
                None => {
                    let hint = did_you_mean(name, &known);
                    let hint = match hint.as_str() {
                        "" => format!("; known are {}", known.join(", ")),
                        _ => hint,
                    };
                    mistakes.push(format!("environment: no variable {name}{hint}"));
                }
                // An empty variable says nothing: so it can be unset where only setting is possible.
                Some(_) if value.is_empty() => {}
                Some(setting) => {
                    // Relative to where the server is started.
                    let result = (setting.set)(self, Given::Text(value), Path::new(""));
                    let wrong = result.err().into_iter().flatten();
                    mistakes.extend(wrong.map(|wrong| format!("environment: {name}: {}", wrong.what)));
                }
            }
        }
    }

    /// Applies the flags, which win over everything else.
    fn apply(&mut self, overrides: &Overrides) {
        let Overrides {
            config: _,
            transport,
            toolsets,
            disable,
            budget,
            log,
            log_format,
            templates,
            kubeconfig,
            context,
            demo,
            mode,
            confirm,
            reveal_secrets,
            listen,
            auth,
            stateless,
        } = overrides.clone();
        let (server, kubernetes, access) = (&mut self.server, &mut self.kubernetes, &mut self.access);
        set(&mut server.transport, transport);
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
        set(&mut kubernetes.demo, demo);
        set(&mut access.mode, mode);
        set(&mut access.confirm, confirm);
        access.reveal_secrets = reveal_secrets;
        set(&mut self.http.listen, listen);
        set(&mut self.http.auth, auth);
        set(&mut self.http.stateless, stateless);
    }
}

/// The entries of a map; nothing counts as an empty one.
fn map<'a>(node: &'a Node, expected: &str, wrong: &mut Vec<Wrong>) -> Option<&'a [(tree::Key, Node)]> {
    match &node.value {
        Value::Map(entries) => Some(entries),
        Value::Null => None,
        other => {
            wrong.push(Wrong {
                at: Some(node.at),
                what: format!("expected {expected}, found {}", other.kind()),
            });
            None
        }
    }
}

/// Variables that Kubernetes itself sets in pods beside a Service called `kube-mcp…`: no mistake of anybody.
fn is_service_link(name: &str) -> bool {
    let rest = name.strip_prefix(PREFIX).unwrap_or(name);
    let rest = format!("_{rest}");
    rest.ends_with("_SERVICE_HOST")
        || rest.contains("_SERVICE_PORT")
        || rest.ends_with("_PORT")
        || ["_TCP", "_UDP", "_SCTP"]
            .iter()
            .any(|protocol| rest.contains("_PORT_") && rest.contains(protocol))
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

#[cfg(test)]
mod tests;
