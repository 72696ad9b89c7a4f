use serde_json::{Value, json};

use super::{error, list_of, next};
use crate::{
    call::{Access, KindRef},
    cluster::testing::Script,
    operations::workloads::history,
    output::Table,
};

fn kind(kind: &str) -> KindRef {
    KindRef(kind.to_owned())
}

/// A replica set or ControllerRevision of `web`, made at this minute.
fn kept(name: &str, minute: u8) -> Value {
    json!({"metadata": {
        "name": name, "namespace": "shop", "uid": name, "annotations": {}, "labels": {},
        "creationTimestamp": format!("2026-11-20T10:{minute:02}:01Z"),
        "ownerReferences": [{"uid": "d", "controller": true}],
    }})
}

fn replica_set(name: &str, minute: u8, revision: &str, container: Value) -> Value {
    let mut set = kept(name, minute);
    set["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!(revision);
    set["spec"] = json!({"template": {
        "metadata": {"labels": {"app": "web", "pod-template-hash": name}}, "spec": {"containers": [container]}}});
    set
}

fn pod(owner: &str, is_ready: bool) -> Value {
    let state = match is_ready {
        true => json!({"running": {}}),
        false => json!({"waiting": {"reason": "CrashLoopBackOff"}}),
    };
    json!({
        "metadata": {"name": "p", "namespace": "shop", "creationTimestamp": "2026-11-20T10:00:00Z", "labels": {},
                     "ownerReferences": [{"uid": owner, "controller": true}]},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}],
            "containerStatuses": [{"name": "main", "ready": is_ready, "state": state,
                                   "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}}}]},
    })
}

fn deployment(managers: Value) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "shop", "uid": "d", "generation": 3, "managedFields": managers},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}},
        "status": {"observedGeneration": 3},
    })
}

fn changed_by(manager: &str, time: &str) -> Value {
    json!({"manager": manager, "time": time, "fieldsV1": {"f:spec": {"f:template": {"f:spec": {}}}}})
}

fn server(deployment: Value, sets: &[Value], pods: &[Value]) -> Script {
    let selected = "labelSelector=app=web";
    Script::new()
        .on("GET", "/apis/apps/v1/namespaces/shop/deployments/web", deployment)
        .on(
            "GET",
            &format!("/apis/apps/v1/namespaces/shop/replicasets?{selected}"),
            list_of(sets),
        )
        .on(
            "GET",
            &format!("/api/v1/namespaces/shop/pods?{selected}"),
            list_of(pods),
        )
}

async fn history(server: &Script) -> Table {
    let cx = server.cx(Access::Read);
    history::history(&cx, kind("deploy"), "web".into(), Some("shop".into()))
        .await
        .unwrap()
}

/// REV, READY, CHANGED and BY.
fn told(table: &Table) -> Vec<String> {
    let row = |row: &crate::output::Row| [0, 2, 3, 4].map(|cell| row.cells[cell].clone()).join("|");
    table.rows.iter().map(row).collect()
}

