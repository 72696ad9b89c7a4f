//! One cluster and several: naming, fanning out, what does not answer.

use serde_json::{Value, json};

use crate::{
    Trials, ensure, facts,
    kubectl::{items, json as kubectl_json},
    listing::Listing,
    stage::{Contexts, Stage},
};

pub(crate) const TRIALS: Trials = &[
    ("list_one", list_one),
    ("list_several", list_several),
    (
        "cluster_is_offered_only_with_several",
        cluster_is_offered_only_with_several,
    ),
    ("answers_name_their_cluster", answers_name_their_cluster),
    ("reads_fan_out", reads_fan_out),
    ("one_limit_and_one_cursor", one_limit_and_one_cursor),
    ("one_that_does_not_answer", one_that_does_not_answer),
    ("unknown_cluster", unknown_cluster),
    ("change_needs_a_cluster", change_needs_a_cluster),
    ("namespace_of_the_context", namespace_of_the_context),
];

fn list_one(stage: &Stage) -> Result<(), String> {
    let text = stage.ask("clusters_list", &json!({}))?;
    let version = facts::text(&kubectl_json(&["version"])?["serverVersion"]["gitVersion"]);
    let nodes = items(&["get", "nodes"])?.len();
    for word in ["one", &version, &nodes.to_string(), "reachable"] {
        ensure!(text.contains(word), "{word:?} is not said:\n{text}");
    }
    Ok(())
}

fn list_several(stage: &Stage) -> Result<(), String> {
    let answer = stage
        .server(Contexts::Several, &[])?
        .call("clusters_list", &json!({}))?;
    let listing = Listing::read(&answer.text);
    ensure!(
        listing.sorted_names() == ["gone", "one", "two"],
        "not the three contexts:\n{}",
        answer.text
    );
    ensure!(
        listing.numbers().contains(&3),
        "3 is not said: {}",
        listing.heading
    );
    ensure!(
        answer.text.contains("go to one"),
        "the default is not named:
{}",
        answer.text
    );
    let line = answer
        .text
        .lines()
        .find(|line| line.contains("gone"))
        .unwrap_or_default();
    ensure!(
        line.contains("127.0.0.1:9"),
        "what does not answer is not named: {line:?}"
    );
    Ok(())
}

/// The properties of a tool's input schema, as listed.
fn properties(tools: &Value, tool: &str) -> Value {
    let mut all = tools["tools"].as_array().into_iter().flatten();
    let found = all.find(|listed| listed["name"] == tool);
    found.map_or(Value::Null, |tool| tool["inputSchema"]["properties"].clone())
}

fn cluster_is_offered_only_with_several(stage: &Stage) -> Result<(), String> {
    let one = stage.request("tools/list", json!({}))?;
    let several = stage
        .server(Contexts::Several, &[])?
        .request("tools/list", json!({}))?;
    for (tools, offered) in [(&one, false), (&several, true)] {
        let properties = properties(tools, "pods_list");
        ensure!(
            properties["namespace"].is_object(),
            "pods_list is not listed: {tools}"
        );
        ensure!(
            properties["cluster"].is_object() == offered,
            "cluster: {properties}"
        );
    }
    let properties = properties(&several, "clusters_list");
    ensure!(
        properties["cluster"].is_null(),
        "clusters_list takes a cluster: {properties}"
    );
    Ok(())
}

fn answers_name_their_cluster(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Several, &[])?;
    for (cluster, expected) in [(None, "[one]"), (Some("two"), "[two]")] {
        let mut arguments = json!({"namespace": stage.namespace});
        if let Some(cluster) = cluster {
            arguments["cluster"] = json!(cluster);
        }
        let answer = server.call("pods_list", &arguments)?;
        ensure!(
            answer.text.starts_with(expected),
            "{expected} does not lead:\n{}",
            answer.text
        );
    }
    let plain = stage.ask("pods_list", &json!({"namespace": stage.namespace}))?;
    ensure!(!plain.starts_with('['), "the only cluster is named:\n{plain}");
    Ok(())
}

fn reads_fan_out(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Several, &[])?;
    let arguments = json!({"namespace": stage.namespace, "selector": "app=web", "cluster": "one,two"});
    let answer = server.call("pods_list", &arguments)?;
    let listing = Listing::read(&answer.text);
    ensure!(
        listing.rows.len() == 6,
        "{} rows, not twice 3:\n{}",
        listing.rows.len(),
        answer.text
    );
    for cluster in ["one", "two"] {
        let rows = listing
            .rows
            .iter()
            .filter(|row| row.cell("CLUSTER") == Some(cluster))
            .count();
        ensure!(rows == 3, "{rows} rows of {cluster}:\n{}", answer.text);
    }
    Ok(())
}

