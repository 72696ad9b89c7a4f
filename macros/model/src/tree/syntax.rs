//! What is wrong with a file that is not YAML, in an author's words.
//!
//! A parser says where it could not go on. An author wants to know what to write, which is mostly to be seen from
//! the line: a tab, a colon or a brace in a text without quotes, a line that is moved by a space.

use serde_yaml::Error;

use crate::diagnostic::{Diagnostic, Place};

/// Characters that cannot start a plain text.
const NEED_QUOTES: [char; 8] = ['@', '`', '%', '*', '&', '!', '|', '>'];

pub(super) fn explain(file: &str, text: &str, error: &Error) -> Diagnostic {
    let error = error.without_snippet();
    let location = error.location();
    let index = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(1).max(1);
    let line = index(location.map(|location| location.line()));
    let column = index(location.map(|location| location.column()));
    let page = Page {
        file,
        // To YAML a carriage return alone ends a line, too.
        lines: text.lines().flat_map(|line| line.split('\r')).collect(),
    };
    if let Error::MultipleDocuments { .. } = error {
        return page.second_document();
    }
    page.tab(line)
        .or_else(|| page.braces(line))
        .or_else(|| page.brackets_in_reference(line))
        .or_else(|| page.special_character(line, column))
        .or_else(|| page.colon_in_text(line))
        .or_else(|| page.indentation(line, error))
        .or_else(|| page.open_bracket(line))
        .unwrap_or_else(|| page.other(line, column, error))
}

struct Page<'a> {
    file: &'a str,
    lines: Vec<&'a str>,
}

