//! Workloads: five kinds, one rule for their health.

use serde_json::{Value, json};

use crate::{Trials, ensure, facts, kubectl::eventually, listing::Listing, stage::Stage};

pub(crate) const TRIALS: Trials = &[
    ("totals", totals),
    ("health_of_each", health_of_each),
    ("readiness", readiness),
    ("unhealthy_only", unhealthy_only),
    ("selector", selector),
];

fn list(stage: &Stage, more: &Value) -> Result<Listing, String> {
    let mut arguments = json!({"namespace": stage.namespace});
    if let (Some(all), Some(more)) = (arguments.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    Ok(Listing::read(&stage.ask("workloads_list", &arguments)?))
}

fn totals(stage: &Stage) -> Result<(), String> {
    let kinds = "deployments,statefulsets,daemonsets,jobs,cronjobs";
    let all = facts::names(kinds, &["-n", &stage.namespace])?;
    let listing = list(stage, &json!({}))?;
    ensure!(
        all == ["agent", "crash", "db", "migrate", "report", "web"],
        "the fixtures are {all:?}"
    );
    ensure!(
        listing.sorted_names() == all,
        "the workloads are {all:?}:\n{}",
        listing.text
    );
    ensure!(
        listing.numbers().contains(&6),
        "6 is not said: {}",
        listing.heading
    );
    ensure!(
        listing.heading.contains("3 healthy"),
        "\"3 healthy\" is not said: {}",
        listing.heading
    );
    Ok(())
}

fn health_of_each(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({}))?;
        listing.row("migrate")?.says("STATUS", "failed")?;
        listing.row("report")?.says("STATUS", "suspended")?;
        for name in ["web", "db", "agent"] {
            ensure!(
                listing
                    .row(name)?
                    .cell("STATUS")
                    .is_none_or(|cell| cell == "healthy"),
                "{name}:\n{}",
                listing.text
            );
        }
        let crash = listing.row("crash")?;
        // Young as it is, it may still be on its way; but why it is not there yet is said.
        let status = crash.cell("STATUS").unwrap_or_default();
        ensure!(
            ["failed", "degraded", "progressing"].contains(&status),
            "crash is {status:?}:\n{}",
            listing.text
        );
        let reason = crash.cell("REASON").unwrap_or_default();
        ensure!(
            reason.contains("CrashLoopBackOff") || reason.contains("Error"),
            "the reason is {reason:?}:\n{}",
            listing.text
        );
        let names = listing.names();
        let first: Vec<&str> = names.iter().take(2).copied().collect();
        ensure!(
            first == ["migrate", "crash"] || first == ["crash", "migrate"],
            "the unhealthy do not lead: {names:?}"
        );
        Ok(())
    })
}

fn readiness(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({}))?;
    for (kind, name) in [
        ("deployment", "web"),
        ("deployment", "crash"),
        ("statefulset", "db"),
    ] {
        let object = stage.object(kind, name)?;
        let ready = object["status"]["readyReplicas"].as_u64().unwrap_or(0);
        let wanted = object["spec"]["replicas"].as_u64().unwrap_or(0);
        listing.row(name)?.says("READY", &format!("{ready}/{wanted}"))?;
    }
    let agent = stage.object("daemonset", "agent")?;
    let status = &agent["status"];
    listing.row("agent")?.says(
        "READY",
        &format!("{}/{}", status["numberReady"], status["desiredNumberScheduled"]),
    )
}

fn unhealthy_only(stage: &Stage) -> Result<(), String> {
    eventually(30, || {
        let listing = list(stage, &json!({"status": "unhealthy"}))?;
        for name in ["crash", "migrate"] {
            listing.row(name)?;
        }
        for name in ["web", "db", "agent"] {
            ensure!(listing.row(name).is_err(), "{name} is healthy:\n{}", listing.text);
        }
        Ok(())
    })
}

fn selector(stage: &Stage) -> Result<(), String> {
    let listing = list(stage, &json!({"selector": "app=web"}))?;
    ensure!(listing.names() == ["web"], "app=web:\n{}", listing.text);
    Ok(())
}
