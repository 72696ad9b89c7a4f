use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use kube::config::AuthInfo;
use serde_json::{Value, json};

use super::{certificate::client_certificate, kubeconfig::from_source, *};
use crate::{
    cluster::{Clusters, kubeconfig::Source, testing::Script},
    config::Config,
};

const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";

/// Level, check and finding of each.
fn told(findings: &[Finding]) -> Vec<String> {
    let told = |finding: &Finding| {
        assert_eq!(finding.level == Level::Ok, finding.next.is_none(), "{finding:?}");
        format!("{} {}: {}", finding.level.word(), finding.check, finding.finding)
    };
    findings.iter().map(told).collect()
}

fn server(version: &str, minor: &str, user: &str) -> Script {
    Script::new()
        .on(
            "GET",
            "/version",
            json!({"major": "1", "minor": minor, "gitVersion": version}),
        )
        .on(
            "POST",
            WHO,
            json!({"status": {"userInfo": {"username": user, "groups": ["devs"]}}}),
        )
}

fn allowed(yes: bool) -> Value {
    json!({"status": {"allowed": yes}})
}

fn need(text: &str, users: &[&str]) -> Needed {
    let (verb, resource) = text.split_once(' ').unwrap();
    let (kind, sub) = resource
        .split_once('/')
        .map_or((resource, None), |(kind, sub)| (kind, Some(sub)));
    Needed {
        verb: verb.to_owned(),
        kind: kind.to_owned(),
        subresource: sub.map(str::to_owned),
        users: users.iter().map(|user| (*user).to_owned()).collect(),
    }
}

#[tokio::test]
async fn a_cluster_is_told_from_the_connection_to_the_rights() {
    let script = server("v1.36.2", "36", "ann").on("POST", REVIEW, allowed(true));
    let script = script.with_config(|config| {
        let rule = crate::config::Rule {
            resources: vec![
                "secrts".to_owned(),
                "deployments.app".to_owned(),
                "pods/exec".to_owned(),
                "pods/exce".to_owned(),
            ],
            ..crate::config::Rule::default()
        };
        config.access.deny = vec![rule];
    });
    let examined = examine(&script.cluster(), &[need("list pods", &["a"])]).await;
    let told = told(&examined.findings);
    assert!(
        told[0].starts_with("ok reach: https://scripted.test answered in"),
        "{told:?}"
    );
    assert_eq!(
        told[1..],
        [
            "ok version: v1.36.2",
            "ok user: ann (devs)",
            "ok discovery: 18 kinds",
            "ok rights: 1 of 1 that tools need"
        ]
    );
    let near: Vec<_> = examined.unknown.unwrap().into_values().flatten().collect();
    assert_eq!(near, ["deployments.apps", "pods/exec", "secrets"]);
    // Nothing but reads and reviews about ourselves is asked.
    for seen in script.all_requests() {
        assert!(
            seen.method == "GET" || [WHO, REVIEW].contains(&seen.path.as_str()),
            "{seen:?}"
        );
    }
}

#[tokio::test]
async fn missing_rights_name_the_tools_and_the_role() {
    // Asked in order: all namespaces, then the context's.
    let script = server("v1.36.2", "36", "ann")
        .on("POST", REVIEW, allowed(false))
        .on("POST", REVIEW, allowed(true));
    let examined = examine(&script.cluster(), &[need("list deploy", &["a", "b"])]).await;
    let last = examined.findings.last().unwrap();
    assert_eq!(
        last.finding,
        "only in namespace default, not in all: list deploy (a, b)"
    );
    assert!(
        last.next
            .as_deref()
            .unwrap()
            .ends_with(r#"{apiGroups: ["apps"], resources: [deployments], verbs: [list]}"#),
        "{last:?}"
    );
    let reviews: Vec<_> = script
        .requests()
        .into_iter()
        .filter(|seen| seen.path == REVIEW)
        .collect();
    let spaces: Vec<&Value> = reviews
        .iter()
        .map(|seen| &seen.body["spec"]["resourceAttributes"]["namespace"])
        .collect();
    assert_eq!(spaces, ["", "default"]);

    let script = server("v1.36.2", "36", "ann").on("POST", REVIEW, allowed(false));
    let needed = [
        need("get pods/log", &["a"]),
        need("list gizmos.example.com", &["b"]),
    ];
    let examined = examine(&script.cluster(), &needed).await;
    assert_eq!(
        told(&examined.findings[4..]),
        [
            "warn rights: missing, in namespace default too: get pods/log (a)",
            "warn rights: the cluster serves no such kind: list gizmos.example.com (b)"
        ]
    );
}

#[tokio::test]
async fn what_fails_does_not_hide_what_can_still_be_asked() {
    let stale = json!({"kind": "APIGroupDiscoveryList", "items": [{
        "metadata": {"name": "metrics.k8s.io"},
        "versions": [{"version": "v1beta1", "freshness": "Stale", "resources": []}],
    }]});
    let old = Script::bare()
        .on("GET", "/api", stale.clone())
        .on("GET", "/apis", stale)
        .on(
            "GET",
            "/version",
            json!({"minor": "27+", "gitVersion": "v1.27.3"}),
        )
        .fails("POST", WHO, 403, "Forbidden", "nobody cannot create reviews")
        .on("POST", REVIEW, allowed(true));
    let told = told(&examine(&old.cluster(), &[]).await.findings);
    assert!(told[1].starts_with("warn version: v1.27.3 is older"), "{told:?}");
    assert!(told[2].starts_with("warn user:"), "{told:?}");
    assert!(told[3].contains("metrics.k8s.io/v1beta1"), "{told:?}");

    let refused = Script::new().fails("GET", "/version", 401, "Unauthorized", "Unauthorized");
    let findings = examine(&refused.cluster(), &[]).await.findings;
    assert_eq!(
        (findings.len(), findings[0].check, findings[0].level),
        (1, "credentials", Level::Fail)
    );
}

const CONTEXTS: &str = "
apiVersion: v1
kind: Config
current-context: gone
clusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]
contexts:
- {name: a, context: {cluster: c, user: plugin}}
- {name: b, context: {cluster: missing, user: plugin}}
users:
- {name: plugin, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin}}}
";

