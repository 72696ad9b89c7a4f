//! Who may do what.

mod support;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ADMIN, ask, ask_as, ask_with, bearer, cluster, make};

const NAMESPACES: &str = "/api/v1/namespaces";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// A cluster with the service account `reader` in `shop`, who may list pods there; and its token.
async fn with_reader() -> (Cluster, String) {
    let cluster = cluster();
    make(&cluster, NAMESPACES, json!({"metadata": {"name": "shop"}})).await;
    let shop = format!("{NAMESPACES}/shop");
    make(
        &cluster,
        &format!("{shop}/serviceaccounts"),
        json!({"metadata": {"name": "reader"}}),
    )
    .await;
    let role = json!({
        "metadata": {"name": "pods"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}],
    });
    make(&cluster, &format!("{RBAC}/namespaces/shop/roles"), role).await;
    let binding = json!({
        "metadata": {"name": "pods"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": "shop"}],
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods"},
    });
    make(&cluster, &format!("{RBAC}/namespaces/shop/rolebindings"), binding).await;
    let request = make(
        &cluster,
        &format!("{shop}/serviceaccounts/reader/token"),
        json!({}),
    )
    .await;
    let token = request["status"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(
        request["status"]["expirationTimestamp"], "2026-01-01T01:00:00Z",
        "{request}"
    );
    (cluster, token)
}

#[tokio::test]
async fn every_cluster_has_its_namespaces_accounts_and_roles() {
    let cluster = cluster();
    for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
        for of in ["serviceaccounts/default", "configmaps/kube-root-ca.crt"] {
            let (code, found) = ask(
                &cluster,
                "GET",
                &format!("{NAMESPACES}/{namespace}/{of}"),
                Value::Null,
            )
            .await;
            assert_eq!(code, 200, "{found}");
        }
    }
    for path in [
        &*format!("{RBAC}/clusterroles/view"),
        "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
        "/apis/storage.k8s.io/v1/storageclasses/standard",
        "/api/v1/namespaces/default/services/kubernetes",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes",
    ] {
        assert_eq!(ask(&cluster, "GET", path, Value::Null).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn an_account_may_do_what_its_roles_allow_and_is_told_what_it_may_not() {
    let (cluster, token) = with_reader().await;
    let forbidden = |path: &'static str, method: &'static str| {
        let (cluster, token) = (cluster.clone(), token.clone());
        async move {
            let (code, status) = ask_as(&cluster, &token, method, path, Value::Null).await;
            assert_eq!((code, &status["reason"]), (403, &json!("Forbidden")), "{status}");
            (
                status["message"].as_str().unwrap_or_default().to_owned(),
                status["details"].clone(),
            )
        }
    };
    let path = "/api/v1/namespaces/shop/pods";
    assert_eq!(ask_as(&cluster, &token, "GET", path, Value::Null).await.0, 200);
    let who = r#"User "system:serviceaccount:shop:reader" cannot"#;
    let cases = [
        (
            "/api/v1/pods",
            "GET",
            format!(r#"pods is forbidden: {who} list resource "pods" in API group "" at the cluster scope"#),
            json!({"kind": "pods"}),
        ),
        (
            "/api/v1/namespaces/shop/pods?watch=true",
            "GET",
            format!(
                r#"pods is forbidden: {who} watch resource "pods" in API group "" in the namespace "shop""#
            ),
            json!({"kind": "pods"}),
        ),
        (
            "/api/v1/namespaces/shop/pods/web/log",
            "GET",
            format!(
                r#"pods "web" is forbidden: {who} get resource "pods/log" in API group "" in the namespace "shop""#
            ),
            json!({"kind": "pods", "name": "web"}),
        ),
        (
            "/apis/apps/v1/namespaces/shop/deployments",
            "DELETE",
            format!(
                r#"deployments.apps is forbidden: {who} deletecollection resource "deployments" in API group "apps" in the namespace "shop""#
            ),
            json!({"kind": "deployments", "group": "apps"}),
        ),
        (
            "/api/v1/namespaces/shop",
            "GET",
            format!(
                r#"namespaces "shop" is forbidden: {who} get resource "namespaces" in API group "" in the namespace "shop""#
            ),
            json!({"kind": "namespaces", "name": "shop"}),
        ),
        (
            "/metrics",
            "GET",
            format!(r#"forbidden: {who} get path "/metrics""#),
            json!({}),
        ),
    ];
    for (path, method, message, details) in cases {
        assert_eq!(forbidden(path, method).await, (message, details));
    }
    // What everybody may who is somebody.
    assert_eq!(
        ask_as(&cluster, &token, "GET", "/version", Value::Null).await.0,
        200
    );
}

#[tokio::test]
async fn a_token_is_good_while_it_lasts_and_its_account_is_there() {
    let (cluster, token) = with_reader().await;
    let path = "/api/v1/namespaces/shop/pods";
    let status = |token: &str| {
        let (cluster, token) = (cluster.clone(), token.to_owned());
        async move { ask_as(&cluster, &token, "GET", path, Value::Null).await.0 }
    };
    assert_eq!(status(&token).await, 200);
    assert_eq!(status("nobody's").await, 401);
    let (code, anonymous) = ask_with(&cluster, "GET", path, Value::Null, |request| request).await;
    assert_eq!(code, 403, "{anonymous}");
    let message = anonymous["message"].as_str().unwrap_or_default();
    assert!(
        message.contains(r#"User "system:anonymous" cannot list"#),
        "{message}"
    );
    cluster.advance(std::time::Duration::from_secs(3600));
    assert_eq!(status(&token).await, 401);

    let account = "/api/v1/namespaces/shop/serviceaccounts/reader";
    let (_, request) = ask(&cluster, "POST", &format!("{account}/token"), json!({})).await;
    let token = request["status"]["token"].as_str().expect("a token").to_owned();
    assert_eq!(status(&token).await, 200);
    ask(&cluster, "DELETE", account, Value::Null).await;
    assert_eq!(status(&token).await, 401);
}

#[tokio::test]
async fn who_may_impersonate_is_taken_for_another() {
    let (cluster, token) = with_reader().await;
    let reader = "system:serviceaccount:shop:reader";
    let path = "/api/v1/namespaces/shop/pods";
    let as_reader = |request| bearer(request, ADMIN).header("impersonate-user", reader);
    assert_eq!(
        ask_with(&cluster, "GET", path, Value::Null, as_reader).await.0,
        200
    );
    let (code, status) = ask_with(&cluster, "GET", "/api/v1/nodes", Value::Null, as_reader).await;
    assert_eq!(code, 403, "{status}");
    let as_other = |request| bearer(request, &token).header("impersonate-user", "bob");
    let (code, status) = ask_with(&cluster, "GET", path, Value::Null, as_other).await;
    assert_eq!(code, 403, "{status}");
    let message = status["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("cannot impersonate resource \"users\""),
        "{message}"
    );
}
