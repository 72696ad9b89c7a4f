//! Folds events that say the same of objects of one owner.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::Value;

use super::related::is_generated;
use crate::output::Total;

/// Characters of a message that are kept: as many as the API server takes.
const MESSAGE: usize = 1_024;
/// Names of a group that are remembered, to count them.
const NAMES: usize = 1_000;

/// Events, folded.
#[derive(Debug, Default)]
pub(super) struct Folded {
    groups: HashMap<Key, Group>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    namespace: String,
    r#type: String,
    reason: String,
    kind: String,
    stem: String,
    message: String,
}

/// Events that say the same.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) namespace: String,
    pub(super) r#type: String,
    pub(super) reason: String,
    pub(super) kind: String,
    /// What the names have in common.
    stem: String,
    names: BTreeSet<String>,
    /// The object of the newest.
    pub(super) newest: String,
    /// The newest's message.
    pub(super) message: String,
    pub(super) last: Timestamp,
    pub(super) count: usize,
}

impl Group {
    /// `Pod checkout-7d9c6bf6d4-2xkqp`, `Pod checkout-7d9c6bf6d4-* (2)`
    pub(super) fn object(&self) -> String {
        match self.names.len() {
            0 | 1 => format!("{} {}", self.kind, self.newest),
            count => format!("{} {}-* ({count})", self.kind, self.stem),
        }
    }
}

impl Folded {
    /// Takes an event.
    pub(super) fn add(&mut self, event: &Value, last: Timestamp) {
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default();
        let (kind, name) = (text("/involvedObject/kind"), text("/involvedObject/name"));
        let said = text("/message");
        let stem = match name.rsplit_once('-') {
            Some((stem, end)) if is_generated(end) => stem,
            _ => name,
        };
        let key = Key {
            namespace: text("/metadata/namespace").to_owned(),
            r#type: text("/type").to_owned(),
            reason: text("/reason").to_owned(),
            kind: kind.to_owned(),
            stem: stem.to_owned(),
            message: pattern(said, name),
        };
        let count = event["series"]["count"]
            .as_u64()
            .or_else(|| event["count"].as_u64())
            .unwrap_or(1)
            .max(1);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let group = self.groups.entry(key).or_insert_with_key(|key| Group {
            namespace: key.namespace.clone(),
            r#type: key.r#type.clone(),
            reason: key.reason.clone(),
            kind: key.kind.clone(),
            stem: key.stem.clone(),
            names: BTreeSet::new(),
            newest: String::new(),
            message: String::new(),
            last: Timestamp::MIN,
            count: 0,
        });
        group.count = group.count.saturating_add(count);
        if group.names.len() < NAMES {
            group.names.insert(name.to_owned());
        }
        if last >= group.last {
            group.last = last;
            name.clone_into(&mut group.newest);
            group.message = message(said);
        }
    }

    /// How many there were of each reason, the commonest first.
    pub(super) fn totals(&self) -> Vec<Total> {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for group in self.groups.values() {
            *counts.entry(&group.reason).or_default() += group.count;
        }
        let mut totals: Vec<Total> = counts
            .into_iter()
            .map(|(name, count)| Total {
                name: name.to_owned(),
                count,
            })
            .collect();
        totals.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        totals
    }

    /// The groups, newest first.
    pub(super) fn into_rows(self) -> Vec<Group> {
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by(|a, b| {
            b.last
                .cmp(&a.last)
                .then_with(|| a.newest.cmp(&b.newest))
                .then_with(|| a.message.cmp(&b.message))
        });
        groups
    }
}

/// A message as it is shown: without the pod that the kubelet repeats in it, on one line, not too long.
fn message(said: &str) -> String {
    let said = said
        .strip_prefix("(combined from similar events): ")
        .unwrap_or(said);
    let said = match said.find(" in pod ").or_else(|| said.find(" pod=")) {
        Some(at) if said.ends_with(')') => said.get(..at).unwrap_or(said),
        _ => said,
    };
    // A container runtime strings its causes together, and repeats the image in each.
    let cause = match (said.split_once(": rpc error: "), said.rsplit_once(": ")) {
        (Some((what, _)), Some((_, cause))) => Some(format!("{what}: {cause}")),
        _ => None,
    };
    let said = cause.as_deref().unwrap_or(said);
    // A probe's URL has the address already.
    let probe = said.split_once(": dial tcp ").and_then(|(url, cause)| {
        let (address, cause) = cause.split_once(": connect: ")?;
        url.contains(address).then(|| format!("{url}: {cause}"))
    });
    let said = probe.as_deref().unwrap_or(said);
    let line = said.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MESSAGE) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default()),
        None => line,
    }
}

