//! A bounded, seeded run of each entry, and what such runs have found.

use super::*;

#[path = "../../../tests/support/mutator.rs"]
mod mutator;

/// Cases of each entry in the normal suite.
const CASES: usize = 2_000;

fn text(_: &mut mutator::Mutator, bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn filters() {
    let corpus = [
        "status!=Running,restarts>5",
        "ready<desired, age > 1h",
        "name~^web-.*$",
        "spec.containers[*].image=nginx:1",
        r#"status.conditions[?(@.type=="Ready")].status=True"#,
        "spec.containers[?(@.name=='web' && @.image!='x')].image,metadata.name",
        "spec.containers[?(length(@.ports)>1 || count(@.env)==1)].name",
        "spec.containers[?search(@.image, 'ng.*')].name",
        r"metadata.labels.app\.kubernetes\.io/name",
        "..image",
        "{.spec.containers[0:2:1].name}",
        "$.status[''].a",
        "-restarts",
        "up-to-date>1Gi",
        "name='a,b'",
    ];
    mutator::run(CASES, &corpus, text, |text| filter(text));
}

#[test]
fn selectors() {
    let corpus = [
        "app=web,tier!=x",
        "app: web",
        "tier in (a,b),!canary",
        "spec.nodeName=node-3,status.phase!=Running",
        "a.b/c=d,e",
    ];
    mutator::run(CASES, &corpus, text, |text| selector(text));
}

#[test]
fn parameters() {
    let corpus = [
        "deployments.apps",
        "po",
        "apps/v1/Deployment",
        "Widget",
        "90s",
        "1d12h",
        "PT1H30M",
        "-5m",
        "2026-07-28T13:41:00Z",
        "2026-07-28T13:41:00+02:00[Europe/Paris]",
    ];
    mutator::run(CASES, &corpus, text, |text| parameter(text));
}

#[test]
fn messages() {
    let corpus = [
        r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":{"a":1}}}"#,
        r#"[{"jsonrpc":"2.0","id":"a","method":"ping"}]"#,
        r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
    ];
    mutator::run(
        CASES,
        &corpus,
        |_, bytes| Body(bytes),
        |Body(bytes)| message(bytes),
    );
}

#[test]
fn resource_uris() {
    let corpus = [
        "k8s://prod/shop/Deployment/check%6Fut",
        "k8s://prod/_/Node/node-1",
        "K8S://a/b/c/d",
    ];
    mutator::run(CASES, &corpus, text, |text| resource_uri(text));
}

#[test]
fn redactions() {
    let corpus = [
        "connect postgres://app:s3cr%40t@db:5432/x failed",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBg\n-----END RSA PRIVATE KEY-----",
        "Authorization: Bearer abcdefghijkl",
        "aws_secret_access_key = bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "t=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fw.",
        "AccountKey=dddddddddddddddddddddddddddddddddddddddddddddddd==;x",
        "https://hooks.slack.com/services/T000/B000/xxxx",
        "password hunter2hunter2 \u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}",
    ];
    mutator::run(CASES, &corpus, text, |text| redaction(text));
}

#[test]
fn templates() {
    let corpus = [
        "{{ params.name }}-0",
        "steps.pod.metadata.name == 'web' and not params.other",
        "{% for c in steps.pod.spec.containers %}{{ loop.index }} {{ c.image | upper }}{% endfor %}",
        "{% if steps.pod.spec.replicas is defined %}{{ steps.pod.spec.replicas + 1 }}{% endif %}",
        "{{ next('resources.get', kind='Pod', name=params.name) | default('none') }}",
        "{{ steps.pod.spec.containers[1:] | map(attribute='name') | join(', ') }}",
    ];
    mutator::run(CASES, &corpus, text, |text| template(text));
}

/// Found by [`lists`]: such a list was read until its deadline.
#[test]
fn a_page_that_leads_to_itself() {
    let started = std::time::Instant::now();
    list(br#"{"kind": "PodList", "metadata": {"continue": "again"}, "items": [{"metadata": {"name": "web"}}]}"#);
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// Found by [`parameters`]: each known name was compared with all of it.
#[test]
fn a_name_of_megabytes() {
    let started = std::time::Instant::now();
    parameter(&"x".repeat(4 << 20));
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}

/// Bodies as API servers write them.
fn bodies() -> Vec<String> {
    let pod = OBJECT.with(|object| Value::clone(object));
    let (core, groups) = crate::cluster::testing::discovery();
    [
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"continue": "", "remainingItemCount": 1},
            "columnDefinitions": [
                {"name": "Name", "type": "string", "format": "name", "priority": 0},
                {"name": "Ready", "type": "string", "priority": 0}, {"name": "Status", "type": "string", "priority": 0},
                {"name": "Restarts", "type": "integer", "priority": 0}, {"name": "Age", "type": "date", "priority": 1}],
            "rows": [
                {"cells": ["web", "1/2", "CrashLoopBackOff", "14 (2m ago)", "5d"], "object": pod},
                {"cells": ["db", 3, null, [1.5], {"a": true}], "object": {"metadata": {"name": "db", "namespace": "shop"}}}]}),
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": null}, "items": [pod, pod]}),
        json!({"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "web", "managedFields": [{}]}, "data": {"a": "aHVudGVyMmh1bnRlcjI="}}),
        json!({"kind": "EventList", "apiVersion": "v1", "items": [
            {"type": "Warning", "reason": "BackOff", "message": "Back-off 5m0s", "count": 12, "lastTimestamp": "2026-11-23T14:00:00Z",
             "involvedObject": {"kind": "Pod", "name": "web", "namespace": "shop", "fieldPath": "spec.containers{web}"},
             "metadata": {"name": "web.1", "namespace": "shop"}}]}),
        json!({"kind": "Status", "status": "Failure", "code": 422, "reason": "Invalid", "message": "Pod \"web\" is invalid: spec: Invalid value: 1",
            "details": {"name": "web", "causes": [{"reason": "FieldValueInvalid", "message": "Invalid value", "field": "spec.x"}]}}),
        json!({"kind": "APIVersions", "versions": ["v1"]}),
        core,
        groups,
        pod,
    ]
    .map(|body| body.to_string())
    .to_vec()
}

/// Gives a check bodies that are wrong: half of them are JSON still.
fn wrong_bodies(check: fn(&[u8])) {
    let bodies = bodies();
    let corpus: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let case = |mutator: &mut mutator::Mutator, mut bytes: Vec<u8>| {
        if mutator.rng.bool()
            && let Ok(mut value) = serde_json::from_str(mutator.of::<&str>(&corpus))
        {
            for _ in 0..mutator.rng.usize(1..4) {
                mutator.json(&mut value);
            }
            bytes = value.to_string().into_bytes();
        }
        Body(bytes)
    };
    mutator::run(CASES / 20, &corpus, case, |Body(bytes)| check(bytes));
}

#[test]
fn lists() {
    wrong_bodies(list);
}

#[test]
fn objects() {
    wrong_bodies(object);
}

#[test]
fn failures() {
    wrong_bodies(failure);
}

#[test]
fn discoveries() {
    wrong_bodies(discovery);
}

#[test]
fn logs() {
    let corpus = [
        "2026-11-23T02:01:53.123456789Z \u{1b}[31mERROR\u{1b}[0m slow\r\n2026-11-23T02:01:54Z ok\n",
        "time=\"2026-11-23T14:00:03Z\" level=warn\ntime=\"2026-11-23T14:00:04Z\" level=warn\n",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----\n",
        "unable to retrieve container logs for containerd://x\n",
        "{\"level\":\"error\",\"msg\":\"no such host\"}\nplain\n",
    ];
    mutator::run(
        CASES / 4,
        &corpus,
        |_, bytes| Body(bytes),
        |Body(bytes)| log(bytes),
    );
}

/// Bytes that a failure shows as text.
struct Body(Vec<u8>);

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}
