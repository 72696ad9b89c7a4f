//! What objects must not be: told in the words of a real API server.

mod support;

use serde_json::{Value, json};
use support::{ask, cluster, make, recorded};

#[tokio::test]
async fn mistakes_are_told_as_by_a_real_server() {
    // What cannot be read at all is refused in words of our own.
    let show = |answer: Value| match answer["code"].as_u64() {
        Some(400) => answer["code"].clone(),
        _ => json!([answer["code"], answer["message"], answer["details"]["causes"]]),
    };
    let differing = recorded::differing(&cluster(), "refused", show).await;
    assert!(differing.is_empty(), "{}", differing.concat());
}

#[tokio::test]
async fn what_is_there_may_not_become_anything() {
    let cluster = cluster();
    let template =
        json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a"}]}});
    let workload = json!({"serviceName": "a", "selector": {"matchLabels": {"a": "b"}}, "template": template});
    let pod = json!({"containers": [{"name": "a", "image": "a"}], "nodeSelector": {"no": "where"}});
    let cases = [
        (
            "/apis/apps/v1/namespaces/default/deployments",
            json!({"spec": workload}),
            "/spec/selector/matchLabels/c",
            "Deployment.apps \"a\" is invalid: [spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does \
             not match template `labels`, spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"b\",\"c\":\"new\"}}: field \
             is immutable]",
        ),
        (
            "/apis/apps/v1/namespaces/default/statefulsets",
            json!({"spec": workload}),
            "/spec/serviceName",
            "StatefulSet.apps \"a\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than \
             'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
             'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
        ),
        (
            "/api/v1/namespaces/default/pods",
            json!({"spec": pod}),
            "/spec/containers/0/workingDir",
            "Pod \"a\" is invalid: spec: Forbidden: pod updates may not change fields other than \
             `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` \
             (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it \
             was previously negative)",
        ),
        (
            "/api/v1/namespaces/default/configmaps",
            json!({"immutable": true, "data": {"a": "b"}}),
            "/data/a",
            "ConfigMap \"a\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
        ),
        (
            "/api/v1/namespaces/default/secrets",
            json!({"type": "Opaque"}),
            "/type",
            "Secret \"a\" is invalid: type: Invalid value: \"new\": field is immutable",
        ),
    ];
    for (path, mut object, field, message) in cases {
        object["metadata"] = json!({"name": "a"});
        make(&cluster, path, object).await;
        let (_, mut now) = ask(&cluster, "GET", &format!("{path}/a"), Value::Null).await;
        let (parent, key) = field.rsplit_once('/').expect("a path");
        now.pointer_mut(parent).expect("the parent")[key] = json!("new");
        now["metadata"]["resourceVersion"].take();
        let (code, refused) = ask(&cluster, "PUT", &format!("{path}/a"), now).await;
        assert_eq!((code, &refused["message"]), (422, &json!(message)));
    }
}
