//! Waiting for states: what is there already, what becomes so meanwhile, and what never will.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    Trials, ensure, facts,
    kubectl::kubectl,
    listing::Listing,
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("rollout", rollout),
    ("all_of_a_selector", all_of_a_selector),
    ("time_out_tells_the_state", time_out_tells_the_state),
    ("a_failed_job_is_not_waited_for", a_failed_job_is_not_waited_for),
    ("from_creation_to_deletion", from_creation_to_deletion),
    ("a_condition_of_a_custom_kind", a_condition_of_a_custom_kind),
    ("who_may_not_watch_looks", who_may_not_watch_looks),
    ("wrong_calls", wrong_calls),
];

/// Waits on a server of the trial's own: the others need not wait, too.
fn wait(stage: &Stage, contexts: Contexts, mut arguments: Value) -> Result<String, String> {
    arguments["namespace"] = json!(stage.namespace);
    let answer = stage.server(contexts, &[])?.call("resources_wait", &arguments)?;
    stage.keeps_secrets("resources_wait", &answer.text)?;
    match answer.is_error {
        true => Err(format!("resources_wait {arguments} failed: {}", answer.text)),
        false => Ok(answer.text),
    }
}

/// Waits while kubectl does something a moment later; gives the answer and how long it took.
fn wait_while(stage: &Stage, arguments: Value, change: &[&str]) -> Result<(String, Duration), String> {
    let start = Instant::now();
    thread::scope(|scope| {
        let changing = scope.spawn(|| {
            thread::sleep(Duration::from_secs(2));
            kubectl(&[change, &["-n", &stage.namespace]].concat())
        });
        let text = wait(stage, Contexts::One, arguments)?;
        changing.join().map_err(|_| "kubectl panicked")??;
        Ok((text, start.elapsed()))
    })
}

fn rollout(stage: &Stage) -> Result<(), String> {
    let text = wait(
        stage,
        Contexts::One,
        json!({"kind": "deploy", "name": "web", "until": "rollout"}),
    )?;
    let fact = stage.object("deployment", "web")?;
    let revision = facts::text(&fact["metadata"]["annotations"]["deployment.kubernetes.io/revision"]);
    let (ready, desired) = (&fact["status"]["readyReplicas"], &fact["spec"]["replicas"]);
    let told = format!(
        "Deployment {}/web: rolled out already: revision {revision}, {ready} of {desired} ready",
        stage.namespace
    );
    ensure!(text.starts_with(&told), "{told:?} is not said:\n{text}");
    ensure!(text.lines().count() == 1, "more than a line:\n{text}");
    for (kind, name) in [("sts", "db"), ("ds", "agent")] {
        let text = wait(
            stage,
            Contexts::One,
            json!({"kind": kind, "name": name, "until": "rollout"}),
        )?;
        ensure!(text.contains("rolled out already"), "{kind}/{name}:\n{text}");
    }
    Ok(())
}

fn all_of_a_selector(stage: &Stage) -> Result<(), String> {
    let text = wait(
        stage,
        Contexts::One,
        json!({"kind": "pod", "selector": "app=web"}),
    )?;
    let count = facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])?.len();
    let told = format!(
        "{count} of {count} pods app=web in {}: ready already",
        stage.namespace
    );
    ensure!(text == told, "{told:?} is not said:\n{text}");
    Ok(())
}

fn time_out_tells_the_state(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": "pod", "selector": "app in (web, no-image)", "for": "condition=Ready", "timeout": "2s"});
    let text = wait(stage, Contexts::One, arguments)?;
    let listing = Listing::read(&text);
    let count = facts::names("pods", &["-n", &stage.namespace, "-l", "app in (web, no-image)"])?.len();
    let told = format!(
        "Not met after 2 s: {} of {count} pods match \"condition=Ready\"",
        count - 1
    );
    ensure!(listing.heading == told, "{told:?} is not said:\n{text}");
    ensure!(listing.names() == ["no-image"], "other rows:\n{text}");
    let status = listing.row("no-image")?.cell("STATUS").unwrap_or_default();
    ensure!(
        ["ImagePullBackOff", "ErrImagePull"].contains(&status),
        "the status is {status}:\n{text}"
    );
    for said in ["Waiting longer will not help.", "name=no-image"] {
        ensure!(text.contains(said), "{said:?} is not said:\n{text}");
    }
    Ok(())
}

