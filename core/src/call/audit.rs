//! One line for each call: who did what, where, and how it went.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{Access, Caller};
use crate::output::Redactor;

/// What an audit line says. Argument values other than the identity of the object stay out.
#[derive(Clone, Debug, Serialize)]
pub struct AuditEntry {
    /// Who called.
    pub caller: String,
    /// The tool, prompt or resource.
    pub tool: String,
    /// The cluster or clusters, as they were named or defaulted.
    pub cluster: Option<String>,
    /// The namespace argument.
    pub namespace: Option<String>,
    /// The kind argument.
    pub kind: Option<String>,
    /// The name argument.
    pub name: Option<String>,
    /// What the tool may do at most.
    #[serde(serialize_with = "access_word")]
    pub access: Access,
    /// `allowed`, `refused`, `planned` or `asked`.
    pub decision: &'static str,
    /// How long it took.
    #[serde(serialize_with = "milliseconds", rename = "duration_ms")]
    pub duration: Duration,
    /// `ok`, `error`, `cancelled`.
    pub result: &'static str,
}

impl AuditEntry {
    /// The line of a call that has just begun.
    pub fn new(caller: &Caller, tool: &str, access: Access) -> Self {
        Self {
            caller: caller.id.clone(),
            tool: tool.to_owned(),
            cluster: None,
            namespace: None,
            kind: None,
            name: None,
            access,
            decision: "allowed",
            duration: Duration::ZERO,
            result: "ok",
        }
    }

    /// Says what the call is about: its cluster, and the object that its arguments name.
    pub fn is_about(&mut self, redactor: &Redactor, cluster: Option<&str>, arguments: &Map<String, Value>) {
        let safe = |text: &str| redactor.text(text).into_owned();
        let text = |name: &str| Some(safe(arguments.get(name)?.as_str()?));
        self.cluster = cluster.map(safe);
        self.namespace = text("namespace");
        self.kind = text("kind");
        self.name = text("name");
    }
}

/// Where audit lines go.
pub trait Audit: Send + Sync {
    /// Writes a line.
    fn record(&self, entry: &AuditEntry);
}

fn access_word<S: serde::Serializer>(access: &Access, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(access.word())
}

fn milliseconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}
