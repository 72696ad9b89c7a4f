//! Makes hostile texts out of good ones. The same seed makes the same ones, in the same order.
//!
//! Whatever fails says the seed; `KUBE_MCP_SEED` repeats it, and `KUBE_MCP_LINES` makes a run longer or shorter.

use std::{
    env,
    fmt::Debug,
    panic,
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

/// The longest that any case may take, in a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// What readers of text trip over.
const NASTY: &[&str] = &[
    "",
    "\0",
    "\t",
    "\r",
    "\u{7f}",
    "\u{1b}[2J",
    "\u{feff}",
    "\u{202e}",
    "\u{2028}",
    "é",
    "e\u{301}",
    "İ",
    "ß",
    "😀",
    "\\ud800",
    "\\u0000",
    "\\",
    "'",
    "\"",
    "`",
    "#",
    "$",
    "$$",
    "$params.",
    "{{",
    "}}",
    "{% for x in y %}",
    "{#",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "[?(",
    "..",
    "[*]",
    "@.a",
    ",",
    ":",
    ": ",
    "=",
    "!=",
    "=~",
    "<=",
    "&&",
    "*",
    "&a",
    "*a",
    "!!binary",
    "|",
    ">",
    "- ",
    "null",
    "true",
    "NaN",
    "-0",
    "1e999",
    "-1",
    "0x10",
    "1.5",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999",
    "9999999999d",
    "P1Y",
    "0001-01-01T00:00:00Z",
    "+275760-09-13",
    "%ff",
    "%2f",
    "../",
    "/",
    "_",
    "a.b/c",
    "eyJhbGciOiJub25lIn0.",
    "://u:p@",
    "-----BEGIN PRIVATE KEY-----",
    "<hidden, 8 bytes>",
    "kubectl.kubernetes.io/last-applied-configuration",
];

/// What a seed and a number of cases come to in this run.
pub(crate) fn plan(cases: usize) -> (u64, usize) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let cases = number("KUBE_MCP_LINES")
        .and_then(|cases| usize::try_from(cases).ok())
        .unwrap_or(cases);
    (number("KUBE_MCP_SEED").unwrap_or(1), cases)
}

/// Gives `cases` mutants of `corpus` to `check`, and fails with the case that panics or takes too long.
pub(crate) fn run<T: Debug>(
    cases: usize,
    corpus: &[&str],
    mut case: impl FnMut(&mut Mutator, Vec<u8>) -> T,
    check: impl Fn(&T),
) {
    let (seed, cases) = plan(cases);
    let mut mutator = Mutator::new(seed, corpus.iter().map(|text| text.as_bytes().to_vec()).collect());
    for number in 0..cases {
        let bytes = mutator.bytes();
        let input = case(&mut mutator, bytes);
        let started = Instant::now();
        let checked = panic::catch_unwind(panic::AssertUnwindSafe(|| {
            check(&input);
            let took = started.elapsed();
            assert!(took < PATIENCE, "it took {took:?}");
        }));
        // What it panicked with is printed already.
        assert!(
            checked.is_ok(),
            "KUBE_MCP_SEED={seed}: case {number} of {cases} is {input:?}"
        );
    }
}

/// The source of mutants.
pub(crate) struct Mutator {
    /// Where chance comes from.
    pub(crate) rng: fastrand::Rng,
    corpus: Vec<Vec<u8>>,
}

impl Mutator {
    pub(crate) fn new(seed: u64, corpus: Vec<Vec<u8>>) -> Self {
        assert!(!corpus.is_empty(), "nothing to mutate");
        Self {
            rng: fastrand::Rng::with_seed(seed),
            corpus,
        }
    }

