// The prompt `investigate` of spec/prompts/investigate.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{Cx, Values},
    engine::surface::{
        Binding, Invoke, Invoked, Message, Param, ParamKind, Prompt, Role, Source, Step,
    },
};

fn step_pods(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::list;
    Box::pin(async move {
        let params = list::Params {
            kind: values.take("kind", "spec/prompts/investigate.yaml:7:20")?,
            namespace: values.take("namespace", "spec/prompts/investigate.yaml:7:5")?,
            label_selector: values
                .take("label_selector", "spec/prompts/investigate.yaml:7:5")?,
            page: values.page(),
        };
        Ok(list::call(cx, params).await?.into())
    })
}

pub(super) const PROMPT: Prompt = Prompt {
    name: "investigate",
    title: Some("Investigate"),
    description: r#"Looks into a "pod"."#,
    params: &[
        Param {
            name: "pod",
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
    steps: &[
        Step {
            id: "pods",
            op: &crate::operations::list::OPERATION,
            bindings: &[
                Binding {
                    param: "kind",
                    source: Source::Fixed(r#""Pod""#),
                    at: "spec/prompts/investigate.yaml:7:20",
                },
            ],
            when: None,
            continue_on_error: false,
            cluster: None,
            needs: &[],
            invoke: Invoke::Cluster(step_pods),
            at: "spec/prompts/investigate.yaml:7:5",
        },
    ],
    messages: &[
        Message {
            role: Role::User,
            template: "prompts/investigate.md.j2",
        },
        Message {
            role: Role::Assistant,
            template: "prompts/begin.md.j2",
        },
    ],
    at: "spec/prompts/investigate.yaml:2:7",
};
