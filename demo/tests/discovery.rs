//! What is served, as clients find it out.

mod support;

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use kube_mcp_demo::{Body, Cluster};
use serde_json::{Value, json};
use support::cluster;

const AGGREGATED: &str =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

async fn get(cluster: &Cluster, path: &str, headers: &[(header::HeaderName, &str)]) -> Response<Body> {
    let mut request = support::bearer(Request::builder().uri(path), support::ADMIN);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    cluster
        .respond(request.body(Bytes::new()).expect("a request"))
        .await
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

async fn value(cluster: &Cluster, path: &str) -> Value {
    serde_json::from_str(&text(get(cluster, path, &[]).await).await).expect("JSON")
}

fn header<'a>(response: &'a Response<Body>, name: &header::HeaderName) -> &'a str {
    response
        .headers()
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

#[tokio::test]
async fn groups_are_told_in_both_forms_and_once() {
    let cluster = cluster();
    let response = get(&cluster, "/apis", &[(header::ACCEPT, AGGREGATED)]).await;
    assert_eq!(
        header(&response, &header::CONTENT_TYPE),
        AGGREGATED.split(',').next().expect("the first")
    );
    let list: Value = serde_json::from_str(&text(response).await).expect("JSON");
    assert_eq!(list["kind"], "APIGroupDiscoveryList");
    let names = |list: &Value, name: &str| -> Vec<String> {
        let items = list.as_array().expect("groups").iter();
        items
            .map(|group| {
                group
                    .pointer(name)
                    .and_then(Value::as_str)
                    .expect("a name")
                    .to_owned()
            })
            .collect()
    };
    let groups = names(&list["items"], "/metadata/name");
    assert_eq!(
        (groups[0].as_str(), groups[groups.len() - 1].as_str()),
        ("apps", "metrics.k8s.io")
    );
    assert_eq!(groups, names(&value(&cluster, "/apis").await["groups"], "/name"));
    let apps = value(&cluster, "/apis/apps/v1").await;
    let scale = apps["resources"]
        .as_array()
        .expect("resources")
        .iter()
        .find(|one| one["name"] == "deployments/scale");
    assert_eq!(scale.expect("a scale")["group"], "autoscaling");
}

#[tokio::test]
async fn a_document_has_the_schemas_that_its_kinds_reach_and_says_what_may_be_rehearsed() {
    let cluster = cluster();
    let index = value(&cluster, "/openapi/v3").await;
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
        .as_str()
        .expect("an address");
    let response = get(&cluster, address, &[]).await;
    let document: Value = serde_json::from_str(&text(response).await).expect("JSON");
    let schemas = document["components"]["schemas"].as_object().expect("schemas");
    for reached in ["io.k8s.api.apps.v1.Deployment", "io.k8s.api.core.v1.Probe"] {
        assert!(schemas.contains_key(reached), "{reached}");
    }
    assert!(!schemas.contains_key("io.k8s.api.batch.v1.Job"));
    let patch = &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    assert!(
        patch["parameters"]
            .as_array()
            .expect("parameters")
            .iter()
            .any(|one| one["name"] == "dryRun")
    );
}

#[tokio::test]
async fn it_says_that_it_is_a_simulation() {
    let cluster = cluster();
    let version = value(&cluster, "/version").await;
    assert_eq!(version["gitVersion"], "v1.36.2+kube-mcp-demo");
    assert_eq!(version["platform"], "simulation/demo");
    assert_eq!(text(get(&cluster, "/readyz", &[]).await).await, "ok");
}
