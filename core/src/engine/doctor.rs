//! What would go wrong, and how to mend it, found out without changing anything.
//!
//! The configuration and what is served are looked at here, the clusters in [`cluster::doctor`](crate::cluster::doctor).
//! No check waits for another's success: a mistake in the configuration leaves what could be read of it to the others.

use std::{collections::BTreeMap, fs::OpenOptions, io, path::Path, sync::Arc};

use futures::{StreamExt as _, stream};
use serde_json::Value;

use super::{
    registry::Registry,
    surface::{Binding, Source, Surface},
    templates::Templates,
};
pub use crate::cluster::doctor::{Finding, Level};
use crate::{
    call::Need,
    cluster::{
        Clusters, UnknownResource,
        doctor::{self, Examined, Needed},
    },
    config::{Config, Loaded},
    nearest::nearest,
    output::Redactor,
};

/// Clusters that are looked at at once.
const AT_ONCE: usize = 16;

/// Looks at everything that a server over these surfaces would use, or, of the clusters, at one only. Takes as long as
/// the slowest cluster's deadlines allow.
pub async fn examine(
    surfaces: &[&'static Surface],
    loaded: &Loaded,
    clusters: &Clusters,
    only: Option<&str>,
) -> Vec<Finding> {
    let config = &loaded.config;
    let mut findings = configuration(loaded);
    let registry = served(surfaces, config, clusters.names().len() > 1, &mut findings);
    findings.extend(templates(surfaces, config, &registry));
    findings.extend(config.server.audit.as_deref().and_then(audit));
    findings.push(doctor::proxy());
    findings.extend(doctor::kubeconfig(config, clusters));
    findings.extend(rules_of_clusters(loaded, clusters));

    let needed = needed(&registry);
    let names = only.map_or_else(|| clusters.names(), |name| vec![name]);
    let examined: Vec<Examined> = stream::iter(names)
        .map(|name| one(clusters, name, &needed))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let unknown = unknown_everywhere(&examined);
    findings.extend(examined.into_iter().flat_map(|examined| examined.findings));
    findings.extend(rules(loaded, unknown));

    // Plugins and kubeconfigs may say in an error what nobody should read.
    let redactor = Redactor::new(false);
    for finding in &mut findings {
        finding.finding = redactor.text(&finding.finding).into_owned();
        finding.next = finding.next.take().map(|next| redactor.text(&next).into_owned());
    }
    findings
}

fn configuration(loaded: &Loaded) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    let file = file.unwrap_or_default();
    if loaded.mistakes.is_empty() {
        return vec![Finding::ok(
            CHECK,
            match loaded.has_file() {
                true => file,
                false => format!("defaults: there is no {file}"),
            },
        )];
    }
    let next = "correct it there: the server does not start until then";
    let mistakes = loaded.mistakes.iter();
    mistakes
        .map(|mistake| Finding::fail(CHECK, mistake, next))
        .collect()
}

