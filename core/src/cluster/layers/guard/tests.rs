use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::*;

fn grant(access: Access, dry_run: bool) -> Grant {
    Grant {
        access,
        dry_run,
        deadline: Instant::now() + Duration::from_secs(1),
        cancel: CancellationToken::new(),
    }
}

fn policy(mode: Mode, allow: Vec<Rule>, deny: Vec<Rule>) -> Policy {
    Policy {
        clusters: vec!["prod".to_owned(), "arn:prod".to_owned()],
        mode,
        allow,
        deny,
    }
}

fn request(method: &str, target: &str, grant: Option<Grant>) -> Request<RequestBody> {
    let mut request = Request::builder()
        .method(method)
        .uri(target)
        .body(RequestBody::default())
        .unwrap();
    if let Some(grant) = grant {
        request.extensions_mut().insert(grant);
    }
    request
}

fn rule(verbs: &[&str], resources: &[&str], namespaces: &[&str]) -> Rule {
    let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Rule {
        verbs: own(verbs),
        resources: own(resources),
        namespaces: own(namespaces),
        clusters: Vec::new(),
    }
}

const POD: &str = "/api/v1/namespaces/shop/pods/web";

#[test]
fn a_request_without_a_grant_is_refused() {
    let open = policy(Mode::Full, Vec::new(), Vec::new());
    for method in ["GET", "DELETE"] {
        assert_eq!(
            open.check(&request(method, POD, None)).unwrap_err().kind,
            ErrorKind::Internal
        );
    }
}

#[test]
fn access_needed_is_compared_with_access_granted() {
    let (read, write) = (Access::Read, Access::Write);
    let (destructive, exec) = (Access::Destructive, Access::Exec);
    let full = policy(Mode::Full, Vec::new(), Vec::new());
    let guarded = policy(Mode::Guarded, Vec::new(), Vec::new());
    let read_only = policy(Mode::ReadOnly, Vec::new(), Vec::new());
    let exec_path = format!("{POD}/exec");
    for (method, target, needed) in [
        ("GET", POD, read),
        ("PATCH", POD, write),
        ("DELETE", POD, destructive),
        ("GET", exec_path.as_str(), exec),
    ] {
        for granted in [read, write, destructive, exec] {
            let request = request(method, target, Some(grant(granted, false)));
            let fits = needed <= granted;
            assert_eq!(
                full.check(&request).is_ok(),
                fits,
                "full: {method} {target} with {granted}"
            );
            // The guarded mode asks; that has been done where the grant was given.
            assert_eq!(
                guarded.check(&request).is_ok(),
                fits,
                "guarded: {method} {target} with {granted}"
            );
            assert_eq!(
                read_only.check(&request).is_ok(),
                needed == read,
                "read-only: {method} {target} with {granted}"
            );
        }
    }
}

