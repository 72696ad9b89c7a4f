//! The golden files of the model's code generation, compiled and called: generated code fits this core.

#[path = "../../macros/model/tests/golden/operations.rs"]
pub mod operations;

include!("../../macros/model/tests/golden/surface.rs");

use kube_mcp_core::{
    call::{Access, Reach},
    output::{Facts, OutputKind},
};
use serde_json::{Value, json};

#[test]
fn the_scan_and_the_compiled_operations_agree() {
    let catalog: Value = serde_json::from_str(SURFACE.signatures).unwrap();
    let scanned = catalog["operations"].as_array().unwrap();
    let compiled: Vec<Value> = SURFACE
        .operations
        .iter()
        .map(|operation| {
            let params: Vec<Value> = operation
                .params
                .iter()
                .map(|param| json!([param.name, param.required]))
                .collect();
            json!([
                operation.name,
                operation.access.word(),
                operation.paged,
                operation.long,
                params
            ])
        })
        .collect();
    let scanned: Vec<Value> = scanned
        .iter()
        .map(|operation| {
            let params = operation["params"].as_array().unwrap();
            let params: Vec<Value> = params
                .iter()
                .map(|param| json!([param["name"], param["ty"]["optional"] == false]))
                .collect();
            json!([
                operation["name"],
                operation["access"],
                operation["paged"],
                operation["long"],
                params
            ])
        })
        .collect();
    assert_eq!(compiled, scanned);
}

#[test]
fn an_operation_says_what_it_is() {
    let facts = operations::r#match::OPERATION;
    assert_eq!(facts.name, "pods.logs");
    assert_eq!(
        (facts.access, facts.reach, facts.output),
        (Access::Read, Reach::Cluster, OutputKind::Lines)
    );
    assert!(facts.long && !facts.paged);
    let needs: Vec<String> = facts
        .needs
        .iter()
        .map(|need| format!("{} {}", need.verb, need.resource))
        .collect();
    assert_eq!(needs, ["get pods", "get pods/log"]);
    let types: Vec<&str> = facts.params.iter().map(|param| param.ty).collect();
    assert_eq!(
        types,
        ["String", "Option<Vec<String>>", "Instance", "Option<u16>"]
    );
    assert_eq!(operations::clusters::OPERATION.reach, Reach::Server);
    assert_eq!(operations::Clusters::FIELDS, ["currentName", "count"]);
}

#[test]
fn a_tool_carries_its_own_code() {
    let tool = SURFACE
        .tools
        .iter()
        .find(|tool| tool.name == "pods_delete")
        .unwrap();
    assert!(
        tool.code.contains("names: values.take(\"names\""),
        "{}",
        tool.code
    );
}