/// What is listed under the configuration; under the default one if that names what does not exist.
fn served(
    surfaces: &[&'static Surface],
    config: &Config,
    several_clusters: bool,
    findings: &mut Vec<Finding>,
) -> Registry {
    const CHECK: &str = "tools";
    match Registry::new(surfaces, config, several_clusters) {
        Ok(registry) => {
            let count = registry.listed.len();
            findings.push(match count {
                0 => Finding::warn(
                    CHECK,
                    "none is served",
                    "correct server.toolsets, server.disable or access.mode",
                ),
                _ => Finding::ok(CHECK, format!("{count} served in {} mode", config.access.mode)),
            });
            registry
        }
        Err(error) => {
            findings.push(Finding::error(
                Level::Fail,
                CHECK,
                &error,
                "kube-mcp tools lists them",
            ));
            let mut defaults = config.clone();
            defaults.server.toolsets = None;
            defaults.server.disable.clear();
            Registry::new(surfaces, &defaults, several_clusters).unwrap_or_default()
        }
    }
}

/// A folder of templates is read at each use: what is wrong in it would be told then.
fn templates(surfaces: &[&'static Surface], config: &Config, registry: &Registry) -> Option<Finding> {
    const CHECK: &str = "templates";
    let folder = config.server.templates.clone()?;
    let shown = folder.display().to_string();
    let templates = Templates::new(surfaces, Some(folder), Arc::clone(&registry.listed));
    Some(match templates.check() {
        Ok(()) => Finding::ok(CHECK, format!("read from {shown}")),
        Err(error) => Finding::error(
            Level::Fail,
            CHECK,
            &error,
            "correct it there, or leave server.templates out to use the compiled ones",
        ),
    })
}

/// The audit file has to be writable; it is not made here.
fn audit(file: &Path) -> Option<Finding> {
    let error = match OpenOptions::new().append(true).open(file) {
        Ok(_) => return None,
        Err(error) if error.kind() == io::ErrorKind::NotFound && file.parent().is_some_and(is_folder) => {
            return None;
        }
        Err(error) => error,
    };
    let next = "make its folder, or correct server.audit";
    Some(Finding::fail(
        "audit",
        format!("{}: {error}", file.display()),
        next,
    ))
}

fn is_folder(path: &Path) -> bool {
    path.as_os_str().is_empty() || path.is_dir()
}

/// Names of clusters in `access.allow` that no cluster has. Those in `access.deny` keep every cluster from being used.
fn rules_of_clusters(loaded: &Loaded, clusters: &Clusters) -> Vec<Finding> {
    let rules = loaded.config.access.allow.iter().enumerate();
    let named = rules.flat_map(|(rule, allow)| allow.clusters.iter().map(move |name| (rule, name)));
    named
        .filter(|(_, name)| *name != "*" && clusters.get(Some(name)).is_err())
        .map(|(rule, name)| {
            let names = clusters.names();
            Finding::warn(
                "rules",
                format!("access.allow[{rule}] names the cluster {name:?}, which does not exist"),
                match nearest(name, names.iter().copied()) {
                    Some(near) => format!("write {near}"),
                    None => format!("clusters: {}", names.join(", ")),
                },
            )
        })
        .collect()
}

/// The rights that the listed tools need, with the tools that need them. What a caller's parameter names cannot be
/// known.
fn needed(registry: &Registry) -> Vec<Needed> {
    let mut needed: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
    for listed in registry.listed.iter() {
        for step in listed.tool.steps {
            for right in step.op.needs.iter().filter_map(|need| right(need, step.bindings)) {
                let users = needed.entry(right).or_default();
                if !users.iter().any(|user| user == listed.tool.name) {
                    users.push(listed.tool.name.to_owned());
                }
            }
        }
    }
    needed
        .into_iter()
        .map(|((verb, kind, subresource), users)| Needed {
            verb,
            kind,
            subresource,
            users,
        })
        .collect()
}

/// Verb, kind and subresource of a need, where the spec fixes the kind.
fn right(need: &Need, bindings: &[Binding]) -> Option<(String, String, Option<String>)> {
    let (kind, sub) = match need.resource.split_once('/') {
        Some((kind, sub)) => (kind, Some(sub.to_owned())),
        None => (need.resource, None),
    };
    let kind = match kind.strip_prefix('$') {
        None => kind.to_owned(),
        Some(param) => {
            let binding = bindings.iter().find(|binding| binding.param == param)?;
            let Source::Fixed(json) = binding.source else {
                return None;
            };
            serde_json::from_str::<Value>(json).ok()?.as_str()?.to_owned()
        }
    };
    Some((need.verb.to_owned(), kind, sub))
}

async fn one(clusters: &Clusters, name: &str, needed: &[Needed]) -> Examined {
    match clusters.get(Some(name)) {
        Ok(cluster) => doctor::examine(&cluster, needed).await,
        Err(error) => Examined {
            findings: vec![Finding::error(
                Level::Fail,
                "cluster",
                &error,
                "kubectl config get-contexts",
            )],
            unknown: None,
        },
    }
}

/// What rules name and no cluster that answered serves, with the nearest that one serves.
fn unknown_everywhere(examined: &[Examined]) -> Vec<(UnknownResource, Option<String>)> {
    let answered: Vec<_> = examined.iter().filter_map(|one| one.unknown.as_ref()).collect();
    let Some((first, others)) = answered.split_first() else {
        return Vec::new();
    };
    let unknown = first.iter();
    unknown
        .filter(|(name, _)| others.iter().all(|other| other.contains_key(name)))
        .map(|(name, near)| (name.clone(), near.clone()))
        .collect()
}

fn rules(loaded: &Loaded, unknown: Vec<(UnknownResource, Option<String>)>) -> Vec<Finding> {
    let unknown = unknown.into_iter().map(|(unknown, near)| {
        let UnknownResource { list, rule, name } = &unknown;
        let place = loaded
            .place_of_resource(list, *rule, name)
            .map(|place| format!("{place}: "))
            .unwrap_or_default();
        Finding::warn(
            "rules",
            format!("{place}access.{list}[{rule}] names {name:?}, which no cluster serves"),
            match near {
                Some(near) => format!("write {near}"),
                None => "kubectl api-resources lists what there is".to_owned(),
            },
        )
    });
    unknown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_is_known_where_the_kind_is_fixed() {
        let bound = |source| {
            [Binding {
                param: "kind",
                source,
                at: "",
            }]
        };
        let need = |resource| Need {
            verb: "get",
            resource,
        };
        let fixed = bound(Source::Fixed("\"DaemonSet\""));
        let right = |resource, bindings: &[Binding]| {
            right(&need(resource), bindings).map(|(verb, kind, sub)| (verb, kind, sub.unwrap_or_default()))
        };
        let expected = |kind: &str, sub: &str| Some(("get".to_owned(), kind.to_owned(), sub.to_owned()));
        assert_eq!(right("pods/log", &[]), expected("pods", "log"));
        assert_eq!(right("$kind", &fixed), expected("DaemonSet", ""));
        assert_eq!(right("$kind/scale", &fixed), expected("DaemonSet", "scale"));
        assert_eq!(right("$kind", &bound(Source::Param("kind"))), None);
    }
}
