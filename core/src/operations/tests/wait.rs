use std::{
    slice,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use super::{error, names, next};
use crate::{
    call::{Access, Cx, KindRef, Progress, Stop},
    cluster::testing::Script,
    operations::resources::wait::wait,
    output::Table,
};

const PODS: &str = "/api/v1/namespaces/shop/pods";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

/// Who is meant: `kind/name`, or `kind?selector`.
async fn ask(cx: &Cx, who: &str, until: &str, timeout: u64) -> Result<Table, Stop> {
    let (kind, name, selector) = match (who.split_once('/'), who.split_once('?')) {
        (Some((kind, name)), _) => (kind, Some(name), None),
        (_, Some((kind, selector))) => (kind, None, Some(selector)),
        _ => (who, None, None),
    };
    wait(
        cx,
        KindRef(kind.to_owned()),
        name.map(str::to_owned),
        Some("shop".to_owned()),
        selector.map(str::to_owned),
        Some(until.to_owned()).filter(|until| !until.is_empty()),
        Some(timeout),
    )
    .await
}

fn pod(name: &str, version: &str, state: &str) -> Value {
    let status = match state {
        "Running" => {
            json!({"phase": "Running", "containerStatuses": [{"name": "web", "ready": true, "state": {"running": {}}}],
                            "conditions": [{"type": "Ready", "status": "True"}]})
        }
        "Failed" => json!({"phase": "Failed", "reason": "Evicted", "message": "the node was low on memory"}),
        reason => {
            json!({"phase": "Pending", "containerStatuses": [{"name": "web", "ready": false, "image": "web:2",
                         "state": {"waiting": {"reason": reason, "message": "no such image: web:2: not found"}}}],
                         "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}]})
        }
    };
    json!({"metadata": {"name": name, "namespace": "shop", "uid": name, "resourceVersion": version},
           "spec": {"containers": [{"name": "web"}]}, "status": status})
}

fn deployment(version: &str, generation: u64, updated: u64, progressing: &str) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "w", "resourceVersion": version,
                     "generation": generation, "annotations": {"deployment.kubernetes.io/revision": "9"}},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}},
                 "template": {"spec": {"containers": [{"image": "registry.example.com:5000/shop/web:2.13.4"}]}}},
        "status": {"observedGeneration": 4, "replicas": 3, "updatedReplicas": updated, "readyReplicas": 3,
                   "availableReplicas": 3,
                   "conditions": [{"type": "Progressing", "status": "True", "reason": progressing}]},
    })
}

fn list(items: &[Value]) -> Value {
    json!({"kind": "List", "metadata": {"resourceVersion": "5"}, "items": items})
}

/// A server that has these objects at `path`, and then tells these events.
fn with(path: &str, items: &[Value], events: &[(&str, Value)]) -> Script {
    Script::new()
        .on("GET", path, list(items))
        .watch(&format!("{path}?watch=true"), events, true)
}

fn heading(table: &Table) -> &str {
    table.heading.as_deref().unwrap_or_default()
}

#[tokio::test]
async fn a_rollout_is_waited_for_and_told_with_its_revision() {
    // At first the status is of the spec before.
    let stale = deployment("1", 4, 3, "NewReplicaSetAvailable");
    let mut behind = stale.clone();
    behind["metadata"]["generation"] = json!(5);
    let done = |version| {
        let mut done = deployment(version, 5, 3, "NewReplicaSetAvailable");
        done["status"]["observedGeneration"] = json!(5);
        done
    };
    let mut half = done("6");
    half["status"]["updatedReplicas"] = json!(1);
    for until in ["rollout", "ready"] {
        let server = with(
            DEPLOYMENTS,
            &[behind.clone()],
            &[("MODIFIED", half.clone()), ("MODIFIED", done("7"))],
        )
        .on("GET", WEB, behind.clone());
        let table = ask(&server.cx(Access::Read), "deploy/web", until, 5)
            .await
            .unwrap();
        let told = match until {
            "rollout" => "Deployment shop/web: rolled out after 0 s: revision 9, 3 of 3 ready, image 2.13.4",
            _ => "Deployment shop/web: ready after 0 s: 3 of 3 ready",
        };
        assert_eq!(heading(&table), told);
        assert_eq!((table.rows.len(), table.total), (0, 0));
        assert_eq!(server.open_watches(), 0, "the watch goes on");
    }
}

