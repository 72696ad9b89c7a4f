//! From a place in a template to a place in a file.

use std::ops::Range;

use crate::{diagnostic::Place, tree::Node};

/// A template's text and where it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    /// A file of its own.
    File { file: &'a str, text: &'a str },
    /// A value in a spec; `source` is the spec's text.
    Inline {
        node: &'a Node,
        text: &'a str,
        source: &'a str,
    },
}

impl Text<'_> {
    /// The place of a range of bytes of the text.
    pub(crate) fn place(&self, at: Range<usize>) -> Place {
        match self {
            Self::File { file, text } => of_bytes(file, text, at),
            Self::Inline { node, text, source } => inline(node, text, source, &at)
                .map_or_else(|| node.place.clone(), |at| of_bytes(&node.place.file, source, at)),
        }
    }
}

/// A YAML scalar is in the file as it is, unless it has escapes or is folded: then what is meant is searched for.
fn inline(node: &Node, text: &str, source: &str, at: &Range<usize>) -> Option<Range<usize>> {
    let raw = source.get(node.bytes.clone())?;
    if let Some(start) = raw.find(text) {
        let start = node.bytes.start + start;
        return Some(start + at.start..start + at.end);
    }
    let wanted = text.get(at.clone()).filter(|wanted| !wanted.trim().is_empty())?;
    let before = text.get(..at.start)?.matches(wanted).count();
    let (start, _) = raw.match_indices(wanted).nth(before)?;
    let start = node.bytes.start + start;
    Some(start..start + wanted.len())
}

/// The place of a range of bytes of a file; only its part on the first line counts.
pub(crate) fn of_bytes(file: &str, text: &str, at: Range<usize>) -> Place {
    let before = text.get(..at.start).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let meant = text
        .get(at)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    Place {
        file: file.to_owned(),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        length: meant.chars().count().max(1),
    }
}
