//! Logs: a heading with counts, who is who, and the lines between fences, the newest last.

use jiff::Timestamp;

use super::{
    budget::tokens,
    safe::{line, nonce, shortened},
    stage::Writer,
};
use crate::output::{
    Line, Lines,
    size::{counted, grouped},
};

/// The longest line.
const LONGEST: usize = 1_500;
/// More sources without lines than this are counted.
const QUIET: usize = 5;
/// What the lines after the fence may cost.
const RESERVE: usize = 120;

pub(super) fn render(lines: &Lines, out: &mut Writer<'_>) {
    out.line(&heading(lines));
    let legend = Legend::new(lines);
    if let Some(text) = legend.text(lines) {
        out.line(&text);
    }
    out.notes(&lines.notes);
    if !lines.lines.is_empty() {
        let mut room = out.room().saturating_sub(RESERVE);
        let mut kept = Vec::new();
        // What was written last says the most: it is the old end that is cut.
        for text in lines.lines.iter().rev().map(|line| legend.line(line)) {
            let cost = tokens(&text) + 1;
            if cost > room && !kept.is_empty() {
                break;
            }
            room = room.saturating_sub(cost);
            kept.push(text);
        }
        kept.reverse();
        let word = if lines.word.is_empty() { "log" } else { lines.word };
        let nonce = nonce(&kept.join("\n"));
        out.line(&format!("--- {word} {nonce}"));
        kept.iter().for_each(|text| out.line(text));
        out.line(&format!("--- end {nonce}"));
        if kept.len() < lines.lines.len() {
            let narrower = out.narrower(&["since", "tail", "include", "exclude"]);
            out.line(&format!(
                "Cut to fit: the newest {} of {} lines{}",
                grouped(kept.len()),
                grouped(lines.lines.len()),
                narrower.map(|advice| format!("; {advice}")).unwrap_or_default()
            ));
        }
    }
    out.next(&lines.next);
}

/// `Logs of Deployment shop/checkout, last 15m, 4 pods: 8 of 4,812 lines match, folded to 2`
fn heading(lines: &Lines) -> String {
    let subject = line(&lines.subject);
    let count = |count: usize| counted(count, "line");
    let all = match (lines.read, lines.matched) {
        (0, _) => return format!("{subject}: no lines"),
        (read, 0) => return format!("{subject}: none of {} match", count(read)),
        (read, matched) if matched == read => count(read),
        (read, 1) => format!("1 of {} matches", count(read)),
        (read, matched) => format!("{} of {} match", grouped(matched), count(read)),
    };
    let stands_for: usize = lines.lines.iter().map(|line| line.count.max(1)).sum();
    let shown = lines.lines.len();
    let folded = if stands_for > shown {
        format!(", folded to {}", grouped(shown))
    } else {
        String::new()
    };
    let newest = if stands_for < lines.matched {
        format!(", the newest {}", grouped(stands_for))
    } else {
        String::new()
    };
    format!("{subject}: {all}{newest}{folded}")
}

/// The short names of the sources that have lines, in order.
struct Legend {
    /// Parallel to the sources: the number of each that has lines.
    numbers: Vec<Option<usize>>,
    count: usize,
    /// Whether lines of other days than today are shown.
    with_date: bool,
}

impl Legend {
    fn new(lines: &Lines) -> Self {
        let mut numbers = vec![None; lines.sources.len()];
        let mut count = 0;
        for (index, number) in numbers.iter_mut().enumerate() {
            if lines.lines.iter().any(|line| line.sources.contains(&index)) {
                count += 1;
                *number = Some(count);
            }
        }
        let today = Timestamp::now().to_string();
        let with_date = lines
            .lines
            .iter()
            .any(|line| !line.time.is_empty() && line.time.get(..10) != today.get(..10));
        Self {
            numbers,
            count,
            with_date,
        }
    }

    /// `P1 checkout-7d9c6bf6d4-2xkqp (crashing), P2 …; nothing in checkout-5b8f4c9d7-r8q6n`
    fn text(&self, lines: &Lines) -> Option<String> {
        let named = |index: usize| {
            let source = lines.sources.get(index)?;
            Some(if source.remark.is_empty() {
                line(&source.name).into_owned()
            } else {
                format!("{} ({})", line(&source.name), line(&source.remark))
            })
        };
        let mut with_lines = Vec::new();
        let mut without = Vec::new();
        for (index, number) in self.numbers.iter().enumerate() {
            let Some(name) = named(index) else { continue };
            match number {
                Some(_) if self.count == 1 => with_lines.push(name),
                Some(number) => with_lines.push(format!("P{number} {name}")),
                None => without.push(name),
            }
        }
        let mut parts = Vec::new();
        if !with_lines.is_empty() {
            parts.push(with_lines.join(", "));
        }
        // The heading says it of a single source.
        if !without.is_empty() && lines.sources.len() > 1 {
            let more = without.len().saturating_sub(QUIET);
            without.truncate(QUIET);
            if more > 0 {
                without.push(format!("{more} more"));
            }
            let what = if lines.matched < lines.read {
                "nothing matched in"
            } else {
                "no lines in"
            };
            parts.push(format!("{what} {}", without.join(", ")));
        }
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// `14:30:12 P1 text   (x7 in P1, P2 since 14:18)`
    fn line(&self, of: &Line) -> String {
        let mut text = String::new();
        if !of.time.is_empty() {
            text.push_str(&self.time(&of.time, true));
            text.push(' ');
        }
        if self.count > 1
            && let Some(source) = self.source(of.sources.first())
        {
            text.push_str(&source);
            text.push(' ');
        }
        text.push_str(&line(&shortened(&of.text, LONGEST)));
        if of.count > 1 {
            text.push_str(&format!("   (x{}", grouped(of.count)));
            if self.count > 1 && of.sources.len() > 1 {
                let names: Vec<String> = of
                    .sources
                    .iter()
                    .filter_map(|index| self.source(Some(index)))
                    .collect();
                text.push_str(&format!(" in {}", names.join(", ")));
            }
            if let Some(since) = &of.since {
                text.push_str(&format!(" since {}", self.time(since, false)));
            }
            text.push(')');
        }
        text
    }

    fn source(&self, index: Option<&usize>) -> Option<String> {
        let number = self.numbers.get(*index?)?.as_ref()?;
        Some(format!("P{number}"))
    }

    /// `14:30:12`, and the day where not all of it is today.
    fn time(&self, time: &str, seconds: bool) -> String {
        let clock = if seconds {
            time.get(11..19)
        } else {
            time.get(11..16)
        };
        match (time.get(5..10), clock) {
            (Some(day), Some(clock)) if self.with_date => line(&format!("{day} {clock}")).into_owned(),
            (_, Some(clock)) => line(clock).into_owned(),
            _ => line(time).into_owned(),
        }
    }
}
