//! Objects as MCP resources.

use serde_json::{Value, json};

use crate::{Trials, ensure, facts, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("template_is_listed", template_is_listed),
    ("read", read),
    ("read_of_a_cluster_scoped_object", read_of_a_cluster_scoped_object),
    ("read_hides_secrets", read_hides_secrets),
    ("absent", absent),
    ("completion_of_names", completion_of_names),
];

/// The template under test.
const TEMPLATE: &str = "k8s://{cluster}/{namespace}/{kind}/{name}";

fn template_is_listed(stage: &Stage) -> Result<(), String> {
    let result = stage.request("resources/templates/list", json!({}))?;
    let mut all = result["resourceTemplates"].as_array().into_iter().flatten();
    ensure!(
        all.any(|template| template["uriTemplate"] == TEMPLATE),
        "{TEMPLATE} is not in {result}"
    );
    Ok(())
}

/// Reads an object of the only cluster.
fn contents(stage: &Stage, namespace: &str, kind: &str, name: &str) -> Result<Value, String> {
    let uri = format!("k8s://one/{namespace}/{kind}/{name}");
    let mut result = stage.request("resources/read", json!({"uri": uri}))?;
    let contents = result["contents"][0].take();
    ensure!(contents["uri"] == json!(uri), "the URI is not {uri}: {contents}");
    ensure!(contents["mimeType"].is_string(), "no MIME type: {contents}");
    Ok(contents)
}

fn read(stage: &Stage) -> Result<(), String> {
    let contents = contents(stage, &stage.namespace, "Deployment", "web")?;
    let text = facts::text(&contents["text"]);
    let object: Value = serde_yaml::from_str(&text).map_err(|error| format!("{error} in:\n{text}"))?;
    let fact = stage.object("deployment", "web")?;
    ensure!(
        object["spec"]["replicas"] == fact["spec"]["replicas"],
        "replicas:\n{text}"
    );
    ensure!(
        object["status"]["readyReplicas"] == fact["status"]["readyReplicas"],
        "the status is not live:\n{text}"
    );
    ensure!(!text.contains("managedFields"), "noise:\n{text}");
    Ok(())
}

fn read_of_a_cluster_scoped_object(stage: &Stage) -> Result<(), String> {
    let contents = contents(stage, "_", "Namespace", &stage.namespace)?;
    ensure!(
        facts::text(&contents["text"]).contains(&stage.namespace),
        "the namespace is not shown: {contents}"
    );
    Ok(())
}

fn read_hides_secrets(stage: &Stage) -> Result<(), String> {
    // That no value is in it is checked of every answer.
    let contents = contents(stage, &stage.namespace, "Secret", "login")?;
    ensure!(
        facts::text(&contents["text"]).contains("password"),
        "the key is not shown: {contents}"
    );
    Ok(())
}

fn absent(stage: &Stage) -> Result<(), String> {
    let uri = format!("k8s://one/{}/ConfigMap/nobody", stage.namespace);
    let error = stage
        .request("resources/read", json!({"uri": uri}))
        .err()
        .ok_or("it was read")?;
    ensure!(error.contains("nobody"), "what is absent is not said: {error}");
    Ok(())
}

fn completion_of_names(stage: &Stage) -> Result<(), String> {
    let complete = |value: &str, known: Value| {
        let result = stage.request(
            "completion/complete",
            json!({
                "ref": {"type": "ref/resource", "uri": TEMPLATE},
                "argument": {"name": "name", "value": value},
                "context": {"arguments": known},
            }),
        )?;
        let values = result["completion"]["values"].as_array();
        let values = values.ok_or_else(|| format!("no values: {result}"))?;
        Ok::<_, String>(values.iter().map(facts::text).collect::<Vec<_>>())
    };
    let known = json!({"cluster": "one", "namespace": stage.namespace, "kind": "ConfigMap"});
    let values = complete("paint-m", known)?;
    ensure!(
        values == ["paint-many-1", "paint-many-2"],
        "paint-m… is completed to {values:?}"
    );
    // The kind is not known yet.
    let values = complete("paint-m", json!({"cluster": "one"}))?;
    ensure!(values.is_empty(), "names of an unknown kind: {values:?}");
    Ok(())
}