impl Page<'_> {
    /// A line, counted from 1.
    fn line(&self, line: usize) -> &str {
        line.checked_sub(1)
            .and_then(|index| self.lines.get(index))
            .copied()
            .unwrap_or_default()
    }

    /// A part of a line, by byte offsets.
    fn place(&self, line: usize, start: usize, end: usize) -> Place {
        let text = self.line(line);
        let characters = |from: usize, to: usize| text.get(from..to).map_or(0, |part| part.chars().count());
        Place {
            file: self.file.to_owned(),
            line,
            column: characters(0, start) + 1,
            length: characters(start, end).max(1),
        }
    }

    fn second_document(&self) -> Diagnostic {
        let mut marks = self
            .lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.starts_with("---"));
        let content = |index: usize| {
            self.lines[..index]
                .iter()
                .any(|l| !l.trim().is_empty() && !l.starts_with('#'))
        };
        let line = marks
            .find(|(index, _)| content(*index))
            .map_or(1, |(index, _)| index + 1);
        Diagnostic::new(
            "yaml-documents",
            "a second document starts here",
            self.place(line, 0, 3),
        )
        .help("write one thing in a file")
    }

    /// A tab before the first character of this line or of the next, where parsers notice too early.
    fn tab(&self, line: usize) -> Option<Diagnostic> {
        let tab = |line: usize| {
            let text = self.line(line);
            let indent = &text[..text.len() - text.trim_start_matches([' ', '\t']).len()];
            indent.find('\t').map(|at| (line, at, indent.len()))
        };
        let (line, at, end) = tab(line).or_else(|| tab(line + 1))?;
        Some(
            Diagnostic::new(
                "yaml-tab",
                "a tab where the line is indented",
                self.place(line, at, end),
            )
            .help("indent with spaces, two for each level"),
        )
    }

    /// `name: {{ params.name }}` is a mapping to YAML.
    fn braces(&self, line: usize) -> Option<Diagnostic> {
        let text = self.line(line);
        for (start, _) in text.match_indices("{{") {
            // `${{ … }}` comes from the workflows of a forge.
            let start = start - usize::from(text[..start].ends_with('$'));
            let before = text[..start].trim_end();
            if !before.is_empty() && !before.ends_with([':', '-', ',', '[', '{', '(']) {
                continue;
            }
            let end = text[start..].find("}}").map_or(text.len(), |end| start + end + 2);
            let end = text[end..]
                .find([',', '}', ']', '#'])
                .map_or(text.len(), |more| end + more);
            let written = text[start..end].trim_end();
            return Some(
                Diagnostic::new(
                    "yaml-quote",
                    "a text that starts with a brace has to be quoted",
                    self.place(line, start, start + written.len()),
                )
                .help(format!(
                    "write \"{}\"",
                    written.trim_start_matches('$').replace('"', "'")
                )),
            );
        }
        None
    }

    /// `$steps.pods.rows[0]` within `{ }`.
    fn brackets_in_reference(&self, line: usize) -> Option<Diagnostic> {
        let text = self.line(line);
        text.match_indices('$').find_map(|(start, _)| {
            let is_reference = ["$steps.", "$params.", "$uri."]
                .iter()
                .any(|root| text[start..].starts_with(root));
            let end = text[start..]
                .find([',', '}', ' '])
                .map_or(text.len(), |end| start + end);
            let written = &text[start..end];
            (is_reference && written.contains('[')).then(|| {
                let mended = written
                    .replace(['[', ']'], ".")
                    .replace("..", ".")
                    .replace(['"', '\''], "");
                Diagnostic::new(
                    "bad-reference",
                    "brackets end a text within `{ }`",
                    self.place(line, start, end),
                )
                .help(format!(
                    "indexes and keys stand after a dot: `{}`",
                    mended.trim_end_matches('.')
                ))
            })
        })
    }

    /// `- @daily`, `kind: *`.
    fn special_character(&self, line: usize, column: usize) -> Option<Diagnostic> {
        let text = self.line(line);
        let start = text.char_indices().nth(column - 1).map(|(at, _)| at)?;
        let first = text[start..].chars().next()?;
        let before = text[..start].trim_end();
        if !NEED_QUOTES.contains(&first)
            || !(before.is_empty() || before.ends_with([':', '-', ',', '[', '{']))
        {
            return None;
        }
        let flow = before.contains(['{', '[']);
        let end = if flow {
            text[start..].find([',', '}', ']'])
        } else {
            text[start..].find(" #")
        };
        let written = text[start..end.map_or(text.len(), |end| start + end)].trim_end();
        Some(
            Diagnostic::new(
                "yaml-quote",
                format!("a text that starts with `{first}` has to be quoted"),
                self.place(line, start, start + written.len()),
            )
            .help(format!(
                "write \"{}\"",
                written.replace('\\', "\\\\").replace('"', "\\\"")
            )),
        )
    }

    /// `description: Pods: all of them`.
    fn colon_in_text(&self, line: usize) -> Option<Diagnostic> {
        let text = self.line(line);
        let (key, value) = text.split_once(": ")?;
        let value_start = text.len() - value.trim_start().len();
        let value = value.trim();
        let quoted = value.starts_with(['"', '\'', '{', '[', '|', '>', '#']);
        if quoted
            || key.contains(['{', '[', '"', '\'', '#'])
            || !(value.contains(": ") || value.ends_with(':'))
        {
            return None;
        }
        Some(
            Diagnostic::new(
                "yaml-quote",
                "a text with a colon in it has to be quoted",
                self.place(line, value_start, value_start + value.len()),
            )
            .help(format!(
                "write \"{}\"",
                value.replace('\\', "\\\\").replace('"', "\\\"")
            )),
        )
    }

    /// A line that is moved against those before it.
    fn indentation(&self, line: usize, error: &Error) -> Option<Diagnostic> {
        let told = error.to_string();
        let about = [
            "mapping values are not allowed",
            "did not find expected '-'",
            "did not find expected key",
        ];
        if !about.iter().any(|words| told.contains(words)) {
            return None;
        }
        let indent = |text: &str| text.len() - text.trim_start_matches(' ').len();
        let blank = |text: &&str| text.trim().is_empty() || text.trim_start().starts_with('#');
        let here = indent(self.line(line));
        let text = self.line(line);
        // The levels that are open: those of earlier lines that no line since has gone below.
        let mut open: Vec<usize> = Vec::new();
        for earlier in self.lines[..line.saturating_sub(1).min(self.lines.len())]
            .iter()
            .filter(|l| !blank(l))
        {
            let level = indent(earlier);
            open.retain(|known| *known < level);
            open.push(level);
            if let Some(item) = earlier.trim_start().strip_prefix("- ") {
                open.push(level + 2 + indent(item));
            }
        }
        if open.contains(&here) {
            return None;
        }
        let near = open
            .iter()
            .copied()
            .min_by_key(|level| (level.abs_diff(here), usize::MAX - level))?;
        let spaces = |n: usize| format!("{n} space{}", if n == 1 { "" } else { "s" });
        Some(
            Diagnostic::new(
                "yaml-indentation",
                format!("the line is indented by {}, as nothing before it", spaces(here)),
                self.place(line, here, text.trim_end().len()),
            )
            .help(format!("indent it by {}", spaces(near))),
        )
    }

    /// A `{` or `[` that is still open where the next line begins. The parser complains of that line.
    fn open_bracket(&self, line: usize) -> Option<Diagnostic> {
        let mut open: Vec<(usize, usize, char)> = Vec::new();
        for number in 1..line.min(self.lines.len() + 1) {
            let text = self.line(number);
            let mut quote = None;
            let mut before = ' ';
            for (at, c) in text.char_indices() {
                let starts = open.last().is_some() || text[..at].trim_end().ends_with([':', '-']);
                match (quote, c) {
                    (Some(mark), _) => quote = (c != mark).then_some(mark),
                    (None, '"' | '\'') if " ,:[{".contains(before) => quote = Some(c),
                    (None, '#') if before == ' ' => break,
                    (None, '{' | '[') if starts => open.push((number, at, c)),
                    (None, '}' | ']') => {
                        open.pop();
                    }
                    _ => {}
                }
                before = c;
            }
        }
        let (line, at, bracket) = open.pop()?;
        let close = if bracket == '{' { '}' } else { ']' };
        Some(
            Diagnostic::new(
                "yaml-syntax",
                format!("this `{bracket}` is not closed"),
                self.place(line, at, at + 1),
            )
            .help(format!(
                "close it with `{close}`, and put commas between the items"
            )),
        )
    }

    /// `title: List pods`, made of `title List pods` or `title:List pods`.
    fn with_colon(&self, line: usize) -> Option<String> {
        let text = self.line(line).trim();
        let end = text.find([':', ' '])?;
        let (key, value) = (&text[..end], text[end + 1..].trim());
        let is_key = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_key && !value.is_empty()).then(|| format!("write `{key}: {value}`"))
    }

    fn other(&self, line: usize, column: usize, error: &Error) -> Diagnostic {
        let told = error.to_string();
        let message = told.split(" at line ").next().unwrap_or_default();
        let with_colon = self.with_colon(line).filter(|_| message.contains("expected ':'"));
        let help = if let Some(help) = &with_colon {
            help
        } else if message.contains("unclosed quote") {
            "close the quote; within \"…\" a quote is written \\\""
        } else if message.contains("single-quoted") {
            "within '…' a quote is written twice: 'it''s'"
        } else if message.contains("escape") {
            "within \"…\" a backslash is written twice; within '…' it stands for itself"
        } else if message.contains("',' or")
            || message.contains("bracket")
            || message.contains("illegal placement")
        {
            "close every `{` and `[`, and put commas between the items"
        } else if message.contains("expected ':'") {
            "write `key: value`"
        } else if message.contains("block sequence entries") {
            "put the first `- ` on a line of its own"
        } else {
            "see whether the lines above are closed and indented alike; quote texts with special characters"
        };
        let text = self.line(line);
        let start = text
            .char_indices()
            .nth(column - 1)
            .map_or(text.len(), |(at, _)| at);
        Diagnostic::new(
            "yaml-syntax",
            message.replace('\'', "`"),
            self.place(line, start, start + 1),
        )
        .help(help)
    }
}