#[tokio::test]
async fn a_stuck_rollout_says_what_serves_and_each_revision_what_it_changed() {
    let mut cause = replica_set("b", 20, "8", json!({"name": "main", "image": "web:2"}));
    cause["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!("SHOP-1");
    let mut other = replica_set("other", 50, "99", json!({"name": "main"}));
    other["metadata"]["ownerReferences"][0]["uid"] = json!("someone's");
    let managers = json!([
        changed_by("argocd", "2026-11-20T10:20:00Z"),
        {"manager": "kube-controller-manager", "time": "2026-11-20T10:10:00Z", "subresource": "status", "fieldsV1": {}},
    ]);
    let server = server(
        deployment(managers),
        &[
            replica_set("a", 10, "7", json!({"name": "main", "image": "web:1"})),
            cause,
            other,
        ],
        &[pod("b", false), pod("b", false), pod("a", true), pod("a", true)],
    );
    let table = history(&server).await;
    assert_eq!(
        table.heading.as_deref(),
        Some(
            "Deployment shop/web: revision 8 rolling out, stuck: 0 of 2 new pods ready (CrashLoopBackOff: exit 1), \
             3 wanted, 2 of revision 7 still serve"
        )
    );
    assert_eq!(
        told(&table),
        ["8|0/2|image 1 -> 2|argocd: SHOP-1", "7|2/2|oldest that is kept|"]
    );
    assert_eq!(table.next[0].op, "resources.owners");
}

#[tokio::test]
async fn a_revision_that_was_rolled_back_to_has_no_age_that_misleads() {
    let mut back = replica_set("a", 10, "3", json!({"name": "main", "image": "web:1"}));
    back["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = json!("1");
    let sets = [
        back,
        replica_set("b", 20, "2", json!({"name": "main", "image": "web:2"})),
    ];
    let pods = [pod("a", true), pod("a", true), pod("a", true)];
    let undone = json!([changed_by("kubectl", "2026-11-20T10:40:00Z")]);
    let server = server(deployment(undone), &sets, &pods);
    let table = history(&server).await;
    assert_eq!(
        table.heading.as_deref(),
        Some("Deployment shop/web: revision 3, 3 of 3 ready")
    );
    assert_eq!(
        told(&table),
        ["3|3/3|image 2 -> 1|kubectl", "2||oldest that is kept|"]
    );
    assert!(table.rows[0].age < table.rows[1].age, "{:?}", table.rows);

    let cx = server.cx(Access::Read);
    let one = history::revision(&cx, kind("deploy"), "web".into(), Some("shop".into()), Some(2));
    let one = one.await.unwrap();
    assert_eq!(one.facts.template["spec"]["containers"][0]["image"], "web:2");
    assert_eq!(one.facts.kept_in, "ReplicaSet b");
    let gone = history::revision(&cx, kind("deploy"), "web".into(), Some("shop".into()), Some(1));
    let gone = error(gone.await);
    assert_eq!(
        gone.message,
        "Deployment shop/web has no revision 1; since it was rolled back to, it is revision 3"
    );
    assert_eq!(
        next(&gone),
        ["workloads.revision kind=Deployment name=web namespace=shop revision=3"]
    );
    let never = history::revision(&cx, kind("deploy"), "web".into(), Some("shop".into()), Some(9));
    assert_eq!(
        error(never.await).message,
        "Deployment shop/web has no revision 9; it keeps: 3, 2"
    );
}

#[tokio::test]
async fn stateful_sets_keep_patches_of_their_template() {
    let revision = |name: &str, minute: u8, number: i64, password: &str| {
        let mut revision = kept(name, minute);
        revision["revision"] = json!(number);
        revision["data"] = json!({"spec": {"template": {"$patch": "replace", "spec": {"containers": [
            {"name": "main", "env": [{"name": "DB_PASSWORD", "value": password}]}]}}}});
        revision
    };
    let member = |hash: &str, is_ready: bool| {
        let mut pod = pod("d", is_ready);
        pod["metadata"]["labels"]["controller-revision-hash"] = json!(hash);
        pod
    };
    let mut set = deployment(json!([]));
    set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    let path = "/apis/apps/v1/namespaces/shop";
    let server = Script::new()
        .on("GET", &format!("{path}/statefulsets/web"), set)
        .on(
            "GET",
            &format!("{path}/controllerrevisions"),
            list_of(&[
                revision("web-1", 1, 1, "hunter2"),
                revision("web-2", 2, 2, "hunter3"),
            ]),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods",
            list_of(&[
                member("web-2", true),
                member("web-1", true),
                member("web-1", true),
            ]),
        );
    let cx = server.cx(Access::Read);
    let table = history::history(&cx, kind("sts"), "web".into(), Some("shop".into()))
        .await
        .unwrap();
    assert_eq!(
        table.heading.as_deref(),
        Some("StatefulSet shop/web: revision 2, 1 of 1 ready, 2 kept at older ones by the partition")
    );
    assert_eq!(
        told(&table),
        ["2|1/1|env.DB_PASSWORD changed|", "1|2/2|first revision|"]
    );
    let one = history::revision(&cx, kind("sts"), "web".into(), Some("shop".into()), None);
    let one = one.await.unwrap();
    assert!(!format!("{:?}", one.facts).contains("hunter"), "{:?}", one.facts);
    assert!(one.facts.template.get("$patch").is_none());
}

#[tokio::test]
async fn a_workload_of_another_kind_is_found() {
    let set = json!({"metadata": {"name": "db", "namespace": "shop", "uid": "s", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "db"}}}, "status": {"observedGeneration": 1}});
    let mut server = server(deployment(json!([])), &[], &[])
        .on("GET", "/apis/apps/v1/namespaces/shop/statefulsets/db", set)
        .on(
            "GET",
            "/apis/apps/v1/namespaces/shop/controllerrevisions",
            list_of(&[]),
        )
        .on(
            "GET",
            "/api/v1/namespaces/shop/pods?labelSelector=app=db",
            list_of(&[]),
        )
        .table("/apis/apps/v1/deployments", &["Name"], &[])
        .table(
            "/apis/apps/v1/namespaces/shop/deployments",
            &["Name"],
            &[&["web"]],
        );
    for kind in [
        "apps/v1/namespaces/shop/deployments",
        "apps/v1/namespaces/shop/daemonsets",
        "apps/v1/namespaces/shop/replicasets",
        "batch/v1/namespaces/shop/jobs",
        "batch/v1/namespaces/shop/cronjobs",
    ] {
        server = server.fails("GET", &format!("/apis/{kind}/db"), 404, "NotFound", "gone");
    }
    let cx = server.cx(Access::Read);
    let found = history::history(&cx, kind("deploy"), "db".into(), Some("shop".into()))
        .await
        .unwrap();
    assert_eq!(
        found.heading.as_deref(),
        Some("StatefulSet shop/db: no revision yet")
    );
    assert_eq!(found.notes, ["db is a StatefulSet"]);
}

#[tokio::test]
async fn a_kind_without_revisions_leads_to_the_owner_that_has_them() {
    let mut set = kept("web-1", 1);
    set["metadata"]["ownerReferences"][0] =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d", "controller": true});
    let server = server(deployment(json!([])), &[], &[]).on(
        "GET",
        "/apis/apps/v1/namespaces/shop/replicasets/web-1",
        set,
    );
    let cx = server.cx(Access::Read);
    let wrong = history::history(&cx, kind("rs"), "web-1".into(), Some("shop".into()));
    let wrong = error(wrong.await);
    assert_eq!(
        wrong.message,
        "ReplicaSet web-1 has no revisions: Deployment, StatefulSet and DaemonSet do; its owner Deployment web does"
    );
    assert_eq!(
        next(&wrong),
        ["workloads.history kind=Deployment name=web namespace=shop"]
    );
}
