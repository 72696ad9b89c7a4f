//! What is generated and committed is what comes out: `UPDATE_EXPECT=1` rewrites it.

use std::path::{Path, PathBuf};

use kube_mcp_model::{checks::reference, schemas};

#[path = "support/mod.rs"]
mod support;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_reference_of_checks_is_current() {
    support::expect_file(&root().join("docs/reference/checks.md"), &reference()).unwrap();
}

#[test]
fn the_schemas_of_the_spec_language_are_current() {
    for (file, text) in schemas(None) {
        support::expect_file(&root().join("spec/schema").join(file), &text).unwrap();
    }
}

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