fn files(folder: &Path, text: &str) -> (Vec<Finding>, Clusters) {
    let file = folder.join("kubeconfig");
    fs::write(&file, text).unwrap();
    let (source, config) = (Source::Variable(vec![file]), Config::default());
    let clusters = Clusters::from_source(&source, &config);
    (from_source(&source, &config, &clusters), clusters)
}

#[tokio::test]
async fn mistakes_of_a_kubeconfig_are_told_where_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let (findings, clusters) = files(folder.path(), CONTEXTS);
    let all = told(&findings).join("\n");
    assert!(
        all.contains(r#"warn kubeconfig: the current context "gone" does not exist"#),
        "{all}"
    );
    let found = |name: &str| {
        let cluster = clusters.get(Some(name)).unwrap();
        async move { told(&examine(&cluster, &[]).await.findings).join("\n") }
    };
    let (a, b) = (found("a").await, found("b").await);
    assert!(
        a.starts_with("fail plugin:") && a.contains("`no-such-plugin` could not be started"),
        "{a}"
    );
    assert!(
        b.starts_with("fail kubeconfig:") && b.contains(r#"the cluster "missing""#),
        "{b}"
    );

    let file = folder.path().join("kubeconfig");
    let (source, mut config) = (Source::Variable(vec![file]), Config::default());
    config.kubernetes.context = Some("aa".to_owned());
    let clusters = Clusters::from_source(&source, &config);
    let all = told(&from_source(&source, &config, &clusters)).join("\n");
    assert!(
        all.contains(r#"fail kubeconfig: kubernetes.context: there is no context "aa""#),
        "{all}"
    );

    let (findings, _) = files(folder.path(), "clusters: [");
    assert_eq!(findings.last().unwrap().level, Level::Fail);
    let (findings, _) = files(folder.path(), "apiVersion: v1\nkind: Config\n");
    assert!(
        told(&findings).concat().contains("has no contexts"),
        "{findings:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_read_is_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    for (mode, exposed) in [(0o644, true), (0o600, false)] {
        fs::write(folder.path().join("kubeconfig"), CONTEXTS).unwrap();
        fs::set_permissions(folder.path().join("kubeconfig"), fs::Permissions::from_mode(mode)).unwrap();
        let (findings, _) = files(folder.path(), CONTEXTS);
        assert_eq!(
            told(&findings).concat().contains("can be read by every user"),
            exposed
        );
    }
}

/// Good until 2027-11-23T05:12:29Z.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBcTCCARegAwIBAgIUYUHecwHNrGGueGnRCUOk9K/tF5IwCgYIKoZIzj0EAwIw
DjEMMAoGA1UEAwwDYW5uMB4XDTI2MTEyMzA1MTIyOVoXDTI3MTEyMzA1MTIyOVow
DjEMMAoGA1UEAwwDYW5uMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE0DI0xobX
SikOOq7BZYt3ZOhBHYPEOLMxiBVoKyMI3sO9vf0R4F5qHmSzTDgSGADLG2aBxEcK
vJybfumE0xvI+KNTMFEwHQYDVR0OBBYEFBsOnMV5ikg9+HeogXmN6YU8y7IyMB8G
A1UdIwQYMBaAFBsOnMV5ikg9+HeogXmN6YU8y7IyMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSAAwRQIgeN7hDBrhGC6+mC+rPSA9dgqJYxDDUhImhnBBxdV9
xtYCIQCei87iH/Xx1Ci+gtpumK0rS1quQvgGGbBs1kqFsC1NjA==
-----END CERTIFICATE-----
";

#[test]
fn a_certificate_is_told_before_it_expires() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ann.crt");
    fs::write(&file, CERTIFICATE).unwrap();
    let user = AuthInfo {
        client_certificate: Some(file.display().to_string()),
        ..AuthInfo::default()
    };
    let end: Timestamp = "2027-11-23T05:12:29Z".parse().unwrap();
    let days = |days: i64| end - SignedDuration::from_hours(24 * days);
    for (now, expected) in [
        (
            days(100),
            "ok certificate: the client certificate is good for 100 days",
        ),
        (
            days(5),
            "warn certificate: the client certificate expires in 5 days, at 2027-11-23 05:12 UTC",
        ),
        (
            days(-1),
            "fail certificate: the client certificate expired at 2027-11-23 05:12 UTC",
        ),
    ] {
        assert_eq!(told(&[client_certificate(&user, now).unwrap()]), [expected]);
    }
    assert_eq!(client_certificate(&AuthInfo::default(), end), None);
}
