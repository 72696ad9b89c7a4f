// The resource `pod` of spec/resources/pod.yaml:2:7. Generated: edits are lost.

use ::kube_mcp_core::{
    call::{Cx, Values},
    engine::surface::{Binding, Invoke, Invoked, ResourceTemplate, Source, Step},
};

fn read(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::get;
    Box::pin(async move {
        let params = get::Params {
            kind: values.take("kind", "spec/resources/pod.yaml:6:5")?,
            name: values.take("name", "spec/resources/pod.yaml:6:5")?,
            namespace: values.take("namespace", "spec/resources/pod.yaml:6:5")?,
        };
        Ok(get::call(cx, params).await?.into())
    })
}

fn complete_name(cx: &Cx, mut values: Values) -> Invoked<'_> {
    use crate::operations::list;
    Box::pin(async move {
        let params = list::Params {
            kind: values.take("kind", "spec/resources/pod.yaml:9:30")?,
            namespace: values.take("namespace", "spec/resources/pod.yaml:9:10")?,
            label_selector: values
                .take("label_selector", "spec/resources/pod.yaml:9:10")?,
            page: values.page(),
        };
        Ok(list::call(cx, params).await?.into())
    })
}

pub(super) const RESOURCE: ResourceTemplate = ResourceTemplate {
    name: "pod",
    title: None,
    description: "A pod.",
    uri: "k8s://{namespace}/pods/{name}",
    mime: "application/yaml",
    step: Step {
        id: "",
        op: &crate::operations::get::OPERATION,
        bindings: &[
            Binding {
                param: "kind",
                source: Source::Fixed(r#""Pod""#),
                at: "spec/resources/pod.yaml:6:5",
            },
            Binding {
                param: "name",
                source: Source::Uri("name"),
                at: "spec/resources/pod.yaml:6:5",
            },
            Binding {
                param: "namespace",
                source: Source::Uri("namespace"),
                at: "spec/resources/pod.yaml:6:5",
            },
        ],
        when: None,
        continue_on_error: false,
        cluster: None,
        needs: &[],
        invoke: Invoke::Cluster(read),
        at: "spec/resources/pod.yaml:6:5",
    },
    complete: &[
        (
            "name",
            Step {
                id: "",
                op: &crate::operations::list::OPERATION,
                bindings: &[
                    Binding {
                        param: "kind",
                        source: Source::Fixed(r#""Pod""#),
                        at: "spec/resources/pod.yaml:9:30",
                    },
                ],
                when: None,
                continue_on_error: false,
                cluster: None,
                needs: &[],
                invoke: Invoke::Cluster(complete_name),
                at: "spec/resources/pod.yaml:9:10",
            },
        ),
    ],
    subscribe: true,
    at: "spec/resources/pod.yaml:2:7",
};
