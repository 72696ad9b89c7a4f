use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CellRule, Verdict, of_object};
use crate::{cluster::TableView, output::Health};

const NOW: &str = "2026-11-23T12:00:00Z";

fn object(group: &str, kind: &str, value: &Value) -> Verdict<'static> {
    let now: Timestamp = NOW.parse().unwrap();
    of_object(group, kind, value, now)
}

/// The verdict on one row, given as `[[column, cell], …]`.
fn cells(group: &str, kind: &str, row: &[(&str, Value)]) -> Verdict<'static> {
    let table = json!({
        "columnDefinitions": row.iter().map(|(name, _)| json!({"name": name, "type": "string"})).collect::<Vec<_>>(),
        "rows": [{"cells": row.iter().map(|(_, cell)| cell).collect::<Vec<_>>(), "object": null}],
    })
    .to_string();
    let table: TableView<'_> = serde_json::from_str(&table).unwrap();
    let rule = CellRule::new(group, kind, &table.columns);
    rule.judge(&table.rows[0].cells).into_owned()
}

#[track_caller]
fn agree(cells: &Verdict<'_>, object: &Verdict<'_>, health: Health, word: &str) {
    assert_eq!((cells.health, &*cells.word), (health, word), "cells");
    assert_eq!((object.health, &*object.word), (health, word), "object");
    assert_eq!(cells.rank(), object.rank(), "rank");
    assert_eq!(cells.ready, object.ready, "ready");
}

fn pod(status: Value) -> Value {
    json!({
        "metadata": {"name": "web-1", "creationTimestamp": "2026-11-23T11:00:00Z"},
        "spec": {"containers": [{"name": "main"}, {"name": "side"}], "initContainers": [{"name": "first"}]},
        "status": status,
    })
}

fn pod_cells(word: &str, ready: &str) -> Verdict<'static> {
    cells(
        "",
        "Pod",
        &[
            ("Name", json!("web-1")),
            ("Ready", json!(ready)),
            ("Status", json!(word)),
            ("Age", json!("60m")),
        ],
    )
}

#[test]
fn a_pod_that_runs_is_healthy() {
    let running = json!({"ready": true, "state": {"running": {}}});
    let found = object(
        "",
        "Pod",
        &pod(json!({"phase": "Running", "containerStatuses": [running, running]})),
    );
    agree(&pod_cells("Running", "2/2"), &found, Health::Healthy, "Running");
}

