//! A surface of operations that need no cluster: one that answers, one that wants consent, one that waits.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use futures::future::BoxFuture;
use kube_mcp_core::{
    Error,
    call::{
        Access, Binding as CodeBinding, Consent, Digest, Operation, OperationParam, Plan, Planned, Reach,
        Result, ServerCx, Stop, Values, Why,
    },
    engine::surface::{
        Binding, Invoke, Message, Param, ParamKind, Prompt, ResourceTemplate, Role, Source, Step, Surface,
        Template, Tool, Toolset,
    },
    output::{AnyRecord, Output, OutputKind},
};
use serde_json::json;

const AT: &str = "spec/test.yaml:1:1";

const PARAMS: &[OperationParam] = &[OperationParam {
    name: "name",
    ty: "String",
    required: true,
}];

const fn operation(name: &'static str, access: Access) -> Operation {
    Operation {
        name,
        access,
        reach: Reach::Server,
        output: OutputKind::Record,
        paged: false,
        long: true,
        needs: &[],
        params: PARAMS,
    }
}

static GREET: Operation = operation("things.greet", Access::Read);
static DELETE: Operation = operation("things.delete", Access::Destructive);
static WAIT: Operation = operation("things.wait", Access::Read);

fn said(text: String) -> Result<Output> {
    Ok(Output::Record(AnyRecord {
        facts: json!({ "said": text }),
        heading: text,
        ..AnyRecord::default()
    }))
}

fn greet(_: &ServerCx, mut values: Values) -> BoxFuture<'_, Result<Output>> {
    Box::pin(async move {
        let name: String = values.take("name", AT)?;
        said(format!("Hello {name}"))
    })
}

/// Wants consent as `approve` does, which takes a cluster. The plan for `shifting` is another each time.
fn delete(cx: &ServerCx, mut values: Values) -> BoxFuture<'_, Result<Output>> {
    static PLANS: AtomicUsize = AtomicUsize::new(0);
    Box::pin(async move {
        let name: String = values.take("name", AT)?;
        let call = cx.call();
        let plan = match name.as_str() {
            "shifting" => PLANS.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
        let binding = CodeBinding {
            cluster: String::new(),
            caller: call.caller.id.clone(),
            tool: call.tool.clone(),
            arguments: call
                .arguments
                .iter()
                .map(|(name, value)| (name.clone(), Digest::of(value)))
                .collect::<BTreeMap<_, _>>(),
            plan: Digest::of(&plan),
        };
        let rejected = match call
            .confirm
            .as_deref()
            .map(|code| call.codes.redeem(code, &binding))
        {
            Some(Ok(())) => return said(format!("Deleted {name}")),
            Some(Err(error)) => Some(error.to_string()),
            None => None,
        };
        if call.consent == Consent::Refused {
            return Err(Error::invalid("this needs a person's consent, and this client cannot ask").into());
        }
        Err(Stop::Planned(Box::new(Planned {
            cluster: "test".to_owned(),
            plan: Plan {
                summary: format!("delete {name}"),
                ..Plan::default()
            },
            why: Why::Consent {
                code: call.codes.issue(binding),
                rejected,
                access: Access::Destructive,
            },
            next: Vec::new(),
        })))
    })
}

/// Waits for ten seconds and says how far it is.
fn wait(cx: &ServerCx, mut values: Values) -> BoxFuture<'_, Result<Output>> {
    Box::pin(async move {
        let name: String = values.take("name", AT)?;
        for second in 0..10 {
            cx.call()
                .progress
                .report(f64::from(second), Some(10.0), "still waiting");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        said(format!("Waited for {name}"))
    })
}

const BINDINGS: &[Binding] = &[Binding {
    param: "name",
    source: Source::Param("name"),
    at: AT,
}];

const fn step(op: &'static Operation, bindings: &'static [Binding], invoke: Invoke) -> Step {
    Step {
        id: "",
        op,
        bindings,
        when: None,
        continue_on_error: false,
        cluster: None,
        needs: &[],
        invoke,
        at: AT,
    }
}

const NAME: Param = Param {
    name: "name",
    kind: ParamKind::String,
    description: "Whose",
    required: true,
    default: None,
    choices: &["alice", "bob"],
    minimum: None,
    maximum: None,
    complete: None,
};

const TOOL: Tool = Tool {
    name: "",
    title: None,
    description: "A tool of the tests",
    toolset: "things",
    always_confirm: false,
    params: &[Param { choices: &[], ..NAME }],
    offer: &[],
    schema: r#"{"type":"object","properties":{"name":{"type":"string"},"dry_run":{"type":"boolean"},"confirm":{"type":"string"}},"required":["name"],"additionalProperties":false}"#,
    steps: &[],
    template: None,
    at: AT,
    examples: &[],
    code: "",
};

/// The surface.
pub(crate) static SURFACE: Surface = Surface {
    package: "tests",
    toolsets: &[Toolset {
        name: "things",
        description: "Things",
        default: true,
    }],
    tools: &[
        Tool {
            name: "things_delete",
            title: Some("Delete a thing"),
            steps: &[step(&DELETE, BINDINGS, Invoke::Server(delete))],
            ..TOOL
        },
        Tool {
            name: "things_greet",
            steps: &[step(&GREET, BINDINGS, Invoke::Server(greet))],
            ..TOOL
        },
        Tool {
            name: "things_wait",
            steps: &[step(&WAIT, BINDINGS, Invoke::Server(wait))],
            ..TOOL
        },
    ],
    prompts: &[Prompt {
        name: "greeting",
        title: None,
        description: "A greeting",
        params: &[NAME],
        steps: &[],
        messages: &[Message {
            role: Role::User,
            template: "prompts/greeting.md.j2",
        }],
        at: AT,
    }],
    resources: &[ResourceTemplate {
        name: "thing",
        title: None,
        description: "A thing",
        uri: "things://{name}",
        mime: "text/plain",
        step: step(
            &GREET,
            &[Binding {
                param: "name",
                source: Source::Uri("name"),
                at: AT,
            }],
            Invoke::Server(greet),
        ),
        complete: &[],
        subscribe: false,
        at: AT,
    }],
    templates: &[
        Template {
            name: "instructions.md.j2",
            source: "Tools: {{ tools | join(', ') }}. Mode: {{ mode }}.\n",
        },
        Template {
            name: "prompts/greeting.md.j2",
            source: "Greet {{ params.name }}.",
        },
    ],
    operations: &[&GREET, &DELETE, &WAIT],
    signatures: "[]",
};
