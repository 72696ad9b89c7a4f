//! The prompts arrive with live data, and their arguments are completed from the cluster.

use serde_json::{Value, json};

use crate::{Trials, ensure, facts, kubectl::eventually, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("listed", listed),
    ("live_data", live_data),
    ("missing_argument", missing_argument),
    ("completion_of_namespaces", completion_of_namespaces),
    ("completion_of_names", completion_of_names),
];

/// The prompt under test.
const PROMPT: &str = "pod_troubleshooting";

fn listed(stage: &Stage) -> Result<(), String> {
    let prompts = stage.request("prompts/list", json!({}))?;
    let mut all = prompts["prompts"].as_array().into_iter().flatten();
    let prompt = all
        .find(|prompt| prompt["name"] == PROMPT)
        .ok_or("it is not listed")?;
    ensure!(
        prompt["arguments"].as_array().is_some_and(|all| all.len() >= 2),
        "arguments: {prompt}"
    );
    Ok(())
}

fn live_data(stage: &Stage) -> Result<(), String> {
    eventually(40, || {
        let pod = stage.pod_of("crash")?;
        let pods = facts::pods(&stage.namespace)?;
        let crashing = pods
            .iter()
            .find(|facts| facts.name == pod)
            .ok_or("the pod is gone")?;
        let arguments = json!({"name": pod, "namespace": stage.namespace});
        let result = stage.request("prompts/get", json!({"name": PROMPT, "arguments": arguments}))?;
        let messages = result["messages"].as_array().ok_or("no messages")?;
        let text: String = messages
            .iter()
            .filter_map(|message| message["content"]["text"].as_str())
            .collect();
        let restarts = crashing.restarts.to_string();
        let words = [
            &pod,
            &crashing.status,
            &restarts,
            "FATAL config: PAYMENT_URL is not set",
            "BackOff",
        ];
        for word in words {
            ensure!(text.contains(word), "{word:?} is not in:\n{text}");
        }
        Ok(())
    })
}

fn missing_argument(stage: &Stage) -> Result<(), String> {
    let error = stage.request("prompts/get", json!({"name": PROMPT, "arguments": {}}));
    let error = error.err().ok_or("it was rendered without its arguments")?;
    ensure!(error.contains("name"), "the argument is not named: {error}");
    Ok(())
}

fn complete(stage: &Stage, argument: &str, value: &str, context: &Value) -> Result<Vec<String>, String> {
    let result = stage.request(
        "completion/complete",
        json!({
            "ref": {"type": "ref/prompt", "name": PROMPT},
            "argument": {"name": argument, "value": value},
            "context": {"arguments": context},
        }),
    )?;
    let values = result["completion"]["values"]
        .as_array()
        .ok_or_else(|| format!("no values: {result}"))?;
    Ok(values.iter().map(facts::text).collect())
}

fn completion_of_namespaces(stage: &Stage) -> Result<(), String> {
    let start: String = stage.namespace.chars().take(stage.namespace.len() - 2).collect();
    let values = complete(stage, "namespace", &start, &json!({}))?;
    // Other trials have namespaces for a while whose names begin like the suite's.
    ensure!(
        values.contains(&stage.namespace) && values.iter().all(|value| value.starts_with(&start)),
        "{start}… is completed to {values:?}"
    );
    Ok(())
}

fn completion_of_names(stage: &Stage) -> Result<(), String> {
    let values = complete(stage, "name", "no-im", &json!({"namespace": stage.namespace}))?;
    ensure!(values == ["no-image"], "no-im… is completed to {values:?}");
    Ok(())
}
