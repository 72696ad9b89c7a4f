//! EndpointSlices: which pods a Service reaches.

mod support;

use serde_json::json;
use support::{edit, items, must, pods_are, shop};

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices";
const SERVICES: &str = "/api/v1/namespaces/shop/services";

#[tokio::test]
async fn a_service_reaches_the_pods_that_are_ready_at_their_ports() {
    let cluster = shop().await;
    let ports = json!([{"name": "http", "port": 80, "targetPort": "web", "protocol": "TCP"}]);
    let service = json!({"metadata": {"name": "web", "labels": {"tier": "front"}}, "spec": {"selector": {"app": "web"}, "ports": ports}});
    must(&cluster, "POST", SERVICES, service).await;
    cluster.settle();
    let slice = &items(&cluster, SLICES).await[0];
    assert_eq!(
        (&slice["endpoints"], &slice["ports"]),
        (&json!(null), &json!(null)),
        "an empty one, so that there is one"
    );
    assert_eq!(
        slice["metadata"]["labels"],
        json!({
            "tier": "front",
            "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            "kubernetes.io/service-name": "web",
        })
    );
    let container = json!({"name": "web", "image": "web", "ports": [{"name": "web", "containerPort": 8080}]});
    let pod =
        json!({"metadata": {"name": "one", "labels": {"app": "web"}}, "spec": {"containers": [container]}});
    must(&cluster, "POST", "/api/v1/namespaces/shop/pods", pod).await;
    pods_are(&cluster, "Running", false).await;
    let ready = |object: &serde_json::Value| object["endpoints"][0]["conditions"]["ready"].clone();
    assert_eq!(ready(&items(&cluster, SLICES).await[0]), false);
    pods_are(&cluster, "Running", true).await;
    let slices = items(&cluster, SLICES).await;
    assert_eq!((slices.len(), ready(&slices[0])), (1, json!(true)));
    assert_eq!(
        slices[0]["metadata"]["name"], slice["metadata"]["name"],
        "the same slice"
    );
    assert_eq!(
        slices[0]["ports"],
        json!([{"name": "http", "port": 8080, "protocol": "TCP"}])
    );
    assert_eq!(slices[0]["endpoints"][0]["targetRef"]["name"], "one");
    assert_eq!(slices[0]["endpoints"][0]["addresses"], json!(["10.1.0.1"]));
    edit(&cluster, &format!("{SERVICES}/web"), |service| {
        service["spec"]["selector"] = json!({"app": "wbe"})
    })
    .await;
    cluster.settle();
    assert_eq!(items(&cluster, SLICES).await[0]["endpoints"], json!(null));
}
