// The tool `crate` of spec/tools/core/crate.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{ServerCx, Values},
    engine::surface::{Invoke, Invoked, Step, Tool},
};

fn call(cx: &ServerCx, _values: Values) -> Invoked<'_> {
    use crate::operations::clusters;
    Box::pin(async move {
        let params = clusters::Params {};
        Ok(clusters::call(cx, params).await?.into())
    })
}

pub(super) const TOOL: Tool = Tool {
    name: "crate",
    title: None,
    description: "What `crate` does.",
    toolset: "core",
    always_confirm: false,
    params: &[],
    offer: &[],
    schema: r#"{"type":"object","additionalProperties":false}"#,
    steps: &[
        Step {
            id: "",
            op: &crate::operations::clusters::OPERATION,
            bindings: &[],
            when: None,
            continue_on_error: false,
            cluster: None,
            needs: &[],
            invoke: Invoke::Server(call),
            at: "spec/tools/core/crate.yaml:4:5",
        },
    ],
    template: None,
    examples: &[],
    at: "spec/tools/core/crate.yaml:2:7",
    code: include_str!("tool_crate.rs"),
};
