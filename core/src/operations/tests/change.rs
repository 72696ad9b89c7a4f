use serde_json::{Value, json};

use super::{error, list_of, next};
use crate::{
    call::{Access, KindRef, Stop, Why},
    cluster::testing::Script,
    operations::resources::label::label,
    output::{Change, Outcome},
};

const PATH: &str = "/apis/apps/v1/namespaces/shop/deployments";

fn deployment(name: &str, version: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}"), "resourceVersion": version, "labels": labels},
    })
}

async fn run(
    server: &Script,
    name: Option<&str>,
    selector: Option<&str>,
    labels: &[&str],
    dry_run: bool,
) -> Result<Change, Stop> {
    let cx = server.cx_with(Access::Write, |call| call.dry_run = dry_run);
    label(
        &cx,
        KindRef("deploy".to_owned()),
        name.map(str::to_owned),
        Some("shop".to_owned()),
        selector.map(str::to_owned),
        labels.iter().map(|label| (*label).to_owned()).collect(),
    )
    .await
}

/// Two deployments: `web`, to be labelled, and `api`, labelled already.
fn shop() -> Script {
    let web = deployment("web", "7", &json!({"app": "web", "tier": "back"}));
    let api = deployment("api", "8", &json!({"app": "web", "tier": "front"}));
    let after = deployment("web", "9", &json!({"app": "web", "tier": "front"}));
    Script::new()
        .on("GET", &format!("{PATH}/web"), web.clone())
        .on("GET", PATH, list_of(&[web, api]))
        .on("PATCH", &format!("{PATH}/web"), after)
}

fn patches(server: &Script) -> Vec<crate::cluster::testing::Seen> {
    server
        .requests()
        .into_iter()
        .filter(|request| request.method == "PATCH")
        .collect()
}

#[tokio::test]
async fn a_change_is_rehearsed_then_done_with_preconditions() {
    let server = shop();
    let change = run(&server, None, Some("app=web"), &["tier=front"], false)
        .await
        .unwrap();
    assert_eq!(change.heading, "Labelled 2 deployments in shop (app=web)");
    let results: Vec<_> = change
        .items
        .iter()
        .map(|item| (item.name.as_str(), item.result))
        .collect();
    assert_eq!(results, [("web", Outcome::Done), ("api", Outcome::Unchanged)]);
    assert!(
        change.items[0].diff.contains("-    tier: back") && change.items[0].diff.contains("+    tier: front"),
        "{}",
        change.items[0].diff
    );
    let sent = patches(&server);
    assert_eq!(sent.len(), 2);
    assert_eq!(sent[0].query["dryRun"], "All");
    assert!(!sent[1].query.contains_key("dryRun"));
    assert_eq!(
        sent[1].body,
        json!({"metadata": {"labels": {"tier": "front"}, "uid": "uid-web", "resourceVersion": "7"}})
    );
    let back: Vec<_> = change.next[0]
        .args
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        back,
        [
            "kind=Deployment",
            "namespace=shop",
            "selector=app=web",
            "labels=tier=back"
        ]
    );
}

#[tokio::test]
async fn a_dry_run_answers_with_the_plan_and_changes_nothing() {
    let server = shop();
    let Err(Stop::Planned(planned)) = run(&server, Some("web"), None, &["tier-"], true).await else {
        panic!("expected a plan");
    };
    assert_eq!(
        (planned.plan.summary.as_str(), &planned.why),
        ("label Deployment shop/web", &Why::DryRun)
    );
    assert_eq!(planned.plan.items[0].uid.as_deref(), Some("uid-web"));
    assert!(
        patches(&server)
            .iter()
            .all(|request| request.query["dryRun"] == "All")
    );
}

#[tokio::test]
async fn what_is_so_already_or_matches_nothing_asks_for_nothing() {
    let server = shop().on("GET", &format!("{PATH}?labelSelector=app=none"), list_of(&[]));
    let same = run(&server, Some("web"), None, &["tier=back"], false)
        .await
        .unwrap();
    assert_eq!(
        (same.heading.as_str(), same.items[0].result),
        (
            "Deployment shop/web: labelled so already, nothing was done",
            Outcome::Unchanged
        )
    );
    let none = run(&server, None, Some("app=none"), &["tier=back"], false)
        .await
        .unwrap();
    assert_eq!(
        none.heading,
        "No deployments in shop (app=none): nothing was done"
    );
    assert!(patches(&server).is_empty());
}

#[tokio::test]
async fn a_status_that_changed_meanwhile_is_no_obstacle_and_a_label_is() {
    let conflict = |server: Script| {
        server.fails(
            "PATCH",
            &format!("{PATH}/web"),
            409,
            "Conflict",
            "the object has been modified",
        )
    };
    let web = |version: &str, tier: &str| deployment("web", version, &json!({"app": "web", "tier": tier}));
    // Read, rehearse, conflict, read again: it is a newer version of the same.
    let rehearsed = || Script::new().on("PATCH", &format!("{PATH}/web"), web("7", "front"));
    let server = conflict(rehearsed())
        .on("PATCH", &format!("{PATH}/web"), web("9", "front"))
        .on("GET", &format!("{PATH}/web"), web("7", "back"))
        .on("GET", &format!("{PATH}/web"), web("8", "back"));
    let change = run(&server, Some("web"), None, &["tier=front"], false)
        .await
        .unwrap();
    assert_eq!(change.items[0].result, Outcome::Done);
    assert_eq!(
        patches(&server).last().unwrap().body["metadata"]["resourceVersion"],
        "8"
    );

    let server = conflict(rehearsed())
        .on("GET", &format!("{PATH}/web"), web("7", "back"))
        .on("GET", &format!("{PATH}/web"), web("8", "gold"));
    let change = run(&server, Some("web"), None, &["tier=front"], false)
        .await
        .unwrap();
    assert_eq!(change.items[0].result, Outcome::Failed);
    assert_eq!(change.heading, "Labelled 0 of 1: Deployment shop/web");
}

#[tokio::test]
async fn a_change_never_guesses() {
    let elsewhere = json!({"kind": "Table", "columnDefinitions": [{"name": "Name", "type": "string"}],
        "rows": [{"cells": ["web"], "object": {"metadata": {"name": "web", "namespace": "cart"}}}]});
    let server = Script::new()
        .fails("GET", &format!("{PATH}/web"), 404, "NotFound", "gone")
        .on("GET", "/apis/apps/v1/deployments", elsewhere);
    let missing = error(run(&server, Some("web"), None, &["a=b"], false).await);
    assert_eq!(
        missing.message,
        "no Deployment web in namespace shop; nothing was done. It exists in: cart"
    );
    assert_eq!(
        next(&missing),
        ["resources.label kind=Deployment labels=a=b name=web namespace=cart"]
    );
    for (name, selector) in [(None, None), (Some("web"), Some("a=b"))] {
        let both = error(run(&server, name, selector, &["a=b"], false).await);
        assert_eq!(
            both.message,
            "expected name or selector, and not both; nothing was done"
        );
    }
    for labels in [&["tier"][..], &["a=b", "a-"], &[]] {
        assert!(
            error(run(&server, Some("web"), None, labels, false).await)
                .message
                .starts_with("labels: ")
        );
    }
}
