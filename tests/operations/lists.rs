//! Lists of any kind: custom resources, filters, sorting, projections, the forms of output.

use serde_json::{Value, json};

use crate::{
    Trials, ensure, facts,
    kubectl::{eventually, items},
    listing::Listing,
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    ("custom_resource_by_short_name", custom_resource_by_short_name),
    ("custom_resource_by_every_name", custom_resource_by_every_name),
    ("where_compares_numbers", where_compares_numbers),
    ("where_and_text", where_and_text),
    ("where_ready_below_desired", where_ready_below_desired),
    ("where_on_a_path", where_on_a_path),
    ("sort_descending", sort_descending),
    ("fields_replace_the_columns", fields_replace_the_columns),
    ("fields_of_lists", fields_of_lists),
    ("output_json", output_json),
    ("output_yaml", output_yaml),
    ("field_selector", field_selector),
    ("cluster_scoped_kind", cluster_scoped_kind),
    ("namespaces_are_shown", namespaces_are_shown),
    ("pages", pages),
    ("unknown_kind", unknown_kind),
    ("unknown_column", unknown_column),
    ("name_becomes_get", name_becomes_get),
    ("secrets", secrets),
];

fn list(stage: &Stage, kind: &str, more: &Value) -> Result<Listing, String> {
    Ok(Listing::read(&text(stage, kind, more)?))
}

fn text(stage: &Stage, kind: &str, more: &Value) -> Result<String, String> {
    let mut arguments = json!({"kind": kind, "namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    stage.ask("resources_list", &arguments)
}

fn short_name(stage: &Stage) -> String {
    format!("spr-{}", stage.run)
}

fn plural(stage: &Stage) -> String {
    format!("sprockets.{}.kube-mcp.example", stage.run)
}

fn custom_resource_by_short_name(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &short_name(stage), &json!({}))?;
    ensure!(
        listing.heading.starts_with("Sprocket"),
        "the kind does not lead: {}",
        listing.heading
    );
    ensure!(
        listing.numbers().contains(&3),
        "3 is not said: {}",
        listing.heading
    );
    let objects = items(&["get", &plural(stage), "-n", &stage.namespace])?;
    ensure!(objects.len() == 3, "{} objects", objects.len());
    for object in objects {
        let row = listing.row(&facts::text(&object["metadata"]["name"]))?;
        row.says("TEETH", &object["spec"]["teeth"].to_string())?;
        row.says("ALLOY", &facts::text(&object["spec"]["alloy"]))?;
    }
    Ok(())
}

fn custom_resource_by_every_name(stage: &Stage) -> Result<(), String> {
    let group = format!("{}.kube-mcp.example", stage.run);
    for kind in [
        format!("sprockets.{group}"),
        format!("Sprocket.{group}"),
        format!("{group}/v1/Sprocket"),
    ] {
        let listing = list(stage, &kind, &json!({}))?;
        ensure!(
            listing.rows.len() == 3,
            "{kind}: {} rows:\n{}",
            listing.rows.len(),
            listing.text
        );
    }
    let pinned = json!({"apiVersion": format!("{group}/v1")});
    let listing = list(stage, "SPROCKET", &pinned)?;
    ensure!(
        listing.rows.len() == 3,
        "{} rows:\n{}",
        listing.rows.len(),
        listing.text
    );
    Ok(())
}

fn where_compares_numbers(stage: &Stage) -> Result<(), String> {
    // As texts, 120 and 24 are less than 9.
    let listing = list(stage, &plural(stage), &json!({"where": "teeth>9"}))?;
    ensure!(
        listing.sorted_names() == ["large", "middling"],
        "teeth>9:\n{}",
        listing.text
    );
    ensure!(
        listing.heading.contains("2 of 3"),
        "\"2 of 3\" is not said: {}",
        listing.heading
    );
    Ok(())
}

fn where_and_text(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &plural(stage), &json!({"where": "alloy=steel, teeth<100"}))?;
    ensure!(
        listing.names() == ["middling"],
        "alloy=steel, teeth<100:\n{}",
        listing.text
    );
    let listing = list(stage, &plural(stage), &json!({"where": "name~^(small|large)$"}))?;
    ensure!(
        listing.sorted_names() == ["large", "small"],
        "name~:\n{}",
        listing.text
    );
    Ok(())
}

fn where_ready_below_desired(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, "deploy", &json!({"where": "ready<desired"}))?;
    ensure!(listing.names() == ["crash"], "ready<desired:\n{}", listing.text);
    Ok(())
}

fn where_on_a_path(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, "deploy", &json!({"where": "spec.replicas>=3"}))?;
    ensure!(listing.names() == ["web"], "spec.replicas>=3:\n{}", listing.text);
    Ok(())
}

fn sort_descending(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &plural(stage), &json!({"sort": "-teeth"}))?;
    ensure!(
        listing.names() == ["large", "middling", "small"],
        "sort=-teeth:\n{}",
        listing.text
    );
    let listing = list(stage, &plural(stage), &json!({"sort": "teeth", "limit": 1}))?;
    ensure!(
        listing.names() == ["small"],
        "sort comes after the limit:\n{}",
        listing.text
    );
    Ok(())
}

fn fields_replace_the_columns(stage: &Stage) -> Result<(), String> {
    let fields = json!({"fields": "spec.replicas,spec.template.spec.containers[*].image", "sort": "name"});
    let listing = list(stage, "deploy", &fields)?;
    ensure!(
        listing.names() == ["crash", "web"],
        "sorted by name:\n{}",
        listing.text
    );
    listing.row("web")?.says("spec.replicas", "3")?;
    listing.row("crash")?.says("spec.replicas", "1")?;
    ensure!(
        listing.text.contains("busybox"),
        "the images are not shown:\n{}",
        listing.text
    );
    ensure!(
        !listing.text.contains("UP-TO-DATE"),
        "the columns are still there:\n{}",
        listing.text
    );
    Ok(())
}

