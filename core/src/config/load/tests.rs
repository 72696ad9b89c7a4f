use std::time::Duration;

use super::*;
use crate::{
    call::Mode,
    config::{Confirm, HttpAuth, Transport},
};

fn load(text: &str, variables: &[(&str, &str)], overrides: &Overrides) -> Result<Config, String> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    std::fs::write(&file, text).unwrap();
    let variables = variables
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    Loaded::from_parts(overrides, &variables, Some(file.clone()))
        .checked()
        .map_err(|error| error.message.replace(&format!("{}", dir.path().display()), "DIR"))
}

#[test]
fn a_rule_is_found_again_in_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("config.yaml");
    let text = "access:\n  deny:\n  - {verbs: [get]}\n  - {resources: [pods, secrts]}\nserver: {budgt: 1}\n";
    std::fs::write(&file, text).unwrap();
    let loaded = Loaded::from_parts(&Overrides::default(), &BTreeMap::new(), Some(file.clone()));
    // One mistake does not hide the rest of the file.
    assert_eq!(loaded.mistakes.len(), 1, "{:?}", loaded.mistakes);
    assert_eq!(loaded.config.access.deny.len(), 2);
    let place = loaded.place_of_resource("deny", 1, "secrts").unwrap();
    assert_eq!(place, format!("{}:4:24", file.display()));
    assert_eq!(loaded.place_of_resource("allow", 0, "secrts"), None);
}

fn mistakes(text: &str, variables: &[(&str, &str)]) -> String {
    load(text, variables, &Overrides::default()).unwrap_err()
}

const FULL: &str = "
server: {toolsets: [core], budget: 2000, log_format: json, audit: audit.jsonl}
kubernetes:
  kubeconfig: [a.yaml]
  aliases: {'arn:aws:eks:prod': prod}
  connect_timeout: 2s
access:
  mode: read-only
  confirm: ask-only
  deny: [{resources: [secrets], verbs: ['*']}]
";

