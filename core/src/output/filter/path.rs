//! Paths into objects, written as kubectl writes them.

use jsonpath_rust::{
    parser::{
        model::{JpQuery, Segment, Selector},
        parse_json_path,
    },
    query::js_path_process,
};
use serde_json::{Map, Value};

use crate::Error;

/// How deep a filter may nest. Reading one costs several times more with each level, without an end.
const NESTED: usize = 4;

/// A path into an object: `spec.replicas`, `.spec.template.spec.containers[*].image`, `{.status.phase}`,
/// `metadata.labels.app\.kubernetes\.io/name`, `metadata.labels['a.b/c']`,
/// `status.conditions[?(@.type=="Ready")].status`.
#[derive(Clone, Debug)]
pub struct FieldPath {
    text: String,
    query: JpQuery,
}

impl FieldPath {
    /// Reads a path; an error names the character at which it stops being one.
    ///
    /// # Errors
    /// If it is empty or a bracket is not closed, or holds what is no index, name or filter.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let trimmed = text.trim();
        let inner = trimmed
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'))
            .unwrap_or(trimmed)
            .trim();
        let inner = inner.strip_prefix('$').unwrap_or(inner);
        let segments = Reader { rest: inner }
            .segments()
            .map_err(|reason| Error::invalid(format!("path {trimmed:?}: {reason}")))?;
        // Each descent multiplies what is found: two on a large object would be a way to exhaust memory.
        let descents = segments
            .iter()
            .filter(|segment| matches!(segment, Segment::Descendant(_)));
        if descents.count() > 1 {
            return Err(Error::invalid(format!(
                "path {trimmed:?}: expected at most one '..'"
            )));
        }
        if segments.is_empty() {
            return Err(Error::invalid(format!(
                "path {trimmed:?}: expected a field such as spec.replicas"
            )));
        }
        let shown = inner
            .strip_prefix('.')
            .filter(|rest| !rest.starts_with('.'))
            .unwrap_or(inner);
        Ok(Self {
            text: shown.to_owned(),
            query: JpQuery::new(segments),
        })
    }

    /// The paths of a comma-separated list; commas in brackets belong to a path.
    ///
    /// # Errors
    /// If one of them is not a path.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Error> {
        split_outside_brackets(text)
            .into_iter()
            .filter(|part| !part.trim().is_empty())
            .map(Self::parse)
            .collect()
    }

    /// The path as it was written, without braces and leading dot.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values it selects, in order.
    pub fn select<'v>(&self, object: &'v Value) -> Vec<&'v Value> {
        js_path_process(&self.query, object)
            .map(|found| found.into_iter().map(|found| found.val).collect())
            .unwrap_or_default()
    }

    /// The values it selects as one cell: comma-separated, as kubectl's custom columns show them.
    pub fn cell(&self, object: &Value) -> String {
        let mut cell = String::new();
        for (index, value) in self.select(object).into_iter().enumerate() {
            if index > 0 {
                cell.push(',');
            }
            cell.push_str(&text_of(value));
        }
        cell
    }

    /// Copies what it selects into `tree`, which keeps the object's shape. Items of a list keep their order, and
    /// those that were not selected leave no gap once [`Tree::finish`] is called.
    pub fn copy(&self, object: &Value, tree: &mut Tree) {
        for found in js_path_process(&self.query, object).unwrap_or_default() {
            tree.insert(&keys_of(&found.path), found.val);
        }
    }
}

/// A value as a filter compares it and a cell shows it.
pub fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(|item| !item.is_object() && !item.is_array()) => {
            items.iter().map(text_of).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

/// Parts of an object in the object's own shape.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    root: Node,
}

#[derive(Clone, Debug, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Value),
    Map(Vec<(String, Node)>),
    List(Vec<(usize, Node)>),
}

enum Key {
    Name(String),
    Index(usize),
}

