//! A value that was given for a key, in a file or in a variable, and what it is read as.

use std::{
    collections::BTreeMap,
    iter,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Rule, VERBS,
    tree::{Key, Node, Place, Value},
};
use crate::nearest::nearest;

/// What is wrong with a value, and where if not at its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: Option<Place>,
    pub(super) what: String,
}

impl Wrong {
    fn new(what: impl Into<String>) -> Self {
        Self {
            at: None,
            what: what.into(),
        }
    }

    fn at(node: &Node, what: impl Into<String>) -> Self {
        Self {
            at: Some(node.at),
            what: what.into(),
        }
    }
}

/// A value as it was given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Given<'a> {
    /// In the file.
    Node(&'a Node),
    /// In a variable.
    Text(&'a str),
}

impl Given<'_> {
    fn expected(self, what: &str) -> Wrong {
        match self {
            Self::Node(node) => Wrong::at(node, format!("expected {what}, found {}", node.value.kind())),
            Self::Text(text) => Wrong::new(format!("expected {what}, found {text:?}")),
        }
    }

    pub(super) fn text(self) -> Result<String, Wrong> {
        match self {
            Self::Text(text) => Ok(text.to_owned()),
            Self::Node(node) => text(node),
        }
    }

    /// A file or folder; one that is relative is looked for below `base`.
    pub(super) fn path(self, base: &Path) -> Result<PathBuf, Wrong> {
        let text = self.text()?;
        Ok(match (text.strip_prefix("~/"), etcetera::home_dir()) {
            (Some(rest), Ok(home)) => home.join(rest),
            _ => base.join(text),
        })
    }

    pub(super) fn integer<T: TryFrom<u64>>(self, least: u64, most: u64) -> Result<T, Wrong> {
        let number: Option<u64> = match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Node(node) => match &node.value {
                Value::Integer(number) => u64::try_from(*number).ok(),
                _ => None,
            },
        };
        number
            .filter(|number| (least..=most).contains(number))
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| self.expected(&format!("a whole number from {least} to {most}")))
    }

    /// `true` or `false`.
    pub(super) fn flag(self) -> Result<bool, Wrong> {
        let flag = match self {
            // Variables are often switched on with 1.
            Self::Text(text) => match text.trim() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
            Self::Node(node) => match node.value {
                Value::Bool(flag) => Some(flag),
                _ => None,
            },
        };
        flag.ok_or_else(|| self.expected("true or false"))
    }

    /// An address and a port.
    pub(super) fn address(self) -> Result<SocketAddr, Wrong> {
        let given = self.text()?.trim().parse();
        given.map_err(|_| self.expected("an address and a port such as 127.0.0.1:8080 or [::1]:0"))
    }

    /// A length of time from one millisecond to `most`.
    pub(super) fn duration(self, most: Duration) -> Result<Duration, Wrong> {
        let text = match self {
            Self::Text(text) => text.to_owned(),
            Self::Node(node) => match &node.value {
                Value::Text(text) => text.clone(),
                Value::Integer(seconds) => seconds.to_string(),
                _ => String::new(),
            },
        };
        let read = <crate::call::Duration as crate::call::Text>::from_text(&text).ok();
        read.map(|duration| duration.0)
            .filter(|duration| *duration >= Duration::from_millis(1) && *duration <= most)
            .ok_or_else(|| {
                self.expected(&format!(
                    "a duration such as 5s or 2m, at most {} s",
                    most.as_secs()
                ))
            })
    }

    /// One of these words.
    pub(super) fn choice<T: Copy>(self, words: &[(&str, T)]) -> Result<T, Wrong> {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        let given = match self.text() {
            Ok(given) => given,
            Err(_) => return Err(self.expected(&known.join(", "))),
        };
        let found = words.iter().find(|(word, _)| *word == given.trim());
        found.map(|(_, value)| *value).ok_or_else(|| {
            let mut wrong = self.expected(&known.join(", "));
            wrong.what.push_str(&did_you_mean(given.trim(), &known));
            wrong
        })
    }

    /// A list of words; in a variable they are separated by commas.
    pub(super) fn words(self) -> Result<Vec<String>, Wrong> {
        match self {
            Self::Text(text) => Ok(text
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()),
            Self::Node(node) => match &node.value {
                Value::List(list) => list.iter().map(self::text).collect(),
                // Who writes one word means a list of one.
                Value::Text(text) => Ok(vec![text.clone()]),
                _ => Err(self.expected("a list of words, such as [a, b]")),
            },
        }
    }

    /// Files; in a variable they are separated as in KUBECONFIG.
    pub(super) fn paths(self, base: &Path) -> Result<Vec<PathBuf>, Wrong> {
        match self {
            Self::Text(text) => Ok(std::env::split_paths(text)
                .filter(|path| !path.as_os_str().is_empty())
                .map(|path| base.join(path))
                .collect()),
            Self::Node(node) => match &node.value {
                Value::List(list) => list.iter().map(|node| Given::Node(node).path(base)).collect(),
                Value::Text(_) => Ok(vec![self.path(base)?]),
                _ => Err(self.expected("a file, or a list of files")),
            },
        }
    }

    /// Words by name; in a variable `name=word,…`.
    pub(super) fn pairs(self) -> Result<BTreeMap<String, String>, Wrong> {
        match self {
            Self::Text(_) => {
                let words = self.words()?;
                let pair = |word: String| {
                    let (name, value) = word.split_once('=')?;
                    Some((name.trim().to_owned(), value.trim().to_owned()))
                };
                words
                    .into_iter()
                    .map(|word| pair(word).ok_or_else(|| self.expected("name=word,…")))
                    .collect()
            }
            Self::Node(node) => match &node.value {
                Value::Map(entries) => entries
                    .iter()
                    .map(|(key, value)| Ok((key.name.clone(), text(value)?)))
                    .collect(),
                _ => Err(self.expected("a map such as {arn:aws:eks:prod: prod}")),
            },
        }
    }

    /// Rules, in a file only; all that is wrong with them.
    pub(super) fn rules(self) -> Result<Vec<Rule>, Vec<Wrong>> {
        let Self::Node(Node {
            value: Value::List(list),
            ..
        }) = self
        else {
            return Err(vec![
                self.expected("a list of rules such as [{resources: [secrets]}]"),
            ]);
        };
        let mut wrong = Vec::new();
        let rules = list.iter().map(|node| rule(node, &mut wrong)).collect();
        if wrong.is_empty() { Ok(rules) } else { Err(wrong) }
    }
}

