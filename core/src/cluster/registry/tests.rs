use super::*;
use crate::{
    ErrorKind,
    call::Access,
    cluster::testing::{Script, grant},
};

fn served(group: &str, version: &str, plural: &str, kind: &str, shorts: &[&str], preferred: bool) -> Served {
    Served {
        resource: Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            singular: kind.to_lowercase(),
            short_names: shorts.iter().map(|short| (*short).to_owned()).collect(),
            namespaced: true,
            verbs: vec!["list".to_owned()],
            subresources: Vec::new(),
            categories: if group == "apps" {
                vec!["all".to_owned()]
            } else {
                Vec::new()
            },
        },
        preferred,
    }
}

fn registry() -> Registry {
    Registry::new(
        vec![
            served("", "v1", "pods", "Pod", &["po"], true),
            served("", "v1", "events", "Event", &["ev"], true),
            served("apps", "v1", "deployments", "Deployment", &["deploy"], true),
            served("apps", "v1beta1", "deployments", "Deployment", &["deploy"], false),
            served("events.k8s.io", "v1", "events", "Event", &["ev"], true),
            served("metrics.k8s.io", "v1beta1", "pods", "PodMetrics", &[], true),
            served("example.com", "v1", "widgets", "Widget", &["wd"], true),
            served("other.org", "v1", "gadgets", "Gadget", &[], true),
            served("third.io", "v1", "gadgets", "Gadget", &[], true),
            // A short name of a stranger that is a name of ours.
            served("third.io", "v1", "ponies", "Pony", &["pods", "po"], true),
        ],
        vec!["broken.io/v1".to_owned()],
    )
}

fn found(text: &str) -> String {
    match registry().find(text) {
        Ok(Some(resource)) => format!("{} {}", resource.api_version(), resource.plural),
        Ok(None) => "none".to_owned(),
        Err(error) => error.message,
    }
}

#[test]
fn kinds_are_found_as_kubectl_finds_them() {
    for (text, expected) in [
        ("po", "v1 pods"),
        ("pods", "v1 pods"),
        ("PODS", "v1 pods"),
        ("Pod", "v1 pods"),
        ("pod", "v1 pods"),
        (" ev ", "v1 events"),
        ("events", "v1 events"),
        ("events.events.k8s.io", "events.k8s.io/v1 events"),
        ("pods.metrics.k8s.io", "metrics.k8s.io/v1beta1 pods"),
        ("PodMetrics", "metrics.k8s.io/v1beta1 pods"),
        ("deploy", "apps/v1 deployments"),
        ("deployments.apps", "apps/v1 deployments"),
        ("Deployment.apps", "apps/v1 deployments"),
        ("apps/v1/Deployment", "apps/v1 deployments"),
        ("apps/Deployment", "apps/v1 deployments"),
        ("apps/v1beta1/deployments", "apps/v1beta1 deployments"),
        ("Deployment.v1.apps", "apps/v1 deployments"),
        ("deployments.v1beta1.apps", "apps/v1beta1 deployments"),
        ("v1/Pod", "v1 pods"),
        ("pods.v1", "v1 pods"),
        ("widgets.example.com", "example.com/v1 widgets"),
        ("widgets.example.com/v1", "example.com/v1 widgets"),
        ("deployments.apps/v1beta1", "apps/v1beta1 deployments"),
        ("pods/v1", "v1 pods"),
        ("widgets.example", "example.com/v1 widgets"),
        ("wd", "example.com/v1 widgets"),
        ("gadgets.third.io", "third.io/v1 gadgets"),
        (
            "gadgets",
            "\"gadgets\" is ambiguous: gadgets.other.org, gadgets.third.io; give the group too",
        ),
        ("widgets.nowhere.io", "none"),
        ("apps/v3/Deployment", "none"),
        ("widgit", "none"),
        ("a/b/c/d", "none"),
        ("", "none"),
    ] {
        assert_eq!(found(text), expected, "{text}");
    }
}

