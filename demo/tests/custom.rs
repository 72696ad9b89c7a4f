//! Kinds that custom resource definitions add.

mod support;

use serde_json::{Value, json};
use support::{ask, cluster, make};

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

fn definition() -> Value {
    let spec = json!({"type": "object", "required": ["size"], "properties": {
        "size": {"type": "integer", "minimum": 1, "maximum": 5},
        "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
        "code": {"type": "string", "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 4},
        "parts": {"type": "array", "maxItems": 1, "items": {"type": "string"}},
        "label": {"type": "object", "properties": {"shown": {"type": "boolean", "default": true}}},
        "replicas": {"type": "integer"},
    }});
    let schema = json!({"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}});
    json!({
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget", "shortNames": ["wd"]},
            "versions": [
                {"name": "v1beta1", "served": true, "storage": false, "schema": schema},
                {"name": "v1", "served": true, "storage": true, "schema": schema, "subresources": {
                    "status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"},
                }},
            ],
        },
    })
}

#[tokio::test]
async fn a_kind_is_served_from_its_definition_to_its_end() {
    let cluster = cluster();
    make(&cluster, DEFINITIONS, definition()).await;
    let (_, defined) = ask(
        &cluster,
        "GET",
        &format!("{DEFINITIONS}/widgets.example.com"),
        Value::Null,
    )
    .await;
    let conditions = defined["status"]["conditions"].as_array().expect("conditions");
    let conditions: Vec<_> = conditions
        .iter()
        .map(|one| [&one["type"], &one["status"]])
        .collect();
    assert_eq!(
        json!(conditions),
        json!([["NamesAccepted", "True"], ["Established", "True"]])
    );
    assert_eq!(defined["status"]["storedVersions"], json!(["v1"]));
    assert_eq!(defined["spec"]["names"]["listKind"], "WidgetList");
    let (_, group) = ask(&cluster, "GET", "/apis/example.com", Value::Null).await;
    assert_eq!(group["preferredVersion"]["version"], "v1");
    let (_, resources) = ask(&cluster, "GET", "/apis/example.com/v1", Value::Null).await;
    let names: Vec<_> = resources["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .map(|one| &one["name"])
        .collect();
    assert_eq!(
        json!(names),
        json!(["widgets", "widgets/status", "widgets/scale"])
    );
    let (_, document) = ask(&cluster, "GET", "/openapi/v3/apis/example.com/v1", Value::Null).await;
    let schema = &document["components"]["schemas"]["com.example.v1.Widget"];
    assert_eq!(
        schema["properties"]["metadata"]["allOf"][0]["$ref"],
        "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
    );
    let widget =
        json!({"metadata": {"name": "a"}, "spec": {"size": 1, "label": {}, "unknown": 1, "code": null}});
    let (code, made) = ask(&cluster, "POST", WIDGETS, widget).await;
    assert_eq!(
        (code, &made["spec"]),
        (
            201,
            &json!({"size": 1, "label": {"shown": true}, "colour": "red"})
        )
    );
    let (_, other) = ask(
        &cluster,
        "GET",
        "/apis/example.com/v1beta1/namespaces/default/widgets/a",
        Value::Null,
    )
    .await;
    assert_eq!(other["apiVersion"], "example.com/v1beta1");
    ask(
        &cluster,
        "DELETE",
        &format!("{DEFINITIONS}/widgets.example.com"),
        Value::Null,
    )
    .await;
    cluster.settle();
    assert_eq!(ask(&cluster, "GET", WIDGETS, Value::Null).await.0, 404);
    make(&cluster, DEFINITIONS, definition()).await;
    let (_, list) = ask(&cluster, "GET", WIDGETS, Value::Null).await;
    assert_eq!(list["items"], json!([]), "its objects went with it");
}

#[tokio::test]
async fn objects_keep_to_their_schema() {
    let cluster = cluster();
    make(&cluster, DEFINITIONS, definition()).await;
    for (spec, why) in [
        (json!({}), "spec.size: Required value"),
        (
            json!({"size": 9}),
            "spec.size: Invalid value: 9: spec.size in body should be less than or equal to 5",
        ),
        (
            json!({"size": "a"}),
            "spec.size: Invalid value: \"string\": spec.size in body must be of type integer: \"string\"",
        ),
        (
            json!({"size": 1, "colour": "x"}),
            "spec.colour: Unsupported value: \"x\": supported values: \"red\", \"blue\"",
        ),
        (
            json!({"size": 1, "code": "ABC"}),
            "spec.code: Invalid value: \"ABC\": spec.code in body should match '^[a-z]+$'",
        ),
        (
            json!({"size": 1, "code": "a"}),
            "spec.code: Invalid value: \"a\": spec.code in body should be at least 2 chars long",
        ),
        (
            json!({"size": 1, "code": "abcde"}),
            "spec.code: Too long: may not be more than 4 bytes",
        ),
        (
            json!({"size": 1, "parts": ["a", "b"]}),
            "spec.parts: Too many: 2: must have at most 1 items",
        ),
    ] {
        let (code, refused) = ask(
            &cluster,
            "POST",
            WIDGETS,
            json!({"metadata": {"name": "a"}, "spec": spec}),
        )
        .await;
        let message = format!("Widget.example.com \"a\" is invalid: {why}");
        assert_eq!((code, &refused["message"]), (422, &json!(message)));
    }
}
