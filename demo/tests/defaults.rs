//! What objects get that their authors left out: as from a real API server.

mod support;

use serde_json::{Value, json};
use support::{ask, cluster, make, recorded};

#[tokio::test]
async fn objects_are_filled_in_as_by_a_real_server() {
    let differing = recorded::differing(&cluster(), "accepted", |answer| answer).await;
    assert!(differing.is_empty(), "{}", differing.concat());
}

#[tokio::test]
async fn a_service_keeps_its_addresses_and_gives_up_what_its_type_has_not() {
    let cluster = cluster();
    let services = "/api/v1/namespaces/default/services";
    let web = json!({"metadata": {"name": "web"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}});
    let made = make(&cluster, services, web).await;
    let ip = made["spec"]["clusterIP"].clone();
    assert!(ip.as_str().is_some_and(|ip| ip.starts_with("10.96.")), "{made}");
    let other = json!({"metadata": {"name": "web-2"}, "spec": {"clusterIP": ip, "ports": [{"port": 80}]}});
    let (code, taken) = ask(&cluster, "POST", services, other).await;
    let told = format!(
        "failed to allocate IP {}: provided IP is already allocated",
        ip.as_str().unwrap_or_default()
    );
    assert_eq!(code, 422);
    assert!(
        taken["message"]
            .as_str()
            .is_some_and(|message| message.ends_with(&told)),
        "{taken}"
    );
    let mut internal = made.clone();
    internal["spec"]["type"] = json!("ClusterIP");
    let (_, internal) = ask(&cluster, "PUT", &format!("{services}/web"), internal).await;
    assert_eq!(internal["spec"]["clusterIP"], ip);
    assert_eq!(
        internal["spec"]["ports"][0]["nodePort"],
        Value::Null,
        "{internal}"
    );
}

#[tokio::test]
async fn a_pod_has_the_account_and_the_priority_that_it_names_or_is_refused() {
    let cluster = cluster();
    let pods = "/api/v1/namespaces/default/pods";
    let pod = |spec: Value| {
        let mut pod =
            json!({"metadata": {"name": "web"}, "spec": {"containers": [{"name": "web", "image": "web"}]}});
        for (key, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][key] = value.clone();
        }
        pod
    };
    for (spec, why) in [
        (
            json!({"serviceAccountName": "no"}),
            "error looking up service account default/no: serviceaccount \"no\" not found",
        ),
        (
            json!({"priorityClassName": "no"}),
            "no PriorityClass with name no was found",
        ),
    ] {
        let (code, refused) = ask(&cluster, "POST", pods, pod(spec)).await;
        let message = format!("pods \"web\" is forbidden: {why}");
        assert_eq!((code, &refused["message"]), (403, &json!(message)));
    }
    let account = json!({"metadata": {"name": "quiet"}, "automountServiceAccountToken": false});
    make(&cluster, "/api/v1/namespaces/default/serviceaccounts", account).await;
    let (_, made) = ask(
        &cluster,
        "POST",
        pods,
        pod(json!({"serviceAccountName": "quiet"})),
    )
    .await;
    assert_eq!(made["spec"]["volumes"], Value::Null, "{made}");
}
