//! Names that controllers give to what they own.

use serde_json::Value;

/// What belongs to a workload, told by its name: an event keeps no owner.
#[derive(Debug)]
pub(super) struct Related {
    kind: String,
    name: String,
}

impl Related {
    pub(super) fn of(kind: &str, name: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
        }
    }

    /// Whether an event's object is the object itself, or belongs to it.
    pub(super) fn includes(&self, object: &Value) -> bool {
        let (kind, name) = (object["kind"].as_str(), object["name"].as_str());
        let (Some(kind), Some(name)) = (kind, name) else {
            return false;
        };
        if kind == self.kind && name == self.name {
            return true;
        }
        let Some(rest) = name
            .strip_prefix(&self.name)
            .and_then(|rest| rest.strip_prefix('-'))
        else {
            return false;
        };
        let depth = match (self.kind.as_str(), kind) {
            ("Deployment", "ReplicaSet") | ("CronJob", "Job") => 1,
            ("Deployment" | "CronJob", "Pod") => 2,
            ("StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job", "Pod") => 1,
            _ => return false,
        };
        rest.split('-').count() == depth && rest.split('-').all(is_generated)
    }
}

/// Whether a controller made this end of a name up: a hash without vowels, an index or a time.
pub(super) fn is_generated(end: &str) -> bool {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let is_index = !end.is_empty() && end.bytes().all(|b| b.is_ascii_digit());
    is_index || ((5..=10).contains(&end.len()) && end.bytes().all(|b| ALPHABET.contains(&b)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell_what_belongs_to_a_workload() {
        let related = Related::of("Deployment", "web");
        let includes = |kind: &str, name: &str| related.includes(&json!({"kind": kind, "name": name}));
        assert!(includes("Deployment", "web"));
        assert!(includes("ReplicaSet", "web-7d9c6bf6d4"));
        assert!(includes("Pod", "web-7d9c6bf6d4-2xkqp"));
        assert!(!includes("Pod", "web-api-7d9c6bf6d4-2xkqp"));
        assert!(!includes("Pod", "web-api-0"));
        assert!(!includes("ReplicaSet", "webs-7d9c6bf6d4"));
        assert!(Related::of("StatefulSet", "db").includes(&json!({"kind": "Pod", "name": "db-10"})));
    }
}
