//! Patches, `PUT` and what is told of fields that are unknown: asked as a client asks, expected as a real cluster
//! answers.

mod support;

use http_body_util::BodyExt as _;
use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ADMIN, bearer, cluster, make};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Sends a body as this type; gives the status, the answer and its warnings.
async fn send(
    cluster: &Cluster,
    method: &str,
    path: &str,
    media: &str,
    body: impl Into<String>,
) -> (u16, Value, Vec<String>) {
    let request = http::Request::builder().method(method).uri(path);
    let request = bearer(request.header("content-type", media), ADMIN);
    let response = cluster
        .respond(request.body(body.into().into()).expect("a request"))
        .await;
    let warnings = response.headers().get_all("warning").iter();
    let warnings = warnings
        .map(|told| told.to_str().expect("text").to_owned())
        .collect();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (status, serde_json::from_slice(&body).expect("JSON"), warnings)
}

/// Makes a deployment of two containers that nobody runs.
async fn web(cluster: &Cluster) {
    let web = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "finalizers": ["example.com/one"]},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {
                "containers": [
                    {"name": "a", "image": "a:1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
                    {"name": "b", "image": "b:1"},
                ],
                "volumes": [{"name": "v", "emptyDir": {}}],
            }},
        },
    });
    make(cluster, DEPLOYMENTS, web).await;
}

/// What a strategic merge patch of the pod template makes of it, or its refusal.
async fn template(cluster: &Cluster, patch: Value) -> (u16, Value) {
    let patch = json!({"spec": {"template": {"spec": patch}}});
    let path = format!("{DEPLOYMENTS}/web?dryRun=All");
    let (code, answer, _) = send(cluster, "PATCH", &path, STRATEGIC, patch.to_string()).await;
    match code {
        200 => (code, answer["spec"]["template"]["spec"].clone()),
        _ => (code, answer["message"].clone()),
    }
}

