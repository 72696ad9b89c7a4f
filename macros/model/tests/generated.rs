//! What is generated for editors says what the checks say.

use std::{fs, path::Path};

use kube_mcp_model::{schemas, tree::parse};
use serde_json::Value;

#[path = "support/mod.rs"]
mod support;

#[test]
fn with_a_catalog_the_schemas_name_operations_and_their_parameters() {
    let catalog = support::catalog();
    let (_, tool) = schemas(Some(&catalog))
        .into_iter()
        .find(|(file, _)| *file == "tool.json")
        .unwrap();
    let tool: serde_json::Value = serde_json::from_str(&tool).unwrap();
    let operations = tool["definitions"]["operation"]["enum"].as_array().unwrap();
    assert_eq!(operations.len(), catalog.operations.len());
    let bindings = tool["definitions"]["binding"]["allOf"].as_array().unwrap();
    let logs = bindings
        .iter()
        .find(|binding| binding["if"]["properties"]["op"]["const"] == "pods.logs")
        .unwrap();
    assert_eq!(
        logs["then"]["properties"]["with"]["properties"]["tail"]["type"][0],
        "integer"
    );
    assert_eq!(logs["then"]["properties"]["with"]["additionalProperties"], false);
}

/// What editors say has to be what the checks say, as far as a schema can tell.
#[test]
fn the_schemas_accept_what_the_checks_accept() {
    let catalog = support::catalog();
    let mut seen = 0;
    for schemas in [schemas(None), schemas(Some(&catalog))] {
        for (file, text) in schemas {
            let schema: Value = serde_json::from_str(&text).unwrap();
            let validator = jsonschema::validator_for(&schema).unwrap();
            for path in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks")).unwrap() {
                let path = path.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap();
                if !(name.ends_with(".ok") || name.ends_with(".ok.yaml")) {
                    continue;
                }
                for spec in support::case(&path).files {
                    let sort = match spec.name.as_str() {
                        "spec/toolsets.yaml" => "toolsets.json",
                        name if name.starts_with("spec/tools/") => "tool.json",
                        name if name.starts_with("spec/prompts/") => "prompt.json",
                        name if name.starts_with("spec/resources/") => "resource.json",
                        _ => continue,
                    };
                    if sort != file {
                        continue;
                    }
                    let value = parse(&spec.name, &spec.text).0.unwrap().to_json();
                    let mistakes: Vec<String> = validator
                        .iter_errors(&value)
                        .map(|error| error.to_string())
                        .collect();
                    assert!(mistakes.is_empty(), "{name} {}: {mistakes:?}", spec.name);
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 200, "only {seen} files were validated");
}

#[test]
fn the_schemas_refuse_unknown_keys_operations_and_bindings() {
    let catalog = support::catalog();
    let (_, text) = schemas(Some(&catalog)).remove(0);
    let validator = jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap();
    let tool = |body: &str| {
        let text = format!("spec: 1\nname: a\ndescription: A tool.\n{body}");
        validator.is_valid(&parse("a.yaml", &text).0.unwrap().to_json())
    };
    assert!(tool("op: pods.logs\nwith: {name: web, tail: $params.tail}\n"));
    assert!(!tool("op: pods.log\n"));
    assert!(!tool("op: pods.logs\nwith: {nam: web}\n"));
    assert!(!tool("op: pods.logs\nsteps: [{id: a, op: pods.list}]\n"));
    assert!(!tool("steps: [{id: a, op: pods.list, with: {nam: web}}]\n"));
    assert!(!tool("op: pods.list\nofer: [where]\n"));
}
