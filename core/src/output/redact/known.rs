//! Class 5: values that were read as secrets during this call, wherever they turn up again.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use aho_corasick::AhoCorasick;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};

use super::forms::hidden;

/// Below this a value would hide words of the language.
const SHORTEST: usize = 8;
/// Only this much of a value is searched for; the rest is compared where that is found.
const NEEDLE: usize = 48;
/// A plain lower-case word below this length is hidden only where it stands alone, lest a database's name hide
/// half of every pod's.
const WORD: usize = 16;

/// Values, and the search for them.
#[derive(Debug, Default)]
pub(super) struct Known {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What to search for, and the size of the secret it stands for.
    values: BTreeSet<(String, usize)>,
    search: Option<Arc<Search>>,
}

#[derive(Debug)]
struct Search {
    automaton: AhoCorasick,
    /// Parallel to the automaton's patterns.
    values: Vec<(String, usize)>,
}

impl Known {
    /// Remembers a value: as it is, without the line break at its end, in base64, and as JSON would escape it.
    pub(super) fn remember(&self, value: &[u8]) {
        let trimmed = value.trim_ascii();
        if trimmed.len() < SHORTEST {
            return;
        }
        let mut forms = vec![STANDARD_NO_PAD.encode(value), STANDARD_NO_PAD.encode(trimmed)];
        if let Ok(text) = std::str::from_utf8(trimmed) {
            let quoted = serde_json::Value::from(text).to_string();
            forms.extend([quoted.trim_matches('"').to_owned(), text.to_owned()]);
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if state.values.insert((form, value.len())) {
                state.search = None;
            }
        }
    }

    /// The text with every known value replaced.
    pub(super) fn hide<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if text.len() < SHORTEST {
            return Cow::Borrowed(text);
        }
        let Some(search) = self.search() else {
            return Cow::Borrowed(text);
        };
        let mut out = String::new();
        let mut end = 0;
        for (range, size) in search.find(text) {
            out.push_str(text.get(end..range.start).unwrap_or_default());
            out.push_str(&hidden(size));
            end = range.end;
        }
        if end == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(end..).unwrap_or_default());
        Cow::Owned(out)
    }

    fn search(&self) -> Option<Arc<Search>> {
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if state.values.is_empty() {
                return None;
            }
            if let Some(search) = &state.search {
                return Some(Arc::clone(search));
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let values: Vec<_> = state.values.iter().cloned().collect();
        let needles = values.iter().map(|(value, _)| needle(value));
        // Building fails only beyond four gigabytes of needles.
        let search = Arc::new(Search {
            automaton: AhoCorasick::new(needles).ok()?,
            values,
        });
        state.search = Some(Arc::clone(&search));
        Some(search)
    }
}

impl Search {
    /// The places of known values, in order and without overlaps, the longest first where several begin.
    fn find(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let mut found: Vec<(Range<usize>, usize)> = self
            .automaton
            .find_overlapping_iter(text)
            .filter_map(|hit| {
                let (value, size) = self.values.get(hit.pattern().as_usize())?;
                let rest = text.get(hit.start()..)?;
                let range = hit.start()..hit.start() + value.len();
                (rest.starts_with(value.as_str()) && (!is_word(value) || stands_alone(text, &range)))
                    .then_some((range, *size))
            })
            .collect();
        found.sort_by(|(a, _), (b, _)| a.start.cmp(&b.start).then(b.end.cmp(&a.end)));
        let mut end = 0;
        found.retain(|(range, _)| {
            let keep = range.start >= end;
            if keep {
                end = range.end;
            }
            keep
        });
        found
    }
}

fn needle(value: &str) -> &str {
    let mut end = value.len().min(NEEDLE);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or(value)
}

fn is_word(value: &str) -> bool {
    value.len() < WORD
        && value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
}

fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let part_of_a_name =
        |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let bytes = text.as_bytes();
    let before = range.start.checked_sub(1).and_then(|at| bytes.get(at));
    !part_of_a_name(before) && !part_of_a_name(bytes.get(range.end))
}