#[test]
fn a_dry_run_has_to_be_one_where_the_server_looks() {
    let full = policy(Mode::Full, Vec::new(), Vec::new());
    let rehearse = |method: &str, target: &str, body: &str| {
        let mut request = request(method, target, Some(grant(Access::Exec, true)));
        *request.body_mut() = RequestBody::new(Bytes::copy_from_slice(body.as_bytes()));
        full.check(&request).is_ok()
    };
    assert!(rehearse("PATCH", &format!("{POD}?dryRun=All"), "{}"));
    assert!(rehearse(
        "POST",
        &format!("{POD}/eviction?fieldManager=x&dryRun=All"),
        "{}"
    ));
    assert!(!rehearse("PATCH", POD, "{}"));
    assert!(!rehearse("PATCH", &format!("{POD}?dryRun="), "{}"));
    assert!(!rehearse("PATCH", &format!("{POD}?dryRun=All&dryRun=None"), "{}"));
    assert!(!rehearse("PATCH", &format!("{POD}?xdryRun=All"), "{}"));
    // A deletion with a body is one by its body only.
    assert!(rehearse("DELETE", &format!("{POD}?dryRun=All"), ""));
    assert!(rehearse("DELETE", POD, r#"{"dryRun":["All"]}"#));
    assert!(!rehearse(
        "DELETE",
        &format!("{POD}?dryRun=All"),
        r#"{"kind":"DeleteOptions"}"#
    ));
    assert!(!rehearse("DELETE", &format!("{POD}?dryRun=All"), "not json"));
    // Reads and reviews change nothing.
    assert!(rehearse("GET", POD, ""));
    assert!(rehearse(
        "POST",
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "{}"
    ));
    // Code that runs has no dry run that the server would know.
    assert!(!rehearse(
        "POST",
        &format!("{POD}/exec?command=id&dryRun=All"),
        ""
    ));
    assert!(!rehearse("POST", "/api/v1/nodes/n1/proxy/run?dryRun=All", ""));
    assert!(rehearse(
        "PATCH",
        &format!("{POD}/ephemeralcontainers?dryRun=All"),
        "{}"
    ));
}

#[test]
fn read_only_mode_refuses_dry_runs_too() {
    let read_only = policy(Mode::ReadOnly, Vec::new(), Vec::new());
    let rehearsal = request(
        "PATCH",
        &format!("{POD}?dryRun=All"),
        Some(grant(Access::Write, true)),
    );
    let error = read_only.check(&rehearsal).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(error.message.contains("read-only mode"), "{error}");
}

fn check(policy: &Policy, method: &str, target: &str, cluster_scoped: bool) -> Result<(), String> {
    let mut request = request(method, target, Some(grant(Access::Exec, false)));
    if cluster_scoped {
        request.extensions_mut().insert(ClusterScoped);
    }
    policy.check(&request).map_err(|error| error.message)
}

#[test]
fn denials_are_wide() {
    let denied = |deny: Rule, method: &str, target: &str| {
        check(&policy(Mode::Full, Vec::new(), vec![deny]), method, target, false).is_err()
    };
    let secrets = || rule(&[], &["secrets"], &[]);
    let secret = "/api/v1/namespaces/shop/secrets/s";
    assert!(denied(secrets(), "GET", secret));
    assert!(denied(secrets(), "DELETE", secret));
    assert!(denied(secrets(), "GET", "/api/v1/secrets"));
    assert!(!denied(secrets(), "GET", POD));
    // By verb.
    let no_deletes = || rule(&["delete", "deletecollection"], &["*"], &[]);
    assert!(denied(no_deletes(), "DELETE", POD));
    assert!(!denied(no_deletes(), "PATCH", POD));
    // A resource stands for its subresources, a subresource for itself, a bare name for every group.
    assert!(denied(rule(&[], &["pods"], &[]), "GET", &format!("{POD}/log")));
    assert!(denied(
        rule(&[], &["pods/exec"], &[]),
        "GET",
        &format!("{POD}/exec")
    ));
    assert!(!denied(rule(&[], &["pods/exec"], &[]), "GET", POD));
    let deployment = "/apis/apps/v1/namespaces/shop/deployments/web";
    assert!(denied(rule(&[], &["deployments"], &[]), "GET", deployment));
    assert!(denied(rule(&[], &["deployments.apps"], &[]), "GET", deployment));
    assert!(!denied(
        rule(&[], &["deployments.example.com"], &[]),
        "GET",
        deployment
    ));
    assert!(denied(rule(&[], &["*"], &[]), "GET", deployment));
    assert!(denied(
        rule(&[], &["*/scale"], &[]),
        "GET",
        &format!("{deployment}/scale")
    ));
    // By namespace, of which a list over all is one.
    let system = || rule(&[], &[], &["kube-system"]);
    assert!(denied(system(), "GET", "/api/v1/namespaces/kube-system/pods"));
    assert!(denied(system(), "GET", "/api/v1/namespaces/kube-system"));
    assert!(denied(system(), "GET", "/api/v1/pods"));
    assert!(!denied(system(), "GET", POD));
    let by_namespace = policy(Mode::Full, Vec::new(), vec![system()]);
    assert!(check(&by_namespace, "GET", "/api/v1/nodes", true).is_ok());
    // By cluster.
    let elsewhere = |name: &str| Rule {
        clusters: vec![name.to_owned()],
        ..secrets()
    };
    assert!(denied(elsewhere("prod"), "GET", secret));
    assert!(denied(elsewhere("arn:prod"), "GET", secret));
    assert!(!denied(elsewhere("staging"), "GET", secret));
}

#[test]
fn allowances_are_narrow_and_denials_win() {
    let allowed = |allow: Rule, method: &str, target: &str| {
        check(
            &policy(Mode::Full, vec![allow], Vec::new()),
            method,
            target,
            false,
        )
        .is_ok()
    };
    assert!(allowed(rule(&["get", "list"], &["pods"], &["shop"]), "GET", POD));
    assert!(!allowed(
        rule(&["get", "list"], &["pods"], &["shop"]),
        "DELETE",
        POD
    ));
    assert!(!allowed(
        rule(&[], &["pods"], &["shop"]),
        "GET",
        "/api/v1/namespaces/other/pods/web"
    ));
    assert!(!allowed(rule(&[], &["pods"], &["shop"]), "GET", "/api/v1/pods"));
    assert!(!allowed(rule(&[], &["pods"], &[]), "GET", &format!("{POD}/log")));
    assert!(allowed(
        rule(&[], &["pods/log"], &[]),
        "GET",
        &format!("{POD}/log")
    ));
    assert!(allowed(rule(&[], &["pods/*"], &[]), "GET", &format!("{POD}/log")));
    assert!(!allowed(
        rule(&[], &["deployments"], &[]),
        "GET",
        "/apis/apps/v1/deployments"
    ));
    assert!(allowed(
        rule(&[], &["deployments.apps"], &[]),
        "GET",
        "/apis/apps/v1/deployments"
    ));
    assert!(allowed(
        rule(&["get", "list"], &["*"], &[]),
        "GET",
        "/apis/apps/v1/deployments"
    ));

    // Without these nothing would work, and nothing could be explained.
    let nothing = || rule(&["get"], &["nothing"], &[]);
    for (method, target) in [
        ("GET", "/version"),
        ("GET", "/apis"),
        ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ] {
        assert!(allowed(nothing(), method, target), "{target}");
        let deny_all = policy(Mode::Full, Vec::new(), vec![rule(&[], &["*"], &[])]);
        assert!(check(&deny_all, method, target, false).is_ok(), "{target}");
    }
    assert!(!allowed(nothing(), "POST", "/whatever"));

    let both = policy(
        Mode::Full,
        vec![rule(&[], &["*"], &[])],
        vec![rule(&[], &["secrets"], &[])],
    );
    let message = check(&both, "GET", "/api/v1/namespaces/shop/secrets/s", false).unwrap_err();
    assert_eq!(
        message,
        "the configuration's rule access.deny[0] (resources: [secrets]) refuses to get secrets s in namespace shop"
    );
}

#[test]
fn what_is_unclear_is_refused() {
    let open = policy(Mode::Full, Vec::new(), Vec::new());
    assert!(check(&open, "GET", "/api/v1/namespaces/shop/pods/web%2Fexec", false).is_err());
    assert!(check(&open, "GET", "/api/v1/namespaces/shop/pods/../secrets", false).is_err());
}

#[test]
fn names_that_no_kind_has_are_noticed() {
    let rules = policy(
        Mode::Full,
        vec![rule(&[], &["*", "pods/log"], &[])],
        vec![rule(
            &[],
            &[
                "secrts",
                "deployments.apps",
                "deployments.extensions",
                "*/scale",
                "pods/*",
                "pods/exce",
            ],
            &[],
        )],
    );
    let served = |plural: &str, group: Option<&str>, sub: Option<&str>| match plural {
        "pods" => group.is_none_or(str::is_empty) && sub.is_none_or(|sub| sub == "log"),
        "deployments" => group.is_none_or(|group| group == "apps"),
        _ => false,
    };
    let unknown = unknown_resources(&rules, served);
    let unknown: Vec<String> = unknown.iter().map(ToString::to_string).collect();
    assert_eq!(
        unknown,
        [
            "access.deny[0]: \"secrts\"",
            "access.deny[0]: \"deployments.extensions\"",
            "access.deny[0]: \"pods/exce\""
        ]
    );
}
