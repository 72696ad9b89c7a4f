//! Pods: totals, order, filters, pages.

use std::collections::BTreeSet;

use serde_json::json;

use crate::{
    Trials, ensure, facts,
    kubectl::{eventually, items},
    listing::Listing,
    stage::Stage,
};

pub(crate) const TRIALS: Trials = &[
    ("totals", totals),
    ("unhealthy_first", unhealthy_first),
    ("facts_of_each_pod", facts_of_each_pod),
    ("status", status),
    ("status_unhealthy", status_unhealthy),
    ("selector", selector),
    ("node", node),
    ("pages", pages),
    ("all_namespaces", all_namespaces),
    ("empty", empty),
    ("wrong_names_and_types", wrong_names_and_types),
    ("name_becomes_get", name_becomes_get),
];

fn list(stage: &Stage, more: &serde_json::Value) -> Result<Listing, String> {
    let mut arguments = json!({"namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    Ok(Listing::read(&stage.ask("pods_list", &arguments)?))
}

fn totals(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({}))?;
        let pods = facts::pods(&stage.namespace)?;
        ensure!(
            listing.heading.contains(&stage.namespace),
            "the namespace is not in {}",
            listing.heading
        );
        ensure!(
            listing.numbers().contains(&(pods.len() as u64)),
            "not {} pods: {}",
            pods.len(),
            listing.heading
        );
        for (status, count) in facts::by_status(&pods) {
            let said = format!("{count} {status}");
            ensure!(
                listing.heading.contains(&said),
                "no {said:?} in {}",
                listing.heading
            );
        }
        Ok(())
    })
}

fn unhealthy_first(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({}))?;
        let pods = facts::pods(&stage.namespace)?;
        let unhealthy: BTreeSet<&str> = pods
            .iter()
            .filter(|pod| !pod.healthy)
            .map(|pod| &*pod.name)
            .collect();
        let first: BTreeSet<&str> = listing.names().into_iter().take(unhealthy.len()).collect();
        ensure!(
            first == unhealthy,
            "first come {first:?}, unhealthy are {unhealthy:?}"
        );
        ensure!(
            listing.rows.len() == pods.len(),
            "{} rows of {} pods",
            listing.rows.len(),
            pods.len()
        );
        Ok(())
    })
}

fn facts_of_each_pod(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({}))?;
        for pod in facts::pods(&stage.namespace)? {
            let row = listing.row(&pod.name)?;
            row.says("STATUS", &pod.status)?;
            if !pod.healthy {
                row.says("READY", &pod.ready)?;
            }
            let restarts = row.number("RESTARTS");
            ensure!(
                restarts == pod.restarts,
                "{}: {restarts} restarts, not {}",
                pod.name,
                pod.restarts
            );
        }
        Ok(())
    })
}

fn status(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({"status": "ImagePullBackOff"}))?;
        ensure!(
            listing.names() == ["no-image"],
            "ImagePullBackOff is not only no-image:\n{}",
            listing.text
        );
        Ok(())
    })
}

fn status_unhealthy(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({"status": "unhealthy"}))?;
        let mut unhealthy = facts::pods(&stage.namespace)?;
        unhealthy.retain(|pod| !pod.healthy);
        let mut names: Vec<&str> = unhealthy.iter().map(|pod| &*pod.name).collect();
        names.sort_unstable();
        ensure!(
            listing.sorted_names() == names,
            "unhealthy are {names:?}:\n{}",
            listing.text
        );
        Ok(())
    })
}

fn selector(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"selector": "app=web"}))?;
    let names = facts::names("pods", &["-n", &stage.namespace, "-l", "app=web"])?;
    ensure!(names.len() == 3, "the deployment has {} pods", names.len());
    ensure!(
        listing.sorted_names() == names,
        "app=web are {names:?}:\n{}",
        listing.text
    );
    Ok(())
}

fn node(stage: &Stage) -> Result<(), String> {
    let agents = items(&["get", "pods", "-n", &stage.namespace, "-l", "app=agent"])?;
    let node = facts::text(&agents[0]["spec"]["nodeName"]);
    let field = format!("spec.nodeName={node}");
    let names = facts::names("pods", &["-n", &stage.namespace, "--field-selector", &field])?;
    let listing = list(stage, &json!({"node": node}))?;
    ensure!(
        listing.sorted_names() == names,
        "on {node} are {names:?}:\n{}",
        listing.text
    );
    ensure!(
        !names.contains(&"too-large".to_owned()),
        "an unplaced pod is on {node}"
    );
    Ok(())
}

fn pages(stage: &Stage) -> Result<(), String> {
    let all = facts::names("pods", &["-n", &stage.namespace])?;
    eventually(30, || {
        let mut seen = Vec::new();
        let mut page = list(stage, &json!({"limit": 3}))?;
        loop {
            ensure!(
                page.rows.len() <= 3,
                "a page of {} rows:\n{}",
                page.rows.len(),
                page.text
            );
            seen.extend(page.names().into_iter().map(str::to_owned));
            let Some(cursor) = page.cursor() else { break };
            ensure!(
                seen.len() < all.len(),
                "a cursor after the last row:\n{}",
                page.text
            );
            page = list(stage, &json!({"limit": 3, "cursor": cursor}))?;
        }
        seen.sort();
        ensure!(seen == all, "the pages hold {seen:?}, the namespace {all:?}");
        Ok(())
    })
}

fn all_namespaces(stage: &Stage) -> Result<(), String> {
    let text = stage.ask("pods_list", &json!({"selector": "app=db"}))?;
    let listing = Listing::read(&text);
    // Others may have a database too.
    listing
        .row_where("NAMESPACE", &stage.namespace)?
        .says("NAME", "db-0")
}

fn empty(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"selector": "app=nothing-of-the-kind"}))?;
    ensure!(listing.rows.is_empty(), "rows:\n{}", listing.text);
    for word in ["app=nothing-of-the-kind", &stage.namespace] {
        ensure!(
            listing.text.contains(word),
            "an empty list does not say {word}: {}",
            listing.text
        );
    }
    Ok(())
}

fn wrong_names_and_types(stage: &Stage) -> Result<(), String> {
    let text = stage.ask(
        "pods_list",
        &json!({"ns": stage.namespace, "labelSelector": {"app": "web"}, "limit": "2"}),
    )?;
    let listing = Listing::read(&text);
    ensure!(
        listing.rows.len() == 2,
        "limit \"2\" gives {} rows:\n{text}",
        listing.rows.len()
    );
    let error = stage.refused("pods_list", &json!({"namespace": stage.namespace, "lmit": 2}))?;
    ensure!(
        error.contains("lmit") && error.contains("limit"),
        "no suggestion for lmit: {error}"
    );
    Ok(())
}

fn name_becomes_get(stage: &Stage) -> Result<(), String> {
    let text = stage.ask(
        "pods_list",
        &json!({"namespace": stage.namespace, "name": "db-0"}),
    )?;
    ensure!(
        text.contains("db-0") && text.contains("containers:"),
        "the pod is not shown:\n{text}"
    );
    Ok(())
}
