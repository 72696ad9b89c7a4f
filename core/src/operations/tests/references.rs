use serde_json::{Value, json};

use super::list_of;
use crate::{
    call::{Access, KindRef},
    cluster::testing::Script,
    operations::resources::{facts, references::references, referrers::referrers},
    output::Table,
};

const SHOP: &str = "/api/v1/namespaces/shop";

/// `Kind name (status; detail)` of each row.
fn told(table: &Table) -> Vec<String> {
    let detail = table
        .columns
        .iter()
        .position(|column| column.header == "DETAIL")
        .unwrap();
    table
        .rows
        .iter()
        .map(|row| {
            format!(
                "{} {} ({}; {})",
                row.id.kind, row.id.name, row.status, row.cells[detail]
            )
        })
        .collect()
}

fn checkout() -> Value {
    json!({
        "metadata": {"name": "checkout", "namespace": "shop", "uid": "d",
                     "annotations": {"deployment.kubernetes.io/revision": "8"}},
        "spec": {"selector": {"matchLabels": {"app": "checkout"}}, "template": {
            "metadata": {"labels": {"app": "checkout", "tier": "back"}},
            "spec": {"containers": [{
                "name": "checkout", "image": "r.io/checkout:2.14.0",
                "envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "db"}},
                            {"secretRef": {"name": "extra", "optional": true}}],
            }]},
        }},
    })
}

fn with_checkout() -> Script {
    Script::new().on(
        "GET",
        "/apis/apps/v1/namespaces/shop/deployments/checkout",
        checkout(),
    )
}

