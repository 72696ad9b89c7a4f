//! Merges lines by time and folds those that say the same.

use std::{cmp::Reverse, collections::HashMap};

use jiff::Timestamp;

use super::read::Entry;
use crate::output::Line;

/// Lines of several sources by time, as they were written; lines of equal text, whatever time they carry in it, are
/// one with a count, at the place of the newest: the last time that a trace was written it stands whole.
pub(super) fn merge(entries: Vec<(usize, Entry)>) -> Vec<Line> {
    let mut entries: Vec<(Option<Timestamp>, usize, usize, Entry)> = entries
        .into_iter()
        .enumerate()
        // Lines without a time stay in the order in which they came.
        .map(|(order, (source, entry))| (entry.time.parse().ok(), order, source, entry))
        .collect();
    entries.sort_by_key(|entry| Reverse((entry.0, entry.1)));
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut lines: Vec<Line> = Vec::new();
    for (_, _, source, entry) in entries {
        let key = timeless(&entry.text);
        if let Some(line) = at.get(&key).and_then(|&index| lines.get_mut(index)) {
            line.count += 1;
            line.since = Some(entry.time);
            if !line.sources.contains(&source) {
                line.sources.push(source);
            }
            continue;
        }
        at.insert(key, lines.len());
        lines.push(Line {
            sources: vec![source],
            time: entry.time,
            text: entry.text,
            count: 1,
            since: None,
        });
    }
    lines.reverse();
    lines
}

/// A text without the times in it: what says the same again differs in nothing else. A word is a time if it is
/// made of digits and their separators and has a colon between digits, or is a date.
fn timeless(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            key.push(' ');
        }
        let core = word.trim_matches(|c: char| matches!(c, '[' | ']' | '(' | ')' | '"' | ',' | '='));
        let core = core
            .strip_prefix("time=")
            .or_else(|| core.strip_prefix("ts="))
            .unwrap_or(core);
        if !is_time(core.trim_matches('"')) {
            key.push_str(word);
        }
    }
    key
}

fn is_time(word: &str) -> bool {
    let body = word.trim_end_matches('Z');
    let plain = body
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b',' | b'-' | b'/' | b'T' | b'+'));
    if !plain || body.len() < 8 {
        return false;
    }
    let colons = body.matches(':').count();
    let dashes = body.matches(['-', '/']).count();
    // 14:30:12.123, 2026-11-23, 2026/11/23, 2026-11-23T14:30:12+01:00
    (colons >= 2 || (colons == 0 && dashes == 2)) && body.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(source: usize, time: &str, text: &str) -> (usize, Entry) {
        let time = format!("2026-11-23T14:{time}Z");
        (
            source,
            Entry {
                time,
                text: text.to_owned(),
            },
        )
    }

    #[test]
    fn lines_are_merged_by_time_and_repeats_folded() {
        let lines = merge(vec![
            line(0, "18:00", "FATAL no url"),
            line(0, "30:12", "FATAL no url"),
            line(1, "21:40.5", "ERROR slow"),
            line(1, "20:00", "FATAL no url"),
        ]);
        let told: Vec<_> = lines
            .iter()
            .map(|line| {
                (
                    line.text.as_str(),
                    line.count,
                    line.sources.clone(),
                    line.since.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("ERROR slow", 1, vec![1], None),
                ("FATAL no url", 3, vec![0, 1], Some("2026-11-23T14:18:00Z")),
            ]
        );
        assert_eq!(lines[1].time, "2026-11-23T14:30:12Z");
    }

    #[test]
    fn a_time_in_the_text_makes_no_difference_and_a_number_does() {
        let lines = merge(vec![
            line(0, "00:01", "2026-11-23 14:00:01,123 WARN retry"),
            line(0, "00:02", "2026-11-23 14:00:02,456 WARN retry"),
            line(0, "00:03", "time=\"2026-11-23T14:00:03Z\" level=warn"),
            line(0, "00:04", "time=\"2026-11-23T14:00:04Z\" level=warn"),
            line(0, "00:05", "order 1 lost"),
            line(0, "00:06", "order 2 lost"),
        ]);
        let counts: Vec<_> = lines.iter().map(|line| line.count).collect();
        assert_eq!(counts, [2, 2, 1, 1]);
    }

    #[test]
    fn a_trace_reads_forwards_whenever_it_was_written_last() {
        let trace = ["panic: no url", "  at main", "  at start"];
        let written = |second: &str| trace.map(|text| line(0, second, text));
        let mut entries = written("00:01").to_vec();
        entries.push(line(1, "00:02", "request served"));
        entries.extend(written("00:03"));
        let lines = merge(entries);
        let told: Vec<_> = lines
            .iter()
            .map(|line| (line.text.as_str(), line.count))
            .collect();
        assert_eq!(
            told,
            [("request served", 1), (trace[0], 2), (trace[1], 2), (trace[2], 2)]
        );
    }
}
