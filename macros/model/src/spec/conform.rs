//! The structural check: keys, sorts of values, names.

use super::form::{Form, KeySpec, Shape};
use crate::{
    diagnostic::{Diagnostic, Place},
    suggest,
    tree::{Key, Node, Value},
};

/// The mistakes found so far.
#[derive(Default)]
pub(crate) struct Found(Vec<Diagnostic>);

impl Found {
    /// Adds a mistake. The same mistake at the same place counts once: a template that two tools share.
    pub(crate) fn push(&mut self, diagnostic: Diagnostic) {
        let same = |known: &Diagnostic| {
            known.place == diagnostic.place
                && known.check == diagnostic.check
                && known.message == diagnostic.message
        };
        if !self.0.iter().any(same) {
            self.0.push(diagnostic);
        }
    }

    pub(crate) fn extend(&mut self, diagnostics: Vec<Diagnostic>) {
        diagnostics
            .into_iter()
            .for_each(|diagnostic| self.push(diagnostic));
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn into_sorted(self) -> Vec<Diagnostic> {
        let mut found = self.0;
        found.sort_by(|a, b| a.place.cmp(&b.place));
        found
    }
}

/// Whether it is `[a-z][a-z0-9_]*` of at most 64 characters.
pub(crate) fn name_is_good(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// A name made good, if it is near one.
fn mended(name: &str) -> Option<String> {
    let mut mended = String::new();
    for (index, c) in name.chars().enumerate() {
        match c {
            'A'..='Z' => {
                if index > 0 && !mended.ends_with('_') {
                    mended.push('_');
                }
                mended.push(c.to_ascii_lowercase());
            }
            'a'..='z' | '0'..='9' | '_' => mended.push(c),
            '-' | '.' | ' ' | '/' => mended.push('_'),
            _ => {}
        }
    }
    let mended = mended
        .trim_start_matches(|c: char| c.is_ascii_digit() || c == '_')
        .to_owned();
    name_is_good(&mended).then_some(mended)
}

/// Says that a name is not one.
pub(crate) fn check_name(name: &str, place: &Place, found: &mut Found) {
    if name_is_good(name) {
        return;
    }
    let help = match mended(name) {
        Some(mended) => format!("names are lower case letters, digits and `_`, at most 64: write `{mended}`"),
        None => {
            "names start with a lower case letter; then lower case letters, digits and `_`, at most 64 in all"
                .to_owned()
        }
    };
    found.push(Diagnostic::new("bad-name", format!("`{name}` cannot be a name"), place.clone()).help(help));
}

/// Checks a value against a shape, everything within it included. `what` names the value: `a tool`,
/// `` `params` ``.
pub(crate) fn conform(node: &Node, shape: &Shape, what: &str, found: &mut Found) {
    // A key left empty is the same mistake whatever should have stood there.
    if matches!(node.value, Value::Null) && !matches!(shape, Shape::Any) {
        found.push(
            Diagnostic::new("empty-value", format!("{what} is left empty"), node.place.clone())
                .help("give it a value, or leave the key out"),
        );
        return;
    }
    match (shape, &node.value) {
        (Shape::Any, _) | (Shape::Boolean, Value::Bool(_)) | (Shape::Number, Value::Number(_)) => {}
        (Shape::Version, _) => version(node, found),
        (Shape::Count, Value::Number(number)) if number.is_u64() => {}
        (Shape::Text | Shape::Operation | Shape::Name, Value::String(text)) if text.trim().is_empty() => {
            found.push(
                Diagnostic::new("empty-value", format!("{what} is left empty"), node.place.clone())
                    .help("give it a value, or leave the key out"),
            );
        }
        (Shape::Text | Shape::Operation, Value::String(_)) => {}
        (Shape::Name, Value::String(text)) => check_name(text, &node.place, found),
        (Shape::Value, Value::List(items)) => {
            for item in items {
                if matches!(item.value, Value::Map(_) | Value::List(_) | Value::Null) {
                    let message = format!(
                        "an item of {what} has to be a string, a number, true or false, not {}",
                        item.sort()
                    );
                    found.push(Diagnostic::new("wrong-type", message, item.place.clone()));
                }
            }
        }
        (Shape::Value, Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
        (Shape::OneOf(names), Value::String(text)) => one_of(text, names, what, node, found),
        (Shape::List(_), Value::List(items)) if items.is_empty() => found.push(
            Diagnostic::new(
                "empty-value",
                format!("{what} is an empty list"),
                node.place.clone(),
            )
            .help("give it an item, or leave the key out"),
        ),
        (Shape::List(of), Value::List(items)) => {
            let what = within(of, what);
            items.iter().for_each(|item| conform(item, of, &what, found));
        }
        (Shape::Map(of), Value::Map(entries)) => {
            for (key, value) in entries {
                conform(value, of, &format!("`{}`", key.name), found);
            }
        }
        (Shape::Form(form), Value::Map(entries)) => fields(node, entries, form, found),
        (Shape::Either(shapes), _) => match shapes.iter().find(|shape| suits(shape, &node.value)) {
            Some(shape) => conform(node, shape, what, found),
            None => wrong(node, shape, what, found),
        },
        _ => wrong(node, shape, what, found),
    }
}

/// How an item of a list is called.
fn within(of: &Shape, what: &str) -> String {
    match of {
        Shape::Form(form) => form.what.to_owned(),
        _ => format!("an item of {what}"),
    }
}

fn suits(shape: &Shape, value: &Value) -> bool {
    matches!(
        (shape, value),
        (Shape::Text, Value::String(_))
            | (Shape::Count | Shape::Number, Value::Number(_))
            | (Shape::List(_), Value::List(_))
            | (Shape::Form(_) | Shape::Map(_), Value::Map(_))
    )
}

fn wrong(node: &Node, shape: &Shape, what: &str, found: &mut Found) {
    let expected = shape.words();
    let help = match &node.value {
        Value::Bool(_) if matches!(shape, Shape::OneOf([_])) => {
            Some(format!("write {expected}, or leave the key out"))
        }
        // `enum: [true]`, `name: 1`: YAML reads them as something else than what was meant.
        Value::Bool(_) | Value::Number(_) if expected.contains("string") || expected == "a name" => {
            Some(format!("quote it: \"{}\"", node.to_json()))
        }
        Value::String(text) if expected == "true or false" => {
            let meant = matches!(text.to_lowercase().as_str(), "yes" | "on" | "true" | "y");
            Some(format!("write `{meant}`"))
        }
        Value::String(text) if text.parse::<f64>().is_ok() && expected.contains("number") => {
            Some("leave the quotes out".to_owned())
        }
        Value::Map(_) if expected == "a list" => Some("write each item after a dash, `- `".to_owned()),
        Value::String(text) if expected == "a list" => Some(format!("write `[{text}]`")),
        Value::List(_) if expected == "a mapping" => Some("write `key: value`, without a dash".to_owned()),
        Value::String(text) => match shape {
            Shape::Form(form) => short_for(form).map(|key| format!("write `{{{}: {text}}}`", key.name)),
            _ => None,
        }
        .or_else(|| (expected == "a mapping").then(|| "write `key: value`".to_owned())),
        _ => None,
    };
    let message = format!("{what} has to be {expected}, not {}", node.sort());
    found.push(Diagnostic::new("wrong-type", message, node.place.clone()).maybe_help(help));
}

/// The key that a text in place of a mapping was meant for, if there is no doubt: the only one that is required.
fn short_for(form: &Form) -> Option<&'static KeySpec> {
    let mut required = form.keys.iter().filter(|key| key.required);
    required.next().filter(|_| required.next().is_none())
}

/// The key of a form that a wrong one was meant for: a slip, or the word that others have for it.
fn meant(written: &str, form: &Form) -> Option<&'static str> {
    let word = match written {
        "parameters" | "arguments" | "inputs" | "inputSchema" | "input_schema" => "params",
        "operation" => "op",
        "apiVersion" | "version" => "spec",
        "content" | "text" => "template",
        "if" | "condition" => "when",
        "choices" | "values" | "oneOf" => "enum",
        "min" => "minimum",
        "max" => "maximum",
        "desc" => "description",
        "steps" => "gather",
        "gather" => "steps",
        _ => "",
    };
    form.names()
        .find(|name| *name == word)
        .or_else(|| suggest::nearest(written, form.names()))
}

/// The value of a key, or of what is written in its place: the slip has been reported, and what is below it is no
/// mistake.
pub(crate) fn value_of<'a>(node: &'a Node, form: &Form, name: &str) -> Option<&'a Node> {
    node.get(name).or_else(|| {
        let entries = node.entries().iter();
        let mut unknown = entries.filter(|(key, _)| form.names().all(|known| known != key.name));
        let (_, value) = unknown.find(|(key, _)| meant(&key.name, form) == Some(name))?;
        Some(value)
    })
}

