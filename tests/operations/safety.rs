//! What an answer never does: hide a refusal, show a secret, take text of the cluster for its own.

use serde_json::{Value, json};

use crate::{
    Trials, ensure,
    kubectl::kubectl,
    stage::{Contexts, Stage, base64},
};

pub(crate) const TRIALS: Trials = &[
    ("forbidden_is_explained", forbidden_is_explained),
    ("what_is_allowed_still_works", what_is_allowed_still_works),
    ("forbidden_change", forbidden_change),
    ("planted_values_are_there", planted_values_are_there),
    ("no_way_of_asking_shows_a_secret", no_way_of_asking_shows_a_secret),
    ("no_filter_tells_a_right_guess", no_filter_tells_a_right_guess),
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

/// What is planted: kind, name, path of the value, value.
fn places(stage: &Stage) -> [(String, &'static str, &'static str, String); 4] {
    let value = |kind: &str| format!("planted-{kind}-{}", stage.run);
    let password = "spec.containers[0].env[?(@.name=='ADMIN_PASSWORD')].value";
    [
        (
            "secrets".to_owned(),
            "login",
            "data.password",
            base64(value("secret").as_bytes()),
        ),
        (
            "configmaps".to_owned(),
            "settings",
            "data.DATABASE_PASSWORD",
            value("config"),
        ),
        ("pods".to_owned(), "db-0", password, value("env")),
        (
            format!("sprockets.{}.kube-mcp.example", stage.run),
            "small",
            "spec.apiKey",
            value("custom"),
        ),
    ]
}

/// Every answer is searched for what is planted: it is enough to ask.
fn no_way_of_asking_shows_a_secret(stage: &Stage) -> Result<(), String> {
    for (kind, name, path, _) in places(stage) {
        let ask = |tool: &str, arguments: Value| {
            let mut arguments = arguments;
            arguments["kind"] = json!(kind);
            arguments["namespace"] = json!(stage.namespace);
            stage.ask(tool, &arguments)
        };
        for output in ["yaml", "json"] {
            for fields in [path, "data,spec,metadata"] {
                let text = ask(
                    "resources_get",
                    json!({"name": name, "fields": fields, "output": output}),
                )?;
                ensure!(
                    text.contains("<hidden, "),
                    "{kind} {fields}: nothing was hidden:\n{text}"
                );
            }
        }
        for output in ["table", "yaml", "json"] {
            ask("resources_list", json!({"output": output}))?;
            ask(
                "resources_list",
                json!({"output": output, "fields": format!("name,{path},metadata.annotations")}),
            )?;
            ask(
                "resources_list",
                json!({"output": output, "sort": path, "limit": 1}),
            )?;
        }
        ask("resources_describe", json!({"name": name}))?;
        let uri = format!("k8s://one/{}/{kind}/{name}", stage.namespace);
        stage.request("resources/read", json!({"uri": uri}))?;
    }
    Ok(())
}

fn no_filter_tells_a_right_guess(stage: &Stage) -> Result<(), String> {
    // The words of a caller are said again, so these answers are searched for nothing but the difference.
    let mut server = stage.server(Contexts::One, &[])?;
    for (kind, _, path, right) in places(stage) {
        // As long and as it begins: what takes its place sorts before both.
        let wrong = format!("{}Z{}", &right[..6], &right[7..]);
        for op in ["=", "!=", "~", ">"] {
            let mut answers = Vec::new();
            for guess in [&right, &wrong] {
                let arguments = json!({"kind": kind, "namespace": stage.namespace, "fields": "name",
                    "where": format!("{path}{op}'{guess}'")});
                let answer = server.call("resources_list", &arguments)?;
                answers.push(answer.text.replace(guess.as_str(), "GUESS"));
            }
            ensure!(
                answers[0] == answers[1],
                "{kind} {path}{op} tells a right guess:\n{}\n{}",
                answers[0],
                answers[1]
            );
        }
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
