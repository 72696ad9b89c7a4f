//! Which objects a list is of, page by page and at which revision.

mod support;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{ask, cluster, make};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

/// Makes config maps with these labels.
async fn maps(cluster: &Cluster, maps: &[(&str, Value)]) {
    for (name, labels) in maps {
        make(
            cluster,
            MAPS,
            json!({"metadata": {"name": name, "labels": labels}}),
        )
        .await;
    }
}

/// The names in a list.
fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let names = items.iter().map(|item| item["metadata"]["name"].as_str());
    names.map(Option::unwrap_or_default).collect()
}

/// Asks for a list with these parameters, which are encoded here.
async fn list(cluster: &Cluster, path: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
    let encode = |text| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
    let query: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    ask(
        cluster,
        "GET",
        &format!("{path}?{}", query.join("&")),
        Value::Null,
    )
    .await
}

#[tokio::test]
async fn labels_select() {
    let cluster = cluster();
    let all = [
        ("a", json!({"app": "web", "tier": "1"})),
        ("b", json!({"app": "db", "tier": "2"})),
        ("c", json!({"team": "x"})),
    ];
    maps(&cluster, &all).await;
    let expected: &[(&str, &[&str])] = &[
        ("app=web", &["a"]),
        ("app == web,tier", &["a"]),
        ("app!=web", &["b", "c"]),
        ("app in (web, db)", &["a", "b"]),
        ("app notin (web)", &["b", "c"]),
        ("!app", &["c"]),
        ("tier>1", &["b"]),
        ("tier<2, app", &["a"]),
        ("app=", &[]),
        ("app in (,web)", &["a"]),
        ("in in (in)", &[]),
    ];
    for (selector, selected) in expected {
        let (code, found) = list(
            &cluster,
            MAPS,
            &[
                ("labelSelector", selector),
                ("fieldSelector", "metadata.name!=kube-root-ca.crt"),
            ],
        )
        .await;
        assert_eq!(
            (code, names(&found).as_slice()),
            (200, *selected),
            "{selector}: {found}"
        );
    }
}

#[tokio::test]
async fn what_is_no_selector_is_refused() {
    let cluster = cluster();
    for selector in [
        "a=b,", "!!a", "a in x", "a in (x", "a b", ",a", "a=b=c", "a=b c", "a>x", "a=-b", "-a=b",
    ] {
        let (code, refusal) = list(&cluster, MAPS, &[("labelSelector", selector)]).await;
        assert_eq!(code, 400, "{selector}: {refusal}");
    }
    let refusals = [
        ("/api/v1/pods", "foo=bar", "field label not supported: foo"),
        (
            "/api/v1/nodes",
            "metadata.namespace=x",
            "field label not supported: metadata.namespace",
        ),
        (
            "/apis/apps/v1/replicasets",
            "status.replicas=1",
            "\"status.replicas\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        ),
        (
            "/api/v1/pods",
            "metadata.name",
            "invalid selector: 'metadata.name'; can't understand 'metadata.name'",
        ),
    ];
    for (path, selector, message) in refusals {
        let (code, refusal) = list(&cluster, path, &[("fieldSelector", selector)]).await;
        assert_eq!(
            (code, refusal["message"].as_str()),
            (400, Some(message)),
            "{selector}"
        );
    }
}

#[tokio::test]
async fn fields_select() {
    let cluster = cluster();
    let nodes = "/api/v1/nodes";
    make(&cluster, nodes, json!({"metadata": {"name": "one"}})).await;
    make(
        &cluster,
        nodes,
        json!({"metadata": {"name": "two"}, "spec": {"unschedulable": true}}),
    )
    .await;
    for (selector, selected) in [
        ("spec.unschedulable=false", ["one"]),
        ("spec.unschedulable==true", ["two"]),
        ("spec.unschedulable!=true,metadata.name!=two", ["one"]),
    ] {
        let (_, found) = list(&cluster, nodes, &[("fieldSelector", selector)]).await;
        assert_eq!(names(&found), selected, "{selector}: {found}");
    }
}

#[tokio::test]
async fn pages_are_of_one_revision() {
    let cluster = cluster();
    let label = json!({"of": "test"});
    maps(&cluster, &["a", "b", "c", "d"].map(|name| (name, label.clone()))).await;
    let path = "/api/v1/configmaps";
    let (_, whole) = list(&cluster, path, &[]).await;
    let (_, first) = list(&cluster, path, &[("limit", "2")]).await;
    let left = whole["items"].as_array().map_or(0, Vec::len) - 2;
    assert_eq!(first["metadata"]["remainingItemCount"], json!(left), "{first}");
    let (code, _) = ask(&cluster, "DELETE", &format!("{MAPS}/d"), Value::Null).await;
    assert_eq!(code, 200);
    maps(&cluster, &[("bb", label.clone()), ("e", label)]).await;
    let mut seen: Vec<String> = names(&first).into_iter().map(str::to_owned).collect();
    let mut page = first;
    while let Some(token) = page["metadata"]["continue"].as_str().map(str::to_owned) {
        let (code, next) = list(&cluster, path, &[("limit", "2"), ("continue", &token)]).await;
        assert_eq!(code, 200, "{next}");
        assert_eq!(
            next["metadata"]["resourceVersion"],
            whole["metadata"]["resourceVersion"]
        );
        seen.extend(names(&next).into_iter().map(str::to_owned));
        page = next;
    }
    assert_eq!(seen, names(&whole), "the list is what it was at its first page");
    let then = whole["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let exact = [("resourceVersion", then), ("resourceVersionMatch", "Exact")];
    assert_eq!(list(&cluster, path, &exact).await.1, whole);
    let (_, selected) = list(&cluster, path, &[("labelSelector", "of=test"), ("limit", "1")]).await;
    assert_eq!(names(&selected), ["a"]);
    assert!(selected["metadata"]["remainingItemCount"].is_null(), "{selected}");
    assert!(selected["metadata"]["continue"].is_string(), "{selected}");
    let (_, last) = list(&cluster, path, &[("labelSelector", "of=test"), ("limit", "5")]).await;
    assert_eq!(names(&last), ["a", "b", "bb", "c", "e"]);
    assert!(last["metadata"]["continue"].is_null(), "{last}");
}

#[tokio::test]
async fn what_cannot_be_listed_is_refused() {
    let cluster = cluster();
    for parameter in [
        ("continue", "eyJ2IjoieHgifQ"),
        ("limit", "x"),
        ("resourceVersion", "x"),
    ] {
        let (code, refusal) = list(&cluster, MAPS, &[parameter]).await;
        assert_eq!(code, 400, "{parameter:?}: {refusal}");
    }
}