const RULE: [&str; 4] = ["verbs", "resources", "namespaces", "clusters"];
fn rule(node: &Node, wrong: &mut Vec<Wrong>) -> Rule {
    let mut rule = Rule::default();
    let Value::Map(entries) = &node.value else {
        wrong.push(Given::Node(node).expected("a rule such as {verbs: [get], resources: [secrets]}"));
        return rule;
    };
    if entries.is_empty() {
        wrong.push(Wrong::at(
            node,
            "a rule without words stands for everything: write {resources: [\"*\"]}",
        ));
    }
    for (key, value) in entries {
        let slot = match key.name.as_str() {
            "verbs" => &mut rule.verbs,
            "resources" => &mut rule.resources,
            "namespaces" => &mut rule.namespaces,
            "clusters" => &mut rule.clusters,
            _ => {
                wrong.push(unknown_key(key, "a rule", &RULE));
                continue;
            }
        };
        match Given::Node(value).words() {
            // An empty list would match everything, which is not what somebody means who empties one.
            Ok(words) if words.is_empty() => {
                wrong.push(Wrong::at(
                    value,
                    format!("{} is empty: leave it out, or write [\"*\"]", key.name),
                ));
            }
            Ok(words) => *slot = words,
            Err(one) => wrong.push(one),
        }
        if key.name == "verbs" {
            let known: Vec<&str> = iter::once("*").chain(VERBS).collect();
            let strange = rule.verbs.iter().find(|verb| !known.contains(&verb.as_str()));
            if let Some(verb) = strange {
                wrong.push(Wrong::at(
                    value,
                    format!(
                        "no verb {verb:?}; expected {}{}",
                        known.join(", "),
                        did_you_mean(verb, &known)
                    ),
                ));
            }
        }
    }
    rule
}

fn text(node: &Node) -> Result<String, Wrong> {
    match &node.value {
        Value::Text(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) => Err(Wrong::at(
            node,
            format!("expected a text, found {}; put it in quotes", node.value.kind()),
        )),
        _ => Err(Given::Node(node).expected("a text")),
    }
}

/// The mistake of a key that does not exist.
pub(super) fn unknown_key(key: &Key, place: &str, known: &[&str]) -> Wrong {
    let hint = did_you_mean(&key.name, known);
    let hint = if hint.is_empty() {
        format!("; expected {}", known.join(", "))
    } else {
        hint
    };
    Wrong {
        at: Some(key.at),
        what: format!("no key {:?} in {place}{hint}", key.name),
    }
}

/// `; did you mean x?`, if one is near.
pub(super) fn did_you_mean(word: &str, known: &[&str]) -> String {
    match nearest(word, known.iter().copied()) {
        Some(known) => format!("; did you mean {known}?"),
        None => String::new(),
    }
}
