//! `kube-mcp doctor` tells of the cluster what kubectl does.

use std::fs;

use serde_json::{Value, json};

use crate::{Trials, ensure, facts, kubectl::json as kubectl_json, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("healthy_cluster", healthy_cluster),
    ("missing_rights", missing_rights),
    ("what_is_wrong_on_the_way", what_is_wrong_on_the_way),
];

/// Runs it on a kubeconfig of the suite; gives whether it found the server usable, and its findings.
fn doctor(stage: &Stage, kubeconfig: &str, more: &[&str]) -> Result<(bool, Vec<Value>), String> {
    let kubeconfig = stage.path(kubeconfig).display().to_string();
    let arguments = ["doctor", "--output", "json", "--kubeconfig", &kubeconfig];
    let (done, said) = stage.program(&[&arguments, more].concat())?;
    let report: Value = serde_json::from_str(&said).map_err(|error| format!("{error}:\n{said}"))?;
    ensure!(report["ok"] == done, "the exit status says {done}:\n{said}");
    let findings = report["findings"].as_array().cloned().unwrap_or_default();
    for finding in &findings {
        ensure!(
            (finding["level"] == "ok") == finding["next"].is_null(),
            "a finding that is not ok says what to do: {finding}"
        );
    }
    Ok((done, findings))
}

/// The finding of a check on a cluster.
fn of<'a>(findings: &'a [Value], cluster: &str, check: &str) -> Result<&'a Value, String> {
    findings
        .iter()
        .find(|finding| finding["cluster"] == cluster && finding["check"] == check)
        .ok_or_else(|| format!("no {check} of {cluster} in {findings:?}"))
}

fn healthy_cluster(stage: &Stage) -> Result<(), String> {
    let (done, findings) = doctor(stage, "one.json", &[])?;
    ensure!(done, "{findings:?}");
    let version = facts::text(&kubectl_json(&["version"])?["serverVersion"]["gitVersion"]);
    let user = kubectl_json(&["auth", "whoami"])?["status"]["userInfo"]["username"].clone();
    for (check, fact) in [("version", version), ("user", facts::text(&user))] {
        let finding = of(&findings, "one", check)?;
        let said = facts::text(&finding["finding"]);
        ensure!(said.contains(&fact), "{check}: {fact} is not in {said}");
    }
    for check in ["reach", "discovery", "rights"] {
        let finding = of(&findings, "one", check)?;
        ensure!(finding["level"] == "ok", "{finding}");
    }
    Ok(())
}

fn missing_rights(stage: &Stage) -> Result<(), String> {
    let said = |kubeconfig: &str, words: &[&str]| {
        let (done, findings) = doctor(stage, kubeconfig, &[])?;
        let told = findings.iter().any(|finding| {
            let text = facts::text(&finding["finding"]);
            finding["check"] == "rights"
                && finding["level"] == "warn"
                && words.iter().all(|word| text.contains(word))
        });
        ensure!(done && told, "{words:?} are not said: {findings:?}");
        Ok(())
    };
    said(
        "reader.json",
        &["missing", "list pods (", "list deployments.apps (workloads_list)"],
    )?;
    // Where the context has the namespace in which the reader may read pods, that is seen.
    let text = fs::read_to_string(stage.path("reader.json")).map_err(|error| error.to_string())?;
    let mut config: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    config["contexts"][0]["context"]["namespace"] = json!(stage.namespace);
    fs::write(stage.path("reader-here.json"), config.to_string()).map_err(|error| error.to_string())?;
    said(
        "reader-here.json",
        &["only in namespace", &stage.namespace, "list pods (", "pods_list"],
    )
}

fn what_is_wrong_on_the_way(stage: &Stage) -> Result<(), String> {
    let (done, findings) = doctor(stage, "several.json", &[])?;
    ensure!(!done, "one of the clusters is gone: {findings:?}");
    ensure!(of(&findings, "gone", "reach")?["level"] == "fail", "{findings:?}");
    ensure!(of(&findings, "two", "rights")?["level"] == "ok", "{findings:?}");
    let (done, findings) = doctor(stage, "several.json", &["--cluster", "one"])?;
    ensure!(done && of(&findings, "two", "reach").is_err(), "{findings:?}");

    // A plugin that fails, an authority that is another's, a rule that names nothing.
    let mut config = kubectl_json(&["config", "view", "--raw", "--minify", "--flatten"])?;
    let server = config["clusters"][0]["cluster"]["server"].clone();
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "Never", "command": "sh",
        "args": ["-c", "echo log in at https://ann:planted-plugin@login.example >&2; exit 1"],
    });
    config["clusters"] = json!([
        {"name": "here", "cluster": config["clusters"][0]["cluster"]},
        {"name": "strange", "cluster": {"server": server}},
    ]);
    config["users"] = json!([
        {"name": "user", "user": config["users"][0]["user"]}, {"name": "plugin", "user": {"exec": exec}},
    ]);
    config["contexts"] = json!([
        {"name": "one", "context": {"cluster": "here", "user": "user"}},
        {"name": "late", "context": {"cluster": "here", "user": "plugin"}},
        {"name": "strange", "context": {"cluster": "strange", "user": "user"}},
        {"name": "nowhere", "context": {"cluster": "missing", "user": "user"}},
    ]);
    config["current-context"] = json!("one");
    let write =
        |name: &str, text: String| fs::write(stage.path(name), text).map_err(|error| error.to_string());
    write("broken.json", config.to_string())?;
    write(
        "rules.yaml",
        "access:\n  deny:\n  - {resources: [secrts]}\n".to_owned(),
    )?;
    let rules = stage.path("rules.yaml").display().to_string();
    let (done, findings) = doctor(stage, "broken.json", &["--config", &rules])?;
    ensure!(!done, "{findings:?}");
    for (cluster, check, word) in [
        ("late", "plugin", "log in at"),
        ("strange", "reach", "signed by an authority"),
        ("nowhere", "kubeconfig", "\"missing\""),
    ] {
        let finding = of(&findings, cluster, check)?;
        let said = facts::text(&finding["finding"]);
        ensure!(finding["level"] == "fail" && said.contains(word), "{finding}");
        ensure!(!said.contains("planted-plugin"), "a password is shown: {said}");
    }
    let rule = findings.iter().find(|finding| finding["check"] == "rules");
    let rule = rule.ok_or_else(|| format!("no rule in {findings:?}"))?;
    let said = facts::text(&rule["finding"]);
    ensure!(
        said.starts_with(&format!("{rules}:3:18: ")) && rule["next"] == "write secrets",
        "{rule}"
    );
    Ok(())
}
