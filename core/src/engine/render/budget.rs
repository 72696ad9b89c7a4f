//! What a text costs, and the last cut.

use crate::output::size::grouped;

/// About how many tokens a text costs a model, from its bytes alone. Words are cheap, names of machines are not:
/// in `checkout-7d9c6bf6d4-2xkqp` hardly two letters belong together.
pub fn tokens(text: &str) -> usize {
    // In quarters of a token, fitted to o200k on the answers of a real cluster.
    let mut quarters = 0;
    let mut was_upper = true;
    let mut run = Run::default();
    for c in text.chars() {
        let kind = Kind::of(c);
        if kind == run.kind {
            // A new word begins in `CrashLoop`, and none is in a certificate's text.
            quarters += 2 * usize::from(c.is_ascii_uppercase() && !was_upper);
            was_upper = c.is_ascii_uppercase();
            run.length += 1;
            continue;
        }
        was_upper = c.is_ascii_uppercase();
        quarters += run.cost(kind);
        run = Run {
            kind,
            length: 1,
            after: run.kind,
        };
    }
    quarters += run.cost(Kind::Space);
    quarters.div_ceil(4)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Space,
    Break,
    Letter,
    Digit,
    Sign,
    Other,
}

impl Kind {
    fn of(c: char) -> Self {
        match c {
            ' ' => Self::Space,
            '\n' | '\t' => Self::Break,
            'a'..='z' | 'A'..='Z' => Self::Letter,
            '0'..='9' => Self::Digit,
            c if c.is_ascii() => Self::Sign,
            _ => Self::Other,
        }
    }
}

/// Characters of one kind in a row.
#[derive(Debug, Default)]
struct Run {
    kind: Kind,
    length: usize,
    after: Kind,
}

impl Run {
    fn cost(&self, next: Kind) -> usize {
        match self.kind {
            // One space belongs to the word after it, and so does the indentation of a line.
            Kind::Space => 4 * usize::from(self.length > 1),
            Kind::Break => 3,
            // Letters among digits are no word.
            Kind::Letter if self.after == Kind::Digit || next == Kind::Digit => 2 + 2 * self.length.min(6),
            Kind::Letter => 4 + 4 * (self.length.saturating_sub(1) / 7),
            Kind::Digit => 4 * self.length.div_ceil(3),
            // A sign before a word is often one token with it.
            Kind::Sign => 3 * self.length.div_ceil(2),
            Kind::Other => 4 * self.length,
        }
    }
}

/// The last cut, at a line's end, with a notice. A fence that the cut left open is closed.
pub(super) fn cut(text: String, budget: usize) -> String {
    // The parts of an answer were cut to the budget already, by estimates of their own.
    if tokens(&text) <= budget + budget / 20 {
        return text;
    }
    let total = text.lines().count();
    let mut kept = String::new();
    let (mut spent, mut shown, mut fence) = (0, 0, None);
    for line in text.lines() {
        spent += tokens(line) + 1;
        if spent > budget {
            break;
        }
        match line.strip_prefix("--- ").and_then(|rest| rest.split_once(' ')) {
            Some(("end", _)) => fence = None,
            Some((_, nonce)) => fence = Some(nonce),
            None => {}
        }
        kept.push_str(line);
        kept.push('\n');
        shown += 1;
    }
    if let Some(nonce) = fence {
        kept.push_str(&format!("--- end {nonce}\n"));
    }
    kept.push_str(&format!(
        "Cut to fit: {} of {} lines shown; ask for less at a time",
        grouped(shown),
        grouped(total)
    ));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_cut_is_at_a_lines_end_and_says_so() {
        let text = format!(
            "heading\n--- log 7f3a\n{}--- end 7f3a\n",
            "a line of words\n".repeat(1_000)
        );
        let cut = cut(text, 100);
        assert!(cut.starts_with("heading\n--- log 7f3a\na line of words\n"));
        let end: Vec<&str> = cut.lines().rev().take(3).collect();
        assert!(
            end[0].starts_with("Cut to fit: ") && end[0].contains(" of 1,003 lines shown"),
            "{}",
            end[0]
        );
        assert_eq!(end[1], "--- end 7f3a");
        assert_eq!(end[2], "a line of words");
        assert!(tokens(&cut) < 150);
    }
}
