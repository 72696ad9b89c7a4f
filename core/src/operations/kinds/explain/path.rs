//! Paths of fields in every likely spelling: `spec.strategy`, `.spec.strategy`, `spec/strategy`,
//! `spec.containers[*].image`, `$.spec.containers[0]`, `metadata.labels["app.kubernetes.io/name"]`.

/// A step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Into a field, or the value under a key.
    Name(String),
    /// Into any item of a list, or any value of a map: `[0]`, `[*]`, `[]`, `*`, and any filter in brackets.
    Item,
}

/// Reads a path. There is none that cannot be read.
pub(super) fn read(text: &str) -> Vec<Segment> {
    let text = text.trim();
    let text = text
        .strip_prefix('{')
        .map_or(text, |text| text.trim_end_matches('}'));
    let text = text.strip_prefix('$').unwrap_or(text);
    let mut segments = Vec::new();
    let mut name = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '.' | '/' => end(&mut name, &mut segments),
            '[' => {
                end(&mut name, &mut segments);
                let within = brackets(&mut chars);
                segments.push(in_brackets(&within));
            }
            // kubectl's JSONPath hides dots so.
            '\\' => name.extend(chars.next()),
            c => name.push(c),
        }
    }
    end(&mut name, &mut segments);
    segments
}

/// Writes a name so that it is read as one.
pub(super) fn push(path: &mut String, name: &str) {
    if name.contains(['.', '/', '[', '\\']) {
        path.push_str(&format!("['{name}']"));
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

fn end(name: &mut String, segments: &mut Vec<Segment>) {
    let name = std::mem::take(name);
    let name = name.trim();
    if name == "*" || !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
        segments.push(Segment::Item);
    } else if !name.is_empty() {
        segments.push(Segment::Name(name.to_owned()));
    }
}

/// What stands up to the closing bracket, which a quoted text may hold too.
fn brackets(chars: &mut std::str::Chars<'_>) -> String {
    let (mut within, mut quote) = (String::new(), None);
    for c in chars {
        match (quote, c) {
            (None, ']') => break,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
        within.push(c);
    }
    within
}

fn in_brackets(within: &str) -> Segment {
    let within = within.trim();
    let is_word = |text: &str| text.starts_with(char::is_alphabetic) && !text.contains(['=', '@', ':']);
    for quote in ['"', '\''] {
        if let Some(key) = within
            .strip_prefix(quote)
            .and_then(|rest| rest.strip_suffix(quote))
        {
            return Segment::Name(key.to_owned());
        }
    }
    if is_word(within) {
        return Segment::Name(within.to_owned());
    }
    Segment::Item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut path = String::new();
        for segment in read(text) {
            match segment {
                Segment::Name(name) => push(&mut path, &name),
                Segment::Item => path.push_str("[]"),
            }
        }
        path
    }

    #[test]
    fn every_likely_spelling_is_read() {
        for (text, expected) in [
            ("spec.strategy", "spec.strategy"),
            (".spec.strategy", "spec.strategy"),
            ("spec/strategy/", "spec.strategy"),
            ("$.spec.strategy", "spec.strategy"),
            ("{.spec.strategy}", "spec.strategy"),
            ("spec.containers[*].image", "spec.containers[].image"),
            ("spec.containers[0]", "spec.containers[]"),
            ("spec.containers.0.image", "spec.containers[].image"),
            (
                "spec.containers[?(@.name==\"a]b\")].image",
                "spec.containers[].image",
            ),
            ("spec.containers[name=web].image", "spec.containers[].image"),
            ("metadata.labels[\"a.b/c\"]", "metadata.labels['a.b/c']"),
            ("metadata.labels.a\\.b", "metadata.labels['a.b']"),
            ("spec['strategy']", "spec.strategy"),
            ("spec.containers[", "spec.containers[]"),
            ("", ""),
            (" . ", ""),
        ] {
            assert_eq!(written(text), expected, "{text}");
            assert_eq!(written(expected), expected, "{text}");
        }
    }
}
