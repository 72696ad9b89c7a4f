use serde_json::{Value, json};

use super::*;
use crate::cluster::testing::{Script, grant};

const SECRETS: &str = "/api/v1/namespaces/shop/secrets";

async fn told(script: Script, path: &str) -> Error {
    let cluster = script.cluster();
    cluster.resolve("pods", grant(Access::Read)).await.unwrap();
    cluster
        .client(grant(Access::Read))
        .get_path::<Value>(path)
        .await
        .unwrap_err()
}

async fn says(script: Script, path: &str, kind: ErrorKind, expected: &str) {
    let error = told(script, path).await;
    assert_eq!((error.kind, error.message.as_str()), (kind, expected));
}

#[tokio::test]
async fn a_refusal_says_who_may_not_do_what_where() {
    let message = "secrets is forbidden: User \"oncall@example.com\" cannot list resource \"secrets\" in API group \"\" at the cluster scope";
    says(
        Script::new().fails("GET", "/api/v1/secrets", 403, "Forbidden", message),
        "/api/v1/secrets",
        ErrorKind::Forbidden,
        "oncall@example.com may not list secrets in all namespaces on test (403); name a namespace, or ask for a role \
         that allows it",
    )
    .await;
    let message = "User \"system:anonymous\" cannot get path \"/metrics\"";
    says(
        Script::new().fails("GET", "/metrics", 403, "Forbidden", message),
        "/metrics",
        ErrorKind::Forbidden,
        "test takes us for nobody (system:anonymous), who may not get /metrics (403): there are no credentials, or \
         they were not accepted",
    )
    .await;
    // Who says it without saying to whom is asked.
    let script = Script::new().fails("GET", SECRETS, 403, "Forbidden", "").on(
        "POST",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        json!({"status": {"userInfo": {"username": "jane"}}}),
    );
    says(
        script,
        SECRETS,
        ErrorKind::Forbidden,
        "jane may not list secrets in namespace shop on test (403); ask for a role that allows it",
    )
    .await;
    // Admission says why in its own words.
    says(
        Script::new().fails(
            "GET",
            SECRETS,
            403,
            "Forbidden",
            "pods \"x\" is forbidden: violates PodSecurity",
        ),
        SECRETS,
        ErrorKind::Forbidden,
        "test refuses to list secrets in namespace shop (403): pods \"x\" is forbidden: violates PodSecurity",
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_is_told_apart() {
    let path = "/apis/apps/v1/namespaces/shop/deployments/checkout";
    let details = json!({"name": "checkout", "group": "apps", "kind": "deployments"});
    let missing = || Script::new().fails_with("GET", path, 404, "NotFound", "not found", &details);
    says(
        missing().on("GET", "/api/v1/namespaces/shop", json!({})),
        path,
        ErrorKind::NotFound,
        "there is no Deployment checkout in namespace shop on test",
    )
    .await;
    says(
        missing().fails("GET", "/api/v1/namespaces/shop", 404, "NotFound", "no"),
        path,
        ErrorKind::NotFound,
        "there is no namespace shop on test",
    )
    .await;
    // Who may not look at namespaces is told what is certain.
    says(
        missing().fails("GET", "/api/v1/namespaces/shop", 403, "Forbidden", "no"),
        path,
        ErrorKind::NotFound,
        "there is no Deployment checkout in namespace shop on test",
    )
    .await;
    says(
        Script::new().text("GET", "/apis/foo.io/v1/bars", 404, "404 page not found\n"),
        "/apis/foo.io/v1/bars",
        ErrorKind::NotFound,
        "test does not serve bars.foo.io in version v1 (404)",
    )
    .await;
}

#[tokio::test]
async fn other_failures_say_what_to_do() {
    let pod = "/api/v1/namespaces/shop/pods/web";
    let details = json!({"causes": [
        {"field": "spec.replicas", "message": "must be greater than 0"},
        {"field": "spec.replicas", "message": "must be greater than 0"},
        {"field": "patch", "message": format!("Invalid value: \"{}\": wrong", "x".repeat(100))},
    ]});
    says(
        Script::new().fails_with("GET", pod, 422, "Invalid", "invalid", &details),
        pod,
        ErrorKind::Invalid,
        "test cannot get pods web in namespace shop (422): spec.replicas: must be greater than 0; patch: Invalid \
         value: \"…\": wrong",
    )
    .await;
    says(
        Script::new().fails("GET", pod, 410, "Expired", "too old"),
        pod,
        ErrorKind::Conflict,
        "the list has moved on since its last page (410): too old; start it anew",
    )
    .await;
    let error = told(Script::new().text("GET", pod, 401, "Unauthorized"), pod).await;
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    let error = told(
        Script::new().fails("GET", pod, 500, "InternalError", "etcd is gone"),
        pod,
    )
    .await;
    assert_eq!(
        error.message,
        "test failed to get pods web in namespace shop (500): etcd is gone"
    );
    for code in [200, 403] {
        let error = told(Script::new().text("GET", pod, code, "<html>login</html>"), pod).await;
        assert!(error.message.contains("web page"), "{error}");
    }
    let error = told(Script::new().text("GET", pod, 200, "{\"a\": [1, 2"), pod).await;
    assert!(error.message.contains("ended in the middle"), "{error}");
    // What was read is in no message.
    let error = told(Script::new().text("GET", pod, 200, "{\"a\": hunter2}"), pod).await;
    assert!(!error.message.contains("hunter2"), "{error}");
}

#[test]
fn a_certificate_that_will_not_do_says_what_to_mend_at_its_end() {
    let client = Script::new().cluster().client(grant(Access::Read));
    let mend = |bad| {
        let error = client.not_answered(rustls::Error::InvalidCertificate(bad).into());
        let (what, mend) = error.message.rsplit_once("; ").unwrap();
        (what.to_owned(), mend.to_owned())
    };
    // Both are what a cluster made anew comes to: its authority has the old one's name or another.
    let anew = mend(CertificateError::BadSignature);
    assert_eq!(anew, mend(CertificateError::UnknownIssuer));
    assert!(anew.1.starts_with("correct certificate-authority"), "{anew:?}");
    let names = |count| CertificateError::NotValidForNameContext {
        expected: rustls::pki_types::ServerName::try_from("api.example.com").unwrap(),
        presented: (0..count)
            .map(|number| format!("DnsName(\"{number}\")"))
            .collect(),
    };
    assert_eq!(
        mend(names(2)),
        (
            "test unreachable: the certificate of https://scripted.test is for other names (DnsName(\"0\"), \
             DnsName(\"1\"))"
                .to_owned(),
            "use a server address that is among them, or set tls-server-name".to_owned()
        )
    );
    assert!(mend(names(100)).0.ends_with("DnsName(\"4\"), …)"));
}

#[test]
fn long_quotes_are_left_out() {
    assert_eq!(shortened("a \"short\" one"), "a \"short\" one");
    let long = format!("Invalid value: \"{}\\\"{}\": why", "x".repeat(50), "y".repeat(50));
    assert_eq!(shortened(&long), "Invalid value: \"…\": why");
    assert_eq!(shortened("open \"quote"), "open \"quote");
}
