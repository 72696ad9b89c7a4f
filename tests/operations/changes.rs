//! A change from its plan over its diff to the way back, and all that may keep it from happening.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    Trials, ensure,
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("diff_and_way_back", diff_and_way_back),
    ("dry_run_changes_nothing", dry_run_changes_nothing),
    ("dry_run_by_another_name", dry_run_by_another_name),
    ("selector", selector),
    ("unchanged", unchanged),
    ("absent_object", absent_object),
    ("no_object_is_guessed", no_object_is_guessed),
    ("wrong_label", wrong_label),
    ("read_only_hides_and_refuses", read_only_hides_and_refuses),
    ("rules_are_held_at_the_guard", rules_are_held_at_the_guard),
];

fn labels(stage: &Stage, name: &str) -> Result<Value, String> {
    Ok(stage.object("configmap", name)?["metadata"]["labels"].take())
}

fn label(stage: &Stage, name: &str, labels: &[&str], dry_run: bool) -> Result<String, String> {
    let mut arguments = json!({"kind": "cm", "name": name, "namespace": stage.namespace, "labels": labels});
    if dry_run {
        arguments["dry_run"] = json!(true);
    }
    stage.ask("resources_label", &arguments)
}

fn diff_and_way_back(stage: &Stage) -> Result<(), String> {
    let before = labels(stage, "paint")?;
    let text = label(stage, "paint", &["color=red", "size=large", "part-"], false)?;
    let after = labels(stage, "paint")?;
    ensure!(
        after == json!({"color": "red", "size": "large"}),
        "the labels are {after}"
    );
    for line in ["-", "+"] {
        ensure!(
            text.lines().any(|text| text.starts_with(line)),
            "no {line} line in the diff:\n{text}"
        );
    }
    for word in [
        "color: green",
        "color: red",
        "size: large",
        "part: paint",
        "paint",
        &stage.namespace,
    ] {
        ensure!(text.contains(word), "{word:?} is not said:\n{text}");
    }

    // The answer names the call that takes it back, in the form that the command line takes.
    let call = text
        .lines()
        .rev()
        .find_map(|line| line.split_once("resources_label "));
    let (_, call) = call.ok_or_else(|| format!("the way back is not said:\n{text}"))?;
    let call = call.split(" (").next().unwrap_or_default();
    let words: Vec<&str> = call.split_whitespace().collect();
    let (done, said) = stage.program(&[&["call", "resources_label"], &words[..]].concat())?;
    ensure!(done, "the way back {call:?} failed: {said}");
    let undone = labels(stage, "paint")?;
    ensure!(undone == before, "{call:?} leaves {undone} and not {before}");
    Ok(())
}

fn dry_run_changes_nothing(stage: &Stage) -> Result<(), String> {
    let before = stage.object("configmap", "paint-dry")?;
    let text = label(stage, "paint-dry", &["color=red"], true)?;
    ensure!(
        text.starts_with("DRY RUN, nothing changed"),
        "it does not say so first:\n{text}"
    );
    ensure!(
        text.contains("color: red"),
        "what would change is not shown:\n{text}"
    );
    let after = stage.object("configmap", "paint-dry")?;
    ensure!(after == before, "the dry run changed it: {after}");
    Ok(())
}

fn dry_run_by_another_name(stage: &Stage) -> Result<(), String> {
    let before = stage.object("configmap", "paint-dry")?;
    let arguments = json!({
        "kind": "cm", "name": "paint-dry", "namespace": stage.namespace, "labels": "color=red", "dryRun": "true",
    });
    let text = stage.ask("resources_label", &arguments)?;
    ensure!(text.starts_with("DRY RUN"), "dryRun was ignored:\n{text}");
    ensure!(
        stage.object("configmap", "paint-dry")? == before,
        "dryRun was ignored"
    );
    Ok(())
}

fn selector(stage: &Stage) -> Result<(), String> {
    let arguments = json!({
        "kind": "configmaps", "selector": "part=paint-many", "namespace": stage.namespace, "labels": ["color=blue"],
    });
    let text = stage.ask("resources_label", &arguments)?;
    for name in ["paint-many-1", "paint-many-2"] {
        ensure!(text.contains(name), "{name} is not named:\n{text}");
        let labels = labels(stage, name)?;
        ensure!(labels["color"] == "blue", "{name} has {labels}");
    }
    Ok(())
}

fn unchanged(stage: &Stage) -> Result<(), String> {
    let before = stage.object("configmap", "paint-dry")?;
    let text = label(stage, "paint-dry", &["color=green"], false)?;
    ensure!(
        !text.lines().any(|line| line.starts_with('+')),
        "a diff of nothing:\n{text}"
    );
    ensure!(
        stage.object("configmap", "paint-dry")? == before,
        "it was written all the same"
    );
    Ok(())
}