fn slice(service: &str, ready: &[(&str, bool)]) -> Value {
    let endpoints: Vec<Value> = ready
        .iter()
        .map(|(pod, ready)| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": ready}, "targetRef": {"name": pod}}))
        .collect();
    json!({"metadata": {"labels": {"kubernetes.io/service-name": service}}, "endpoints": endpoints})
}

fn deployment() -> (KindRef, String, Option<String>) {
    (KindRef("deploy".into()), "checkout".into(), Some("shop".into()))
}

#[tokio::test]
async fn what_is_needed_and_missing_is_told() {
    let server = with_checkout()
        .table(
            &format!("{SHOP}/configmaps"),
            &["Name", "Data", "Age"],
            &[&["env", "1", "5d"]],
        )
        .fails("GET", &format!("{SHOP}/secrets"), 403, "Forbidden", "no");
    let (kind, name, namespace) = deployment();
    let table = references(&server.cx(Access::Read), kind, name, namespace)
        .await
        .unwrap();
    // What may not be read is neither there nor missing.
    assert_eq!(
        told(&table),
        ["ConfigMap env (; )", "Secret db (; )", "Secret extra (; )"]
    );
    assert_eq!(table.notes, ["not allowed to list secrets"]);

    let server = with_checkout()
        .table(&format!("{SHOP}/configmaps"), &["Name", "Data", "Age"], &[])
        .table(
            &format!("{SHOP}/secrets"),
            &["Name", "Type", "Data", "Age"],
            &[&["other", "Opaque", "1", "5d"]],
        );
    let (kind, name, namespace) = deployment();
    let table = references(&server.cx(Access::Read), kind, name, namespace)
        .await
        .unwrap();
    assert_eq!(
        told(&table),
        [
            "ConfigMap env (missing; )",
            "Secret db (missing; )",
            "Secret extra (missing; optional)"
        ]
    );
    assert_eq!(table.unhealthy, 2);
    // One request a kind, by name where there is one name, and never the values.
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    let one = requests
        .iter()
        .find(|seen| seen.path.ends_with("/configmaps"))
        .unwrap();
    assert_eq!(one.query["fieldSelector"], "metadata.name=env");
    assert!(
        requests[1..]
            .iter()
            .all(|seen| seen.query["includeObject"] == "None")
    );
}

#[tokio::test]
async fn pods_are_referred_to_by_label_and_workloads_by_name() {
    let service = |name: &str, selector: Value| json!({"metadata": {"name": name, "namespace": "shop"}, "spec": {"selector": selector}});
    let ingress = json!({"metadata": {"name": "shop"}, "spec": {"rules": [{"http": {"paths": [
        {"path": "/checkout", "backend": {"service": {"name": "checkout"}}},
        {"path": "/cart", "backend": {"service": {"name": "cart"}}},
    ]}}]}});
    let budget = |name: &str, app: &str| {
        json!({"metadata": {"name": name}, "status": {"disruptionsAllowed": 0},
        "spec": {"selector": {"matchLabels": {"app": app}}}})
    };
    let autoscaler = |name: &str, kind: &str| {
        json!({"metadata": {"name": name}, "status": {"currentReplicas": 3},
        "spec": {"minReplicas": 3, "maxReplicas": 10, "scaleTargetRef": {"kind": kind, "name": "checkout"}}})
    };
    let server = with_checkout()
        .on(
            "GET",
            &format!("{SHOP}/services"),
            list_of(&[
                service("checkout", json!({"app": "checkout"})),
                service("cart", json!({"app": "cart"})),
                service("all", json!({})),
            ]),
        )
        .on(
            "GET",
            "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices",
            list_of(&[
                slice("checkout", &[("a", true), ("b", false)]),
                slice("checkout", &[("b", false), ("c", true)]),
            ]),
        )
        .on(
            "GET",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses",
            list_of(&[ingress]),
        )
        .on(
            "GET",
            "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
            list_of(&[budget("checkout", "checkout"), budget("cart", "cart")]),
        )
        .fails(
            "GET",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
            403,
            "Forbidden",
            "no",
        );
    let (kind, name, namespace) = deployment();
    let table = referrers(&server.cx(Access::Read), kind, name, namespace)
        .await
        .unwrap();
    assert_eq!(
        told(&table),
        [
            "Service checkout (; 2 of 3 endpoints ready)",
            "Ingress shop (; path /checkout)",
            "PodDisruptionBudget checkout (; 0 disruptions allowed)",
        ]
    );
    assert_eq!(
        table.notes,
        ["not allowed to list horizontalpodautoscalers.autoscaling"]
    );

    let none = || list_of(&[]);
    let server = with_checkout()
        .on("GET", &format!("{SHOP}/services"), none())
        .on(
            "GET",
            "/apis/policy/v1/namespaces/shop/poddisruptionbudgets",
            none(),
        )
        .on(
            "GET",
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
            list_of(&[
                autoscaler("checkout", "Deployment"),
                autoscaler("other", "StatefulSet"),
            ]),
        );
    let (kind, name, namespace) = deployment();
    let table = referrers(&server.cx(Access::Read), kind, name, namespace)
        .await
        .unwrap();
    assert_eq!(
        told(&table),
        ["HorizontalPodAutoscaler checkout (; 3 to 10, now 3)"]
    );
}

#[tokio::test]
async fn users_of_a_secret_are_told_by_workload() {
    let pod = |name: &str, owner: Value, spec: Value| {
        json!({"spec": spec, "metadata": {"name": name, "namespace": "shop",
        "labels": {"pod-template-hash": "5d9"}, "ownerReferences": [owner]}})
    };
    let owner = |kind: &str, name: &str| json!({"kind": kind, "name": name, "controller": true});
    let env = json!({"containers": [{"env": [{"valueFrom": {"secretKeyRef": {"name": "db", "key": "x"}}}]}]});
    let volume = json!({"containers": [], "volumes": [{"name": "v", "secret": {"secretName": "db"}}]});
    let pods = [
        pod("web-5d9-a", owner("ReplicaSet", "web-5d9"), env.clone()),
        pod("web-5d9-b", owner("ReplicaSet", "web-5d9"), volume),
        pod("tidy-1-x", owner("Job", "tidy-1"), env.clone()),
        pod("tidy-2-x", owner("Job", "tidy-2"), env),
        pod(
            "other-x",
            owner("ReplicaSet", "other-5d9"),
            json!({"containers": [{}]}),
        ),
    ];
    let run = json!({"metadata": {"ownerReferences": [owner("CronJob", "tidy")]}});
    let server = Script::new()
        .on(
            "GET",
            &format!("{SHOP}/secrets/db"),
            json!({"metadata": {"name": "db", "namespace": "shop"}}),
        )
        .on("GET", &format!("{SHOP}/pods"), list_of(&pods))
        .on("GET", "/apis/batch/v1/namespaces/shop/jobs/tidy-1", run)
        .fails(
            "GET",
            "/apis/batch/v1/namespaces/shop/jobs/tidy-2",
            404,
            "NotFound",
            "gone",
        )
        .on(
            "GET",
            "/apis/networking.k8s.io/v1/namespaces/shop/ingresses",
            list_of(&[json!({"metadata": {"name": "shop"}, "spec": {"tls": [{"secretName": "db"}]}})]),
        );
    let cx = server.cx(Access::Read);
    let table = referrers(&cx, KindRef("secret".into()), "db".into(), Some("shop".into()))
        .await
        .unwrap();
    assert_eq!(
        told(&table),
        [
            "CronJob tidy (; env)",
            "Deployment web (; env, volume)",
            "Job tidy-2 (; env)",
            "Ingress shop (; TLS)"
        ]
    );
}

#[tokio::test]
async fn an_account_is_bound_in_any_namespace() {
    const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/rolebindings";
    let binding = |namespace: &str, name: &str, subject: Value| {
        json!({"metadata": {"name": name, "namespace": namespace}, "subjects": [subject],
               "roleRef": {"kind": "ClusterRole", "name": "view"}})
    };
    let bindings = [
        binding("shop", "here", json!({"kind": "ServiceAccount", "name": "web"})),
        binding(
            "logs",
            "there",
            json!({"kind": "ServiceAccount", "name": "web", "namespace": "shop"}),
        ),
        binding(
            "logs",
            "another",
            json!({"kind": "ServiceAccount", "name": "web"}),
        ),
        binding(
            "logs",
            "all",
            json!({"kind": "Group", "name": "system:serviceaccounts:shop"}),
        ),
    ];
    let server = |script: Script| {
        script
            .on(
                "GET",
                &format!("{SHOP}/serviceaccounts/web"),
                json!({"metadata": {"name": "web", "namespace": "shop"}}),
            )
            .on("GET", &format!("{SHOP}/pods"), list_of(&[]))
            .on(
                "GET",
                "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                list_of(&[]),
            )
    };
    let ask = async |server: Script| {
        let cx = server.cx(Access::Read);
        referrers(&cx, KindRef("sa".into()), "web".into(), Some("shop".into()))
            .await
            .unwrap()
    };
    let all = ask(server(Script::new().on("GET", BINDINGS, list_of(&bindings)))).await;
    assert_eq!(
        super::names(&all, 3),
        [
            "shop/RoleBinding/here",
            "logs/RoleBinding/there",
            "logs/RoleBinding/all"
        ]
    );
    assert!(all.complete && all.notes.is_empty(), "{:?}", all.notes);

    let own = "/apis/rbac.authorization.k8s.io/v1/namespaces/shop/rolebindings";
    let script =
        Script::new()
            .fails("GET", BINDINGS, 403, "Forbidden", "no")
            .on("GET", own, list_of(&bindings[..1]));
    let own = ask(server(script)).await;
    assert_eq!(told(&own), ["RoleBinding here (; ClusterRole view)"]);
    assert_eq!(
        own.notes,
        ["rolebindings of shop only: those of other namespaces may not be listed"]
    );
    assert!(!own.complete);

    let many = vec![bindings[0].clone(); 20_001];
    let many = ask(server(Script::new().on("GET", BINDINGS, list_of(&many)))).await;
    assert_eq!(many.notes, ["there are more rolebindings than were read"]);
    assert!(!many.complete);
}

#[tokio::test]
async fn what_nothing_can_refer_to_costs_no_request() {
    let widget = json!({"metadata": {"name": "w", "namespace": "shop"}, "spec": {"size": 3}});
    let server = Script::new().on("GET", "/apis/example.com/v1/namespaces/shop/widgets/w", widget);
    let cx = server.cx(Access::Read);
    let widget = || (KindRef("widget".into()), "w".to_owned(), Some("shop".to_owned()));
    let (kind, name, namespace) = widget();
    assert!(
        referrers(&cx, kind, name, namespace)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    let (kind, name, namespace) = widget();
    assert!(
        references(&cx, kind, name, namespace)
            .await
            .unwrap()
            .rows
            .is_empty()
    );
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn endpoints_of_a_service_are_told_by_workload() {
    let service = |selector: Value| json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {"selector": selector}});
    let pod = |name: &str| {
        json!({"metadata": {"name": name, "labels": {"pod-template-hash": "5d9"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "web-5d9", "controller": true}]}})
    };
    let server = |pods: &[Value]| {
        Script::new()
            .on("GET", &format!("{SHOP}/services/web"), service(json!({"app": "web"})))
            .on("GET", &format!("{SHOP}/pods?labelSelector=app=web"), list_of(pods))
            .on("GET", "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices?labelSelector=kubernetes.io/service-name in (web)",
                list_of(&[slice("web", &[("web-a", true), ("web-b", false)])]))
    };
    let ask = async |server: Script| {
        let cx = server.cx(Access::Read);
        references(&cx, KindRef("svc".into()), "web".into(), Some("shop".into()))
            .await
            .unwrap()
    };
    let found = ask(server(&[pod("web-a"), pod("web-b"), pod("web-c")])).await;
    assert_eq!(
        told(&found),
        ["Deployment web (; 1 of 3 endpoints ready; not ready: web-b, web-c)"]
    );
    let none = ask(server(&[])).await;
    assert_eq!(none.notes, ["its selector app=web matches no pod"]);
}

#[tokio::test]
async fn the_image_before_is_that_of_the_former_revision() {
    let set = |revision: &str, image: &str, uid: &str| {
        json!({
            "metadata": {"name": revision, "annotations": {"deployment.kubernetes.io/revision": revision},
                         "ownerReferences": [{"uid": uid, "controller": true}]},
            "spec": {"template": {"spec": {"containers": [{"name": "checkout", "image": image}]}}},
        })
    };
    let sets = [
        set("8", "r.io/checkout:2.14.0", "d"),
        set("7", "r.io/checkout:2.13.4", "d"),
        set("3", "r.io/checkout:1.0.0", "d"),
        set("7", "r.io/other:9", "another"),
    ];
    let server = with_checkout().on(
        "GET",
        "/apis/apps/v1/namespaces/shop/replicasets?labelSelector=app=checkout",
        list_of(&sets),
    );
    let (kind, name, namespace) = deployment();
    let facts = facts::facts(&server.cx(Access::Read), kind, name, namespace)
        .await
        .unwrap();
    assert_eq!(
        serde_json::to_value(&facts.facts.images).unwrap(),
        json!([{"container": "checkout", "image": "r.io/checkout:2.14.0", "before": "2.13.4"}])
    );
}
