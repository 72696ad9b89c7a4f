use super::*;
use crate::{cluster::Clusters, config::Config};

const ONE: &str = "
apiVersion: v1
kind: Config
current-context: ''
clusters: [{name: c, cluster: {server: 'https://one:6443', certificate-authority: pki/ca.crt}}]
contexts:
- {name: prod, context: {cluster: c, user: u, namespace: shop}}
- {name: lonely, context: {cluster: c, user: nobody}}
- {name: nowhere, context: {cluster: gone}}
users: [{name: u, user: {token: from-one}}]
";
const TWO: &str = "
current-context: staging
clusters: [{name: c, cluster: {server: 'https://two:6443'}}, {name: d, cluster: {server: 'https://d:6443'}}]
contexts: [{name: staging, context: {cluster: d, user: p}}, {name: prod, context: {cluster: d}}]
users: [{name: u, user: {token: from-two}}, {name: p, user: {exec: {command: bin/plugin, apiVersion: x}}}]
";

struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir(files.path("sub")).unwrap();
        std::fs::write(files.path("one"), ONE).unwrap();
        std::fs::write(files.path("sub/two"), TWO).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn clusters(&self, change: impl FnOnce(&mut Config)) -> Clusters {
        let mut config = Config::default();
        change(&mut config);
        Clusters::from_source(
            &Source::Variable(vec![self.path("one"), self.path("sub/two")]),
            &config,
        )
    }
}

#[test]
fn the_first_file_wins_and_paths_are_relative_to_their_own() {
    let files = Files::new();
    let source = Source::Variable(vec![
        files.path("one"),
        files.path("missing"),
        files.path("sub/two"),
    ]);
    let merged = Merged::read(&source).unwrap();
    assert_eq!(merged.current.as_deref(), Some("staging"));
    let prod = merged.entry("prod").unwrap();
    assert_eq!(prod.cluster.server.as_deref(), Some("https://one:6443"));
    let token = serde_json::to_value(&prod.user).unwrap()["token"].clone();
    assert_eq!(token, "from-one");
    let authority = prod.cluster.certificate_authority.unwrap();
    assert_eq!(Path::new(&authority), files.path("pki/ca.crt"));
    let staging = merged.entry("staging").unwrap();
    let command = staging.user.exec.unwrap().command.unwrap();
    assert_eq!(Path::new(&command), files.path("sub/bin/plugin"));
}

#[test]
fn contexts_are_clusters() {
    let files = Files::new();
    let clusters = files.clusters(|_| {});
    assert_eq!(clusters.names(), ["staging", "lonely", "nowhere", "prod"]);
    let prod = clusters.get(Some("prod")).unwrap();
    assert_eq!(
        (prod.server(), prod.default_namespace()),
        ("https://one:6443", "shop")
    );
    assert_eq!(prod.identity(), "prod https://one:6443");
    assert_eq!(clusters.get(None).unwrap().name(), "staging");
    let error = clusters.get(Some("pord")).unwrap_err();
    assert_eq!(
        error.message,
        "no cluster \"pord\"; did you mean prod? (clusters: staging, lonely, nowhere, prod)"
    );
}

#[test]
fn the_configuration_restricts_renames_and_chooses() {
    let files = Files::new();
    let clusters = files.clusters(|config| {
        config.kubernetes.contexts = vec!["prod".to_owned(), "staging".to_owned()];
        config.kubernetes.aliases = [("prod".to_owned(), "live".to_owned())].into();
        config.kubernetes.context = Some("prod".to_owned());
    });
    assert_eq!(clusters.names(), ["live", "staging"]);
    assert_eq!(clusters.default_name(), Some("live"));
    assert_eq!(clusters.get(Some("prod")).unwrap().name(), "live");

    let clusters = files.clusters(|config| config.kubernetes.context = Some("prdo".to_owned()));
    let error = clusters.get(None).unwrap_err();
    assert!(error.message.contains("did you mean prod?"), "{error}");
    assert!(clusters.get(Some("prod")).is_ok());

    let clusters = files.clusters(|config| {
        config.kubernetes.contexts = vec!["prod".to_owned(), "nowhere".to_owned()];
    });
    assert!(
        clusters
            .get(None)
            .unwrap_err()
            .message
            .contains("name a cluster: nowhere, prod")
    );
}