impl Tree {
    fn insert(&mut self, keys: &[Key], value: &Value) {
        let mut node = &mut self.root;
        for key in keys {
            node = match key {
                Key::Name(name) => {
                    let Some(fields) = node.fields() else { return };
                    let at = fields
                        .iter()
                        .position(|(known, _)| known == name)
                        .unwrap_or_else(|| {
                            fields.push((name.clone(), Node::Empty));
                            fields.len() - 1
                        });
                    let Some((_, child)) = fields.get_mut(at) else {
                        return;
                    };
                    child
                }
                Key::Index(index) => {
                    let Some(items) = node.items() else { return };
                    let at = items
                        .iter()
                        .position(|(known, _)| known == index)
                        .unwrap_or_else(|| {
                            items.push((*index, Node::Empty));
                            items.len() - 1
                        });
                    let Some((_, child)) = items.get_mut(at) else {
                        return;
                    };
                    child
                }
            };
        }
        *node = Node::Leaf(value.clone());
    }

    /// The parts as a value; `null` if nothing was selected.
    pub fn finish(self) -> Value {
        self.root.finish()
    }
}

impl Node {
    // A leaf that is there already holds all that a longer path could add.
    fn fields(&mut self) -> Option<&mut Vec<(String, Node)>> {
        if matches!(self, Self::Empty) {
            *self = Self::Map(Vec::new());
        }
        match self {
            Self::Map(fields) => Some(fields),
            _ => None,
        }
    }

    fn items(&mut self) -> Option<&mut Vec<(usize, Node)>> {
        if matches!(self, Self::Empty) {
            *self = Self::List(Vec::new());
        }
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    fn finish(self) -> Value {
        match self {
            Self::Empty => Value::Null,
            Self::Leaf(value) => value,
            Self::Map(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(name, node)| (name, node.finish()))
                    .collect::<Map<_, _>>(),
            ),
            Self::List(mut items) => {
                items.sort_by_key(|(index, _)| *index);
                Value::Array(items.into_iter().map(|(_, node)| node.finish()).collect())
            }
        }
    }
}

/// Reads a normalised path (RFC 9535, 2.7) such as `$['spec']['containers'][0]`.
fn keys_of(path: &str) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut chars = path.chars().skip(1).peekable();
    while chars.next() == Some('[') {
        if chars.next_if_eq(&'\'').is_none() {
            let digits: String = chars.by_ref().take_while(|c| *c != ']').collect();
            keys.push(Key::Index(digits.parse().unwrap_or_default()));
            continue;
        }
        let mut name = String::new();
        while let Some(c) = chars.next() {
            match c {
                '\'' => break,
                '\\' => match chars.next() {
                    Some('n') => name.push('\n'),
                    Some('t') => name.push('\t'),
                    Some('r') => name.push('\r'),
                    Some('b') => name.push('\u{8}'),
                    Some('f') => name.push('\u{c}'),
                    Some('u') => {
                        let code: String = chars.by_ref().take(4).collect();
                        name.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
                    }
                    Some(other) => name.push(other),
                    None => break,
                },
                other => name.push(other),
            }
        }
        chars.next();
        keys.push(Key::Name(name));
    }
    keys
}

/// Splits at commas that stand outside brackets and quotes.
pub(super) fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_usize, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') if depth > 0 => quote = Some(c),
            (None, '[' | '(' | '{') => depth += 1,
            (None, ']' | ')' | '}') => depth = depth.saturating_sub(1),
            (None, ',') if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn segments(mut self) -> Result<Vec<Segment>, String> {
        let mut segments = Vec::new();
        loop {
            if self.rest.is_empty() {
                return Ok(segments);
            }
            if let Some(rest) = self.rest.strip_prefix('[') {
                let (inside, rest) = bracket(rest)?;
                segments.extend(selectors(inside)?);
                self.rest = rest;
                continue;
            }
            let descends = self.eat("..");
            if !descends {
                self.eat(".");
            }
            if descends && self.rest.starts_with('[') {
                let (inside, rest) = bracket(self.rest.get(1..).unwrap_or_default())?;
                segments.extend(
                    selectors(inside)?
                        .into_iter()
                        .map(|segment| Segment::Descendant(Box::new(segment))),
                );
                self.rest = rest;
                continue;
            }
            let name = self.name();
            let segment = match name.as_str() {
                "" if self.rest.is_empty() => return Err("expected a field after the last dot".to_owned()),
                "" => return Err(format!("expected a field at {:?}", shown(self.rest))),
                "*" => Segment::Selector(Selector::Wildcard),
                name => Segment::name(name),
            };
            segments.push(if descends {
                Segment::Descendant(Box::new(segment))
            } else {
                segment
            });
        }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
                '.' | '[' => {
                    end = at;
                    break;
                }
                other => name.push(other),
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        name
    }
}

