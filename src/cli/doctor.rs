//! `doctor`: what would go wrong, and how to mend it.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use kube_mcp_core::{
    config::{Loaded, Overrides, Transport},
    engine::{
        doctor::{Finding, Level, examine},
        surface::Surface,
    },
    output::size::counted,
    server::{HttpServer, block_on, logging},
};
use serde_json::json;

use super::{engine, listing::aligned, terminal, terminal::Outcome};

/// Find what would go wrong, and say how to mend it; nothing is changed
///
/// Looks at the configuration, the kubeconfig, and at each cluster: whether it can be reached and logged in to, its
/// version, what it serves, and whether the tools' rights are there. The exit status is 1 if something failed; warnings
/// do not count.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Look at this cluster only
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// How to print: text for people, json for machines
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    output: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

impl Doctor {
    pub(super) fn run(self, surfaces: &[&'static Surface], overrides: &Overrides) -> Outcome {
        // What a log would say is among the findings.
        if let Some(filter) = &overrides.log {
            logging::init(filter, overrides.log_format.unwrap_or_default())?;
        }
        let loaded = Loaded::read(overrides);
        let clusters = engine::clusters(&loaded.config)?;
        let findings = block_on(async {
            let cancel = engine::cancelled_by_the_keyboard();
            // Ended here and not by the signal, so that a credential plugin goes with us.
            tokio::select! {
                findings = examine(surfaces, &loaded, &clusters, self.cluster.as_deref()) => Some(findings),
                () = cancel.cancelled() => None,
            }
        })?;
        let Some(mut findings) = findings else {
            return Ok(ExitCode::FAILURE);
        };
        let serves_http = loaded.config.server.transport == Transport::Http;
        if serves_http && let Err(error) = HttpServer::check(&loaded.config.http) {
            findings.push(Finding::error(
                Level::Fail,
                "http",
                &error,
                "correct the section http",
            ));
        }
        let failed = count(&findings, Level::Fail);
        terminal::print(&match self.output {
            Format::Text => text(&findings),
            Format::Json => format!("{:#}", json!({"ok": failed == 0, "findings": findings})),
        })?;
        Ok(match failed {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }
}

fn count(findings: &[Finding], level: Level) -> usize {
    findings.iter().filter(|finding| finding.level == level).count()
}

fn text(findings: &[Finding]) -> String {
    let mut rows = Vec::new();
    for finding in findings {
        let what = match &finding.cluster {
            Some(cluster) => format!("{cluster}: {}", finding.check),
            None => finding.check.to_owned(),
        };
        rows.push(vec![
            finding.level.word().to_owned(),
            what,
            finding.finding.clone(),
        ]);
        if let Some(next) = &finding.next {
            rows.push(vec![String::new(), String::new(), format!("-> {next}")]);
        }
    }
    let (failed, warned) = (count(findings, Level::Fail), count(findings, Level::Warn));
    let warned = counted(warned, "warning");
    format!("{}\n{failed} failed, {warned}\n", aligned(&rows))
}