fn a_failed_job_is_not_waited_for(stage: &Stage) -> Result<(), String> {
    let start = Instant::now();
    let text = wait(
        stage,
        Contexts::One,
        json!({"kind": "job", "name": "migrate", "timeout": 60}),
    )?;
    ensure!(start.elapsed() < Duration::from_secs(10), "it waited:\n{text}");
    let row = Listing::read(&text);
    row.row("migrate")?.says("STATUS", "Failed")?;
    let fact = stage.object("job", "migrate")?;
    let failed = fact["status"]["conditions"]
        .as_array()
        .and_then(|conditions| conditions.iter().find(|condition| condition["type"] == "Failed"))
        .map(|condition| facts::text(&condition["reason"]))
        .unwrap_or_default();
    ensure!(text.contains(&failed), "{failed} is not said:\n{text}");
    Ok(())
}

fn from_creation_to_deletion(stage: &Stage) -> Result<(), String> {
    let of = |until: &str| json!({"kind": "cm", "name": "awaited", "until": until, "timeout": 20});
    let steps: [(&str, &[&str], &str); 3] = [
        (
            "create",
            &["create", "configmap", "awaited", "--from-literal=stage=one"],
            "there after",
        ),
        (
            "jsonpath='{.data.stage}'=two",
            &[
                "patch",
                "configmap",
                "awaited",
                "-p",
                r#"{"data":{"stage":"two"}}"#,
            ],
            "data.stage=two after",
        ),
        ("delete", &["delete", "configmap", "awaited"], "deleted after"),
    ];
    for (until, change, told) in steps {
        let (text, took) = wait_while(stage, of(until), change)?;
        let told = format!("ConfigMap {}/awaited: {told}", stage.namespace);
        ensure!(text.starts_with(&told), "{told:?} is not said:\n{text}");
        ensure!(
            took < Duration::from_secs(10),
            "{until} was seen only after {took:?}"
        );
    }
    let text = wait(stage, Contexts::One, of("delete"))?;
    ensure!(
        text.contains("not there"),
        "it is not said that it is gone:\n{text}"
    );
    Ok(())
}

fn a_condition_of_a_custom_kind(stage: &Stage) -> Result<(), String> {
    let kind = format!("sprockets.{}.kube-mcp.example", stage.run);
    let of = |until: &str, timeout: u32| json!({"kind": kind, "name": "small", "until": until, "timeout": timeout});
    let status = r#"{"status":{"conditions":[{"type":"Hardened","status":"True","reason":"Quenched"}]}}"#;
    let patch = [
        "patch",
        &kind,
        "small",
        "--subresource=status",
        "--type=merge",
        "-p",
        status,
    ];
    let (text, _) = wait_while(stage, of("condition=hardened", 20), &patch)?;
    ensure!(
        text.contains("condition hardened True after") && text.contains("Quenched"),
        "the condition is not said:\n{text}"
    );
    let text = wait(stage, Contexts::One, of("condition=Polished", 1))?;
    ensure!(
        text.contains("there is no condition Polished; it has Hardened"),
        "what it has is not said:\n{text}"
    );
    Ok(())
}

fn who_may_not_watch_looks(stage: &Stage) -> Result<(), String> {
    let text = wait(
        stage,
        Contexts::Reader,
        json!({"kind": "pod", "name": "no-image", "timeout": 4}),
    )?;
    ensure!(text.starts_with("Not ready after 4 s"), "another answer:\n{text}");
    ensure!(
        text.contains("looked every 2 s in place of watching") && text.contains("may not watch pods"),
        "that it could not watch is not said:\n{text}"
    );
    Ok(())
}

fn wrong_calls(stage: &Stage) -> Result<(), String> {
    for (arguments, said) in [
        (json!({"kind": "pod"}), "expected name or selector"),
        (
            json!({"kind": "pod", "name": "web", "selector": "app=web"}),
            "name or selector, not both",
        ),
        (json!({"kind": "deploy", "name": "wbe"}), "nearest: web"),
        (
            json!({"kind": "pod", "selector": "app=nobody"}),
            "there are no pods app=nobody",
        ),
        (
            json!({"kind": "deploy", "name": "web", "until": "rollut"}),
            "did you mean rollout?",
        ),
        (
            json!({"kind": "job", "name": "migrate", "until": "rollout"}),
            "not for a Job",
        ),
    ] {
        let mut arguments = arguments;
        arguments["namespace"] = json!(stage.namespace);
        let text = stage.refused("resources_wait", &arguments)?;
        ensure!(
            text.contains(said),
            "{said:?} is not said to {arguments}:\n{text}"
        );
    }
    Ok(())
}