/// What stands between `[` and its `]`, and what follows.
fn bracket(text: &str) -> Result<(&str, &str), String> {
    let (mut depth, mut quote, mut escaped) = (1_usize, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '[') => depth += 1,
            (None, ']') => {
                depth -= 1;
                if depth == 0 {
                    return Ok((
                        text.get(..at).unwrap_or_default(),
                        text.get(at + 1..).unwrap_or_default(),
                    ));
                }
            }
            _ => {}
        }
    }
    Err(format!("the bracket at {:?} is not closed", shown(text)))
}

/// The segments of a bracket's inside. Plain names, as in `labels[app]`, are taken as what they certainly mean.
fn selectors(inside: &str) -> Result<Vec<Segment>, String> {
    let inside = inside.trim();
    let plain_name = !inside.is_empty()
        && inside.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && !inside.contains(['\'', '"', '(', ',', '@']);
    if plain_name {
        return Ok(vec![Segment::name(inside)]);
    }
    let standard = if inside.starts_with('?') {
        bounded(inside)?;
        standard_filter(inside)
    } else {
        inside.to_owned()
    };
    parse_json_path(&format!("$[{standard}]"))
        .map(|query| query.segments)
        .map_err(|_| {
            format!(
                "cannot read [{inside}]; expected an index, '*', a quoted name, or a filter such as [?(@.type==\"Ready\")]"
            )
        })
}

/// Whether a filter can be read and evaluated in a bearable time.
fn bounded(filter: &str) -> Result<(), String> {
    let (mut depth, mut quote, mut escaped, mut last) = (0_usize, None, false, ' ');
    for c in filter.chars() {
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (Some(open), _) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, '(' | '[') => depth += 1,
            (None, ')' | ']') => depth = depth.saturating_sub(1),
            // For each item it would look through all that is below.
            (None, '.') if last == '.' => return Err("a filter takes no '..'".to_owned()),
            _ => {}
        }
        if depth > NESTED {
            return Err(format!(
                "the filter {:?} nests more than {NESTED} deep",
                shown(filter)
            ));
        }
        last = c;
    }
    Ok(())
}

/// kubectl's filters name fields that the standard wants quoted: `@.metadata.labels.app\.io/name`, `@.node-name`.
fn standard_filter(filter: &str) -> String {
    let mut out = String::with_capacity(filter.len() + 16);
    let mut rest = filter;
    let mut quote = None;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        out.push(c);
        match quote {
            Some(open) => {
                if c == '\\' {
                    if let Some(escaped) = rest.chars().next() {
                        out.push(escaped);
                        rest = rest.get(escaped.len_utf8()..).unwrap_or_default();
                    }
                } else if c == open {
                    quote = None;
                }
            }
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c == '@' || c == '$' => {
                while let Some(after) = rest.strip_prefix('.').filter(|after| !after.starts_with('.')) {
                    let mut name = String::new();
                    let mut chars = after.char_indices();
                    let mut end = after.len();
                    while let Some((at, c)) = chars.next() {
                        match c {
                            '\\' => name.extend(chars.next().map(|(_, escaped)| escaped)),
                            c if c.is_alphanumeric() || matches!(c, '_' | '-' | '/') => name.push(c),
                            _ => {
                                end = at;
                                break;
                            }
                        }
                    }
                    if name.is_empty() {
                        break;
                    }
                    out.push_str("['");
                    out.push_str(&name.replace('\\', "\\\\").replace('\'', "\\'"));
                    out.push_str("']");
                    rest = after.get(end..).unwrap_or_default();
                }
            }
            None => {}
        }
    }
    out
}

