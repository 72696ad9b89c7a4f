//! Which containers of the pods are read, and why others have no lines.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    Error,
    monitoring::status::container_trouble,
    nearest::nearest,
    operations::names::{listed, name_of},
    output::{Source, size::counted},
};

/// A container to read.
#[derive(Clone, Debug, Default)]
pub(super) struct Container {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) name: String,
    /// The name of the source: the pod's, with the container's where several are read.
    pub(super) label: String,
    /// A state worth knowing; empty otherwise.
    pub(super) remark: String,
    /// It runs again after it failed, which is told by the run before only.
    pub(super) restarted: bool,
    /// It does not run now.
    pub(super) ended: bool,
}

impl Container {
    /// What its lines are told to be of.
    pub(super) fn source(&self) -> Source {
        Source {
            name: self.label.clone(),
            remark: self.remark.clone(),
        }
    }
}

/// The containers to read, and remarks on those that have no lines.
pub(super) fn choose(
    pods: &[Value],
    wanted: Option<&str>,
    previous: bool,
) -> Result<(Vec<Container>, Vec<String>), Error> {
    let mut chosen = Vec::new();
    let mut notes = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    let mut named = false;
    let (mut left_out, mut never) = (BTreeSet::new(), Vec::new());
    for pod in pods {
        let pod_name = name_of(pod);
        let initialised = is_initialised(pod);
        let mut of_pod = Vec::new();
        for (group, statuses) in [
            ("initContainers", "initContainerStatuses"),
            ("containers", "containerStatuses"),
            ("ephemeralContainers", "ephemeralContainerStatuses"),
        ] {
            for spec in pod["spec"][group].as_array().into_iter().flatten() {
                let name = spec["name"].as_str().unwrap_or_default();
                if !known.contains(&name) {
                    known.push(name);
                }
                let meant = match wanted {
                    Some(wanted) => wanted == name,
                    // What has done its work is of no interest; what a person started by hand is asked for by name.
                    None => match group {
                        "containers" => true,
                        "initContainers" => !initialised || spec["restartPolicy"] == "Always",
                        _ => false,
                    },
                };
                if !meant {
                    left_out.insert(name);
                    continue;
                }
                named = true;
                let status = pod["status"][statuses]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .find(|status| status["name"] == name);
                if previous && status.is_some_and(never_restarted) {
                    never.push(format!("{pod_name}/{name}"));
                    continue;
                }
                match silence(pod, status) {
                    Some(reason) => notes.push(format!("no logs of {pod_name}/{name}: {reason}")),
                    None => of_pod.push((name.to_owned(), status)),
                }
            }
        }
        let several = of_pod.len() > 1;
        chosen.extend(of_pod.into_iter().map(|(name, status)| {
            Container {
                namespace: pod["metadata"]["namespace"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                pod: pod_name.to_owned(),
                label: if several {
                    format!("{pod_name}/{name}")
                } else {
                    pod_name.to_owned()
                },
                name,
                remark: status.map(remark).unwrap_or_default(),
                ended: status.is_some_and(|status| status["state"].get("running").is_none()),
                restarted: status.is_some_and(has_restarted),
            }
        }));
    }
    if let (Some(wanted), false, false) = (wanted, named, pods.is_empty()) {
        let hint = match nearest(wanted, known.iter().copied()) {
            Some(near) => format!("; did you mean {near}?"),
            None => String::new(),
        };
        return Err(Error::not_found(format!(
            "no container {wanted}{hint}; containers: {}",
            known.join(", ")
        )));
    }
    notes.dedup();
    if !never.is_empty() {
        notes.push(format!("never restarted: {}", listed(&never)));
    }
    if wanted.is_none() && !previous && !left_out.is_empty() {
        let names = Vec::from_iter(left_out).join(", ");
        notes.push(format!("left out unless container names it: {names}"));
    }
    Ok((chosen, notes))
}

/// Whether the pod's own containers have been started: their init containers are of no interest then.
fn is_initialised(pod: &Value) -> bool {
    pod["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Initialized" && condition["status"] == "True")
}

fn never_restarted(status: &Value) -> bool {
    status["restartCount"].as_u64().unwrap_or(0) == 0 && status["lastState"].get("terminated").is_none()
}

/// Of a container that waits to be started again the lines are those of the run before anyhow.
fn has_restarted(status: &Value) -> bool {
    let code = status["lastState"]["terminated"]["exitCode"].as_i64();
    status["state"].get("running").is_some() && code.is_some_and(|code| code != 0)
}

/// Why a container has no logs; none if it has.
fn silence(pod: &Value, status: Option<&Value>) -> Option<String> {
    let Some(status) = status else {
        let reason = pod["status"]["reason"]
            .as_str()
            .or_else(|| pod["status"]["phase"].as_str());
        return Some(format!("it was not started ({})", reason.unwrap_or("Pending")));
    };
    // What its node has lost track of has no log any more: an evicted pod's.
    let of_no_container = |state: &Value| state["containerID"].as_str().unwrap_or_default().is_empty();
    if status["state"].get("terminated").is_some_and(of_no_container)
        && of_no_container(&status["lastState"]["terminated"])
    {
        let reason = pod["status"]["reason"]
            .as_str()
            .unwrap_or("ContainerStatusUnknown");
        return Some(format!("its node has lost track of it ({reason})"));
    }
    // A container that waits to be started again still has the lines of its last run.
    let waits = status["state"].get("waiting").is_some();
    (waits && never_restarted(status))
        .then(|| container_trouble(status).unwrap_or_else(|| "it waits to be started".to_owned()))
}

/// What a reader of the lines should know of the container.
fn remark(status: &Value) -> String {
    let state = &status["state"];
    if state["waiting"]["reason"] == "CrashLoopBackOff" {
        return "crashing".to_owned();
    }
    if let Some(terminated) = state.get("terminated") {
        let code = terminated["exitCode"].as_i64().unwrap_or(0);
        return match terminated["reason"].as_str() {
            Some("Completed") | None if code == 0 => "completed".to_owned(),
            Some("OOMKilled") => "OOMKilled".to_owned(),
            _ => format!("exit {code}"),
        };
    }
    match status["restartCount"].as_u64() {
        Some(restarts) if restarts > 0 && status["ready"] != true => {
            format!("not ready, {}", counted(restarts, "restart"))
        }
        _ => String::new(),
    }
}