#[tokio::test]
async fn a_mistake_is_told_by_each_call_and_never_at_start() {
    let files = Files::new();
    std::fs::write(files.path("bad"), "clusters: [\nusers:\n  secret-token-value").unwrap();
    let told = |source: Source| {
        Clusters::from_source(&source, &Config::default())
            .get(None)
            .unwrap_err()
            .message
    };
    let bad = told(Source::Variable(vec![files.path("one"), files.path("bad")]));
    assert!(
        bad.starts_with(&format!("the kubeconfig {}:", files.path("bad").display())),
        "{bad}"
    );
    assert!(!bad.contains("secret-token-value"), "{bad}");
    let missing = told(Source::Named(vec![files.path("missing")]));
    assert!(missing.contains("does not exist"), "{missing}");

    let clusters = files.clusters(|_| {});
    let grant = || crate::cluster::testing::grant(crate::call::Access::Read);
    for (name, expected) in [
        (
            "lonely",
            "names the user \"nobody\", which is not in the kubeconfig",
        ),
        (
            "nowhere",
            "names the cluster \"gone\", which is not in the kubeconfig",
        ),
        ("prod", "the certificate authority"),
    ] {
        let cluster = clusters.get(Some(name)).unwrap();
        for _ in 0..2 {
            let error = cluster
                .client(grant())
                .get_path::<serde_json::Value>("/version")
                .await
                .unwrap_err();
            assert!(error.message.contains(expected), "{name}: {error}");
        }
    }
}

#[test]
fn without_a_kubeconfig_there_are_no_clusters_and_a_call_says_what_to_do() {
    let clusters = Clusters::from_source(&Source::Home("/nonexistent/config".into()), &Config::default());
    assert!(clusters.names().is_empty());
    let error = clusters.get(None).unwrap_err();
    assert!(
        error
            .message
            .contains("there is no /nonexistent/config; set KUBECONFIG"),
        "{error}"
    );
}

#[test]
fn a_denial_for_a_cluster_that_does_not_exist_stops_everything() {
    let files = Files::new();
    let clusters = files.clusters(|config| {
        config.access.deny = vec![crate::config::Rule {
            clusters: vec!["prdo".to_owned()],
            ..crate::config::Rule::default()
        }];
    });
    let error = clusters.get(Some("prod")).unwrap_err();
    assert!(error.message.contains("did you mean prod?"), "{error}");
}

#[test]
fn a_pod_s_service_account_is_a_cluster() {
    let dir = tempfile::tempdir().unwrap();
    let find = || crate::cluster::clusters::service_account(dir.path(), "fd00::1", "443", &Config::default());
    assert!(find().is_none());
    for (name, text) in [("token", "t"), ("ca.crt", "c"), ("namespace", "shop\n")] {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let cluster = find().unwrap();
    assert_eq!(
        (cluster.name(), cluster.server(), cluster.default_namespace()),
        ("in-cluster", "https://[fd00::1]:443", "shop")
    );
}

#[test]
fn a_flag_wins_over_the_variable_and_that_over_home() {
    let named = [PathBuf::from("n")];
    let variable = std::env::join_paths(["a", "", "b"]).unwrap();
    let home = Path::new("/home/u");
    assert_eq!(
        Source::find(&named, Some(&variable), Some(home)),
        Source::Named(named.to_vec())
    );
    assert_eq!(
        Source::find(&[], Some(&variable), Some(home)),
        Source::Variable(vec!["a".into(), "b".into()])
    );
    assert_eq!(
        Source::find(&[], Some(std::ffi::OsStr::new("")), Some(home)),
        Source::Home("/home/u/.kube/config".into())
    );
    assert_eq!(Source::find(&[], None, None), Source::Nowhere);
}