/// What a message says, whoever it says it of: without the object's own name, numbers and identifiers.
fn pattern(said: &str, name: &str) -> String {
    let said = if name.is_empty() {
        said.to_owned()
    } else {
        said.replace(name, "*")
    };
    let mut pattern = String::with_capacity(said.len());
    for word in message(&said).split(' ') {
        if !pattern.is_empty() {
            pattern.push(' ');
        }
        // A name that was made of the object's own: a pod of its replica set.
        let word = if word.trim_start_matches('"').starts_with("*-") {
            "*"
        } else {
            word
        };
        if word.bytes().any(|b| b.is_ascii_digit()) {
            let mut number = false;
            for c in word.chars() {
                if c.is_ascii_digit() {
                    if !number {
                        pattern.push('#');
                    }
                } else {
                    pattern.push(c);
                }
                number = c.is_ascii_digit();
            }
        } else {
            pattern.push_str(word);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(name: &str, reason: &str, message: &str, count: u64, last: &str) -> (Value, Timestamp) {
        let event = json!({
            "metadata": {"namespace": "shop"}, "type": "Warning", "reason": reason, "message": message, "count": count,
            "involvedObject": {"kind": "Pod", "name": name},
        });
        (event, last.parse().unwrap())
    }

    #[test]
    fn events_of_one_owner_that_say_the_same_are_one() {
        let mut folded = Folded::default();
        for (event, last) in [
            event(
                "checkout-7d9c6bf6d4-2xkqp",
                "BackOff",
                "Back-off restarting failed container main in pod checkout-7d9c6bf6d4-2xkqp_shop(0c5a6e3b-1)",
                200,
                "2026-11-23T14:00:00Z",
            ),
            event(
                "checkout-7d9c6bf6d4-9fjwz",
                "BackOff",
                "Back-off restarting failed container main in pod checkout-7d9c6bf6d4-9fjwz_shop(7f1d9a2c-2)",
                228,
                "2026-11-23T14:05:00Z",
            ),
            event(
                "cart-0",
                "FailedMount",
                "timed out after 30s",
                1,
                "2026-11-23T14:09:00Z",
            ),
        ] {
            folded.add(&event, last);
        }
        assert_eq!(
            folded.totals()[0],
            Total {
                name: "BackOff".to_owned(),
                count: 428
            }
        );
        let rows = folded.into_rows();
        let told: Vec<_> = rows
            .iter()
            .map(|row| (row.count, row.object(), row.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "Pod cart-0".to_owned(), "timed out after 30s"),
                (
                    428,
                    "Pod checkout-7d9c6bf6d4-* (2)".to_owned(),
                    "Back-off restarting failed container main"
                ),
            ]
        );
    }

    #[test]
    fn a_runtime_s_chain_of_causes_is_cut_to_the_first_and_the_last() {
        let said = "Failed to pull image \"r/web:1\": rpc error: code = NotFound desc = failed to pull and unpack image \
                    \"r/web:1\": failed to resolve reference \"r/web:1\": r/web:1: not found";
        assert_eq!(message(said), "Failed to pull image \"r/web:1\": not found");
    }

    #[test]
    fn what_differs_by_a_made_up_name_only_says_the_same() {
        let refused = |prefix: &str, end: &str| {
            let said =
                format!("{prefix}Error creating: pods \"web-5ddd448cd4-{end}\" is forbidden: exceeded quota");
            pattern(&said, "web-5ddd448cd4")
        };
        assert_eq!(
            refused("", "xc4r9"),
            refused("(combined from similar events): ", "mtldc")
        );
    }

    #[test]
    fn the_address_of_a_probe_is_told_once() {
        let refused = |url: &str| {
            format!(
                "Readiness probe failed: Get \"{url}\": dial tcp 10.42.3.19:8080: connect: connection refused"
            )
        };
        assert_eq!(
            message(&refused("http://10.42.3.19:8080/healthz")),
            "Readiness probe failed: Get \"http://10.42.3.19:8080/healthz\": connection refused"
        );
        let elsewhere = refused("http://web/healthz");
        assert_eq!(message(&elsewhere), elsewhere);
    }

    #[test]
    fn different_messages_stay_apart_and_numbers_do_not_count() {
        let mut folded = Folded::default();
        for message in ["probe failed: 500", "probe failed: 503", "probe timed out"] {
            let (event, last) = event("cart-0", "Unhealthy", message, 1, "2026-11-23T14:00:00Z");
            folded.add(&event, last);
        }
        assert_eq!(folded.into_rows().len(), 2);
    }
}
