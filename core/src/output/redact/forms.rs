//! Class 4: secrets that are known by their form, anywhere in text.

use std::{borrow::Cow, sync::LazyLock};

use regex::{Captures, Regex};

/// One regular expression for all forms, so that a cell costs one scan. A group named `s` is the secret where
/// what stands around it stays readable; else the whole match is.
///
/// Word boundaries are ASCII: the Unicode ones would cost the fast engine.
const FORMS: &str = r#"(?x)
    # PEM private keys, also where the line breaks are escaped or the end is cut off.
    -----BEGIN\ [A-Z0-9\ ]{0,30}PRIVATE\ KEY(?:\ BLOCK)?-----(?s:.*?)(?:-----END\ [A-Z0-9\ ]{0,30}PRIVATE\ KEY(?:\ BLOCK)?-----|\z)
    # JSON web tokens.
  | (?-u:\b)eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*
    # AWS: key ids, and the secret keys where they are named.
  | (?-u:\b)(?:AKIA|ASIA)[A-Z0-9]{16}(?-u:\b)
  | (?i:aws_?(?:secret_?access_?key|session_?token))["']?\s{0,4}[:=]\s{0,4}["']?(?P<a>[A-Za-z0-9/+=]{40,})
    # Google: API keys, client secrets, access tokens.
  | (?-u:\b)AIza[0-9A-Za-z_-]{35}
  | (?-u:\b)GOCSPX-[0-9A-Za-z_-]{20,}
  | (?-u:\b)ya29\.[0-9A-Za-z_-]{20,}
    # Azure: storage and service bus keys, client secrets, shared access signatures.
  | (?i:AccountKey|SharedAccessKey)=(?P<b>[A-Za-z0-9+/]{40,}={0,2})
  | (?-u:\b)[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}
  | [?&]sig=(?P<c>[A-Za-z0-9%]{40,})
    # GitHub, GitLab, Slack.
  | (?-u:\b)gh[pousr]_[A-Za-z0-9]{36,}
  | (?-u:\b)github_pat_[A-Za-z0-9_]{22,}
  | (?-u:\b)glpat-[A-Za-z0-9_-]{20,}
  | (?-u:\b)xox[abeoprs]-[A-Za-z0-9-]{10,}
  | (?-u:\b)xapp-[0-9]-[A-Za-z0-9-]{20,}
  | hooks\.slack\.com/services/(?P<d>T[A-Za-z0-9_]+/B[A-Za-z0-9_]+/[A-Za-z0-9_]+)
    # Others whose keys say what they are.
  | (?-u:\b)[sr]k_live_[A-Za-z0-9]{16,}
  | (?-u:\b)sk-(?:(?:ant|proj|svcacct)-[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{40,})
  | (?-u:\b)SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}
  | (?-u:\b)hv[sb]\.[A-Za-z0-9_-]{24,}
  | (?-u:\b)dop_v1_[a-f0-9]{64}
  | (?-u:\b)dckr_pat_[A-Za-z0-9_-]{20,}
  | (?-u:\b)npm_[A-Za-z0-9]{36}
  | (?-u:\b)hf_[A-Za-z0-9]{34}
    # An Authorization header, e.g. in a log of requests.
  | (?i:authorization)["']?\s{0,4}[:=]\s{0,4}["']?(?i:bearer|basic|token)\s{1,4}(?P<e>[A-Za-z0-9._~+/=-]{8,})
    # The password in a URL. What stands for a variable is none.
  | (?-u:\b)[A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"'<>]*:(?P<f>[^\s/@"'$<{][^\s/@"']*)@
"#;

/// The groups that hold a secret of which the surroundings stay.
const GROUPS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Nothing shorter has any of the forms: `a://:b@`.
const SHORTEST: usize = 7;

// The pattern is a constant that the tests compile: none would mean that nothing is hidden, so callers hide all.
static REGEX: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(FORMS).ok());

/// The text with every known form replaced.
pub(super) fn hide(text: &str) -> Cow<'_, str> {
    if text.len() < SHORTEST {
        return Cow::Borrowed(text);
    }
    match &*REGEX {
        Some(regex) => regex.replace_all(text, replace),
        None => Cow::Owned(hidden(text.len())),
    }
}

fn replace(captures: &Captures<'_>) -> String {
    let whole = captures.get_match();
    match GROUPS.iter().find_map(|group| captures.name(group)) {
        Some(secret) => {
            let text = whole.as_str();
            let before = text.get(..secret.start() - whole.start()).unwrap_or_default();
            let after = text.get(secret.end() - whole.start()..).unwrap_or_default();
            format!("{before}{}{after}", hidden(secret.len()))
        }
        None => hidden(whole.len()),
    }
}

/// What stands in place of a secret of this many bytes.
pub(super) fn hidden(bytes: usize) -> String {
    format!("<hidden, {bytes} bytes>")
}

/// What [`hidden`] made, of a value that differs from the one before though its size does not.
pub(in crate::output) fn changed(hidden: &str) -> String {
    match hidden.strip_suffix(" bytes>") {
        Some(start) => format!("{start} bytes, changed>"),
        None => hidden.to_owned(),
    }
}

/// Whether a text is what [`hidden`] made: hiding twice must not change the size.
pub(super) fn is_hidden(text: &str) -> bool {
    text.strip_prefix("<hidden, ")
        .and_then(|rest| rest.strip_suffix('>'))
        .and_then(|rest| {
            rest.strip_suffix(" bytes")
                .or_else(|| rest.strip_suffix(" bytes, changed"))
        })
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a line begins or ends a private key: its body then stands in lines of their own.
pub(super) fn opens_private_key(line: &str) -> bool {
    line.contains("PRIVATE KEY") && (line.contains("-----BEGIN ") || line.contains("-----END "))
}

/// Whether a line can be the body of a private key, bare or behind the prefix of a log.
pub(super) fn is_key_body(line: &str) -> bool {
    line.split_whitespace().last().is_some_and(|word| {
        word.len() >= 16
            && word
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
    })
}