fn shown(text: &str) -> String {
    text.chars().take(20).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment() -> Value {
        json!({
            "metadata": {"labels": {"app.kubernetes.io/name": "web", "it's": "odd"}},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "web", "image": "nginx:1"}, {"name": "side", "image": "envoy:2"}]}}},
            "status": {"conditions": [{"type": "Progressing", "status": "False"}, {"type": "Ready", "status": "True"}]},
        })
    }

    #[test]
    fn paths_are_read_as_kubectl_reads_them() {
        for (path, cell) in [
            ("spec.replicas", "3"),
            (".spec.replicas", "3"),
            ("{.spec.replicas}", "3"),
            ("$.spec.replicas", "3"),
            ("spec.template.spec.containers[*].image", "nginx:1,envoy:2"),
            ("spec.template.spec.containers[1].image", "envoy:2"),
            ("spec.template.spec.containers[-1:].name", "side"),
            (r"metadata.labels.app\.kubernetes\.io/name", "web"),
            ("metadata.labels['app.kubernetes.io/name']", "web"),
            (r#"metadata.labels["it's"]"#, "odd"),
            (r#"status.conditions[?(@.type=="Ready")].status"#, "True"),
            (
                "status.conditions[?(@.type=='Ready' && @.status!='False')].status",
                "True",
            ),
            ("..image", "nginx:1,envoy:2"),
            ("spec.nothing.here", ""),
        ] {
            assert_eq!(
                FieldPath::parse(path).unwrap().cell(&deployment()),
                cell,
                "{path}"
            );
        }
    }

    #[test]
    fn a_wrong_path_says_where_it_is_wrong() {
        for (path, part) in [
            ("", "expected a field such as spec.replicas"),
            ("spec.", "expected a field after the last dot"),
            ("spec[0", "is not closed"),
            ("spec[?(@.x==)]", "expected an index"),
            ("..a..b", "at most one"),
        ] {
            let message = FieldPath::parse(path).unwrap_err().message;
            assert!(message.contains(part), "{message}");
        }
        let deep = "[".repeat(5_000);
        FieldPath::parse(&deep).unwrap_err();
    }

    /// The parser takes three times as long for each level, and an evaluation as many steps as there are values.
    #[test]
    fn a_filter_that_would_take_for_ever_is_refused() {
        let nested = format!("a[?{}#{}>1]", "length(".repeat(40), ")".repeat(40));
        for (path, part) in [
            (nested.as_str(), "nests more than 4 deep"),
            ("..[?(@..a)]", "a filter takes no '..'"),
        ] {
            let message = FieldPath::parse(path).unwrap_err().message;
            assert!(message.contains(part), "{message}");
        }
        FieldPath::parse("a[?(count(@.b[?(@.c==1)])>1 && @.d!='((((((..')].e").unwrap();
    }

    #[test]
    fn a_projection_keeps_the_shape() {
        let mut tree = Tree::default();
        for path in FieldPath::parse_list(
            r#"spec.template.spec.containers[*].image, status.conditions[?(@.type=="Ready")], metadata.labels["it's"], spec.replicas"#,
        )
        .unwrap()
        {
            path.copy(&deployment(), &mut tree);
        }
        assert_eq!(
            tree.finish(),
            json!({
                "spec": {"template": {"spec": {"containers": [{"image": "nginx:1"}, {"image": "envoy:2"}]}}, "replicas": 3},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
                "metadata": {"labels": {"it's": "odd"}},
            })
        );
    }
}
