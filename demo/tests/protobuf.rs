//! What kubectl's typed clients send.

use bytes::Bytes;
use http::Request;
use http_body_util::BodyExt as _;
use kube_mcp_demo::{ADMIN_TOKEN, Cluster};
use serde_json::Value;

/// A field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).expect("it is short");
    [&[number << 3 | 2, length], bytes].concat()
}

/// A field of a number.
fn number(number: u8, value: u8) -> Vec<u8> {
    vec![number << 3, value]
}

async fn post(cluster: &Cluster, path: &str, body: Vec<u8>) -> (u16, Value) {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
        .header("content-type", "application/vnd.kubernetes.protobuf")
        .body(Bytes::from(body))
        .expect("a request");
    let response = cluster.respond(request).await;
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    (code, serde_json::from_slice(&body).unwrap_or_default())
}

/// `k8s\0` and a `runtime.Unknown` of this kind.
fn envelope(api_version: &str, kind: &str, object: &[u8]) -> Vec<u8> {
    let kind = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
    [b"k8s\0".to_vec(), field(1, &kind), field(2, object)].concat()
}

#[tokio::test]
async fn object_is_read_as_from_json() {
    let cluster = Cluster::new("2026-01-01T00:00:00Z".parse().expect("a time"));
    // name, an empty namespace, a creation time of zero, a label.
    let label = [field(1, b"app"), field(2, b"web")].concat();
    let meta = [
        field(1, b"settings"),
        field(3, b""),
        field(8, b""),
        field(11, &label),
    ]
    .concat();
    let pair = [field(1, b"COLOR"), field(2, b"red")].concat();
    let object = [field(1, &meta), field(2, &pair), number(4, 0)].concat();
    let body = envelope("v1", "ConfigMap", &object);
    let (code, made) = post(&cluster, "/api/v1/namespaces/default/configmaps", body).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["metadata"]["labels"]["app"], "web", "{made}");
    assert_eq!(made["data"]["COLOR"], "red", "{made}");
    assert_eq!(made["metadata"]["namespace"], "default");
    assert_eq!(
        made["immutable"], false,
        "a pointer to false is not nothing: {made}"
    );
}

#[tokio::test]
async fn broken_bytes_are_a_bad_request() {
    let cluster = Cluster::new("2026-01-01T00:00:00Z".parse().expect("a time"));
    let whole = envelope("v1", "ConfigMap", &field(1, &field(1, b"settings")));
    // Cut before the object, it is one without a name.
    let nameless = envelope("v1", "ConfigMap", &[]).len() - field(2, b"").len();
    for cut in (0..whole.len()).filter(|cut| *cut != nameless) {
        let (code, said) = post(
            &cluster,
            "/api/v1/namespaces/default/configmaps",
            whole[..cut].to_vec(),
        )
        .await;
        assert!(code == 400 || code == 422, "{cut} bytes: {code} {said}");
    }
    let unknown = envelope("v1", "Sprocket", &[]);
    let (code, _) = post(&cluster, "/api/v1/namespaces/default/configmaps", unknown).await;
    assert_eq!(code, 400);
}
