//! Kubeconfig files: found, readable, complete.

use std::path::Path;

use super::{Finding, Level};
use crate::{
    cluster::{
        Clusters,
        clusters::missing_contexts,
        kubeconfig::{Merged, Source},
    },
    config::Config,
};

const CHECK: &str = "kubeconfig";

/// The files and their contexts. What single contexts point at is looked at with their clusters.
pub fn kubeconfig(config: &Config, clusters: &Clusters) -> Vec<Finding> {
    if clusters.is_simulation() {
        let finding = "none is read: the cluster is a simulation in this process, and nothing in it is real";
        return vec![Finding::ok(CHECK, finding)];
    }
    from_source(&Source::of(config), config, clusters)
}

pub(super) fn from_source(source: &Source, config: &Config, clusters: &Clusters) -> Vec<Finding> {
    let mut findings: Vec<Finding> = source.files().iter().filter_map(|file| exposed(file)).collect();
    if let Source::Variable(files) = source {
        findings.extend(files.iter().filter(|file| !file.exists()).map(|file| {
            let finding = format!("KUBECONFIG names {}, which does not exist", file.display());
            Finding::warn(CHECK, finding, "correct KUBECONFIG")
        }));
    }
    let merged = match Merged::read(source) {
        Ok(merged) => merged,
        Err(error) => {
            findings.push(Finding::error(Level::Fail, CHECK, &error, "correct the file"));
            return findings;
        }
    };
    let missing = match merged.files.as_slice() {
        [] => Vec::new(),
        _ => missing_contexts(config, &merged),
    };
    findings.extend(missing.into_iter().map(|finding| {
        let next = "correct kubernetes.contexts or kubernetes.aliases in the configuration";
        Finding::warn(CHECK, finding, next)
    }));
    let names = clusters.names();
    let choose = || {
        let known: Vec<&str> = merged.contexts.keys().map(String::as_str).collect();
        format!(
            "kubectl config use-context NAME, where NAME is one of {}",
            known.join(", ")
        )
    };
    let current = merged
        .current
        .as_ref()
        .filter(|_| config.kubernetes.context.is_none());
    findings.push(match (clusters.get(None), clusters.default_name()) {
        (Err(error), _) if names.is_empty() || config.kubernetes.context.is_some() => {
            Finding::error(Level::Fail, CHECK, &error, "correct the kubeconfig")
        }
        (Ok(_), Some(default)) if merged.files.is_empty() => {
            Finding::ok(CHECK, format!("none; {default}: the service account of this pod"))
        }
        (_, default) => match (current, default) {
            (Some(current), _) if !merged.contexts.contains_key(current) => Finding::warn(
                CHECK,
                format!(
                    "the current context {current:?} does not exist in {}",
                    merged.places()
                ),
                choose(),
            ),
            (_, Some(default)) => {
                let plural = if names.len() == 1 { "" } else { "s" };
                let (files, count) = (merged.places(), names.len());
                Finding::ok(
                    CHECK,
                    format!("{files}: {count} cluster{plural}, the default is {default}"),
                )
            }
            _ => Finding::warn(
                CHECK,
                "no cluster is the default: every call has to name one",
                choose(),
            ),
        },
    });
    findings
}

/// A file that others may read, though it holds credentials.
#[cfg(unix)]
fn exposed(file: &Path) -> Option<Finding> {
    use std::os::unix::fs::PermissionsExt as _;
    let metadata = std::fs::metadata(file).ok()?;
    (metadata.is_file() && metadata.permissions().mode() & 0o004 != 0).then(|| {
        Finding::warn(
            CHECK,
            format!("{} can be read by every user of this machine", file.display()),
            format!("chmod 600 {}", file.display()),
        )
    })
}

#[cfg(not(unix))]
fn exposed(_file: &Path) -> Option<Finding> {
    None
}
