//! One cluster: its entry, the way to it, who we are there, what it serves and what we may do.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{Finding, Level, Needed, certificate, rights};
use crate::{
    Error, ErrorKind,
    call::Access,
    cluster::{
        Client, Cluster, Grant, Resource, UnknownResource, connect::server_uri, kubeconfig::Entry, proxy,
        proxy::ProxyEnv,
    },
    nearest::nearest,
};

/// The minor versions of Kubernetes 1 that this release is made for: from the oldest whose API it counts on, to the
/// newest that its libraries know.
const MINORS: std::ops::RangeInclusive<u32> = 30..=37;

/// What whoever is nobody to the API server has to do.
const LOG_IN: &str = "kubectl config set-context CONTEXT --user=USER, with a user that has credentials";

/// What was found on one cluster.
#[derive(Clone, Debug)]
pub struct Examined {
    /// The findings.
    pub findings: Vec<Finding>,
    /// What the rules name and the cluster serves no kind for, each with the nearest that it serves; none if the
    /// cluster could not be asked.
    pub unknown: Option<BTreeMap<UnknownResource, Option<String>>>,
}

/// Looks at one cluster, within its deadlines.
pub async fn examine(cluster: &Arc<Cluster>, needed: &[Needed]) -> Examined {
    let mut findings = Vec::new();
    let unknown = ask(cluster, needed, &mut findings).await;
    let findings = findings.into_iter().map(|finding| finding.of(cluster.name()));
    Examined {
        findings: findings.collect(),
        unknown: unknown.ok(),
    }
}

/// What is wrong is told: the rest cannot be asked.
struct Told;

async fn ask(
    cluster: &Arc<Cluster>,
    needed: &[Needed],
    findings: &mut Vec<Finding>,
) -> Result<BTreeMap<UnknownResource, Option<String>>, Told> {
    prepare(cluster, findings).await?;
    let client = cluster.client(Grant {
        access: Access::Read,
        dry_run: false,
        deadline: Instant::now() + cluster.timeouts.call,
        cancel: CancellationToken::new(),
    });
    reach(&client, findings).await?;
    who(&client, findings).await;
    let registry = match cluster.registry(&client).await {
        Ok(registry) => registry,
        Err(error) => {
            let otherwise = match error.kind {
                ErrorKind::Forbidden => LOG_IN,
                _ => "kubectl api-resources shows whether kubectl gets an answer",
            };
            findings.push(Finding::error(Level::Fail, "discovery", &error, otherwise));
            return Err(Told);
        }
    };
    findings.push(match registry.silent() {
        [] => Finding::ok("discovery", format!("{} kinds", registry.preferred().len())),
        failed => Finding::warn(
            "discovery",
            format!("no answer from {}: its kinds are missing", failed.join(", ")),
            "kubectl get apiservices, and look at the Service of those that are not Available",
        ),
    });
    findings.extend(rights::rights(&client, &registry, needed).await);
    let kinds = registry.preferred();
    // With the group first: so a rule means no other kind.
    let mut names: Vec<String> = kinds.iter().map(Resource::qualified).collect();
    names.extend(kinds.iter().map(|kind| kind.plural.clone()));
    names.extend(kinds.iter().flat_map(|kind| {
        let subs = kind.subresources.iter();
        subs.map(|sub| format!("{}/{sub}", kind.plural))
    }));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let unknown = cluster.unknown_in_rules(&registry).into_iter();
    Ok(unknown
        .map(|unknown| {
            // A kind is no mending of a subresource.
            let alike = |name: &&str| name.contains('/') == unknown.name.contains('/');
            let near = nearest(&unknown.name, names.iter().copied().filter(alike)).map(str::to_owned);
            (unknown, near)
        })
        .collect())
}

/// The kubeconfig's entry and the credentials, before anything is connected to.
async fn prepare(cluster: &Cluster, findings: &mut Vec<Finding>) -> Result<(), Told> {
    let Some(transport) = &cluster.transport else {
        return Ok(());
    };
    let (entry, plugin) = transport.entry().map_err(|error| {
        findings.push(Finding::error(
            Level::Fail,
            "kubeconfig",
            &error,
            "correct the kubeconfig",
        ));
        Told
    })?;
    findings.extend(way(cluster, entry));
    if plugin.is_none() {
        findings.extend(certificate::client_certificate(&entry.user, Timestamp::now()));
    }
    let asked = Instant::now();
    let check = if plugin.is_some() { "plugin" } else { "credentials" };
    transport.prepare().await.map_err(|error| {
        findings.push(Finding::error(
            Level::Fail,
            check,
            &error,
            "correct the kubeconfig",
        ));
        Told
    })?;
    if let Some(plugin) = plugin {
        let finding = format!("`{}` gave a credential in {}", plugin.line(), took(asked));
        findings.push(Finding::ok(check, finding));
    }
    Ok(())
}

