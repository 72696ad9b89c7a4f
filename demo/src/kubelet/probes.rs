//! What the probes of a container find, and when.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{images::Finding, runs::Run};
use crate::api::object::Meta as _;

/// The probes of a container that runs. What each finds is known from the start.
#[derive(Clone, Debug, Default)]
pub(super) struct Probes {
    startup: Option<Probe>,
    readiness: Option<Probe>,
    liveness: Option<Probe>,
}

/// A probe.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    /// As `Readiness`.
    pub(super) name: &'static str,
    /// What it says when it fails.
    pub(super) message: String,
    pub(super) period: Duration,
    /// How long it may fail.
    patience: Duration,
    first: Timestamp,
    /// When it first succeeds.
    succeeds: Option<Timestamp>,
    /// When it fails again.
    fails: Option<Timestamp>,
}

impl Probes {
    /// The probes of a container that was started at this time, at this address.
    pub(super) fn of(spec: &Value, run: &Run, start: Timestamp, address: &str) -> Self {
        let probe = |name, key: &str, from: Timestamp, told| {
            let probe = numbered(spec, key);
            let found = run.finding(&probe, told);
            Probe::of(name, &probe, &found, (start, from), address)
        };
        let startup = probe("Startup", "startupProbe", start, |told| &told.started);
        // The others wait for it.
        let started = startup.as_ref().map_or(Some(start), |probe| probe.succeeds);
        Self {
            startup,
            readiness: started
                .and_then(|from| probe("Readiness", "readinessProbe", from, |told| &told.ready)),
            liveness: started.and_then(|from| probe("Liveness", "livenessProbe", from, |told| &told.live)),
        }
    }

    /// Whether the container has started.
    pub(super) fn started(&self, now: Timestamp) -> bool {
        self.startup
            .as_ref()
            .is_none_or(|probe| probe.succeeds.is_some_and(|at| at <= now))
    }

    /// Whether the container is ready.
    pub(super) fn ready(&self, now: Timestamp) -> bool {
        let readiness = self.readiness.as_ref();
        self.started(now)
            && readiness.is_none_or(|probe| {
                probe.succeeds.is_some_and(|at| at <= now)
                    && probe.gives_up(probe.fails).is_none_or(|at| at > now)
            })
    }

    /// The probe for which the container is to be killed.
    pub(super) fn kills(&self, now: Timestamp) -> Option<&Probe> {
        [&self.startup, &self.liveness]
            .into_iter()
            .flatten()
            .find(|probe| probe.kills_at().is_some_and(|at| at <= now))
    }

    /// A probe that fails.
    pub(super) fn failing(&self, now: Timestamp) -> Option<&Probe> {
        self.all().find(|probe| {
            probe.first <= now
                && (probe.succeeds.is_none_or(|at| at > now) || probe.fails.is_some_and(|at| at <= now))
        })
    }

    /// When something changes next.
    pub(super) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.all()
            .flat_map(|probe| {
                [
                    Some(probe.first),
                    probe.succeeds,
                    probe.fails,
                    probe.gives_up(probe.fails),
                    probe.kills_at(),
                ]
            })
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    fn all(&self) -> impl Iterator<Item = &Probe> {
        [&self.startup, &self.readiness, &self.liveness]
            .into_iter()
            .flatten()
    }
}

impl Probe {
    /// A probe that begins at `from`, of a container that was started at `start`; `None` if there is none.
    fn of(
        name: &'static str,
        spec: &Value,
        finding: &Finding,
        (start, from): (Timestamp, Timestamp),
        address: &str,
    ) -> Option<Self> {
        if !spec.is_object() {
            return None;
        }
        let number = |key: &str, default: u64| spec[key].as_u64().unwrap_or(default);
        let period = Duration::from_secs(number("periodSeconds", 10).max(1));
        let times = u32::try_from(number("failureThreshold", 3).max(1)).unwrap_or(u32::MAX);
        let first = from.max(start + Duration::from_secs(number("initialDelaySeconds", 0)));
        // The first probe at or after a time.
        let probed = |after: Duration| {
            let late: Duration = (start + after)
                .duration_since(first)
                .try_into()
                .unwrap_or_default();
            let rounds = u32::try_from(late.as_millis().div_ceil(period.as_millis())).unwrap_or(u32::MAX);
            first + period * rounds
        };
        Some(Self {
            name,
            message: finding.message.clone().unwrap_or_else(|| refusal(spec, address)),
            period,
            patience: period * (times - 1),
            first,
            succeeds: finding.after.0.map(probed),
            fails: finding.until.map(|until| probed(until.0)),
        })
    }

    /// When a failure that begins then has lasted too long.
    fn gives_up(&self, from: Option<Timestamp>) -> Option<Timestamp> {
        Some(from? + self.patience)
    }

    /// When it has failed too often, and the container is to be killed: not for not being ready.
    fn kills_at(&self) -> Option<Timestamp> {
        let at_first = self.gives_up(Some(self.first));
        match self.name {
            "Readiness" => None,
            _ if self.succeeds.is_none_or(|at| Some(at) > at_first) => at_first,
            "Startup" => None,
            _ => self.gives_up(self.fails),
        }
    }
}

/// A probe of a container, with the number of the port that it names.
fn numbered(container: &Value, key: &str) -> Value {
    let mut probe = container[key].clone();
    for how in ["httpGet", "tcpSocket"] {
        let named = |port: &&Value| port["name"].is_string() && port["name"] == probe[how]["port"];
        let number = container.list("/ports").iter().find(named);
        if let Some(number) = number.map(|port| port["containerPort"].clone()) {
            probe[how]["port"] = number;
        }
    }
    probe
}

/// What a probe says to which nothing answers.
fn refusal(spec: &Value, address: &str) -> String {
    let port = |port: &Value| port.as_str().map_or_else(|| port.to_string(), str::to_owned);
    if let Some(http) = spec.get("httpGet") {
        let scheme = http["scheme"].as_str().unwrap_or("HTTP").to_lowercase();
        let place = format!("{address}:{}", port(&http["port"]));
        return format!(
            "Get \"{scheme}://{place}{}\": dial tcp {place}: connect: connection refused",
            match http.text("/path") {
                "" => "/",
                path => path,
            }
        );
    }
    match spec.get("tcpSocket") {
        Some(tcp) => format!(
            "dial tcp {address}:{}: connect: connection refused",
            port(&tcp["port"])
        ),
        None => String::new(),
    }
}