#[test]
fn a_file_is_read_and_the_environment_and_flags_win() {
    let config = load(FULL, &[], &Overrides::default()).unwrap();
    assert_eq!(config.server.toolsets, Some(vec!["core".to_owned()]));
    for file in [&config.kubernetes.kubeconfig[0], &config.server.audit.unwrap()] {
        assert!(file.is_absolute(), "{} is relative to the file", file.display());
    }
    assert_eq!(config.kubernetes.aliases["arn:aws:eks:prod"], "prod");
    assert_eq!(config.kubernetes.timeouts.connect, Duration::from_secs(2));
    assert_eq!(
        (config.access.mode, config.access.confirm),
        (Mode::ReadOnly, Confirm::AskOnly)
    );
    assert_eq!(config.access.deny[0].resources, ["secrets"]);

    let variables = [
        ("KUBE_MCP_MODE", "full"),
        ("KUBE_MCP_TOOLSETS", "core, metrics"),
        ("KUBE_MCP_BUDGET", ""),
    ];
    let config = load(FULL, &variables, &Overrides::default()).unwrap();
    assert_eq!(config.access.mode, Mode::Full);
    assert_eq!(config.server.toolsets.unwrap(), ["core", "metrics"]);
    assert_eq!(config.server.budget, 2000);

    let flags = Overrides {
        mode: Some(Mode::Guarded),
        reveal_secrets: true,
        ..Overrides::default()
    };
    let config = load(FULL, &variables, &flags).unwrap();
    assert_eq!(config.access.mode, Mode::Guarded);
    assert!(config.access.reveal_secrets);
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let text = "\
servers: {}
server:
  budgget: 1
  budget: lots
kubernetes:
  contexts: [prod, 7]
  rate: 0
  connect_timeout: soon
mode: full
access:
  mode: readonly
  reveal_secrets: true
  deny:
    - resource: [secrets]
    - verbs: [gets]
    - {}
    - namespaces: []
";
    let expected = "\
DIR/config.yaml:1:1: no key \"servers\" in the configuration; did you mean server?
DIR/config.yaml:3:3: no key \"budgget\" in server; did you mean budget?
DIR/config.yaml:4:11: server.budget: expected a whole number from 200 to 1000000, found \"lots\"
DIR/config.yaml:6:20: kubernetes.contexts: expected a text, found 7; put it in quotes
DIR/config.yaml:7:9: kubernetes.rate: expected a whole number from 1 to 10000, found 0
DIR/config.yaml:8:20: kubernetes.connect_timeout: expected a duration such as 5s or 2m, at most 600 s, found \"soon\"
DIR/config.yaml:9:1: \"mode\" stands in a section: write it as access.mode
DIR/config.yaml:11:9: access.mode: expected read-only, guarded, full, found \"readonly\"; did you mean read-only?
DIR/config.yaml:12:3: secrets are revealed by the flag --reveal-secrets only
DIR/config.yaml:14:7: access.deny: no key \"resource\" in a rule; did you mean resources?
DIR/config.yaml:15:14: access.deny: no verb \"gets\"; expected *, get, list, watch, create, update, patch, delete, deletecollection; did you mean get?
DIR/config.yaml:16:7: access.deny: a rule without words stands for everything: write {resources: [\"*\"]}
DIR/config.yaml:17:19: access.deny: namespaces is empty: leave it out, or write [\"*\"]
environment: KUBE_MCP_BUDGET: expected a whole number from 200 to 1000000, found \"x\"
environment: no variable KUBE_MCP_MOD; did you mean KUBE_MCP_MODE?";
    assert_eq!(
        mistakes(text, &[("KUBE_MCP_MOD", "full"), ("KUBE_MCP_BUDGET", "x")]),
        expected
    );
}

#[test]
fn broken_yaml_and_a_missing_file_are_told() {
    assert!(mistakes("server: [1, 2", &[]).starts_with("DIR/config.yaml:"));
    assert!(mistakes("access: {mode: full, mode: full}", &[]).contains("duplicate"));
    assert!(
        mistakes("", &[("KUBE_MCP_CONFIG", "/no/such.yaml")])
            .starts_with("/no/such.yaml: the configuration cannot be read")
    );
}

#[test]
fn an_empty_file_and_the_variables_of_a_service_are_no_mistakes() {
    let links = [
        ("KUBE_MCP_SERVICE_HOST", "10.0.0.1"),
        ("KUBE_MCP_SERVICE_PORT_HTTP", "80"),
        ("KUBE_MCP_PORT", "tcp://10.0.0.1:80"),
        ("KUBE_MCP_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("KUBE_MCP_HTTP_SERVICE_HOST", "10.0.0.1"),
    ];
    load("# nothing\n", &links, &Overrides::default()).unwrap();
    load("server:\naccess:\n  mode:\n", &[], &Overrides::default()).unwrap();
}

#[test]
fn the_documentation_is_what_the_table_says() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(page, crate::config::reference()).unwrap();
    }
    let written = std::fs::read_to_string(page).unwrap_or_default();
    assert!(
        written == crate::config::reference(),
        "docs/configuration.md is old: run this test with UPDATE_EXPECT=1"
    );
}

#[test]
fn http_is_configured_like_everything_else() {
    let file = "
server: {transport: http}
http: {listen: '127.0.0.1:9000', token: from-the-file, token_file: token, stateless: true, body_limit: 2048}
";
    let variables = [
        ("KUBE_MCP_HTTP_TOKEN", "from-the-environment"),
        ("KUBE_MCP_HTTP_STATELESS", "false"),
        ("KUBE_MCP_HTTP_ALLOWED_HOSTS", "a, b:8080"),
        ("KUBE_MCP_HTTP_SESSION_IDLE", "2h"),
    ];
    let flags = Overrides {
        listen: Some("[::1]:0".parse().unwrap()),
        auth: Some(HttpAuth::None),
        ..Overrides::default()
    };
    let config = load(file, &variables, &flags).unwrap();
    assert_eq!(config.server.transport, Transport::Http);
    assert!(
        !format!("{config:?}").contains("from-the"),
        "a secret is in {config:?}"
    );
    let http = config.http;
    assert_eq!(
        (http.listen.to_string().as_str(), http.auth),
        ("[::1]:0", HttpAuth::None)
    );
    assert_eq!(http.token.unwrap().0, "from-the-environment");
    assert!(http.token_file.unwrap().is_absolute(), "relative to the file");
    assert_eq!((http.stateless, http.body_limit), (false, 2048));
    assert_eq!(http.allowed_hosts, ["a", "b:8080"]);
    assert_eq!(http.session_idle, Duration::from_secs(7200));

    let wrong = mistakes("http: {listen: 8080, stateless: maybe, body_limit: 1}", &[]);
    for part in [
        "http.listen: expected a text, found 8080",
        "http.stateless: expected true or false",
        "http.body_limit: expected a whole number from 1024",
    ] {
        assert!(wrong.contains(part), "{wrong}");
    }
}

#[test]
fn rules_know_the_verbs_that_the_rights_of_operations_may_have() {
    assert_eq!(crate::config::VERBS, kube_mcp_model::signature::VERBS);
}
