//! What the probes of a container find, and when.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    images::{Finding, NEVER},
    runs::Run,
};
use crate::api::object::Meta as _;

/// The probes of a container that runs. What each finds is known from the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    readiness: Option<Probe>,
    liveness: Option<Probe>,
}

/// A probe.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// What it says when it fails.
    pub(super) message: String,
    pub(super) period: Duration,
    first: Timestamp,
    /// When it first succeeds.
    succeeds: Option<Timestamp>,
    /// When it has failed too often, if it has not succeeded by then.
    patience: Timestamp,
}

impl Probes {
    /// The probes of a container that was started at this time, at this address.
    pub(super) fn of(spec: &Value, run: &Run, start: Timestamp, address: &str) -> Self {
        let probe = |name, key: &str, told| {
            let probe = spec.get(key)?;
            let finding = run.finding(probe, told);
            let silence = || refusal(probe, spec.list("/ports"), address);
            let message = finding.message.clone().unwrap_or_else(silence);
            let message = format!("{name} probe failed: {message}");
            Some(Probe::of(probe, &finding, start, message))
        };
        Self {
            readiness: probe("Readiness", "readinessProbe", |told| &told.ready),
            liveness: probe("Liveness", "livenessProbe", |told| &told.live),
        }
    }

    /// Whether the container is ready.
    pub(super) fn ready(&self, now: Timestamp) -> bool {
        self.readiness.as_ref().is_none_or(|probe| probe.succeeds(now))
    }

    /// The probe for which the container is to be killed.
    pub(super) fn kills(&self, now: Timestamp) -> Option<&Probe> {
        let liveness = self.liveness.as_ref();
        liveness.filter(|probe| !probe.succeeds(probe.patience) && probe.patience <= now)
    }

    /// A probe that fails.
    pub(super) fn failing(&self, now: Timestamp) -> Option<&Probe> {
        self.all()
            .find(|probe| probe.first <= now && !probe.succeeds(now))
    }

    /// When something changes next.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let killed = self.liveness.as_ref().map(|probe| probe.patience);
        let changes = self.all().flat_map(|probe| [Some(probe.first), probe.succeeds]);
        changes.chain([killed]).flatten().filter(|at| *at > now).min()
    }

    fn all(&self) -> impl Iterator<Item = &Probe> {
        [&self.readiness, &self.liveness].into_iter().flatten()
    }
}

impl Probe {
    fn of(spec: &Value, finding: &Finding, start: Timestamp, message: String) -> Self {
        let number = |key: &str, default: u64| spec[key].as_u64().unwrap_or(default).min(86_400);
        let period = Duration::from_secs(number("periodSeconds", 10).max(1));
        let times = u32::try_from(number("failureThreshold", 3).max(1)).unwrap_or(u32::MAX);
        let first = start + Duration::from_secs(number("initialDelaySeconds", 0));
        // The first probe at or after a time.
        let probed = |after: Duration| {
            let late = (start + after).duration_since(first);
            let late = Duration::try_from(late).unwrap_or_default();
            let rounds = late.as_millis().div_ceil(period.as_millis());
            first + period * u32::try_from(rounds).unwrap_or(u32::MAX)
        };
        Self {
            message,
            period,
            first,
            succeeds: (finding.after.0 != NEVER.0).then(|| probed(finding.after.0)),
            patience: first + period * (times - 1),
        }
    }

    fn succeeds(&self, now: Timestamp) -> bool {
        self.succeeds.is_some_and(|at| at <= now)
    }
}

/// What a probe says to which nothing answers, of a container with these ports.
fn refusal(probe: &Value, ports: &[Value], address: &str) -> String {
    let place = |asked: &Value| {
        let named = ports
            .iter()
            .find(|port| port["name"].is_string() && port["name"] == asked["port"]);
        let port = named.map_or(&asked["port"], |port| &port["containerPort"]);
        format!("{address}:{port}")
    };
    if let Some(http) = probe.get("httpGet") {
        let (place, path) = (place(http), http["path"].as_str().unwrap_or("/"));
        return format!("Get \"http://{place}{path}\": dial tcp {place}: connect: connection refused");
    }
    let tcp = probe.get("tcpSocket").map(place);
    tcp.map_or_else(String::new, |place| {
        format!("dial tcp {place}: connect: connection refused")
    })
}