/// The proxy, and connections that are not safe.
fn way(cluster: &Cluster, entry: &Entry) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_file = entry
        .cluster
        .proxy_url
        .as_ref()
        .is_some_and(|url| !url.is_empty());
    let env = ProxyEnv::from_env();
    match &cluster.proxy {
        Some(proxy) if by_file => {
            findings.push(Finding::ok(
                "proxy",
                format!("through {proxy} (the kubeconfig's proxy-url)"),
            ));
        }
        Some(proxy) => findings.push(Finding::ok(
            "proxy",
            format!("through {proxy} (of the environment)"),
        )),
        None if !env.https.is_empty() || !env.http.is_empty() => {
            findings.push(Finding::ok("proxy", "direct (NO_PROXY, or this machine)"));
        }
        None => {}
    }
    if entry.cluster.insecure_skip_tls_verify == Some(true) {
        findings.push(Finding::warn(
            "tls",
            format!("nothing proves that {} is the API server (insecure-skip-tls-verify)", cluster.server()),
            "put the cluster's authority into certificate-authority-data and leave insecure-skip-tls-verify out",
        ));
    }
    let server = server_uri(&entry.cluster).ok();
    if let Some(server) = server
        && server.scheme_str() == Some("http")
        && !server.host().is_some_and(proxy::is_loopback)
    {
        findings.push(Finding::warn(
            "tls",
            format!("{} is spoken to without encryption", cluster.server()),
            "use its https:// address in the kubeconfig",
        ));
    }
    findings
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    #[serde(default)]
    minor: String,
    git_version: String,
}

/// The first request: connection, credentials, version.
async fn reach(client: &Client, findings: &mut Vec<Finding>) -> Result<(), Told> {
    let server = client.cluster.server();
    let asked = Instant::now();
    let answer: Result<Version, Error> = client.get_path("/version").await;
    let version = match answer {
        Ok(version) => skew(&version),
        // Who may not ask for the version may still ask for other things.
        Err(error) if error.kind == ErrorKind::Forbidden => {
            let otherwise = "have the ClusterRole system:public-info-viewer bound";
            Finding::error(Level::Warn, "version", &error, otherwise)
        }
        Err(error) => {
            let check = match error.kind {
                ErrorKind::Unauthorized => "credentials",
                _ => "reach",
            };
            let otherwise = "kubectl version shows whether kubectl gets an answer";
            findings.push(Finding::error(Level::Fail, check, &error, otherwise));
            return Err(Told);
        }
    };
    let reached = format!("{server} answered in {}", took(asked));
    findings.extend([Finding::ok("reach", reached), version]);
    Ok(())
}

fn skew(version: &Version) -> Finding {
    // Some providers write `30+`.
    let digits: String = version.minor.chars().take_while(char::is_ascii_digit).collect();
    let made_for = format!("1.{} to 1.{}", MINORS.start(), MINORS.end());
    match digits.parse::<u32>() {
        Ok(minor) if MINORS.contains(&minor) => Finding::ok("version", version.git_version.clone()),
        Ok(minor) if minor < *MINORS.start() => Finding::warn(
            "version",
            format!(
                "{} is older than what kube-mcp is made for, {made_for}",
                version.git_version
            ),
            "upgrade the cluster; some answers may be incomplete until then",
        ),
        Ok(_) => Finding::warn(
            "version",
            format!(
                "{} is newer than what kube-mcp is made for, {made_for}",
                version.git_version
            ),
            "look for a newer kube-mcp; what Kubernetes has had for long works meanwhile",
        ),
        Err(_) => Finding::warn(
            "version",
            format!(
                "{} is not a version of Kubernetes that can be read",
                version.git_version
            ),
            "check what stands before the API server",
        ),
    }
}

/// Who the API server takes us for.
async fn who(client: &Client, findings: &mut Vec<Finding>) {
    findings.push(match client.identity().await {
        Ok(identity) if identity.user == "system:anonymous" => Finding::warn(
            "user",
            "nobody (system:anonymous): the kubeconfig gives no credentials, or they were not accepted",
            LOG_IN,
        ),
        Ok(identity) => {
            let groups: Vec<String> = identity
                .groups
                .into_iter()
                .filter(|group| group != "system:authenticated")
                .collect();
            let groups = match groups.as_slice() {
                [] => String::new(),
                groups => format!(" ({})", groups.join(", ")),
            };
            Finding::ok("user", format!("{}{groups}", identity.user))
        }
        Err(error) => Finding::error(Level::Warn, "user", &error, LOG_IN),
    });
}

/// How long it is since then, for people.
fn took(since: Instant) -> String {
    let elapsed = since.elapsed();
    match elapsed < Duration::from_secs(1) {
        true => format!("{} ms", elapsed.as_millis().max(1)),
        false => format!("{:.1} s", elapsed.as_secs_f32()),
    }
}