#[tokio::test]
async fn a_rollout_that_is_stuck_is_not_waited_for() {
    let stuck = deployment("1", 4, 1, "ProgressDeadlineExceeded");
    let server = with(DEPLOYMENTS, slice::from_ref(&stuck), &[])
        .on("GET", WEB, stuck)
        .on("GET", PODS, list(&[pod("web-1", "1", "ImagePullBackOff")]));
    let table = ask(&server.cx(Access::Read), "deploy/web", "rollout", 5)
        .await
        .unwrap();
    assert_eq!(
        heading(&table),
        "Not rolled out: 0 of 1 deployments match \"rollout\""
    );
    assert_eq!(table.notes, ["Waiting longer will not help."]);
    assert_eq!(
        names(&table, 3),
        ["web/degraded/ProgressDeadlineExceeded; ImagePullBackOff: web:2: not found"]
    );
}

#[tokio::test]
async fn when_the_time_is_over_the_state_is_the_answer() {
    let items = [pod("a", "1", "Running"), pod("b", "2", "ImagePullBackOff")];
    let server = with(PODS, &items, &[("ADDED", pod("c", "3", "ContainerCreating"))]);
    let reports = Arc::new(Reports::default());
    let cx = server.cx_with(Access::Read, |call| call.progress = reports.clone());
    let table = ask(&cx, "pod?app=web", "", 2).await.unwrap();
    assert_eq!(
        heading(&table),
        "Not ready after 2 s: 1 of 3 pods match \"ready\""
    );
    assert_eq!(table.notes, ["Waiting longer will not help 1 of the 2 below."]);
    assert_eq!(
        names(&table, 3),
        ["b/ImagePullBackOff/web:2: not found", "c/ContainerCreating/"]
    );
    assert_eq!(table.next[0].args[1].1, "b");
    let reports = reports.0.lock().unwrap();
    assert_eq!(reports.last().unwrap(), "1 of 3 ready");
}

#[derive(Default)]
struct Reports(Mutex<Vec<String>>);

impl Progress for Reports {
    fn report(&self, _: f64, _: Option<f64>, message: &str) {
        self.0.lock().unwrap().push(message.to_owned());
    }
}

#[tokio::test]
async fn what_is_over_is_told_at_once() {
    let server = with(PODS, &[pod("a", "1", "Running"), pod("b", "2", "Failed")], &[]);
    let table = ask(&server.cx(Access::Read), "pod?app=web", "ready", 5)
        .await
        .unwrap();
    assert_eq!(heading(&table), "Not ready: 1 of 2 pods match \"ready\"");
    assert_eq!(names(&table, 3), ["b/Evicted/the node was low on memory"]);

    // A pod that is waited for by name and goes away will not be ready either.
    let server = with(
        PODS,
        &[pod("a", "1", "ContainerCreating")],
        &[("DELETED", pod("a", "6", "Failed"))],
    )
    .on("GET", &format!("{PODS}/a"), pod("a", "1", "ContainerCreating"));
    let table = ask(&server.cx(Access::Read), "pod/a", "ready", 5).await.unwrap();
    assert_eq!(heading(&table), "Not ready: Pod shop/a was deleted meanwhile");
}

