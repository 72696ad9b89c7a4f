//! What is wrong with a template that cannot be parsed, in an author's words.

use crate::{checks::template::Text, diagnostic::Diagnostic, template::SyntaxError};

/// The tags that have an end, each `{% end… %}`.
const BLOCKS: [&str; 9] = [
    "for",
    "if",
    "with",
    "macro",
    "filter",
    "call",
    "block",
    "autoescape",
    "raw",
];

/// The mistake, with what to write.
pub(super) fn explain(text: Text<'_>, error: SyntaxError) -> Diagnostic {
    let (Text::File { text: source, .. } | Text::Inline { text: source, .. }) = text;
    let help = character(source, error.at.start)
        .or_else(|| tag(source, &error))
        .unwrap_or_else(|| match text {
            Text::Inline { .. } => {
                "a condition or text is minijinja: `params.x`, `steps.id.path`, `and`, `or`, `not`".to_owned()
            }
            Text::File { .. } => {
                "a template is minijinja: `{{ value }}`, `{% if … %}`, `{% for … %}`, `{# remark #}`"
                    .to_owned()
            }
        });
    Diagnostic::new("template-syntax", error.message, text.place(error.at)).help(help)
}

/// A sign that other languages have.
fn character(source: &str, at: usize) -> Option<String> {
    let rest = source.get(at..)?;
    let help = if rest.starts_with('$') {
        "names have no dollar here: `params.x`, `steps.id.path`"
    } else if rest.starts_with('&') {
        "write `and`"
    } else if rest.starts_with('|') && source[..at].ends_with('|') {
        "write `or`"
    } else if rest.starts_with('!') {
        "write `not`"
    } else if rest.starts_with('=') {
        "compare with `==`; `{% set x = … %}` assigns"
    } else if rest.starts_with('}') {
        "`{{` is closed by `}}`, and `{%` by `%}`"
    } else {
        return None;
    };
    Some(help.to_owned())
}

/// A tag that does not exist, or that ends what is not open.
fn tag(source: &str, error: &SyntaxError) -> Option<String> {
    let ended = error.message.starts_with("unexpected end of input");
    let open = open_blocks(source, if ended { source.len() } else { error.at.start });
    let close = |(block, line): &(&str, usize)| {
        format!("close `{{% {block} %}}` of line {line} with `{{% end{block} %}}`")
    };
    if ended {
        return match inside_braces(source) {
            true => Some("`{{` is closed by `}}`, and `{%` by `%}`".to_owned()),
            false => open.last().map(close),
        };
    }
    let is_condition = source
        .get(error.at.start..)
        .is_some_and(|rest| rest.starts_with("if "));
    if is_condition && source[..error.at.start].trim_end().ends_with("else") {
        return Some("write `{% elif … %}`".to_owned());
    }
    let word = error.message.strip_prefix("unknown statement ")?;
    match word {
        "elseif" | "elsif" => Some("write `{% elif … %}`".to_owned()),
        "end" => open.last().map(close),
        _ => {
            let block = word.strip_prefix("end").filter(|block| BLOCKS.contains(block))?;
            Some(open.last().map_or_else(
                || format!("no `{{% {block} … %}}` is open here: leave it out"),
                close,
            ))
        }
    }
}

/// The blocks that are open at a place, the innermost last, each with the line on which it begins.
fn open_blocks(source: &str, end: usize) -> Vec<(&str, usize)> {
    let mut open = Vec::new();
    for (at, _) in source.match_indices("{%") {
        // The tag that the parser complains of opens and closes nothing.
        if source[at..].find("%}").is_none_or(|close| at + close >= end) {
            break;
        }
        let inner = source[at + 2..].trim_start_matches(['-', '+']).trim_start();
        let word = inner
            .split(|c: char| !c.is_ascii_alphabetic())
            .next()
            .unwrap_or_default();
        if BLOCKS.contains(&word) {
            open.push((word, source[..at].matches('\n').count() + 1));
        } else if open
            .last()
            .is_some_and(|(block, _)| word.strip_prefix("end") == Some(*block))
        {
            open.pop();
        }
    }
    open
}

/// Whether the text ends within `{{ }}` or `{% %}`.
fn inside_braces(source: &str) -> bool {
    let last = |marks: [&str; 2]| marks.iter().filter_map(|mark| source.rfind(mark)).max();
    last(["{{", "{%"]) > last(["}}", "%}"])
}
