use serde_json::{Value, json};

use super::{error, next};
use crate::{
    call::{Access, KindRef},
    cluster::testing::Script,
    operations::kinds::{explain::explain, list::list},
    output::Table,
};

/// A group version's document, as API servers write them: the paths first.
fn document(schemas: &Value) -> Value {
    json!({"openapi": "3.0.0", "paths": {"/apis/apps/v1/": {"get": {"deprecated": false}}},
           "components": {"schemas": schemas}})
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// Of `example.com/v1`: a Widget with everything that schemas can be made of.
fn widget() -> Value {
    document(&json!({
        "com.example.v1.Widget": {
            "description": "Widget is a thing of some size.",
            "type": "object",
            "required": ["spec"],
            "properties": {
                "kind": {"type": "string"},
                "spec": {
                    "description": "What is wished for. And more.",
                    "default": {},
                    "allOf": [{"$ref": reference("com.example.v1.WidgetSpec")}],
                },
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
            },
            "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
        },
        "com.example.v1.WidgetSpec": {
            "type": "object",
            "required": ["size"],
            "oneOf": [{"required": ["git"]}, {"required": ["helm"]}],
            "properties": {
                "size": {"description": "Size in\nmetres. More.", "type": "integer", "default": 0},
                "rolloutType": {
                    "description": "Type of it. Defaults to \"Slow\".\n\nPossible enum values:\n - `\"Fast\"` means that it is fast.\n - `\"Slow\"`",
                    "type": "string", "enum": ["Fast", "Slow"],
                },
                "surge": {
                    "description": "How many more, as a number or percentage. Defaults to 25%.",
                    "x-kubernetes-int-or-string": true, "anyOf": [{"type": "integer"}, {"type": "string"}],
                },
                "port": {"allOf": [{"$ref": reference("IntOrString")}], "description": "Number or name."},
                "retries": {"type": "integer", "description": "Defaults to 6, unless it is late. When late, it defaults to 2147483647."},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "git": {"type": "object", "properties": {"url": {"type": "string"}}},
                "helm": {"type": "object", "additionalProperties": true},
                "parts": {
                    "description": "Parts of it.",
                    "type": "array",
                    "items": {"default": {}, "allOf": [{"$ref": reference("com.example.v1.Part")}]},
                },
            },
        },
        "com.example.v1.Part": {
            "type": "object",
            "properties": {
                "name": {"description": "Name of the part.", "type": "string"},
                "since": {"type": "string", "format": "date-time"},
                "parts": {"type": "array", "items": {"$ref": reference("com.example.v1.Part")}},
            },
        },
        "IntOrString": {"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]},
    }))
}

const URL: &str = "/openapi/v3/apis/example.com/v1";

fn server() -> Script {
    let index = |hash: &str| json!({"paths": {"apis/example.com/v1": {"serverRelativeURL": format!("{URL}?hash={hash}")}}});
    Script::new()
        .on("GET", "/openapi/v3", index("1"))
        .on("GET", &format!("{URL}?hash=1"), widget())
}

async fn explained(server: &Script, path: &str, depth: usize) -> Table {
    let path = Some(path.to_owned()).filter(|path| !path.is_empty());
    explain(
        &server.cx(Access::Read),
        KindRef("wd".to_owned()),
        path,
        Some(depth),
    )
    .await
    .unwrap()
}

fn rows(table: &Table) -> Vec<String> {
    table.rows.iter().map(|row| row.cells.join("|")).collect()
}

#[tokio::test]
async fn fields_have_type_default_and_meaning() {
    let server = server();
    let table = explained(&server, "", 1).await;
    assert_eq!(
        table.heading.as_deref(),
        Some("Widget (example.com/v1): a thing of some size")
    );
    assert_eq!(
        rows(&table),
        [
            "kind|string||",
            "spec|object, required||what is wished for",
            "status|object, any fields||"
        ]
    );
    let table = explained(&server, "spec", 2).await;
    assert_eq!(
        table.heading.as_deref(),
        Some("Widget (example.com/v1) spec: object, required; what is wished for")
    );
    assert_eq!(table.notes, ["exactly one of: git, helm"]);
    assert_eq!(
        rows(&table),
        [
            "git|object||",
            "helm|object, any fields||",
            "labels|map of string||",
            "parts|list of Part||parts of it",
            "port|int or string||number or name",
            "retries|integer||defaults to 6, unless it is late",
            "rolloutType|string|Slow|Fast or Slow: type of it",
            "size|integer, required||size in metres",
            "surge|int or %|25%|how many more, as a number or percentage",
            "git.url|string||",
            "parts[].name|string||name of the part",
            "parts[].parts|list of Part, recursive||",
            "parts[].since|time||",
        ]
    );
    // What is left out of an answer is asked for where it is.
    assert_eq!(
        table.elsewhere.last().unwrap().args.last().unwrap().1,
        "spec.parts"
    );
}

#[tokio::test]
async fn a_path_may_be_written_in_any_way() {
    let server = server();
    for path in [
        "spec.parts[0]",
        ".spec.parts[*]",
        "Widget.spec.parts",
        "spec/parts",
        "wd.spec.PARTS.parts",
    ] {
        let table = explained(&server, path, 1).await;
        assert_eq!(rows(&table)[0], "name|string||name of the part", "{path}");
    }
    let table = explained(&server, "spec.rollout_type", 3).await;
    assert_eq!(
        table.heading.as_deref(),
        Some("Widget (example.com/v1) spec.rolloutType: string; default Slow")
    );
    assert_eq!(table.notes, ["Type of it. Defaults to \"Slow\"."]);
    assert_eq!(rows(&table), ["Fast|it is fast", "Slow|"]);
    let table = explained(&server, "spec.labels[\"a.b/c\"]", 1).await;
    assert_eq!(
        table.heading.as_deref(),
        Some("Widget (example.com/v1) spec.labels.*: string")
    );
    // As kubectl takes it, in one word.
    let kind = KindRef("widgets.spec.size".to_owned());
    let table = explain(&server.cx(Access::Read), kind, None, None).await.unwrap();
    assert_eq!(
        table.heading.as_deref(),
        Some("Widget (example.com/v1) spec.size: integer, required")
    );
}

#[tokio::test]
async fn a_wrong_path_is_told_with_what_is_near() {
    let server = server();
    for (path, message, instead) in [
        (
            "spec.szie",
            "no field \"szie\" in spec of Widget (example.com/v1); nearest: size",
            "spec.size",
        ),
        (
            "spec.url",
            "no field \"url\" in spec of Widget (example.com/v1); there is spec.git.url",
            "spec.git.url",
        ),
        (
            "spec.parts.since.x",
            "spec.parts[].since of Widget (example.com/v1) has no field \"x\": its type is time",
            "spec.parts[].since",
        ),
        (
            "status.foo",
            "status of Widget (example.com/v1) takes any fields: no schema says which, nor what \"foo\" is",
            "status",
        ),
        (
            "spec.size[0]",
            "spec.size of Widget (example.com/v1) is no list: its type is integer",
            "spec.size",
        ),
    ] {
        let cx = server.cx(Access::Read);
        let wrong = error(explain(&cx, KindRef("wd".into()), Some(path.into()), None).await);
        assert_eq!(wrong.message, message);
        assert_eq!(wrong.instead, Some(("path", instead.to_owned())), "{path}");
    }
    let cx = server.cx(Access::Read);
    let wrong = explain(&cx, KindRef("wd".into()), Some("spec.git.zzz".into()), None);
    let wrong = error(wrong.await);
    assert_eq!(
        wrong.message,
        "no field \"zzz\" in spec.git of Widget (example.com/v1); it has: url"
    );
    assert_eq!(
        next(&wrong),
        ["kinds.explain kind=widgets.example.com path=spec.git"]
    );
}

#[tokio::test]
async fn a_document_is_read_once_and_again_when_its_hash_is_another() {
    let index = |hash: &str| json!({"paths": {"apis/example.com/v1": {"serverRelativeURL": format!("{URL}?hash={hash}")}}});
    let changed = document(&json!({"Widget": {
        "type": "object", "properties": {"new": {"type": "string"}},
        "x-kubernetes-group-version-kind": [{"group": "example.com", "version": "v1", "kind": "Widget"}],
    }}));
    let server = Script::new()
        .on("GET", "/openapi/v3", index("1"))
        .on("GET", "/openapi/v3", index("1"))
        .on("GET", "/openapi/v3", index("2"))
        .on("GET", &format!("{URL}?hash=1"), widget())
        .on("GET", &format!("{URL}?hash=2"), changed);
    let cx = server.cx(Access::Read);
    let mut first = Vec::new();
    for _ in 0..3 {
        let table = explain(&cx, KindRef("wd".into()), None, None).await.unwrap();
        first.push(rows(&table)[0].clone());
    }
    assert_eq!(first, ["kind|string||", "kind|string||", "new|string||"]);
    let documents = server
        .requests()
        .iter()
        .filter(|request| request.path == URL)
        .count();
    assert_eq!(documents, 2);
}

#[tokio::test]
async fn a_kind_without_schema_is_told_so() {
    let cx = server().cx(Access::Read);
    let none = error(explain(&cx, KindRef("podmetrics".into()), None, None).await);
    assert_eq!(
        none.message,
        "no schema of PodMetrics: the API server of metrics.k8s.io/v1beta1 publishes none"
    );
    let server = Script::new().fails(
        "GET",
        "/openapi/v3",
        404,
        "NotFound",
        "the server could not find it",
    );
    let none = error(explain(&server.cx(Access::Read), KindRef("wd".into()), None, None).await);
    assert!(
        none.message.starts_with("test publishes no schemas"),
        "{}",
        none.message
    );
}

async fn listed(server: &Script, search: &str) -> Table {
    let search = Some(search.to_owned()).filter(|search| !search.is_empty());
    list(&server.cx(Access::Read), search).await.unwrap()
}

fn kinds(table: &Table) -> Vec<&str> {
    table.rows.iter().map(|row| row.cells[1].as_str()).collect()
}

#[tokio::test]
async fn kinds_are_found_by_any_of_their_names() {
    let server = Script::new();
    let table = listed(&server, "").await;
    assert_eq!(table.heading.as_deref(), Some("18 kinds"));
    // Everyday kinds, then custom ones, then the rest.
    assert_eq!(kinds(&table)[0], "namespaces/v1");
    assert_eq!(
        kinds(&table)[15..],
        [
            "widgets.example.com/v1",
            "events.events.k8s.io/v1",
            "pods.metrics.k8s.io/v1beta1"
        ]
    );
    let table = listed(&server, "PO").await;
    assert_eq!(table.heading.as_deref(), Some("2 of 18 kinds match \"PO\""));
    assert_eq!(kinds(&table), ["pods/v1", "pods.metrics.k8s.io/v1beta1"]);
    assert_eq!(table.rows[0].cells, ["Pod", "pods/v1", "po", "namespace"]);
    for (search, found) in [
        ("example.com", "widgets.example.com/v1"),
        ("daemon set", "daemonsets.apps/v1"),
        ("cj", "cronjobs.batch/v1"),
        ("apps/v1", "deployments.apps/v1"),
        ("deployments.apps/v1", "deployments.apps/v1"),
        ("all", "deployments.apps/v1"),
    ] {
        assert_eq!(kinds(&listed(&server, search).await)[0], found, "{search}");
    }
}

#[tokio::test]
async fn no_match_says_what_is_near() {
    let table = listed(&Script::new(), "wigdet").await;
    assert_eq!(table.heading.as_deref(), Some("0 of 18 kinds match \"wigdet\""));
    assert_eq!(table.notes, ["nearest: Widget"]);
    assert_eq!(table.next[0].args, [("search".into(), "Widget".to_owned())]);
}

#[tokio::test]
async fn what_is_not_served_is_told_and_what_cannot_be_read_comes_last() {
    let resource = |plural: &str, kind: &str, verbs: &[&str]| {
        json!({"resource": plural, "responseKind": {"kind": kind}, "scope": "Cluster", "verbs": verbs,
               "subresources": [{"subresource": "status", "verbs": ["get"]}]})
    };
    let group = |name: &str, freshness: &str, resources: Value| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "freshness": freshness, "resources": resources}]});
    let list = |items: Value| json!({"kind": "APIGroupDiscoveryList", "items": items});
    let server = Script::bare().on("GET", "/api", list(json!([]))).on(
        "GET",
        "/apis",
        list(json!([
            group(
                "authorization.k8s.io",
                "Current",
                json!([resource("reviews", "Review", &["create"])])
            ),
            group(
                "example.com",
                "Current",
                json!([resource("widgets", "Widget", &["get", "list"])])
            ),
            group("metrics.k8s.io", "Stale", json!([])),
        ])),
    );
    let table = listed(&server, "").await;
    assert_eq!(
        rows(&table),
        [
            "Widget|widgets.example.com/v1||cluster",
            "Review|reviews.authorization.k8s.io/v1||cluster, create only",
        ]
    );
    assert_eq!(
        table.notes,
        ["kinds of metrics.k8s.io/v1 may be missing: their API servers do not answer"]
    );
}