/// Page by page over two that answer and one that does not: every row once, the unhealthy first.
fn one_limit_and_one_cursor(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Several, &[])?;
    let mut list = |limit: u64, cursor: Option<&str>| -> Result<Listing, String> {
        let mut arguments =
            json!({"kind": "configmaps", "namespace": stage.namespace, "cluster": "*", "limit": limit});
        if let Some(cursor) = cursor {
            arguments["cursor"] = json!(cursor);
        }
        let answer = server.call("resources_list", &arguments)?;
        ensure!(!answer.is_error, "{}", answer.text);
        let listing = Listing::read(&answer.text);
        ensure!(
            listing.text.contains("gone unreachable"),
            "the third is passed over in silence:\n{}",
            listing.text
        );
        Ok(listing)
    };
    let names = |listing: &Listing| -> Vec<String> {
        let rows = listing.rows.iter();
        rows.filter_map(|row| row.cell("NAME").map(str::to_owned))
            .collect()
    };
    let whole = names(&list(1000, None)?);
    let (half, rest) = whole.split_at(whole.len() / 2);
    ensure!(half == rest && half.len() > 2, "one is not like two: {whole:?}");
    // The first page ends within the first cluster, the second goes over into the second.
    let limit = half.len() - 1;
    let (mut paged, mut cursor) = (Vec::new(), None);
    loop {
        let page = list(limit as u64, cursor.as_deref())?;
        ensure!(page.rows.len() <= limit, "more than {limit} rows:\n{}", page.text);
        paged.extend(names(&page));
        match page.cursor() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    ensure!(paged == whole, "{paged:?} page by page, {whole:?} at once");
    Ok(())
}

fn one_that_does_not_answer(stage: &Stage) -> Result<(), String> {
    let mut server = stage.server(Contexts::Several, &[])?;
    let arguments = json!({"namespace": stage.namespace, "selector": "app=web", "cluster": "*"});
    let answer = server.call("pods_list", &arguments)?;
    ensure!(
        !answer.is_error,
        "one that does not answer spoils the rest:\n{}",
        answer.text
    );
    let listing = Listing::read(&answer.text);
    ensure!(
        listing.rows.len() == 6,
        "{} rows of the two that answer:\n{}",
        listing.rows.len(),
        answer.text
    );
    ensure!(
        answer.text.contains("gone"),
        "the third is passed over in silence:\n{}",
        answer.text
    );
    let answer = server.call("pods_list", &json!({"cluster": "gone"}))?;
    ensure!(
        answer.is_error && answer.text.contains("127.0.0.1:9"),
        "the address is not named:\n{}",
        answer.text
    );
    Ok(())
}

fn unknown_cluster(stage: &Stage) -> Result<(), String> {
    let answer = stage
        .server(Contexts::Several, &[])?
        .call("pods_list", &json!({"cluster": "tow"}))?;
    ensure!(
        answer.is_error && answer.text.contains("two"),
        "no near cluster is named:\n{}",
        answer.text
    );
    // With one cluster the parameter is not declared, and another cluster than was asked for is never read.
    let error = stage.refused("pods_list", &json!({"cluster": "tow"}))?;
    ensure!(error.contains("tow"), "the cluster is not named: {error}");
    Ok(())
}

fn change_needs_a_cluster(stage: &Stage) -> Result<(), String> {
    let before = stage.object("configmap", "paint-refused")?;
    let arguments = json!({
        "kind": "configmap", "name": "paint-refused", "namespace": stage.namespace, "labels": ["color=red"],
    });
    let answer = stage
        .server(Contexts::Several, &[])?
        .call("resources_label", &arguments)?;
    ensure!(
        answer.is_error && answer.text.contains("cluster"),
        "cluster is not asked for:\n{}",
        answer.text
    );
    ensure!(
        stage.object("configmap", "paint-refused")? == before,
        "it was changed all the same"
    );
    Ok(())
}

fn namespace_of_the_context(stage: &Stage) -> Result<(), String> {
    // `one` has the suite's namespace in its context.
    let mut server = stage.server(Contexts::Several, &[])?;
    let answer = server.call(
        "resources_get",
        &json!({"kind": "configmap", "name": "paint-dry"}),
    )?;
    ensure!(
        !answer.is_error && answer.text.contains(&stage.namespace),
        "not found:\n{}",
        answer.text
    );
    Ok(())
}
