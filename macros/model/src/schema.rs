//! The JSON schema of a tool's input.

use serde_json::{Map, Value, json};

use crate::{
    checks::views,
    ir::{Param, ParamKind},
    signature::{Access, Output, Signature},
};

/// The schema of a tool's arguments, with every reserved parameter but `cluster`: every object closed, `type` never
/// a list, no references. The order is that of the file; then, around `limit`, what a list is offered with.
pub(crate) fn input(params: &[Param], offer: &[String], operations: &[&Signature]) -> Value {
    let mut properties = Map::new();
    // `limit` and `cursor` belong together and come last of what a list takes.
    let paged = matches!(operations, [operation] if operation.paged);
    let (limit, others): (Vec<&Param>, Vec<&Param>) = params
        .iter()
        .partition(|param| paged && !offer.is_empty() && param.name == "limit");
    for param in others {
        properties.insert(param.name.clone(), property(param));
    }
    for name in ["where", "sort", "fields", "output"] {
        if offer.iter().any(|offered| offered == name) {
            properties.insert(name.to_owned(), offered(name, paged, operations));
        }
    }
    for param in limit {
        properties.insert(param.name.clone(), property(param));
    }
    if paged {
        properties.insert("cursor".to_owned(), json!({"type": "string"}));
    }
    let (dry_run, confirm) = changes(operations);
    if dry_run {
        properties.insert(
            "dry_run".to_owned(),
            json!({"type": "boolean", "description": "Show the diff only"}),
        );
    }
    if confirm {
        properties.insert(
            "confirm".to_owned(),
            json!({"type": "string", "description": "Code from the plan"}),
        );
    }
    let required = params.iter().filter(|param| param.required);
    Value::Object(closed(properties, required.map(|param| param.name.as_str())))
}

/// An object with these properties and no others.
pub(crate) fn closed<'a>(
    properties: Map<String, Value>,
    required: impl Iterator<Item = &'a str>,
) -> Map<String, Value> {
    let required: Vec<&str> = required.collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), json!("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

/// Whether a tool of these operations takes `dry_run`, and whether it takes `confirm`. What runs something in a
/// workload cannot be tried; what it answers with tells it from what makes an object to run it in.
pub(crate) fn changes(operations: &[&Signature]) -> (bool, bool) {
    let tried = |operation: &&Signature| match operation.access {
        Access::Read => false,
        Access::Write | Access::Destructive => true,
        Access::Exec => operation.output == Output::Change,
    };
    (
        operations.iter().any(tried),
        operations.iter().any(|operation| operation.access > Access::Read),
    )
}

fn property(param: &Param) -> Value {
    let mut property = Map::new();
    let (ty, items) = match param.kind {
        ParamKind::String => ("string", None),
        ParamKind::Integer => ("integer", None),
        ParamKind::Number => ("number", None),
        ParamKind::Boolean => ("boolean", None),
        ParamKind::Strings => ("array", Some("string")),
        ParamKind::Integers => ("array", Some("integer")),
        ParamKind::Numbers => ("array", Some("number")),
        ParamKind::Booleans => ("array", Some("boolean")),
    };
    property.insert("type".to_owned(), json!(ty));
    if let Some(items) = items {
        let mut item = Map::new();
        item.insert("type".to_owned(), json!(items));
        if !param.choices.is_empty() {
            item.insert("enum".to_owned(), json!(param.choices));
        }
        property.insert("items".to_owned(), Value::Object(item));
    }
    if !param.description.is_empty() {
        property.insert("description".to_owned(), json!(param.description));
    }
    if !param.choices.is_empty() && items.is_none() {
        property.insert("enum".to_owned(), json!(param.choices));
    }
    if let Some(default) = &param.default {
        property.insert("default".to_owned(), default.clone());
    }
    for (name, bound) in [("minimum", param.minimum), ("maximum", param.maximum)] {
        if let Some(bound) = bound {
            property.insert(name.to_owned(), number(bound));
        }
    }
    Value::Object(property)
}

/// A bound as an author would write it: `1`, not `1.0`.
fn number(bound: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fraction is told by the comparison"
    )]
    let whole = bound as i64;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a difference shows that it was not whole"
    )]
    if whole as f64 == bound {
        json!(whole)
    } else {
        json!(bound)
    }
}

fn offered(name: &str, paged: bool, operations: &[&Signature]) -> Value {
    match name {
        "where" => json!({"type": "string", "description": "On columns, e.g. status!=Running,restarts>5"}),
        "sort" => json!({"type": "string", "description": "Column; -column descends"}),
        "fields" if paged => json!({
            "type": "string",
            "description": "Paths in place of the columns, e.g. spec.replicas,status.phase",
        }),
        "fields" => json!({"type": "string", "description": "Only these paths, e.g. spec.template,status"}),
        _ => {
            let views = operations
                .first()
                .map(|operation| views(&operation.output))
                .unwrap_or_default();
            json!({"type": "string", "enum": views, "default": views.first()})
        }
    }
}