fn fields_of_lists(stage: &Stage) -> Result<(), String> {
    let arguments =
        json!({"selector": "app=web", "fields": "spec.containers[*].name,status.phase", "limit": 1});
    let listing = list(stage, "po", &arguments)?;
    ensure!(
        listing.text.contains("web") && listing.text.contains("sidecar") && listing.text.contains("Running"),
        "the containers' names and the phase are not shown:\n{}",
        listing.text
    );
    Ok(())
}

fn output_json(stage: &Stage) -> Result<(), String> {
    let text = text(stage, &plural(stage), &json!({"output": "json"}))?;
    let start = text
        .find(['[', '{'])
        .ok_or_else(|| format!("no JSON in:\n{text}"))?;
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
    let value = values
        .next()
        .ok_or("no JSON")?
        .map_err(|error| format!("{error} in:\n{text}"))?;
    let shown = value.to_string();
    for name in ["small", "middling", "large"] {
        ensure!(shown.contains(name), "{name} is not in {shown}");
    }
    ensure!(
        !shown.contains("managedFields") && !shown.contains("\"spec\""),
        "whole objects: {shown}"
    );
    Ok(())
}

fn output_yaml(stage: &Stage) -> Result<(), String> {
    let text = text(stage, &plural(stage), &json!({"output": "yaml"}))?;
    ensure!(
        text.contains("middling") && text.contains("steel"),
        "the rows are not there:\n{text}"
    );
    ensure!(
        !text.contains('\t') && !text.contains("managedFields"),
        "not rows as YAML:\n{text}"
    );
    Ok(())
}

fn field_selector(stage: &Stage) -> Result<(), String> {
    let selector = "status.phase=Pending,metadata.name=too-large";
    let listing = list(stage, "pods", &json!({"field_selector": selector}))?;
    ensure!(listing.names() == ["too-large"], "{selector}:\n{}", listing.text);
    // In the wrong place it is moved.
    let listing = list(stage, "pods", &json!({"selector": "metadata.name=db-0"}))?;
    ensure!(
        listing.names() == ["db-0"],
        "metadata.name in selector:\n{}",
        listing.text
    );
    Ok(())
}

fn cluster_scoped_kind(stage: &Stage) -> Result<(), String> {
    let nodes = facts::names("nodes", &[])?;
    // A namespace makes no difference to a kind that has none.
    let listing = list(stage, "no", &json!({}))?;
    ensure!(
        listing.sorted_names() == nodes,
        "the nodes are {nodes:?}:\n{}",
        listing.text
    );
    Ok(())
}

fn namespaces_are_shown(stage: &Stage) -> Result<(), String> {
    let text = stage.ask("resources_list", &json!({"kind": plural(stage)}))?;
    Listing::read(&text)
        .row("small")?
        .says("NAMESPACE", &stage.namespace)
}

fn pages(stage: &Stage) -> Result<(), String> {
    for sort in [json!({}), json!({"sort": "-teeth"})] {
        let mut arguments = sort.clone();
        arguments["limit"] = json!(2);
        let first = list(stage, &plural(stage), &arguments)?;
        let cursor = first
            .cursor()
            .ok_or_else(|| format!("no cursor in:\n{}", first.text))?;
        arguments["cursor"] = json!(cursor);
        let second = list(stage, &plural(stage), &arguments)?;
        ensure!(
            first.rows.len() == 2 && second.rows.len() == 1,
            "not 2 and 1:\n{}\n{}",
            first.text,
            second.text
        );
        ensure!(
            second.cursor().is_none(),
            "a cursor after the last row:\n{}",
            second.text
        );
        let mut names = [first.names(), second.names()].concat();
        names.sort_unstable();
        ensure!(
            names == ["large", "middling", "small"],
            "the pages hold {names:?}"
        );
    }
    Ok(())
}

fn unknown_kind(stage: &Stage) -> Result<(), String> {
    let error = stage.refused(
        "resources_list",
        &json!({"kind": "sproket", "namespace": stage.namespace}),
    )?;
    ensure!(
        error.contains("sproket") && error.contains("Sprocket"),
        "no near kind is named: {error}"
    );
    Ok(())
}

fn unknown_column(stage: &Stage) -> Result<(), String> {
    let arguments = json!({"kind": plural(stage), "namespace": stage.namespace, "sort": "teth"});
    let error = stage.refused("resources_list", &arguments)?;
    ensure!(
        error.to_lowercase().contains("teeth"),
        "no near column is named: {error}"
    );
    Ok(())
}

fn name_becomes_get(stage: &Stage) -> Result<(), String> {
    let text = text(stage, &plural(stage), &json!({"name": "middling"}))?;
    ensure!(text.contains("teeth: 24"), "the object is not shown:\n{text}");
    Ok(())
}

fn secrets(stage: &Stage) -> Result<(), String> {
    // That no value is in it is checked of every answer.
    let listing = list(stage, "secrets", &json!({}))?;
    listing.row("login")?;
    let text = text(stage, "secrets", &json!({"fields": "data.password"}))?;
    ensure!(text.contains("login"), "the secret is not listed:\n{text}");
    // A filter must not tell what it hides.
    let guess = eventually(1, || {
        let guess = format!("data.password~{}", "cGxhbnRlZC1zZWNyZXQt");
        list(
            stage,
            "secrets",
            &json!({"where": guess, "fields": "data.password"}),
        )
    });
    if let Ok(listing) = guess {
        ensure!(
            listing.rows.is_empty(),
            "a filter on a hidden value matches:\n{}",
            listing.text
        );
    }
    Ok(())
}