#[tokio::test]
async fn a_pod_that_comes_back_under_its_name_is_waited_for() {
    let mut owned = pod("db-0", "1", "ContainerCreating");
    owned["metadata"]["ownerReferences"] = json!([{"kind": "StatefulSet", "name": "db"}]);
    let mut new = pod("db-0", "7", "Running");
    new["metadata"]["uid"] = json!("new");
    let server = with(
        PODS,
        slice::from_ref(&owned),
        &[("DELETED", owned.clone()), ("ADDED", new)],
    )
    .on("GET", &format!("{PODS}/db-0"), owned);
    let table = ask(&server.cx(Access::Read), "pod/db-0", "ready", 5)
        .await
        .unwrap();
    assert_eq!(
        heading(&table),
        "Pod shop/db-0: ready after 0 s: Running, 1 of 1 ready"
    );
}

#[tokio::test]
async fn a_deletion_is_that_of_the_objects_that_were_there() {
    let mut another = pod("a", "7", "Running");
    another["metadata"]["uid"] = json!("other");
    let server = with(
        PODS,
        &[pod("a", "1", "Running")],
        &[("DELETED", pod("a", "6", "Running")), ("ADDED", another.clone())],
    )
    .on("GET", &format!("{PODS}/a"), pod("a", "1", "Running"));
    let table = ask(&server.cx(Access::Read), "pod/a", "delete", 5).await.unwrap();
    assert_eq!(heading(&table), "Pod shop/a: deleted after 0 s");

    // Replaced between the first look and the watch.
    let server =
        with(PODS, &[another.clone()], &[]).on("GET", &format!("{PODS}/a"), pod("a", "1", "Running"));
    let table = ask(&server.cx(Access::Read), "pod/a", "delete", 5).await.unwrap();
    assert_eq!(heading(&table), "Pod shop/a: deleted already");
    assert_eq!(
        table.notes,
        ["another of that name is there: it was created after"]
    );

    // Who only lost the labels is not gone.
    let server = with(
        PODS,
        &[pod("a", "1", "Running"), pod("b", "2", "Running")],
        &[
            ("DELETED", pod("a", "6", "Running")),
            ("DELETED", pod("b", "7", "Running")),
        ],
    )
    .on("GET", &format!("{PODS}/a"), pod("a", "6", "Running"))
    .fails("GET", &format!("{PODS}/b"), 404, "NotFound", "gone");
    let table = ask(&server.cx(Access::Read), "pod?app=web", "delete", 5)
        .await
        .unwrap();
    assert_eq!(heading(&table), "1 of 1 pods app=web in shop: deleted after 0 s");
    assert_eq!(table.notes, ["no longer selected, but still there: a"]);
}

#[tokio::test]
async fn what_is_not_there_is_deleted_already_and_a_mistaken_name_is_told() {
    let server = with(PODS, &[], &[])
        .fails("GET", &format!("{PODS}/wbe"), 404, "NotFound", "gone")
        .on(
            "GET",
            &format!("{PODS}?includeObject=None"),
            json!({"kind": "Table", "columnDefinitions": [], "rows": [{"cells": ["web"]}]}),
        );
    let table = ask(&server.cx(Access::Read), "pod/wbe", "delete", 5)
        .await
        .unwrap();
    assert_eq!(
        heading(&table),
        "Pod shop/wbe: not there: deleted before, or never there"
    );
    assert_eq!(table.notes, ["nearest name that is there: web"]);
}

#[tokio::test]
async fn a_secret_s_value_cannot_be_found_out_by_waiting_for_it() {
    let secret = json!({"metadata": {"name": "login", "namespace": "shop", "uid": "s", "resourceVersion": "1"},
                        "data": {"password": "aHVudGVyMjI="}});
    let path = "/api/v1/namespaces/shop/secrets";
    let server = with(path, slice::from_ref(&secret), &[]).on("GET", &format!("{path}/login"), secret);
    let cx = server.cx(Access::Read);
    let table = ask(&cx, "secret/login", "data.password=aHVudGVyMjI=", 1)
        .await
        .unwrap();
    assert!(heading(&table).starts_with("Not met after 1 s"), "{table:?}");
    assert!(!format!("{:?}", table.rows).contains("aHVudGVyMjI="), "{table:?}");
}

