//! `new tool OPERATION`: a spec to start from, which lints clean as it is.

use std::fmt::Write;

use crate::{
    checks::{type_words, variants},
    signature::{Base, Catalog, ParamSignature, Signature, Type},
    spec::spec_name,
};

/// Parameters that the engine has for itself: an operation's own of these names goes by another one in a tool.
const TAKEN: [&str; 4] = ["cluster", "cursor", "dry_run", "confirm"];

/// A tool for an operation: every parameter declared, required where the operation needs it.
/// None if there is no such operation.
pub fn new_tool(catalog: &Catalog, op: &str) -> Option<String> {
    let operation = catalog.operations.iter().find(|operation| operation.name == op)?;
    Some(tool(catalog, operation))
}

fn tool(catalog: &Catalog, operation: &Signature) -> String {
    let mut spec = String::from("# yaml-language-server: $schema=../../schema/tool.json\nspec: 1\n");
    // Writing to a string cannot fail.
    let _ = writeln!(spec, "name: {}", spec_name(&operation.name));
    let _ = writeln!(spec, "title: {}", quoted(&title(&operation.name)));
    let first = operation.doc.split("\n\n").next().unwrap_or_default();
    let doc = first.split_whitespace().collect::<Vec<_>>().join(" ");
    let doc = if doc.is_empty() {
        format!("What {} answers.", operation.name)
    } else {
        doc
    };
    let _ = writeln!(spec, "description: {}", quoted(&doc));
    let mut renamed = Vec::new();
    if !operation.params.is_empty() || operation.paged {
        spec.push_str("params:\n");
    }
    // What has to be given comes first.
    let mut params: Vec<&ParamSignature> = operation.params.iter().collect();
    params.sort_by_key(|param| param.ty.optional);
    for param in params {
        let mut name = spec_name(&param.name);
        if TAKEN.contains(&name.as_str()) {
            name = format!("{name}_name");
        }
        if name != param.name {
            renamed.push((param.name.as_str(), name.clone()));
        }
        let _ = writeln!(spec, "  {name}: {}", declaration(param, catalog));
    }
    if operation.paged && operation.params.iter().all(|param| param.name != "limit") {
        spec.push_str("  limit: {type: integer, default: 100, minimum: 1, maximum: 1000}\n");
    }
    let _ = writeln!(spec, "op: {}", operation.name);
    if !renamed.is_empty() {
        spec.push_str("with:\n");
        for (param, name) in renamed {
            let _ = writeln!(spec, "  {param}: $params.{name}");
        }
    }
    spec
}

fn declaration(param: &ParamSignature, catalog: &Catalog) -> String {
    let Type { optional, list, base } = &param.ty;
    let ty = match base {
        Base::Bool => "boolean",
        Base::Integer(_) => "integer",
        Base::Number => "number",
        _ => "string",
    };
    let mut parts = Vec::new();
    if *list {
        parts.push("type: array".to_owned());
        parts.push(format!("items: {ty}"));
    } else {
        parts.push(format!("type: {ty}"));
    }
    if !optional {
        parts.push("required: true".to_owned());
    }
    let doc = param.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let doc = doc.trim_end_matches('.');
    if !doc.is_empty() {
        parts.push(format!("description: {}", quoted(doc)));
    }
    let remark = match variants(&param.ty, catalog) {
        Some(variants) => format!("  # {}", variants.join(", ")),
        None => match type_words(&param.ty, catalog).split_once(" (") {
            Some((_, format)) => format!("  # a {}", format.trim_end_matches(')')),
            None => String::new(),
        },
    };
    format!("{{{}}}{remark}", parts.join(", "))
}

/// `pods.logs` as a person would title it: `Pods logs`.
fn title(name: &str) -> String {
    let words = name.replace(['.', '_'], " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A YAML string in double quotes, which JSON's are.
fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || " .;_()/+=<>".contains(c))
        && !text.ends_with(' ')
        && serde_yaml::from_str::<String>(text).is_ok_and(|read| read == text)
        && !["true", "false", "null", "yes", "no", "on", "off"].contains(&text.to_lowercase().as_str());
    if plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}
