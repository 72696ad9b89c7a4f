//! Text that comes from the cluster is data: it cannot break a row, a heading or a fence.

use std::{borrow::Cow, fmt::Write as _};

use crate::output::size::grouped;

/// Whether a character could hide, reorder or forge what a reader sees: controls, line separators, direction
/// overrides and characters without width.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}'
        )
}

fn escape(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(|c| is_unsafe(c) && !is_kept(c)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            c if !is_unsafe(c) || is_kept(c) => out.push(c),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            // Writing to a string cannot fail.
            c => _ = write!(out, "\\u{{{:x}}}", u32::from(c)),
        }
    }
    Cow::Owned(out)
}

/// A text that stays on its line and in its cell.
pub(super) fn line(text: &str) -> Cow<'_, str> {
    escape(text, |_| false)
}

/// A text of several lines.
pub(super) fn block(text: &str) -> Cow<'_, str> {
    escape(text, |c| c == '\n' || c == '\t')
}

/// What stands where a text was cut; the number of characters that are left out follows.
pub(super) const CUT: &str = "… (+";

/// A text of at most `limit` characters, and how many more there are.
pub(super) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    // A little more than the limit costs less than to say so.
    match text.char_indices().nth(limit + 12) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let end = text.char_indices().nth(limit).map_or(text.len(), |(at, _)| at);
            let (head, tail) = text.split_at_checked(end).unwrap_or((text, ""));
            Cow::Owned(format!(
                "{}{CUT}{})",
                head.trim_end(),
                grouped(tail.chars().count())
            ))
        }
    }
}

/// A word that no text could know before this answer was made.
pub(super) fn nonce(within: &str) -> String {
    loop {
        let random = getrandom::u32().unwrap_or_else(|_| fallback());
        let nonce = format!("{:04x}", random & 0xffff);
        if !within.contains(&format!("--- end {nonce}")) {
            return nonce;
        }
    }
}

/// A system without random numbers serves no TLS either; the clock will do.
fn fallback() -> u32 {
    jiff::Timestamp::now().subsec_nanosecond().unsigned_abs()
}

/// A text with its first letter in upper case.
pub(super) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_breaks_out_of_its_cell() {
        assert_eq!(
            line("a\tb\nc\r\u{1b}[31m\u{202e}x\u{200b}"),
            "a\\tb\\nc\\r\\u{1b}[31m\\u{202e}x\\u{200b}"
        );
        assert_eq!(block("a\tb\nc\u{7}"), "a\tb\nc\\u{7}");
        assert!(matches!(line("Grüße, 世界"), Cow::Borrowed(_)));
    }

    #[test]
    fn long_texts_say_how_long_they_were() {
        assert_eq!(
            shortened(&"é".repeat(1_100), 10),
            format!("{}… (+1,090)", "é".repeat(10))
        );
        assert_eq!(shortened("just over it", 10), "just over it");
    }
}
