//! What is waited for, as people write it.

use std::fmt;

use crate::{Error, nearest::nearest, output::filter::FieldPath};

/// What is waited for.
#[derive(Clone, Debug)]
pub(super) enum Until {
    /// The status rule says healthy; of a job, complete.
    Ready,
    /// The newest revision is rolled out.
    RolledOut,
    /// It is gone.
    Gone,
    /// It is there.
    There,
    /// A condition has this status.
    Condition { name: String, status: String },
    /// What a path selects is this; without a value, it selects something.
    Path { path: FieldPath, value: Option<String> },
}

/// Words by themselves, the one that is advertised first.
const WORDS: &[(&[&str], Until)] = &[
    (&["ready", "healthy"], Until::Ready),
    (&["rollout", "rolledout", "rolled-out"], Until::RolledOut),
    (&["delete", "deleted", "gone"], Until::Gone),
    (&["create", "created", "exists", "exist"], Until::There),
];

const EXPECTED: &str = "expected ready, rollout, delete, create, condition=NAME[=VALUE], or path=value such as status.phase=Running";

impl Until {
    /// Reads it. kubectl's forms (`jsonpath='{.status.phase}'=Running`) are accepted, and a condition by its bare name
    /// where that begins with a capital, as the names of conditions do and fields do not.
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let word = text.to_lowercase();
        if let Some((_, until)) = WORDS.iter().find(|(words, _)| words.contains(&&*word)) {
            return Ok(until.clone());
        }
        if let Some(condition) = after(text, "condition=") {
            return Self::condition(condition);
        }
        if let Some(path) = after(text, "jsonpath=").or_else(|| after(text, "path=")) {
            return Self::path(path);
        }
        let words = WORDS.iter().filter_map(|(words, _)| words.first().copied());
        let near = nearest(text, words).filter(|_| !text.contains(['=', '.']));
        if let Some(near) = near {
            return Err(wrong(text, &format!("; did you mean {near}?")).instead("until", near));
        }
        if text.starts_with(char::is_uppercase) {
            return Self::condition(text);
        }
        if text.contains(['=', '.', '{', '[']) {
            return Self::path(text);
        }
        Err(wrong(text, ""))
    }

    fn condition(text: &str) -> Result<Self, Error> {
        let (name, status) = text.split_once('=').unwrap_or((text, "True"));
        let (name, status) = (name.trim(), unquoted(status.trim_start_matches('=')));
        if name.is_empty() || status.is_empty() {
            return Err(wrong(text, "; a condition has a name, such as condition=Ready"));
        }
        Ok(Self::Condition {
            name: name.to_owned(),
            status: status.to_owned(),
        })
    }

    fn path(text: &str) -> Result<Self, Error> {
        let (path, value) = split_at_value(text);
        if path.ends_with(['!', '<', '>', '~']) {
            return Err(wrong(text, "; a path can only be compared with ="));
        }
        Ok(Self::Path {
            path: FieldPath::parse(unquoted(path))
                .map_err(|error| Error::invalid(format!("until: {}; {EXPECTED}", error.message)))?,
            value: value.map(|value| unquoted(value.trim_start_matches('=')).to_owned()),
        })
    }

    /// The word for what is as waited for.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::RolledOut => "rolled out",
            Self::Gone => "deleted",
            Self::There => "there",
            Self::Condition { .. } | Self::Path { .. } => "met",
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::RolledOut => f.write_str("rollout"),
            Self::Gone => f.write_str("delete"),
            Self::There => f.write_str("create"),
            Self::Condition { name, status } if status == "True" => write!(f, "condition={name}"),
            Self::Condition { name, status } => write!(f, "condition={name}={status}"),
            Self::Path {
                path,
                value: Some(value),
            } => write!(f, "{}={value}", path.text()),
            Self::Path { path, value: None } => f.write_str(path.text()),
        }
    }
}

fn wrong(text: &str, more: &str) -> Error {
    Error::invalid(format!("until: {EXPECTED}; found {text:?}{more}"))
}

/// What follows a prefix, whose case does not count.
fn after<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// Splits at the first `=` that stands outside brackets and quotes.
fn split_at_value(text: &str) -> (&str, Option<&str>) {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[' | '(' | '{') => depth += 1,
            (None, ']' | ')' | '}') => depth = depth.saturating_sub(1),
            (None, '=') if depth == 0 => {
                let (path, value) = text.split_at_checked(at).unwrap_or((text, ""));
                return (path.trim(), value.strip_prefix('='));
            }
            _ => {}
        }
    }
    (text, None)
}

/// Without the quotes that were meant for a shell.
fn unquoted(text: &str) -> &str {
    let text = text.trim();
    ['\'', '"']
        .into_iter()
        .find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_s_forms_and_ours_mean_the_same() {
        for (text, meant) in [
            ("ready", "ready"),
            ("Ready", "ready"),
            ("rolled-out", "rollout"),
            ("Deleted", "delete"),
            ("exists", "create"),
            ("condition=Available", "condition=Available"),
            ("condition=ready=false", "condition=ready=false"),
            ("Condition=Ready==Unknown", "condition=Ready=Unknown"),
            ("Available", "condition=Available"),
            ("Complete", "condition=Complete"),
            ("status.phase=Running", "status.phase=Running"),
            (" .status.phase == 'Running' ", "status.phase=Running"),
            ("{.status.phase}=Running", "status.phase=Running"),
            ("jsonpath='{.status.phase}'=Running", "status.phase=Running"),
            (
                "jsonpath={.status.loadBalancer.ingress}",
                "status.loadBalancer.ingress",
            ),
            ("path=status.podIP", "status.podIP"),
            (
                "jsonpath='{.status.conditions[?(@.type==\"Ready\")].status}'=True",
                "status.conditions[?(@.type==\"Ready\")].status=True",
            ),
        ] {
            assert_eq!(Until::parse(text).unwrap().to_string(), meant, "{text}");
        }
    }

    #[test]
    fn what_means_nothing_is_told_with_what_does() {
        for (text, part) in [
            ("redy", "did you mean ready?"),
            ("roll-out", "did you mean rollout?"),
            (
                "soon",
                "expected ready, rollout, delete, create, condition=NAME[=VALUE], or path=value",
            ),
            ("condition=", "a condition has a name"),
            ("status.readyReplicas>=3", "can only be compared with ="),
            ("status[0", "is not closed"),
        ] {
            let error = Until::parse(text).unwrap_err();
            assert!(error.message.contains(part), "{text}: {}", error.message);
        }
        assert_eq!(
            Until::parse("redy").unwrap_err().instead,
            Some(("until", "ready".to_owned()))
        );
    }
}
