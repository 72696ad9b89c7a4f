//! What an answer never does: hide a refusal, show a secret, take text of the cluster for its own.

use serde_json::json;

use crate::{
    Trials, ensure,
    kubectl::kubectl,
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("forbidden_is_explained", forbidden_is_explained),
    ("what_is_allowed_still_works", what_is_allowed_still_works),
    ("forbidden_change", forbidden_change),
    ("planted_values_are_there", planted_values_are_there),
    ("nonce_is_new", nonce_is_new),
];

fn forbidden_is_explained(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let answer = server.call(
        "resources_list",
        &json!({"kind": "secrets", "namespace": stage.namespace}),
    )?;
    ensure!(answer.is_error, "the reader may list secrets:\n{}", answer.text);
    let user = format!("system:serviceaccount:{}:reader", stage.namespace);
    for word in ["list", "secrets", &stage.namespace, &user] {
        ensure!(answer.text.contains(word), "{word} is not said:\n{}", answer.text);
    }
    Ok(())
}

fn what_is_allowed_still_works(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let arguments = json!({"namespace": stage.namespace, "selector": "app=web"});
    let answer = server.call("pods_list", &arguments)?;
    ensure!(
        !answer.is_error && answer.text.contains("web-"),
        "the reader may list pods:\n{}",
        answer.text
    );
    // Neither namespaces nor all pods may be listed: it is said, and nothing is narrowed in silence.
    let answer = server.call("pods_list", &json!({}))?;
    ensure!(
        answer.is_error && answer.text.contains("namespace"),
        "all namespaces:\n{}",
        answer.text
    );
    Ok(())
}

fn forbidden_change(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Reader, &[])?;
    let arguments =
        json!({"kind": "pod", "name": "db-0", "namespace": stage.namespace, "labels": ["color=red"]});
    let answer = server.call("resources_label", &arguments)?;
    ensure!(
        answer.is_error && answer.text.contains("patch") && answer.text.contains("pods"),
        "{}",
        answer.text
    );
    Ok(())
}

fn planted_values_are_there(stage: &Stage) -> Result<(), String> {
    // All trials look for these values in all answers. Were they not in the cluster, that would prove nothing.
    let secret = kubectl(&["get", "secret", "login", "-n", &stage.namespace, "-o", "yaml"])?;
    let settings = kubectl(&[
        "get",
        "configmap",
        "settings",
        "-n",
        &stage.namespace,
        "-o",
        "yaml",
    ])?;
    let pod = kubectl(&["get", "pod", "db-0", "-n", &stage.namespace, "-o", "yaml"])?;
    let log = kubectl(&["logs", "db-0", "-n", &stage.namespace])?;
    for (source, text) in [
        ("secret", secret),
        ("config map", settings),
        ("pod", pod),
        ("log", log),
    ] {
        ensure!(
            stage.keeps_secrets(source, &text).is_err(),
            "nothing is planted in the {source}:\n{text}"
        );
    }
    Ok(())
}

fn nonce_is_new(stage: &Stage) -> Result<(), String> {
    let fence = || {
        let text = stage.ask(
            "pods_logs",
            &json!({"name": "db-0", "namespace": stage.namespace}),
        )?;
        let line = text.lines().find(|line| line.starts_with("--- end "));
        line.map(str::to_owned)
            .ok_or_else(|| format!("no fence in:\n{text}"))
    };
    let (first, second) = (fence()?, fence()?);
    ensure!(first != second, "two answers are fenced with {first:?}");
    Ok(())
}