fn one_of(text: &str, names: &[&'static str], what: &str, node: &Node, found: &mut Found) {
    if names.contains(&text) {
        return;
    }
    let other = match text {
        "int" | "int32" | "int64" => Some("integer"),
        "bool" => Some("boolean"),
        "str" | "text" => Some("string"),
        "float" | "double" => Some("number"),
        "list" => Some("array"),
        "object" | "map" if names.contains(&"array") => {
            let message = format!("`{text}` is not a type that {what} may have");
            found.push(
                Diagnostic::new("unknown-value", message, node.place.clone()).help(
                    "there are no objects: maps are `key=value` strings in an array, manifests are strings",
                ),
            );
            return;
        }
        _ => None,
    };
    let help = match other.filter(|name| names.contains(name)) {
        Some(name) => Some(format!("did you mean `{name}`?")),
        None => suggest::help(text, names.iter().copied(), "it may be"),
    };
    found.push(
        Diagnostic::new(
            "unknown-value",
            format!("{what} cannot be `{text}`"),
            node.place.clone(),
        )
        .maybe_help(help),
    );
}

fn version(node: &Node, found: &mut Found) {
    let help = match &node.value {
        Value::Number(number) if number.as_u64() == Some(1) => return,
        Value::Number(number) if number.as_u64().is_some_and(|version| version > 1) => {
            "this kube-mcp reads version 1: use a newer one, or write the file in version 1"
        }
        Value::String(text) if text == "1" || text == "v1" => "write `spec: 1`",
        _ => "write `spec: 1`: it is the only version so far",
    };
    let message = format!("version {} of the spec language is not known", node.to_json());
    found.push(Diagnostic::new("unsupported-version", message, node.place.clone()).help(help));
}

fn fields(node: &Node, entries: &[(Key, Node)], form: &Form, found: &mut Found) {
    for (key, value) in entries {
        match form.keys.iter().find(|known| known.name == key.name) {
            Some(known) => conform(value, &known.shape, &format!("`{}`", known.name), found),
            None => {
                let is_free = |name: &&str| entries.iter().all(|(key, _)| key.name != *name);
                let help = match meant(&key.name, form).filter(is_free) {
                    Some(meant) => Some(format!("did you mean `{meant}`?")),
                    None => suggest::help(&key.name, form.names().filter(is_free), "it may also have"),
                };
                found.push(
                    Diagnostic::new(
                        "unknown-key",
                        format!("{} has no key `{}`", form.what, key.name),
                        key.place.clone(),
                    )
                    .maybe_help(help),
                );
            }
        }
    }
    let missing: Vec<&KeySpec> = form
        .keys
        .iter()
        .filter(|known| known.required && entries.iter().all(|(key, _)| key.name != known.name))
        // A key that was misspelt is one mistake, not two.
        .filter(|known| {
            !entries.iter().any(|(key, _)| {
                form.names().all(|name| name != key.name) && meant(&key.name, form) == Some(known.name)
            })
        })
        .collect();
    if !missing.is_empty() {
        let mut place = entries.first().map_or(&node.place, |(key, _)| &key.place).clone();
        if let Some((key, _)) = entries
            .iter()
            .find(|(key, _)| key.name == "name" || key.name == "id")
        {
            place = key.place.clone();
        }
        let names = suggest::list(missing.iter().map(|key| key.name));
        let written: Vec<String> = missing.iter().map(|key| format!("`{}`", key.example())).collect();
        let mut help = format!("add {}", written.join(", "));
        if let [only] = missing.as_slice() {
            help.push_str(&format!(", {}", lower_case(only.doc)));
        }
        found.push(Diagnostic::new("missing-key", format!("{} needs {names}", form.what), place).help(help));
    }
}

/// A sentence as a fragment.
fn lower_case(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A name of the core as a spec can use it: `pods.logs` is `pods_logs`.
pub(crate) fn spec_name(name: &str) -> String {
    mended(name).unwrap_or_else(|| "unnamed".to_owned())
}
