//! An object with its surroundings: the owners above, the children below, what happened.

use serde_json::json;

use crate::{Trials, ensure, facts, kubectl::eventually, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    (
        "children_of_a_crashing_deployment",
        children_of_a_crashing_deployment,
    ),
    ("owners_of_a_pod", owners_of_a_pod),
    ("healthy_deployment", healthy_deployment),
    ("failed_job", failed_job),
    ("pod_without_a_node", pod_without_a_node),
    ("custom_resource", custom_resource),
    ("absent", absent),
];

fn describe(stage: &Stage, kind: &str, name: &str) -> Result<String, String> {
    stage.ask(
        "resources_describe",
        &json!({"kind": kind, "name": name, "namespace": stage.namespace}),
    )
}

/// Fails unless the text holds all of these.
fn says(text: &str, words: &[&str]) -> Result<(), String> {
    match words.iter().find(|word| !text.contains(**word)) {
        Some(word) => Err(format!("{word:?} is not said in:\n{text}")),
        None => Ok(()),
    }
}

fn children_of_a_crashing_deployment(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let pod = stage.pod_of("crash")?;
        let sets = facts::names("replicasets", &["-n", &stage.namespace, "-l", "app=crash"])?;
        let pods = facts::pods(&stage.namespace)?;
        let crashing = pods
            .iter()
            .find(|facts| facts.name == pod)
            .ok_or("the pod is gone")?;
        let text = describe(stage, "deploy", "crash")?;
        says(
            &text,
            &[
                "Deployment",
                "crash",
                "0/1",
                "ReplicaSet",
                &sets[0],
                &pod,
                &crashing.status,
            ],
        )?;
        let line = text.lines().find(|line| line.contains(&pod)).unwrap_or_default();
        let restarts = crashing.restarts.to_string();
        ensure!(
            line.contains(&restarts),
            "{restarts} restarts are not in {line:?}"
        );
        says(&text, &["ScalingReplicaSet"])
    })
}

fn owners_of_a_pod(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("web")?;
    let sets = facts::names("replicasets", &["-n", &stage.namespace, "-l", "app=web"])?;
    let text = describe(stage, "pod", &pod)?;
    says(&text, &["Pod", "Running", &sets[0]])?;
    let heading = text.lines().next().unwrap_or_default();
    ensure!(heading.contains(&pod), "the pod does not lead: {heading}");
    let owners = text
        .lines()
        .find(|line| line.starts_with("Owner"))
        .unwrap_or_default();
    ensure!(
        owners.contains("ReplicaSet") && owners.contains("Deployment web"),
        "the owners have no line of their own:\n{text}"
    );
    Ok(())
}

fn healthy_deployment(stage: &Stage) -> Result<(), String> {
    let text = describe(stage, "deployment", "web")?;
    says(&text, &["Deployment", "3/3"])?;
    for pod in facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])? {
        says(&text, &[&pod])?;
    }
    Ok(())
}

fn failed_job(stage: &Stage) -> Result<(), String> {
    let pod = stage.pod_of("migrate")?;
    says(
        &describe(stage, "job", "migrate")?,
        &["Job", "migrate", &pod, "Error", "BackoffLimitExceeded"],
    )
}

fn pod_without_a_node(stage: &Stage) -> Result<(), String> {
    says(
        &describe(stage, "po", "too-large")?,
        &["Pending", "FailedScheduling", "Insufficient cpu"],
    )
}

fn custom_resource(stage: &Stage) -> Result<(), String> {
    let kind = format!("spr-{}", stage.run);
    says(
        &describe(stage, &kind, "middling")?,
        &["Sprocket", "middling", &stage.namespace],
    )
}

fn absent(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": "pod", "name": "nobody", "namespace": stage.namespace});
    let error = stage.refused("resources_describe", &arguments)?;
    says(&error, &["nobody", &stage.namespace])
}
