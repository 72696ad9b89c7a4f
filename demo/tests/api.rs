//! The API, asked as a client asks it.

mod support;

use serde_json::{Value, json};
use support::{ask, cluster};

#[tokio::test]
async fn what_is_created_is_there_until_it_is_deleted() {
    let cluster = cluster();
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    let (code, made) = ask(&cluster, "POST", "/api/v1/namespaces", namespace.clone()).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["metadata"]["creationTimestamp"], "2026-01-01T00:00:00Z");
    let (code, again) = ask(&cluster, "POST", "/api/v1/namespaces", namespace).await;
    assert_eq!(
        (code, &again["reason"]),
        (409, &json!("AlreadyExists")),
        "{again}"
    );
    let (_, list) = ask(&cluster, "GET", "/api/v1/namespaces", Value::Null).await;
    assert_eq!(list["items"][4]["metadata"]["name"], "shop", "{list}");
    let (code, _) = ask(&cluster, "DELETE", "/api/v1/namespaces/shop", Value::Null).await;
    assert_eq!(code, 200);
    cluster.settle();
    let (code, gone) = ask(&cluster, "GET", "/api/v1/namespaces/shop", Value::Null).await;
    assert_eq!(
        (code, &gone["message"]),
        (404, &json!("namespaces \"shop\" not found")),
        "{gone}"
    );
}
