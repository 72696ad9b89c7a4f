//! One object: its fields, its forms, what is hidden, and names that need a second look.

use serde_json::{Value, json};

use crate::{Trials, ensure, facts, kubectl::eventually, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("whole_object_without_noise", whole_object_without_noise),
    ("fields", fields),
    ("output_json", output_json),
    ("custom_resource", custom_resource),
    ("secret_keys_without_values", secret_keys_without_values),
    ("config_map_hides_passwords_only", config_map_hides_passwords_only),
    (
        "environment_hides_passwords_only",
        environment_hides_passwords_only,
    ),
    ("kind_in_the_name", kind_in_the_name),
    (
        "found_in_the_only_other_namespace",
        found_in_the_only_other_namespace,
    ),
    ("absent", absent),
    ("without_a_name_it_lists", without_a_name_it_lists),
];

fn get(stage: &Stage, kind: &str, name: &str, more: &Value) -> Result<String, String> {
    let mut arguments = json!({"kind": kind, "name": name, "namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    stage.ask("resources_get", &arguments)
}

/// The answer after its first line, read as YAML.
fn yaml(text: &str) -> Result<Value, String> {
    let body = text.split_once('\n').map_or("", |(_, body)| body);
    serde_yaml::from_str(body).map_err(|error| format!("{error} in:\n{text}"))
}

fn whole_object_without_noise(stage: &Stage) -> Result<(), String> {
    let text = get(stage, "deploy", "web", &json!({}))?;
    let shown = yaml(&text)?;
    let object = stage.object("deployment", "web")?;
    for path in [
        "/spec/replicas",
        "/metadata/labels",
        "/spec/selector",
        "/status/readyReplicas",
    ] {
        let (shown, fact) = (shown.pointer(path), object.pointer(path));
        ensure!(shown == fact, "{path}: {shown:?} is not {fact:?} in:\n{text}");
    }
    for noise in ["managedFields", "last-applied-configuration", "null"] {
        ensure!(!text.contains(noise), "{noise} in:\n{text}");
    }
    Ok(())
}

fn fields(stage: &Stage) -> Result<(), String> {
    let text = get(
        stage,
        "deployments.apps",
        "web",
        &json!({"fields": "spec.replicas,spec.template.spec.containers"}),
    )?;
    let shown = yaml(&text)?;
    ensure!(shown["spec"]["replicas"] == 3, "replicas:\n{text}");
    let names = shown["spec"]["template"]["spec"]["containers"]
        .as_array()
        .map_or(0, Vec::len);
    ensure!(names == 2, "{names} containers:\n{text}");
    ensure!(
        shown["spec"]["selector"].is_null() && shown["status"].is_null(),
        "more than was asked for:\n{text}"
    );
    Ok(())
}

fn output_json(stage: &Stage) -> Result<(), String> {
    let text = get(stage, "cm", "paint", &json!({"output": "json"}))?;
    let start = text.find('{').ok_or_else(|| format!("no JSON in:\n{text}"))?;
    let shown: Value = serde_json::Deserializer::from_str(&text[start..])
        .into_iter()
        .next()
        .ok_or("no JSON")?
        .map_err(|error| format!("{error} in:\n{text}"))?;
    ensure!(shown["data"]["a"] == "b", "the data is not there:\n{text}");
    Ok(())
}

fn custom_resource(stage: &Stage) -> Result<(), String> {
    let text = get(stage, &format!("spr-{}", stage.run), "large", &json!({}))?;
    ensure!(yaml(&text)?["spec"]["teeth"] == 120, "teeth:\n{text}");
    Ok(())
}

fn secret_keys_without_values(stage: &Stage) -> Result<(), String> {
    let text = get(stage, "secret", "login", &json!({}))?;
    for key in ["username", "password", "Opaque"] {
        ensure!(text.contains(key), "{key} is not shown:\n{text}");
    }
    // The value itself is looked for in every answer. A projection does not reveal it either.
    let text = get(
        stage,
        "secret",
        "login",
        &json!({"fields": "data.password", "output": "json"}),
    )?;
    ensure!(text.contains("password"), "the key is not shown:\n{text}");
    Ok(())
}

fn config_map_hides_passwords_only(stage: &Stage) -> Result<(), String> {
    let text = get(stage, "configmap", "settings", &json!({}))?;
    let greeting = format!("hello from {}", stage.run);
    ensure!(text.contains(&greeting), "{greeting:?} is hidden:\n{text}");
    ensure!(
        text.contains("DATABASE_PASSWORD"),
        "the key is not shown:\n{text}"
    );
    Ok(())
}

fn environment_hides_passwords_only(stage: &Stage) -> Result<(), String> {
    for (kind, name) in [("sts", "db"), ("pod", "db-0")] {
        let text = get(stage, kind, name, &json!({}))?;
        ensure!(text.contains("ADMIN_PASSWORD"), "the name is not shown:\n{text}");
        ensure!(
            text.contains("debug-of-db"),
            "another variable is hidden:\n{text}"
        );
    }
    Ok(())
}

fn kind_in_the_name(stage: &Stage) -> Result<(), String> {
    let text = stage.ask(
        "resources_get",
        &json!({"name": "deployment/web", "namespace": stage.namespace}),
    )?;
    ensure!(text.starts_with("Deployment"), "deployment/web:\n{text}");
    Ok(())
}

fn found_in_the_only_other_namespace(stage: &Stage) -> Result<(), String> {
    let kind = format!("sprockets.{}.kube-mcp.example", stage.run);
    let text = stage.ask("resources_get", &json!({"kind": kind, "name": "large"}))?;
    ensure!(
        text.contains(&stage.namespace) && text.contains("120"),
        "not found elsewhere:\n{text}"
    );
    Ok(())
}

fn absent(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": "deploy", "name": "wep", "namespace": stage.namespace});
    let error = stage.refused("resources_get", &arguments)?;
    for word in ["wep", &stage.namespace, "Deployment"] {
        ensure!(error.contains(word), "{word} is not in: {error}");
    }
    Ok(())
}

fn without_a_name_it_lists(stage: &Stage) -> Result<(), String> {
    eventually(10, || {
        let text = stage.ask(
            "resources_get",
            &json!({"kind": "deploy", "namespace": stage.namespace}),
        )?;
        let names = facts::names("deployments", &["-n", &stage.namespace])?;
        for name in names {
            ensure!(text.contains(&name), "{name} is not listed:\n{text}");
        }
        Ok(())
    })
}
