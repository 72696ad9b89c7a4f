// The tool `daemonsets_list` of spec/tools/core/daemonsets_list.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{Cx, Values},
    engine::surface::{Binding, Invoke, Invoked, Param, ParamKind, Source, Step, Tool},
};

fn call(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::list;
    Box::pin(async move {
        let params = list::Params {
            kind: values.take("kind", "spec/tools/core/daemonsets_list.yaml:11:3")?,
            namespace: values
                .take("namespace", "spec/tools/core/daemonsets_list.yaml:6:3")?,
            label_selector: values
                .take("label_selector", "spec/tools/core/daemonsets_list.yaml:12:3")?,
            page: values.page(),
        };
        Ok(list::call(cx, params).await?.into())
    })
}

fn complete_namespace(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::list;
    Box::pin(async move {
        let params = list::Params {
            kind: values.take("kind", "spec/tools/core/daemonsets_list.yaml:6:55")?,
            namespace: values
                .take("namespace", "spec/tools/core/daemonsets_list.yaml:6:40")?,
            label_selector: values
                .take("label_selector", "spec/tools/core/daemonsets_list.yaml:6:40")?,
            page: values.page(),
        };
        Ok(list::call(cx, params).await?.into())
    })
}

pub(super) const TOOL: Tool = Tool {
    name: "daemonsets_list",
    title: Some("List daemon sets"),
    description: "What `daemonsets_list` does.",
    toolset: "core",
    always_confirm: false,
    params: &[
        Param {
            name: "namespace",
            kind: ParamKind::String,
            description: "All if left out",
            required: false,
            default: None,
            choices: &[],
            minimum: None,
            maximum: None,
            complete: Some(
                &Step {
                    id: "",
                    op: &crate::operations::list::OPERATION,
                    bindings: &[
                        Binding {
                            param: "kind",
                            source: Source::Fixed(r#""Namespace""#),
                            at: "spec/tools/core/daemonsets_list.yaml:6:55",
                        },
                    ],
                    when: None,
                    continue_on_error: false,
                    cluster: None,
                    needs: &[],
                    invoke: Invoke::Cluster(complete_namespace),
                    at: "spec/tools/core/daemonsets_list.yaml:6:40",
                },
            ),
        },
        Param {
            name: "selector",
            kind: ParamKind::String,
            description: "",
            required: false,
            default: None,
            choices: &[],
            minimum: None,
            maximum: None,
            complete: None,
        },
        Param {
            name: "limit",
            kind: ParamKind::Integer,
            description: "",
            required: false,
            default: Some("100"),
            choices: &[],
            minimum: Some(1.0),
            maximum: Some(1000.0),
            complete: None,
        },
    ],
    offer: &["where", "sort"],
    schema: r#"{"type":"object","additionalProperties":false}"#,
    steps: &[
        Step {
            id: "",
            op: &crate::operations::list::OPERATION,
            bindings: &[
                Binding {
                    param: "kind",
                    source: Source::Fixed(r#""DaemonSet""#),
                    at: "spec/tools/core/daemonsets_list.yaml:11:3",
                },
                Binding {
                    param: "namespace",
                    source: Source::Param("namespace"),
                    at: "spec/tools/core/daemonsets_list.yaml:6:3",
                },
                Binding {
                    param: "label_selector",
                    source: Source::Param("selector"),
                    at: "spec/tools/core/daemonsets_list.yaml:12:3",
                },
                Binding {
                    param: "limit",
                    source: Source::Param("limit"),
                    at: "spec/tools/core/daemonsets_list.yaml:8:3",
                },
            ],
            when: None,
            continue_on_error: false,
            cluster: None,
            needs: &[],
            invoke: Invoke::Cluster(call),
            at: "spec/tools/core/daemonsets_list.yaml:9:5",
        },
    ],
    template: None,
    examples: &[],
    at: "spec/tools/core/daemonsets_list.yaml:2:7",
    code: include_str!("tool_daemonsets_list.rs"),
};