#[tokio::test]
async fn what_cannot_be_waited_for_is_an_error() {
    let server = with(PODS, &[], &[]).on(
        "GET",
        "/api/v1/namespaces/shop",
        json!({"metadata": {"name": "shop"}}),
    );
    let cx = server.cx(Access::Read);
    for (who, until, part, call) in [
        (
            "pod",
            "ready",
            "expected name or selector",
            "resources.list kind=Pod namespace=shop",
        ),
        (
            "pod?app=x",
            "ready",
            "there are no pods app=x in shop",
            "resources.list kind=Pod namespace=shop",
        ),
    ] {
        let error = error(ask(&cx, who, until, 5).await);
        assert!(error.message.contains(part), "{}", error.message);
        assert_eq!(next(&error), [call]);
    }
    let server = with(PODS, &[pod("a", "1", "Running")], &[]);
    let error = error(ask(&server.cx(Access::Read), "pod?app=web", "rollout", 5).await);
    assert!(error.message.contains("not for a Pod"), "{}", error.message);
    assert_eq!(error.instead, Some(("until", "ready".to_owned())));
}

#[tokio::test]
async fn what_has_no_state_is_not_called_ready_for_no_reason() {
    let service = json!({"metadata": {"name": "web", "namespace": "shop", "uid": "s"}, "spec": {}});
    let services = "/api/v1/namespaces/shop/services";
    let server =
        with(services, slice::from_ref(&service), &[]).on("GET", &format!("{services}/web"), service.clone());
    let table = ask(&server.cx(Access::Read), "svc/web", "", 5).await.unwrap();
    assert_eq!(
        heading(&table),
        "Service shop/web: ready already: it exists, and tells nothing of its readiness"
    );
}

#[tokio::test]
async fn a_wait_in_another_place_is_suggested_with_all_that_was_asked() {
    let pods = json!({"kind": "Table", "columnDefinitions": [{"name": "Name", "type": "string"}], "rows": [
        {"cells": ["a"], "object": {"metadata": {"name": "a", "namespace": "logs"}}}]});
    let server = Script::new()
        .fails("GET", &format!("{PODS}/a"), 404, "NotFound", "gone")
        .on("GET", "/api/v1/pods", pods);
    let elsewhere = error(ask(&server.cx(Access::Read), "pod/a", "", 5).await);
    assert_eq!(
        next(&elsewhere),
        ["resources.wait kind=Pod until=ready timeout=5 name=a namespace=logs"]
    );
}

#[tokio::test]
async fn who_may_not_wait_everywhere_is_told_where_he_may() {
    let server = super::with_namespaces(&["shop"])
        .fails("GET", "/api/v1/pods", 403, "Forbidden", "no")
        .on(
            "POST",
            "/apis/authentication.k8s.io/v1/selfsubjectreviews",
            json!({"status": {"userInfo": {"username": "ann"}}}),
        );
    let review = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let server = [false, true].into_iter().fold(server, |server, allowed| {
        server.on("POST", review, json!({"status": {"allowed": allowed}}))
    });
    let cx = server.cx(Access::Read);
    let (kind, selector) = (KindRef("pod".into()), Some("app=web".to_owned()));
    let refused = error(wait(&cx, kind, None, None, selector, None, Some(5)).await);
    assert!(
        refused.message.ends_with("(403). It may in: shop"),
        "{}",
        refused.message
    );
    assert_eq!(
        next(&refused),
        ["resources.wait kind=Pod selector=app=web until=ready timeout=5 namespace=shop"]
    );
}

#[tokio::test]
async fn a_call_that_is_cancelled_watches_no_more() {
    let server = with(PODS, &[pod("a", "1", "ContainerCreating")], &[]);
    let cx = server.cx(Access::Read);
    let cancel = cx.call().cancel.clone();
    let waiting = tokio::spawn(async move { ask(&cx, "pod?app=web", "ready", 15).await });
    while server.open_watches() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    cancel.cancel();
    let error = error(waiting.await.unwrap());
    assert_eq!(error.message, "the call was cancelled");
    assert_eq!(server.open_watches(), 0);
}
