//! The two kinds of value: `$params.x`, `$steps.id.path` and `$uri.x` pass a typed value through; a string with
//! `{{ }}` is minijinja and always a string. All else is a literal.

use serde_json::Value as Json;

use crate::{
    diagnostic::Diagnostic,
    suggest,
    tree::{Node, Value},
};

const ROOTS: [&str; 3] = ["params", "steps", "uri"];

/// What is bound, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Bound<'a> {
    /// `$params.x`.
    Param(&'a str),
    /// `$steps.id.path`, in parts; the first is the step's id and there is at least one more.
    Step(Vec<&'a str>),
    /// `$uri.x`.
    Uri(&'a str),
    /// A text for minijinja.
    Template(&'a str),
    /// A literal, with `$$` already read as `$`.
    Fixed(Json),
}

/// Reads a value.
pub(crate) fn read(node: &Node) -> Result<Bound<'_>, Box<Diagnostic>> {
    match &node.value {
        Value::String(text) => read_text(text, node),
        Value::List(items) => {
            for item in items {
                if let Some(text) = item.as_str()
                    && (text.contains("{{") || read_text(text, item)? != Bound::Fixed(literal(text)))
                {
                    let message = "a list cannot be put together from references and templates";
                    return Err(Box::new(
                        Diagnostic::new("embedded-reference", message, item.place.clone())
                            .help("pass a whole list through: declare a parameter of type `array`"),
                    ));
                }
            }
            Ok(Bound::Fixed(
                items
                    .iter()
                    .map(|item| item.as_str().map_or_else(|| item.to_json(), literal))
                    .collect(),
            ))
        }
        _ => Ok(Bound::Fixed(node.to_json())),
    }
}

fn literal(text: &str) -> Json {
    Json::String(text.replace("$$", "$"))
}

fn read_text<'a>(text: &'a str, node: &Node) -> Result<Bound<'a>, Box<Diagnostic>> {
    if let Some(template) = text.strip_prefix('$').filter(|rest| rest.starts_with("{{")) {
        let message = "`${{ … }}` would be a dollar before what the braces give";
        return Err(Box::new(
            Diagnostic::new("bad-reference", message, node.place.clone())
                .help(format!("write \"{template}\"")),
        ));
    }
    if text.contains("{{") || text.contains("{%") {
        return Ok(Bound::Template(text));
    }
    if let Some(reference) = text.strip_prefix('$')
        && !reference.starts_with('$')
    {
        return read_reference(reference, node);
    }
    // `app=$params.app` would be sent as it stands.
    for root in ROOTS {
        let marker = format!("${root}.");
        if let Some(at) = text.find(&marker)
            && !text[..at].ends_with('$')
        {
            let end = text[at + 1..]
                .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
                .map_or(text.len(), |end| at + 1 + end);
            let reference = text[at + 1..end].trim_end_matches('.');
            let mended = text.replacen(&format!("${reference}"), &format!("{{{{ {reference} }}}}"), 1);
            return Err(Box::new(
                Diagnostic::new(
                    "embedded-reference",
                    format!("`${reference}` is not replaced within a text"),
                    node.place.clone(),
                )
                .help(format!("write \"{mended}\"; `$$` writes a dollar")),
            ));
        }
    }
    Ok(Bound::Fixed(literal(text)))
}

fn read_reference<'a>(reference: &'a str, node: &Node) -> Result<Bound<'a>, Box<Diagnostic>> {
    let bad = |help: String| {
        Err(Box::new(
            Diagnostic::new(
                "bad-reference",
                format!("`${reference}` refers to nothing"),
                node.place.clone(),
            )
            .help(help),
        ))
    };
    if let Some(inner) = reference
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
    {
        return bad(format!("write `${inner}`"));
    }
    if reference.contains('[') {
        let mended = reference
            .replace(['[', ']'], ".")
            .replace("..", ".")
            .replace(['"', '\''], "");
        return bad(format!(
            "indexes and keys stand after a dot: `${}`",
            mended.trim_end_matches('.')
        ));
    }
    let mut parts = reference.split('.');
    let root = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    if !ROOTS.contains(&root) {
        return match suggest::nearest(root, ROOTS) {
            Some(nearest) if !parts.is_empty() => {
                bad(format!("did you mean `${nearest}.{}`?", parts.join(".")))
            }
            _ if parts.is_empty() && !root.is_empty() => {
                bad(format!("did you mean `$params.{root}`? `$$` writes a dollar"))
            }
            _ => bad(
                "a reference is `$params.x`, `$steps.id.path` or `$uri.x`; `$$` writes a dollar".to_owned(),
            ),
        };
    }
    let good = |part: &&str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "_-/".contains(c))
    };
    if !parts.iter().all(good) {
        return bad("a path is words with dots between them, as in `$steps.pods.rows.0.name`".to_owned());
    }
    match (root, parts.as_slice()) {
        ("params", [name]) => Ok(Bound::Param(name)),
        ("uri", [name]) => Ok(Bound::Uri(name)),
        ("steps", [_, _, ..]) => Ok(Bound::Step(parts)),
        ("steps", [id]) => bad(format!(
            "name a part of the step's result, e.g. `$steps.{id}.rows.0.name`"
        )),
        ("params" | "uri", [name, ..]) => bad(format!("a parameter has no parts: write `${root}.{name}`")),
        _ => bad(format!(
            "name what is meant: `${root}.{}`",
            if root == "steps" { "id.path" } else { "x" }
        )),
    }
}