#[test]
fn a_crashing_container_beside_a_ready_one_degrades_and_alone_fails() {
    let crashing = json!({
        "name": "main", "ready": false, "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    });
    let running = json!({"ready": true, "state": {"running": {}}});
    let half = object(
        "",
        "Pod",
        &pod(json!({"phase": "Running", "containerStatuses": [crashing, running]})),
    );
    agree(
        &pod_cells("CrashLoopBackOff", "1/2"),
        &half,
        Health::Degraded,
        "CrashLoopBackOff",
    );
    assert_eq!(half.reason, "CrashLoopBackOff: exit 1");

    let none = object(
        "",
        "Pod",
        &pod(json!({"phase": "Running", "containerStatuses": [crashing, crashing]})),
    );
    agree(
        &pod_cells("CrashLoopBackOff", "0/2"),
        &none,
        Health::Failed,
        "CrashLoopBackOff",
    );
}

#[test]
fn init_containers_show_through() {
    let status = json!({
        "phase": "Pending",
        "initContainerStatuses": [{"name": "first", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
        "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
    });
    let found = object("", "Pod", &pod(status));
    agree(
        &pod_cells("Init:CrashLoopBackOff", "0/2"),
        &found,
        Health::Failed,
        "Init:CrashLoopBackOff",
    );

    let status = json!({
        "phase": "Pending",
        "initContainerStatuses": [{"name": "first", "state": {"running": {}}}],
        "conditions": [{"type": "Ready", "status": "False", "message": "containers with unready status: [main side]"}],
    });
    let found = object("", "Pod", &pod(status));
    agree(
        &pod_cells("Init:0/1", "0/2"),
        &found,
        Health::Degraded,
        "Init:0/1",
    );
    assert_eq!(found.reason, "init container first has not ended");
}

#[test]
fn what_is_over_or_going_is_told_apart() {
    let done = json!({"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}});
    let found = object(
        "",
        "Pod",
        &pod(json!({"phase": "Succeeded", "containerStatuses": [done, done]})),
    );
    agree(
        &pod_cells("Completed", "0/2"),
        &found,
        Health::Healthy,
        "Completed",
    );

    let lost = json!({
        "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory. Threshold quantity: 100Mi",
        "containerStatuses": [{"state": {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}}],
    });
    let found = object("", "Pod", &pod(lost));
    agree(
        &pod_cells("ContainerStatusUnknown", "0/2"),
        &found,
        Health::Failed,
        "ContainerStatusUnknown",
    );
    assert_eq!(found.reason, "Evicted: The node was low on resource: memory");

    let found = object("", "Pod", &pod(json!({"phase": "Failed", "reason": "Evicted"})));
    agree(&pod_cells("Evicted", "0/2"), &found, Health::Failed, "Evicted");

    let mut going = pod(json!({"phase": "Running"}));
    going["metadata"]["deletionTimestamp"] = json!(NOW);
    agree(
        &pod_cells("Terminating", "0/2"),
        &object("", "Pod", &going),
        Health::Progressing,
        "Terminating",
    );
}

#[test]
fn a_pod_is_given_time_to_start() {
    let mut young = pod(json!({"phase": "Pending"}));
    young["metadata"]["creationTimestamp"] = json!("2026-11-23T11:59:30Z");
    assert_eq!(object("", "Pod", &young).health, Health::Progressing);
    assert_eq!(
        object("", "Pod", &pod(json!({"phase": "Pending"}))).health,
        Health::Degraded
    );
}

#[test]
fn workloads_go_by_ready_and_desired() {
    let deployment = |ready: u32, updated: u32| {
        json!({
            "metadata": {"creationTimestamp": "2026-11-22T12:00:00Z"},
            "spec": {"replicas": 3},
            "status": {"readyReplicas": ready, "updatedReplicas": updated},
        })
    };
    let row = |ready: &str, updated: u32| {
        let row = [
            ("Name", json!("web")),
            ("Ready", json!(ready)),
            ("Up-to-date", json!(updated)),
            ("Age", json!("24h")),
        ];
        cells("apps", "Deployment", &row)
    };
    for (ready, updated, health) in [
        (3, 3, Health::Healthy),
        (2, 3, Health::Degraded),
        (0, 3, Health::Failed),
        (3, 1, Health::Progressing),
    ] {
        let found = object("apps", "Deployment", &deployment(ready, updated));
        agree(
            &row(&format!("{ready}/3"), updated),
            &found,
            health,
            health.word(),
        );
    }
    let mut stuck = deployment(3, 1);
    stuck["status"]["conditions"] = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                "lastUpdateTime": "2026-11-23T11:19:00Z"}]);
    let stuck = object("apps", "Deployment", &stuck);
    assert_eq!(
        (stuck.health, &*stuck.reason),
        (
            Health::Degraded,
            "rollout stuck for 41m (ProgressDeadlineExceeded)"
        )
    );
}

#[test]
fn a_custom_resource_goes_by_its_ready_condition() {
    let gadget = |truth: &str| {
        json!({
            "metadata": {"creationTimestamp": "2026-11-22T12:00:00Z"},
            "status": {"conditions": [{"type": "Ready", "status": truth, "reason": "Broken", "message": "no parts. Buy."}]},
        })
    };
    let row = |truth: &str| {
        cells(
            "example.com",
            "Gadget",
            &[
                ("Name", json!("a")),
                ("Ready", json!(truth)),
                ("Age", json!("24h")),
            ],
        )
    };
    agree(
        &row("True"),
        &object("example.com", "Gadget", &gadget("True")),
        Health::Healthy,
        "Ready",
    );
    let bad = object("example.com", "Gadget", &gadget("False"));
    agree(&row("False"), &bad, Health::Degraded, "not Ready");
    assert_eq!(bad.reason, "Broken: no parts");
}

#[test]
fn unknown_words_raise_no_alarm_and_known_ones_do() {
    let word = |word: &str| {
        cells(
            "example.com",
            "Gadget",
            &[("Name", json!("a")), ("Phase", json!(word))],
        )
        .health
    };
    assert_eq!(word("Sparkling"), Health::Healthy);
    assert_eq!(word("OutOfSync"), Health::Degraded);
    assert_eq!(word("not-ready"), Health::Degraded);
    assert_eq!(word("In Progress"), Health::Progressing);
    assert_eq!(word("BuildFailed"), Health::Failed);
}

#[test]
fn nodes_jobs_and_claims() {
    let node = |word: &str| cells("", "Node", &[("Name", json!("n")), ("Status", json!(word))]).health;
    assert_eq!(node("Ready"), Health::Healthy);
    assert_eq!(node("Ready,SchedulingDisabled"), Health::Progressing);
    assert_eq!(node("NotReady"), Health::Failed);

    let pressed = json!({"status": {"conditions": [
        {"type": "Ready", "status": "True"}, {"type": "DiskPressure", "status": "True"}]}});
    let pressed = object("", "Node", &pressed);
    assert_eq!(
        (pressed.health, &*pressed.reason),
        (Health::Degraded, "DiskPressure")
    );

    let job = cells(
        "batch",
        "Job",
        &[("Status", json!("Failed")), ("Completions", json!("0/1"))],
    );
    let failed = json!({"spec": {}, "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
    agree(&job, &object("batch", "Job", &failed), Health::Failed, "Failed");

    let claim = cells(
        "",
        "PersistentVolumeClaim",
        &[("Status", json!("Pending")), ("Age", json!("3h"))],
    );
    assert_eq!(claim.health, Health::Degraded);
    let cron = cells("batch", "CronJob", &[("Suspend", json!("True"))]);
    let suspended = object("batch", "CronJob", &json!({"spec": {"suspend": true}}));
    agree(&cron, &suspended, Health::Progressing, "suspended");
}

#[test]
fn what_keeps_an_object_from_going_is_told_of_every_kind() {
    let held = json!({"deletionTimestamp": NOW, "finalizers": ["example.com/hold"]});
    let why = "waits for its finalizers: example.com/hold";
    let service = object("", "Service", &json!({"metadata": held}));
    assert_eq!(service.reason, why);
    let mut waiting = pod(json!({"phase": "Pending", "message": "no node"}));
    waiting["metadata"] = held;
    assert_eq!(object("", "Pod", &waiting).reason, format!("no node; {why}"));
    waiting["metadata"] = json!({"finalizers": ["example.com/hold"]});
    assert_eq!(object("", "Pod", &waiting).reason, "no node");
}