fn names(list: &Value) -> Vec<&str> {
    let items = list.as_array().expect("a list");
    items
        .iter()
        .map(|item| item["name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn a_strategic_merge_patch_merges_lists_by_their_keys_and_obeys_its_directives() {
    let cluster = cluster();
    web(&cluster).await;
    let (_, spec) = template(
        &cluster,
        json!({"containers": [{"name": "a", "env": [{"name": "X", "$patch": "delete"}, {"name": "Z", "value": "3"}]}]}),
    )
    .await;
    assert_eq!(names(&spec["containers"]), ["a", "b"]);
    assert_eq!(
        names(&spec["containers"][0]["env"]),
        ["Z", "Y"],
        "what is new comes first: {spec}"
    );
    assert_eq!(spec["containers"][0]["image"], "a:1");
    let (_, spec) = template(
        &cluster,
        json!({"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}], "containers": [{"name": "a", "image": "a:2"}]}),
    )
    .await;
    assert_eq!(names(&spec["containers"]), ["b", "a"]);
    assert_eq!(spec["containers"][1]["image"], "a:2");
    let (_, spec) = template(
        &cluster,
        json!({"containers": [{"name": "c", "image": "c"}, {"$patch": "replace"}]}),
    )
    .await;
    assert_eq!(names(&spec["containers"]), ["c"]);
    let volume = json!({"name": "v", "$retainKeys": ["name", "hostPath"], "hostPath": {"path": "/x"}});
    let (_, spec) = template(&cluster, json!({"volumes": [volume]})).await;
    assert_eq!(
        spec["volumes"],
        json!([{"name": "v", "hostPath": {"path": "/x", "type": ""}}])
    );
    let refused = template(&cluster, json!({"containers": [{"image": "x"}]})).await;
    assert_eq!(
        refused,
        (
            400,
            json!("{\"image\":\"x\"} does not contain declared merge key: name")
        )
    );
    let patch = json!({"metadata": {
        "$deleteFromPrimitiveList/finalizers": ["example.com/one"],
        "$setElementOrder/finalizers": ["example.com/two"],
        "finalizers": ["example.com/two"],
    }});
    let path = format!("{DEPLOYMENTS}/web");
    let (_, patched, _) = send(&cluster, "PATCH", &path, STRATEGIC, patch.to_string()).await;
    assert_eq!(patched["metadata"]["finalizers"], json!(["example.com/two"]));
    assert_eq!(patched["metadata"]["generation"], 1, "finalizers are no wish");
}

#[tokio::test]
async fn a_json_patch_is_done_as_a_whole_or_not_at_all() {
    let cluster = cluster();
    make(
        &cluster,
        MAPS,
        json!({"metadata": {"name": "m"}, "data": {"a": "1"}}),
    )
    .await;
    let path = format!("{MAPS}/m");
    let patch = r#"[{"op": "test", "path": "/data/a", "value": "1"}, {"op": "copy", "from": "/data/a", "path": "/data/b"}]"#;
    let (code, patched, _) = send(&cluster, "PATCH", &path, JSON, patch).await;
    assert_eq!((code, &patched["data"]), (200, &json!({"a": "1", "b": "1"})));
    let patch = r#"[{"op": "remove", "path": "/data/a"}, {"op": "test", "path": "/data/b", "value": "2"}]"#;
    let (code, refused, _) = send(&cluster, "PATCH", &path, JSON, patch).await;
    let told = "the server rejected our request due to an error in our request";
    assert_eq!(
        (code, &refused["reason"], &refused["message"]),
        (422, &json!("Invalid"), &json!(told))
    );
    let (code, refused, _) = send(&cluster, "PATCH", &path, JSON, r#"{"op": "remove"}"#).await;
    assert_eq!(code, 400, "{refused}");
    let (_, kept, _) = send(&cluster, "GET", &path, "", "").await;
    assert_eq!(kept["data"], json!({"a": "1", "b": "1"}));
    let (code, _, _) = send(&cluster, "PATCH", &path, "application/apply-patch+json", "{}").await;
    assert_eq!(code, 415);
}

#[tokio::test]
async fn unknown_and_duplicate_fields_are_told_refused_or_ignored_as_asked() {
    let cluster = cluster();
    web(&cluster).await;
    let patch = r#"{"spec": {"paused": true, "paused": false, "foo": 1, "template": {"spec": {"containers": [{"name": "a", "bar": 1}]}}}}"#;
    let mistakes = [
        r#"duplicate field "spec.paused""#,
        r#"unknown field "spec.foo""#,
        r#"unknown field "spec.template.spec.containers[0].bar""#,
    ];
    let path = format!("{DEPLOYMENTS}/web?dryRun=All");
    let (code, patched, warnings) = send(&cluster, "PATCH", &path, STRATEGIC, patch).await;
    assert_eq!(code, 200, "{patched}");
    assert_eq!(warnings, mistakes.map(|mistake| format!("299 - {mistake:?}")));
    assert_eq!(patched["spec"].get("foo"), None);
    let (code, _, warnings) = send(
        &cluster,
        "PATCH",
        &format!("{path}&fieldValidation=Ignore"),
        MERGE,
        "{}",
    )
    .await;
    assert_eq!((code, warnings.len()), (200, 0));
    let (code, refused, _) = send(
        &cluster,
        "PATCH",
        &format!("{path}&fieldValidation=Strict"),
        STRATEGIC,
        patch,
    )
    .await;
    let message = refused["message"].as_str().expect("a message");
    assert_eq!(code, 422, "{refused}");
    assert!(
        message.ends_with(&format!("strict decoding error: {}", mistakes.join(", "))),
        "{message}"
    );
    let map = r#"{"metadata": {"name": "m"}, "foo": 1, "data": {"a": "1", "a": "2"}}"#;
    let (code, refused, _) = send(
        &cluster,
        "POST",
        &format!("{MAPS}?fieldValidation=Strict"),
        "application/json",
        map,
    )
    .await;
    let told = r#"ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a", unknown field "foo""#;
    assert_eq!((code, &refused["message"]), (400, &json!(told)));
    let map = r#"{"metadata": {"name": "m"}, "data": {"a": 1}}"#;
    let (code, refused, _) = send(&cluster, "POST", MAPS, "application/json", map).await;
    let told = r#"ConfigMap in version "v1" cannot be handled as a ConfigMap: json: cannot unmarshal number into field "data.a" of type string"#;
    assert_eq!((code, &refused["message"]), (400, &json!(told)));
}

#[tokio::test]
async fn put_replaces_what_it_knows_and_nothing_newer() {
    let cluster = cluster();
    let made = make(
        &cluster,
        MAPS,
        json!({"metadata": {"name": "m"}, "data": {"a": "1"}}),
    )
    .await;
    let path = format!("{MAPS}/m");
    let put = async |map: Value| {
        let (code, answer, _) = send(&cluster, "PUT", &path, "application/json", map.to_string()).await;
        (code, answer)
    };
    let (code, same) = put(made.clone()).await;
    assert_eq!((code, &same), (200, &made), "what changes nothing is no change");
    let (code, changed) = put(json!({"metadata": {"name": "m"}, "data": {"b": "2"}})).await;
    assert_eq!((code, &changed["data"]), (200, &json!({"b": "2"})), "{changed}");
    assert_eq!(changed["metadata"]["uid"], made["metadata"]["uid"]);
    let (code, refused) = put(made.clone()).await;
    assert_eq!((code, &refused["reason"]), (409, &json!("Conflict")), "{refused}");
    let (code, refused) = put(json!({"metadata": {"name": "m", "uid": "another"}})).await;
    let message = refused["message"].as_str().expect("a message");
    assert_eq!(code, 409);
    assert!(
        message.contains("Precondition failed: UID in precondition: another"),
        "{message}"
    );
    let (code, _) = put(json!({"metadata": {}})).await;
    assert_eq!(code, 400);
    let none = format!("{MAPS}/none");
    let (code, _, _) = send(
        &cluster,
        "PUT",
        &none,
        "application/json",
        r#"{"metadata": {"name": "none"}}"#,
    )
    .await;
    assert_eq!(code, 404);
}
