//! Server-side apply: who says what an object is to have, owns it.

mod support;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ADMIN, ask, ask_with, bearer, cluster, make};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = "/api/v1/namespaces/default/configmaps/m";

/// Applies for a manager; `how` is more of the query.
async fn apply(cluster: &Cluster, path: &str, how: &str, object: Value) -> (u16, Value) {
    let path = format!("{path}?fieldManager={how}");
    ask_with(cluster, "PATCH", &path, object, |request| {
        let mut request = bearer(request, ADMIN);
        let headers = request.headers_mut().expect("a request");
        headers.insert(
            "content-type",
            "application/apply-patch+yaml".parse().expect("a type"),
        );
        request
    })
    .await
}

fn map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": data})
}

/// What a manager owns.
fn owned(object: &Value, manager: &str, operation: &str) -> Value {
    let entries = object["metadata"]["managedFields"].as_array().expect("owners");
    let entry = entries
        .iter()
        .find(|entry| entry["manager"] == manager && entry["operation"] == operation);
    entry.map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

#[tokio::test]
async fn what_is_applied_is_made_kept_and_taken_back_by_its_owner() {
    let cluster = cluster();
    let (code, made) = apply(&cluster, MAP, "one", map(json!({"a": "1", "b": "2"}))).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(
        owned(&made, "one", "Apply"),
        json!({"f:data": {"f:a": {}, "f:b": {}}})
    );
    let (code, again) = apply(&cluster, MAP, "one", map(json!({"a": "1", "b": "2"}))).await;
    assert_eq!((code, &again), (200, &made), "the same again is no change");
    let (_, shared) = apply(&cluster, MAP, "two", map(json!({"a": "1"}))).await;
    assert_eq!(owned(&shared, "two", "Apply"), json!({"f:data": {"f:a": {}}}));
    let (_, less) = apply(&cluster, MAP, "one", map(json!({}))).await;
    assert_eq!(less["data"], json!({"a": "1"}), "what the other owns, too, stays");
    let (_, none) = apply(&cluster, MAP, "two", map(json!({}))).await;
    assert_eq!(none.get("data"), None, "{none}");
}

#[tokio::test]
async fn what_others_own_is_a_conflict_unless_it_is_forced() {
    let cluster = cluster();
    apply(&cluster, MAP, "one", map(json!({"a": "1", "b": "1"}))).await;
    let (code, refused) = apply(&cluster, MAP, "two", map(json!({"a": "2"}))).await;
    assert_eq!(
        (code, &refused["message"]),
        (
            409,
            &json!("Apply failed with 1 conflict: conflict with \"one\": .data.a")
        )
    );
    assert_eq!(
        refused["details"]["causes"],
        json!([{"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".data.a"}])
    );
    let (code, forced) = apply(&cluster, MAP, "two&force=true", map(json!({"a": "2"}))).await;
    assert_eq!((code, &forced["data"]), (200, &json!({"a": "2", "b": "1"})));
    assert_eq!(owned(&forced, "one", "Apply"), json!({"f:data": {"f:b": {}}}));
    let (code, _) = ask(
        &cluster,
        "PUT",
        &format!("{MAP}?fieldManager=put"),
        map(json!({"a": "3", "b": "3"})),
    )
    .await;
    assert_eq!(code, 200, "an update asks nobody");
    let (_, refused) = apply(&cluster, MAP, "two", map(json!({"a": "4", "b": "4"}))).await;
    assert_eq!(
        refused["message"],
        "Apply failed with 2 conflicts: conflicts with \"put\" using v1:\n- .data.a\n- .data.b"
    );
}

#[tokio::test]
async fn the_items_of_lists_are_owned_by_their_keys() {
    let cluster = cluster();
    let path = "/apis/apps/v1/namespaces/default/deployments/web";
    let web = |containers: Value| {
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {
                "replicas": 0,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
            },
        })
    };
    let both =
        json!([{"name": "a", "image": "a", "ports": [{"containerPort": 80}]}, {"name": "b", "image": "b"}]);
    let (code, made) = apply(&cluster, path, "one", web(both)).await;
    assert_eq!(code, 201, "{made}");
    let containers = &owned(&made, "one", "Apply")["f:spec"]["f:template"]["f:spec"]["f:containers"];
    assert_eq!(
        containers["k:{\"name\":\"a\"}"]["f:ports"],
        json!({"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}})
    );
    let env = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"template": {"spec": {
        "containers": [{"name": "a", "env": [{"name": "X", "value": "1"}]}],
    }}}});
    apply(&cluster, path, "two", env).await;
    let (_, less) = apply(&cluster, path, "one", web(json!([{"name": "a", "image": "a:2"}]))).await;
    let containers = less["spec"]["template"]["spec"]["containers"]
        .as_array()
        .expect("a list");
    assert_eq!(containers.len(), 1, "{less}");
    assert_eq!(
        (
            &containers[0]["image"],
            &containers[0]["env"],
            containers[0].get("ports")
        ),
        (&json!("a:2"), &json!([{"name": "X", "value": "1"}]), None)
    );
    let (code, refused) = apply(&cluster, path, "one", web(json!([{"name": "a", "foo": 1}]))).await;
    assert_eq!(
        (code, &refused["message"]),
        (
            500,
            &json!(
                "failed to create typed patch object (Deployment): unknown field \"spec.template.spec.containers[0].foo\": field not declared in schema"
            )
        )
    );
}

#[tokio::test]
async fn kubectl_goes_on_with_what_it_applied_on_the_client() {
    let cluster = cluster();
    let last = "kubectl.kubernetes.io/last-applied-configuration";
    let mut object = map(json!({"a": "1", "b": "1"}));
    object["metadata"]["annotations"][last] = json!(format!("{}\n", map(json!({"a": "1", "b": "1"}))));
    make(
        &cluster,
        &format!("{MAPS}?fieldManager=kubectl-client-side-apply"),
        object,
    )
    .await;
    let (code, _) = apply(&cluster, MAP, "another", map(json!({"a": "2"}))).await;
    assert_eq!(code, 409);
    let (code, applied) = apply(&cluster, MAP, "kubectl", map(json!({"a": "2", "b": "1"}))).await;
    assert_eq!((code, &applied["data"]["a"]), (200, &json!("2")), "{applied}");
    assert_eq!(
        applied["metadata"]["annotations"][last],
        "{\"apiVersion\":\"v1\",\"data\":{\"a\":\"2\",\"b\":\"1\"},\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"m\"}}\n"
    );
}

#[tokio::test]
async fn owners_are_handed_over_by_a_patch_as_kubectl_does_it() {
    let cluster = cluster();
    let path = format!("{MAPS}?fieldManager=kubectl-client-side-apply");
    let made = make(&cluster, &path, map(json!({"a": "1", "b": "1"}))).await;
    let handed = json!([{
        "manager": "kubectl",
        "operation": "Apply",
        "apiVersion": "v1",
        "time": "2026-01-01T00:00:00Z",
        "fieldsType": "FieldsV1",
        "fieldsV1": owned(&made, "kubectl-client-side-apply", "Update"),
    }]);
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": handed},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": made["metadata"]["resourceVersion"]},
    ]);
    let (code, patched) = ask_with(&cluster, "PATCH", MAP, patch, |request| {
        let mut request = bearer(request, ADMIN);
        let headers = request.headers_mut().expect("a request");
        headers.insert(
            "content-type",
            "application/json-patch+json".parse().expect("a type"),
        );
        request
    })
    .await;
    assert_eq!(
        (code, &patched["metadata"]["managedFields"]),
        (200, &handed),
        "{patched}"
    );
    let (_, less) = apply(&cluster, MAP, "kubectl", map(json!({"a": "1"}))).await;
    assert_eq!(
        less["data"],
        json!({"a": "1"}),
        "what it had applied on the client is its own"
    );
}

#[tokio::test]
async fn the_items_of_lists_stay_where_they_are() {
    let cluster = cluster();
    let account = |names: &[&str]| {
        let names: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "s"}, "secrets": names})
    };
    let path = "/api/v1/namespaces/default/serviceaccounts/s";
    apply(&cluster, path, "one", account(&["a", "b"])).await;
    let (_, both) = apply(&cluster, path, "two", account(&["new", "b", "last"])).await;
    let names: Vec<_> = both["secrets"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["name"])
        .collect();
    assert_eq!(names, ["a", "new", "b", "last"]);
}

#[tokio::test]
async fn an_apply_that_makes_no_sense_is_refused() {
    let cluster = cluster();
    let (code, refused) = apply(&cluster, MAP, "", map(json!({}))).await;
    assert_eq!(
        (code, &refused["message"]),
        (
            422,
            &json!(
                "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
            )
        )
    );
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "m"}});
    let (code, _) = apply(&cluster, MAP, "one", secret).await;
    assert_eq!(code, 400);
}
