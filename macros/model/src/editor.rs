//! JSON schemas of the spec language, for editors: made from the same tables of keys that the checks use.

use serde_json::{Map, Value, json};

use crate::{
    checks::{type_words, variants},
    schema::closed,
    signature::{Base, Catalog, ParamSignature, Type},
    spec::{Form, PROMPT, RESOURCE, Shape, TOOL, TOOLSETS},
};

/// The schemas, as file names under `spec/schema/` and their text. With a catalog `op` is one of its operations and
/// `with` has the parameters of the operation that stands beside it.
pub fn schemas(catalog: Option<&Catalog>) -> Vec<(&'static str, String)> {
    let forms: [(&str, &Form); 4] = [
        ("tool.json", &TOOL),
        ("prompt.json", &PROMPT),
        ("resource.json", &RESOURCE),
        ("toolsets.json", &TOOLSETS),
    ];
    forms
        .into_iter()
        .map(|(file, form)| (file, text(form, catalog)))
        .collect()
}

fn text(form: &Form, catalog: Option<&Catalog>) -> String {
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("http://json-schema.org/draft-07/schema#"),
    );
    schema.insert("title".to_owned(), json!(format!("{} of kube-mcp", form.what)));
    if let Value::Object(body) = of_form(form, catalog) {
        schema.extend(body);
    }
    if let Some(catalog) =
        catalog.filter(|_| form.names().any(|name| name != "toolsets") && form.what != TOOLSETS.what)
    {
        schema.insert("definitions".to_owned(), definitions(catalog));
    }
    let mut text = format!("{:#}", Value::Object(schema));
    text.push('\n');
    text
}

/// The names of operations, and for each the `with` that it takes: said once, used wherever an operation is bound.
fn definitions(catalog: &Catalog) -> Value {
    let operations: Vec<&str> = catalog
        .operations
        .iter()
        .map(|operation| operation.name.as_str())
        .collect();
    let bindings: Vec<Value> = catalog
        .operations
        .iter()
        .map(|operation| {
            let mut properties = Map::new();
            for param in &operation.params {
                properties.insert(param.name.clone(), parameter(param, catalog));
            }
            if operation.paged {
                properties.insert("limit".to_owned(), json!({"type": ["integer", "string"]}));
            }
            json!({
                "if": {"properties": {"op": {"const": operation.name}}, "required": ["op"]},
                "then": {
                    "properties": {
                        "op": {"description": operation.doc},
                        "with": {"properties": properties, "additionalProperties": false},
                    },
                },
            })
        })
        .collect();
    json!({"operation": {"enum": operations}, "binding": {"allOf": bindings}})
}

/// What a parameter of an operation may get: a value of its type, or a string that refers to one.
fn parameter(param: &ParamSignature, catalog: &Catalog) -> Value {
    let Type { list, base, optional } = &param.ty;
    let mut schema = Map::new();
    let json_type = match base {
        Base::Bool => "boolean",
        Base::Integer(_) => "integer",
        Base::Number => "number",
        _ => "string",
    };
    match (list, variants(&param.ty, catalog)) {
        (true, _) => {
            schema.insert("type".to_owned(), json!(["array", "string"]));
            schema.insert("items".to_owned(), json!({"type": json_type}));
        }
        // Editors offer the choices, and let references pass.
        (false, Some(variants)) => {
            schema.insert(
                "anyOf".to_owned(),
                json!([{"enum": variants}, {"type": "string", "pattern": "^\\$|\\{\\{"}]),
            );
        }
        (false, None) if json_type == "string" => {
            schema.insert("type".to_owned(), json!("string"));
        }
        (false, None) => {
            schema.insert("type".to_owned(), json!([json_type, "string"]));
        }
    }
    let needed = if *optional { "" } else { ", required" };
    let described = format!("{} ({}{needed})", param.doc, type_words(&param.ty, catalog));
    schema.insert("description".to_owned(), json!(described.trim()));
    Value::Object(schema)
}

fn of_form(form: &Form, catalog: Option<&Catalog>) -> Value {
    let mut properties = Map::new();
    for key in form.keys {
        let mut property = match of_shape(&key.shape, catalog) {
            Value::Object(property) => property,
            _ => Map::new(),
        };
        // Beside `$ref` older editors ignore everything: the description goes first where it can.
        property.insert("description".to_owned(), json!(key.doc));
        properties.insert(key.name.to_owned(), Value::Object(property));
    }
    let required = form.keys.iter().filter(|key| key.required);
    let mut schema = closed(properties, required.map(|key| key.name));
    if form.what == TOOL.what {
        schema.insert(
            "oneOf".to_owned(),
            json!([{"required": ["op"]}, {"required": ["steps"]}]),
        );
    }
    if catalog.is_some() && form.names().any(|name| name == "with") {
        schema.insert("allOf".to_owned(), json!([{"$ref": "#/definitions/binding"}]));
    }
    Value::Object(schema)
}

fn of_shape(shape: &Shape, catalog: Option<&Catalog>) -> Value {
    match shape {
        Shape::Version => json!({"const": 1}),
        Shape::Name => json!({"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}),
        Shape::Text => json!({"type": "string", "minLength": 1}),
        Shape::Operation if catalog.is_some() => json!({"allOf": [{"$ref": "#/definitions/operation"}]}),
        Shape::Operation => json!({"type": "string", "minLength": 1}),
        Shape::Boolean => json!({"type": "boolean"}),
        Shape::Number => json!({"type": "number"}),
        Shape::Count => json!({"type": "integer", "minimum": 0}),
        Shape::Any => json!({}),
        Shape::Value => json!({
            "type": ["string", "number", "boolean", "array"],
            "items": {"type": ["string", "number", "boolean"]},
        }),
        Shape::OneOf(names) => json!({"enum": names}),
        Shape::List(of) => json!({"type": "array", "items": of_shape(of, catalog), "minItems": 1}),
        Shape::Map(of) => json!({"type": "object", "additionalProperties": of_shape(of, catalog)}),
        Shape::Form(form) => of_form(form, catalog),
        Shape::Either(shapes) => {
            json!({"anyOf": shapes.iter().map(|shape| of_shape(shape, catalog)).collect::<Vec<_>>()})
        }
    }
}
