//! `kube-mcp call` goes the same way as a client's call.

use serde_json::json;

use crate::{Trials, ensure, kubectl::eventually, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("same_answers_as_a_client_gets", same_answers_as_a_client_gets),
    ("error_is_an_exit_code", error_is_an_exit_code),
    ("lists", lists),
    ("values_are_completed", values_are_completed),
];

/// The text without what differs from one answer to the next: ages, counts and the fences' nonces.
fn steady(text: &str) -> String {
    let fence = |line: &str| line.starts_with("--- ");
    let digits = |word: &str| word.chars().any(|c| c.is_ascii_digit());
    text.lines()
        .map(|line| if fence(line) { "---" } else { line })
        .map(|line| {
            line.split([' ', '\t'])
                .filter(|word| !digits(word))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect::<Vec<_>>()
        .join("\n")
        .trim()
        .to_owned()
}

fn same_answers_as_a_client_gets(stage: &Stage) -> Result<(), String> {
    let namespace = format!("namespace={}", stage.namespace);
    let calls: [(&str, &[&str]); 6] = [
        ("pods_list", &["selector=app=web"]),
        ("pods_logs", &["kind=deploy", "name=web", "include=ERROR"]),
        ("workloads_list", &["selector=app=web"]),
        ("resources_list", &["kind=secrets"]),
        ("resources_get", &["kind=cm", "name=settings", "output=json"]),
        ("events_list", &["kind=Pod", "name=too-large"]),
    ];
    for (tool, words) in calls {
        eventually(15, || {
            let mut arguments = json!({"namespace": stage.namespace});
            for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
                arguments[key] = json!(value);
            }
            let served = stage.ask(tool, &arguments)?;
            let (done, said) = stage.program(&[&["call", tool, &namespace], words].concat())?;
            ensure!(done, "kube-mcp call {tool} {words:?} failed: {said}");
            ensure!(
                steady(&said) == steady(&served),
                "{tool}: the command line says\n{said}\na client reads\n{served}"
            );
            Ok(())
        })?;
    }
    Ok(())
}

fn error_is_an_exit_code(stage: &Stage) -> Result<(), String> {
    let (done, said) = stage.program(&["call", "resources_list", "kind=sproket"])?;
    ensure!(!done, "a failed call ends with 0: {said}");
    ensure!(said.contains("sproket"), "the mistake is not named: {said}");
    let (done, said) = stage.program(&["call", "pods_lst"])?;
    ensure!(
        !done && said.contains("pods_list"),
        "no near tool is named: {said}"
    );
    Ok(())
}

fn lists(stage: &Stage) -> Result<(), String> {
    // An array parameter is given once for each value, or with commas.
    for words in [
        vec!["labels=color=red", "labels=size=large"],
        vec!["labels=color=red,size=large"],
    ] {
        let namespace = format!("namespace={}", stage.namespace);
        let call = [
            "call",
            "resources_label",
            "kind=cm",
            "name=paint-dry",
            &namespace,
            "dry_run=true",
        ];
        let (done, said) = stage.program(&[&call[..], &words[..]].concat())?;
        ensure!(done, "{words:?} failed: {said}");
        for label in ["color: red", "size: large"] {
            ensure!(
                said.contains(label),
                "{words:?}: {label} is not in the diff:\n{said}"
            );
        }
    }
    Ok(())
}

fn values_are_completed(stage: &Stage) -> Result<(), String> {
    let namespace = format!("namespace={}", stage.namespace);
    for (words, offered) in [
        (&["resources_get", "kind=configm"][..], "kind=ConfigMap"),
        (
            &["resources_get", "kind=cm", &namespace, "name=sett"],
            "name=settings",
        ),
        // What is left out counts as in a call: a pod is meant.
        (&["pods_logs", &namespace, "name=no-im"], "name=no-image"),
    ] {
        let asked = [&["completions", "bash", "--", "call"], words].concat();
        let (done, said) = stage.program(&asked)?;
        ensure!(done && said.trim() == offered, "{words:?} is completed to {said}");
    }
    Ok(())
}