#[test]
fn an_unknown_kind_gets_the_nearest_names() {
    let registry = registry();
    let said = |text: &str| registry.unknown("prod", text).message;
    assert_eq!(
        said("widgit"),
        "no kind \"widgit\" on prod; nearest: Widget (widgets.example.com), Gadget (gadgets.other.org), Gadget \
         (gadgets.third.io) (the kinds of broken.io/v1 could not be learned: their API servers do not answer)"
    );
    assert!(said("deploymnet").contains("nearest: Deployment (deployments.apps)"));
    assert!(!said("xyzzyfoo").contains("nearest"));
    assert_eq!(
        said("pod/web"),
        "\"pod/web\" is a kind and a name: give kind pod and name web"
    );
    assert_eq!(
        said("all"),
        "\"all\" is a set of kinds, name one of them: deployments"
    );
}

#[tokio::test(start_paused = true)]
async fn a_miss_asks_again_but_not_for_every_misspelling() {
    let (core, groups) = crate::cluster::testing::discovery();
    let mut grown = groups.clone();
    grown["items"][3]["versions"][0]["resources"][0]["resource"] = "sprockets".into();
    grown["items"][3]["versions"][0]["resources"][0]["responseKind"]["kind"] = "Sprocket".into();
    let server = Script::bare()
        .on("GET", "/api", core)
        .on("GET", "/apis", groups)
        .on("GET", "/apis", grown);
    let cluster = server.cluster();
    let asked = || {
        server
            .all_requests()
            .iter()
            .filter(|seen| seen.path == "/apis")
            .count()
    };
    cluster.resolve("widgets", grant(Access::Read)).await.unwrap();
    assert_eq!(asked(), 1);
    // Just asked: not again.
    let error = cluster
        .resolve("sprockets", grant(Access::Read))
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert_eq!(asked(), 1);
    tokio::time::advance(std::time::Duration::from_secs(6)).await;
    cluster.resolve("sprockets", grant(Access::Read)).await.unwrap();
    assert_eq!(asked(), 2);
}

#[tokio::test]
async fn an_old_server_is_asked_group_by_group() {
    use serde_json::json;
    let server = Script::bare()
        .on("GET", "/api", json!({"kind": "APIVersions", "versions": ["v1"]}))
        .on(
            "GET",
            "/apis",
            json!({"kind": "APIGroupList", "groups": [
                {"name": "apps", "versions": [{"version": "v1beta1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}},
                {"name": "metrics.k8s.io", "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}},
            ]}),
        )
        .on(
            "GET",
            "/api/v1",
            json!({"kind": "APIResourceList", "resources": [
                {"name": "pods", "kind": "Pod", "singularName": "", "namespaced": true, "shortNames": ["po"], "verbs": ["get"]},
                {"name": "pods/log", "kind": "Pod", "namespaced": true, "verbs": ["get"]},
            ]}),
        )
        .on("GET", "/apis/apps/v1", json!({"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true}]}))
        .on("GET", "/apis/apps/v1beta1", json!({"resources": [{"name": "deployments", "kind": "Deployment"}]}))
        .fails("GET", "/apis/metrics.k8s.io/v1", 500, "InternalError", "down");
    let cluster = server.cluster();
    let pods = cluster.resolve("po", grant(Access::Read)).await.unwrap();
    assert_eq!(
        (pods.singular.as_str(), pods.subresources),
        ("pod", vec!["log".to_owned()])
    );
    let deployments = cluster.resolve("deployment", grant(Access::Read)).await.unwrap();
    assert_eq!(deployments.version, "v1");
    let error = cluster
        .resolve("nodemetrics", grant(Access::Read))
        .await
        .unwrap_err();
    assert!(
        error.message.contains("metrics.k8s.io/v1 could not be learned"),
        "{error}"
    );
}
