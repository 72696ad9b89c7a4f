// The tool `pods_delete` of spec/tools/core/pods_delete.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{Cx, Values},
    engine::surface::{Binding, Invoke, Invoked, Param, ParamKind, Source, Step, Tool},
};

fn call(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::delete;
    Box::pin(async move {
        let params = delete::Params {
            kind: values.take("kind", "spec/tools/core/pods_delete.yaml:7:3")?,
            names: values.take("names", "spec/tools/core/pods_delete.yaml:5:3")?,
            force: values.take("force", "spec/tools/core/pods_delete.yaml:8:3")?,
        };
        Ok(delete::call(cx, params).await?.into())
    })
}

pub(super) const TOOL: Tool = Tool {
    name: "pods_delete",
    title: None,
    description: "What `pods_delete` does.",
    toolset: "core",
    always_confirm: true,
    params: &[
        Param {
            name: "names",
            kind: ParamKind::Strings,
            description: "",
            required: true,
            default: None,
            choices: &[],
            minimum: None,
            maximum: None,
            complete: None,
        },
    ],
    offer: &[],
    schema: r#"{"type":"object","additionalProperties":false}"#,
    steps: &[
        Step {
            id: "",
            op: &crate::operations::delete::OPERATION,
            bindings: &[
                Binding {
                    param: "kind",
                    source: Source::Fixed(r#""Pod""#),
                    at: "spec/tools/core/pods_delete.yaml:7:3",
                },
                Binding {
                    param: "names",
                    source: Source::Param("names"),
                    at: "spec/tools/core/pods_delete.yaml:5:3",
                },
                Binding {
                    param: "force",
                    source: Source::Fixed("false"),
                    at: "spec/tools/core/pods_delete.yaml:8:3",
                },
            ],
            when: None,
            continue_on_error: false,
            cluster: None,
            needs: &[],
            invoke: Invoke::Cluster(call),
            at: "spec/tools/core/pods_delete.yaml:6:5",
        },
    ],
    template: None,
    examples: &[],
    at: "spec/tools/core/pods_delete.yaml:2:7",
    code: include_str!("tool_pods_delete.rs"),
};