    /// A member of the corpus after a few mutations, or after none.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = self.pick().to_vec();
        for _ in 0..self.rng.usize(0..5) {
            self.mutate(&mut bytes);
        }
        bytes
    }

    /// One mutation of a text.
    pub(crate) fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.rng.usize(0..=bytes.len());
        match self.rng.u8(0..14) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.rng.u8(0..8);
                }
            }
            1 => bytes.insert(at, self.rng.u8(..)),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(self.range(bytes.len()))),
            4 => {
                let part = bytes[self.range(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
            5 => {
                let other = self.pick().to_vec();
                let range = self.range(other.len());
                bytes.splice(at..at, other[range].iter().copied());
            }
            6 => {
                let other = self.pick().to_vec();
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.rng.usize(0..=other.len())..]);
            }
            7 | 8 => {
                let nasty = self.nasty();
                bytes.splice(at..at, nasty.bytes());
            }
            // A token in place of another, of the same text or of another one.
            9 | 10 => {
                let from = if self.rng.bool() {
                    bytes.clone()
                } else {
                    self.pick().to_vec()
                };
                let (source, target) = (self.token(&from), self.token(bytes));
                bytes.splice(target, from[source].iter().copied());
            }
            11 => {
                let (target, nasty) = (self.token(bytes), self.nasty());
                bytes.splice(target, nasty.bytes());
            }
            // Something deep, or something long.
            12 => {
                let times = 1 << self.rng.u32(0..10);
                let (open, close) = *self.of(&[
                    ("[", "]"),
                    ("(", ")"),
                    ("{\"a\":", "}"),
                    ("{", "}"),
                    ("!", ""),
                    ("- ", ""),
                    ("[?(@[", "])]"),
                ]);
                let close = if self.rng.bool() { close } else { "" };
                let text = format!("{}{}", open.repeat(times), close.repeat(times));
                bytes.splice(at..at, text.bytes());
            }
            _ => {
                let times = 1 << self.rng.u32(0..13);
                let text = self.nasty().repeat(times);
                let end = text.floor_char_boundary(1 << 16);
                bytes.splice(at..at, text[..end].bytes());
            }
        }
    }

    /// One mutation of a JSON value: what it is, what it is called, what is in it, what it is in.
    pub(crate) fn json(&mut self, value: &mut Value) {
        if self.rng.u8(0..4) > 0 {
            let inner = match value {
                Value::Array(items) if !items.is_empty() => {
                    let at = self.rng.usize(0..items.len());
                    items.get_mut(at)
                }
                Value::Object(fields) if !fields.is_empty() => {
                    let at = self.rng.usize(0..fields.len());
                    fields.values_mut().nth(at)
                }
                _ => None,
            };
            if let Some(inner) = inner {
                return self.json(inner);
            }
        }
        match (self.rng.u8(0..8), &mut *value) {
            (0, Value::Object(fields)) => {
                let at = self.rng.usize(0..=fields.len());
                let name = fields.keys().nth(at).cloned().unwrap_or_default();
                fields.shift_remove(&name);
            }
            (1, Value::Object(fields)) => {
                let at = self.rng.usize(0..=fields.len());
                let name = fields.keys().nth(at).cloned().unwrap_or_default();
                let inner = fields.shift_remove(&name).unwrap_or_default();
                let name = self.text(name);
                fields.insert(name, inner);
            }
            (2, Value::Array(items)) => {
                let copy = items.first().cloned().unwrap_or_default();
                items.push(copy);
            }
            (3..=5, Value::String(text)) => *text = self.text(std::mem::take(text)),
            (6, _) => {
                let inner = value.take();
                *value = if self.rng.bool() {
                    json!([inner])
                } else {
                    json!({ "a": inner })
                };
            }
            _ => *value = self.scalar(),
        }
    }

    /// A text after one mutation, as far as it is still one.
    pub(crate) fn text(&mut self, text: String) -> String {
        let mut bytes = text.into_bytes();
        self.mutate(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// One of these.
    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.rng.usize(0..choices.len())]
    }

    fn scalar(&mut self) -> Value {
        match self.rng.u8(0..9) {
            0 => Value::Null,
            1 => Value::from(self.rng.bool()),
            2 => Value::from(self.rng.i64(..)),
            3 => Value::from(self.rng.u64(..)),
            4 => Value::from(self.rng.f64() * 1e300),
            5 => Value::from(self.rng.u8(0..4)),
            6 => json!([]),
            7 => Value::Object(Map::new()),
            _ => Value::from(self.nasty()),
        }
    }

    fn nasty(&mut self) -> &'static str {
        NASTY[self.rng.usize(0..NASTY.len())]
    }

    fn pick(&mut self) -> &[u8] {
        let at = self.rng.usize(0..self.corpus.len());
        &self.corpus[at]
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.rng.usize(0..=len);
        let most = if self.rng.bool() { len } else { len.min(start + 16) };
        start..self.rng.usize(start..=most.max(start))
    }

    /// The place of a word, or of what stands between two.
    fn token(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | 0x80..);
        let Some(&byte) = bytes.get(self.rng.usize(0..=bytes.len())) else {
            return bytes.len()..bytes.len();
        };
        let kind = is_word(byte);
        // Any token of that kind will do: the first after a random place.
        let from = self.rng.usize(0..bytes.len());
        let start = (from..bytes.len())
            .find(|&at| is_word(bytes[at]) == kind)
            .unwrap_or(from);
        let end = (start..bytes.len())
            .find(|&at| is_word(bytes[at]) != kind)
            .unwrap_or(bytes.len());
        start..end
    }
}
