//! Where a list goes on: the key of the last row shown and a digest of the query, as text.

use std::{cmp::Ordering, fmt::Write as _};

use sha2::{Digest as _, Sha256};

use super::SortValue;
use crate::{Error, output::Health};

/// The key by which rows are ordered: rank (or sort value), cluster, namespace, kind, name.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    first: First,
    /// Empty where a list is of one cluster.
    cluster: String,
    namespace: String,
    kind: String,
    name: String,
}

/// Which row of those that come first alike, in the order of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Which<'a> {
    pub(super) cluster: &'a str,
    pub(super) namespace: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

/// What rows are ordered by first.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum First {
    /// Health and the severity of the status within it.
    Rank(Health, u8),
    /// The value of `sort`, and whether it descends.
    Sort(SortValue, bool),
}

impl First {
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Rank(health, severity), Self::Rank(other, other_severity)) => {
                health.cmp(other).then(severity.cmp(other_severity))
            }
            (Self::Sort(value, descending), Self::Sort(other, _)) => value.compare(other, *descending),
            // One list has one kind of key.
            _ => Ordering::Equal,
        }
    }
}

impl Key {
    pub(super) fn new(first: First, which: &Which<'_>) -> Self {
        Self {
            first,
            cluster: which.cluster.to_owned(),
            namespace: which.namespace.to_owned(),
            kind: which.kind.to_owned(),
            name: which.name.to_owned(),
        }
    }

    /// The key of a row of a list that has an order of its own: by a number.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ages and amounts are far below what f64 holds exactly"
    )]
    pub fn by_number(number: u64, descending: bool) -> Self {
        Self::new(
            First::Sort(SortValue::Number(number as f64), descending),
            &Which::default(),
        )
    }

    /// Which of two rows of one list, or of lists that make one, comes first.
    pub fn compare(&self, other: &Self) -> Ordering {
        self.compare_with(&other.first, &other.which())
    }

    pub(super) fn compare_with(&self, first: &First, which: &Which<'_>) -> Ordering {
        self.first.compare(first).then_with(|| self.which().cmp(which))
    }

    fn which(&self) -> Which<'_> {
        Which {
            cluster: &self.cluster,
            namespace: &self.namespace,
            kind: &self.kind,
            name: &self.name,
        }
    }

    /// The cursor's text: `3/shop/web-1/7f3a`, with the kind before the name where a list has several, and the cluster
    /// before the namespace where it is of several.
    pub fn write(&self, digest: &str) -> String {
        let first = match &self.first {
            First::Rank(health, 0) => health_number(*health).to_string(),
            First::Rank(health, severity) => format!("{}.{severity}", health_number(*health)),
            First::Sort(SortValue::Missing, _) => "-".to_owned(),
            First::Sort(SortValue::Number(number), _) => format!("n{number}"),
            First::Sort(SortValue::Text(text), _) => format!("t{}", escape(text)),
        };
        let kind = if self.kind.is_empty() {
            String::new()
        } else {
            format!("{}:", escape(&self.kind))
        };
        let cluster = match self.cluster.as_str() {
            "" => String::new(),
            cluster => format!("{}/", escape(cluster)),
        };
        format!(
            "{first}/{cluster}{}/{kind}{}/{digest}",
            escape(&self.namespace),
            escape(&self.name)
        )
    }

    /// Reads a cursor of the query that has this digest.
    pub(super) fn read(
        cursor: &str,
        digest: &str,
        sorted: Option<bool>,
        by_kind: bool,
    ) -> Result<Self, Error> {
        let unreadable = || {
            Error::invalid(format!(
                "cursor {cursor:?} is none of ours: expected one as an answer's last line gives it, e.g. 3/shop/web-1/7f3a"
            ))
        };
        let parts: Vec<&str> = cursor.trim().split('/').collect();
        let (first, cluster, namespace, name, of) = match parts.as_slice() {
            [first, namespace, name, of] => (first, "", namespace, name, of),
            [first, cluster, namespace, name, of] => (first, *cluster, namespace, name, of),
            _ => return Err(unreadable()),
        };
        if *of != digest {
            return Err(Error::invalid(
                "cursor belongs to another query: repeat the call that gave it with nothing changed but cursor and limit, \
                 or leave cursor out to start anew",
            ));
        }
        let first = match sorted {
            None => {
                let (health, severity) = first.split_once('.').unwrap_or((first, "0"));
                First::Rank(
                    health_of(health).ok_or_else(unreadable)?,
                    severity.parse().map_err(|_| unreadable())?,
                )
            }
            Some(descending) => {
                let value = match first.split_at_checked(1) {
                    Some(("-", "")) => SortValue::Missing,
                    Some(("n", number)) => SortValue::Number(number.parse().map_err(|_| unreadable())?),
                    Some(("t", text)) => SortValue::Text(unescape(text)),
                    _ => return Err(unreadable()),
                };
                First::Sort(value, descending)
            }
        };
        let (kind, name) = match name.split_once(':').filter(|_| by_kind) {
            Some((kind, name)) => (unescape(kind), unescape(name)),
            None => (String::new(), unescape(name)),
        };
        Ok(Self {
            first,
            cluster: unescape(cluster),
            namespace: unescape(namespace),
            kind,
            name,
        })
    }
}

/// A short digest of what makes a query this one.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    let mut text = String::with_capacity(4);
    for byte in hash.finalize().iter().take(2) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn health_number(health: Health) -> u8 {
    match health {
        Health::Failed => 0,
        Health::Degraded => 1,
        Health::Progressing => 2,
        Health::Healthy => 3,
    }
}

fn health_of(text: &str) -> Option<Health> {
    match text {
        "0" => Some(Health::Failed),
        "1" => Some(Health::Degraded),
        "2" => Some(Health::Progressing),
        "3" => Some(Health::Healthy),
        _ => None,
    }
}

/// A cursor is one word in `key=value` and has slashes of its own. Names may hold colons (RBAC's do), and a
/// value to sort by anything.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '/' | '%' | '"' | '\'' | ':' | ',' | '=') || c.is_whitespace() || c.is_control() {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match code
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .filter(|_| byte == b'%')
        {
            Some(decoded) => {
                bytes.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