fn absent_object(stage: &Stage) -> Result<(), String> {
    let arguments =
        json!({"kind": "configmap", "name": "paimt", "namespace": stage.namespace, "labels": ["color=red"]});
    let error = stage.refused("resources_label", &arguments)?;
    ensure!(
        error.contains("paimt") && error.contains(&stage.namespace),
        "what is absent where is not said: {error}"
    );
    Ok(())
}

fn no_object_is_guessed(stage: &Stage) -> Result<(), String> {
    // A read would find it in the only namespace that has it; a change says where it is and does nothing.
    let kind = format!("sprockets.{}.kube-mcp.example", stage.run);
    let arguments = json!({"kind": kind, "name": "large", "labels": ["color=red"]});
    let error = stage.refused("resources_label", &arguments)?;
    ensure!(
        error.contains(&stage.namespace),
        "the candidate is not named: {error}"
    );
    let object = stage.object(&kind, "large")?;
    ensure!(
        object["metadata"]["labels"].is_null(),
        "it was changed all the same: {object}"
    );
    let arguments =
        json!({"kind": "cm", "name": "paint-refused", "namespace": "all", "labels": ["color=red"]});
    let error = stage.refused("resources_label", &arguments)?;
    ensure!(
        error.contains("namespace"),
        "one namespace is not asked for: {error}"
    );
    Ok(())
}

fn wrong_label(stage: &Stage) -> Result<(), String> {
    let before = stage.object("configmap", "paint-refused")?;
    for wrong in ["no spaces in=values", "color", "=red"] {
        let arguments =
            json!({"kind": "cm", "name": "paint-refused", "namespace": stage.namespace, "labels": [wrong]});
        let error = stage.refused("resources_label", &arguments)?;
        ensure!(error.contains("label"), "{wrong:?}: {error}");
    }
    ensure!(
        stage.object("configmap", "paint-refused")? == before,
        "it was changed all the same"
    );
    Ok(())
}

fn read_only_hides_and_refuses(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::One, &["--mode", "read-only"])?;
    let tools = server.request("tools/list", json!({}))?;
    let listed = tools["tools"].as_array().into_iter().flatten();
    let names: BTreeSet<&str> = listed.filter_map(|tool| tool["name"].as_str()).collect();
    ensure!(names.contains("pods_list"), "the reads are gone: {names:?}");
    ensure!(!names.contains("resources_label"), "it is listed: {names:?}");
    let before = stage.object("configmap", "paint-refused")?;
    for dry_run in [false, true] {
        let arguments = json!({
            "kind": "cm", "name": "paint-refused", "namespace": stage.namespace,
            "labels": ["color=red"], "dry_run": dry_run,
        });
        let answer = server.call("resources_label", &arguments)?;
        ensure!(
            answer.is_error && answer.text.contains("read-only"),
            "not refused:\n{}",
            answer.text
        );
    }
    ensure!(
        stage.object("configmap", "paint-refused")? == before,
        "it was changed all the same"
    );
    Ok(())
}

fn rules_are_held_at_the_guard(stage: &Stage) -> Result<(), String> {
    let path = stage.path("rules.yaml");
    let rules = "access:\n  deny:\n  - resources: [configmaps]\n    verbs: [patch, update]\n  - resources: [secrets]\n";
    std::fs::write(&path, rules).map_err(|error| error.to_string())?;
    let mut server = stage.server(Contexts::One, &["--config", &path.to_string_lossy()])?;
    let before = stage.object("configmap", "paint-refused")?;
    let arguments =
        json!({"kind": "cm", "name": "paint-refused", "namespace": stage.namespace, "labels": ["color=red"]});
    let answer = server.call("resources_label", &arguments)?;
    ensure!(
        answer.is_error && answer.text.contains("configmaps"),
        "not refused:\n{}",
        answer.text
    );
    ensure!(
        stage.object("configmap", "paint-refused")? == before,
        "it was changed all the same"
    );
    let answer = server.call(
        "resources_get",
        &json!({"kind": "secret", "name": "login", "namespace": stage.namespace}),
    )?;
    ensure!(
        answer.is_error && answer.text.contains("secrets"),
        "not refused:\n{}",
        answer.text
    );
    let answer = server.call(
        "resources_get",
        &json!({"kind": "cm", "name": "paint", "namespace": stage.namespace}),
    )?;
    ensure!(
        !answer.is_error,
        "reading config maps is not denied:\n{}",
        answer.text
    );
    Ok(())
}
