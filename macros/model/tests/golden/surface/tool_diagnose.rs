// The tool `diagnose` of spec/tools/core/diagnose.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{Cx, Values},
    engine::surface::{
        Binding, Expression, Invoke, Invoked, Param, ParamKind, Source, Step, Tool,
    },
};

fn step_self(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::get;
    Box::pin(async move {
        let params = get::Params {
            kind: values.take("kind", "spec/tools/core/diagnose.yaml:9:30")?,
            name: values.take("name", "spec/tools/core/diagnose.yaml:9:44")?,
            namespace: values.take("namespace", "spec/tools/core/diagnose.yaml:9:12")?,
        };
        Ok(get::call(cx, params).await?.into())
    })
}

fn step_logs(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::r#match;
    Box::pin(async move {
        let params = r#match::Params {
            name: values.take("name", "spec/tools/core/diagnose.yaml:11:5")?,
            containers: values.take("containers", "spec/tools/core/diagnose.yaml:12:5")?,
            instance: values.take("instance", "spec/tools/core/diagnose.yaml:13:5")?,
            r#type: values.take("type", "spec/tools/core/diagnose.yaml:10:5")?,
        };
        Ok(r#match::call(cx, params).await?.into())
    })
}

pub(super) const TOOL: Tool = Tool {
    name: "diagnose",
    title: None,
    description: "What `diagnose` does.",
    toolset: "core",
    always_confirm: false,
    params: &[
        Param {
            name: "name",
            kind: ParamKind::String,
            description: "",
            required: true,
            default: None,
            choices: &["web", "db"],
            minimum: None,
            maximum: None,
            complete: None,
        },
        Param {
            name: "where",
            kind: ParamKind::String,
            description: "",
            required: false,
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
            id: "self",
            op: &crate::operations::get::OPERATION,
            bindings: &[
                Binding {
                    param: "kind",
                    source: Source::Fixed(r#""Pod""#),
                    at: "spec/tools/core/diagnose.yaml:9:30",
                },
                Binding {
                    param: "name",
                    source: Source::Template(r#"{{ params.name }}-"0""#),
                    at: "spec/tools/core/diagnose.yaml:9:44",
                },
            ],
            when: None,
            continue_on_error: false,
            cluster: None,
            needs: &[],
            invoke: Invoke::Cluster(step_self),
            at: "spec/tools/core/diagnose.yaml:9:12",
        },
        Step {
            id: "logs",
            op: &crate::operations::r#match::OPERATION,
            bindings: &[
                Binding {
                    param: "name",
                    source: Source::Step("self.metadata.name"),
                    at: "spec/tools/core/diagnose.yaml:11:5",
                },
                Binding {
                    param: "containers",
                    source: Source::Fixed(r#"["app","sidecar"]"#),
                    at: "spec/tools/core/diagnose.yaml:12:5",
                },
                Binding {
                    param: "instance",
                    source: Source::Fixed(r#""last-terminated""#),
                    at: "spec/tools/core/diagnose.yaml:13:5",
                },
            ],
            when: Some(Expression {
                text: "steps.self.ok",
                at: "spec/tools/core/diagnose.yaml:10:20",
            }),
            continue_on_error: true,
            cluster: Some(Source::Param("where")),
            needs: &[0],
            invoke: Invoke::Cluster(step_logs),
            at: "spec/tools/core/diagnose.yaml:10:5",
        },
    ],
    template: Some("tools/diagnose.md.j2"),
    examples: &[],
    at: "spec/tools/core/diagnose.yaml:2:7",
    code: include_str!("tool_diagnose.rs"),
};
