//! The engine over a surface of two operations that need no cluster.

use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    Answer, Context, Engine,
    surface::{
        Binding, Expression, Invoke, Message, Param, ParamKind, Prompt, ResourceTemplate, Role, Source, Step,
        Surface, Template, Tool, Toolset,
    },
};
use crate::{
    Error,
    call::{
        Access, Audit, AuditEntry, Binding as CodeBinding, Caller, CodeError, Codes, Consent, Operation,
        Progress, Reach, ServerCx, Values,
    },
    config::Config,
    output::{AnyRecord, Output, OutputKind},
};

pub(super) const fn operation(name: &'static str, access: Access) -> Operation {
    Operation {
        name,
        access,
        reach: Reach::Server,
        output: OutputKind::Record,
        paged: false,
        long: false,
        needs: &[],
        params: &[],
    }
}

static ECHO: Operation = operation("test.echo", Access::Read);
static FAIL: Operation = operation("test.fail", Access::Read);
static PANIC: Operation = operation("test.panic", Access::Read);
static WRITE: Operation = operation("test.write", Access::Write);

/// Says what it is told.
fn echo(_: &ServerCx, mut values: Values) -> futures::future::BoxFuture<'_, crate::call::Result<Output>> {
    Box::pin(async move {
        let text: Option<String> = values.take("text", "spec/echo.yaml:1:1")?;
        let said = text.unwrap_or_else(|| "nothing".to_owned());
        Ok(Output::Record(AnyRecord {
            facts: json!({"said": said}),
            heading: said,
            ..AnyRecord::default()
        }))
    })
}

/// Fails.
fn fail(_: &ServerCx, _: Values) -> futures::future::BoxFuture<'_, crate::call::Result<Output>> {
    Box::pin(async { Err(Error::not_found("no such thing").into()) })
}

/// A bug.
fn panics(_: &ServerCx, _: Values) -> futures::future::BoxFuture<'_, crate::call::Result<Output>> {
    Box::pin(async { panic!("a bug") })
}

pub(super) const fn step(
    id: &'static str,
    op: &'static Operation,
    bindings: &'static [Binding],
    invoke: Invoke,
) -> Step {
    Step {
        id,
        op,
        bindings,
        when: None,
        continue_on_error: false,
        cluster: None,
        needs: &[],
        invoke,
        at: "spec/test.yaml:1:1",
    }
}

pub(super) const fn bind(param: &'static str, source: Source) -> Binding {
    Binding {
        param,
        source,
        at: "spec/test.yaml:2:2",
    }
}

pub(super) const fn param(name: &'static str, required: bool) -> Param {
    Param {
        name,
        kind: ParamKind::String,
        description: "",
        required,
        default: None,
        choices: &[],
        minimum: None,
        maximum: None,
        complete: None,
    }
}

pub(super) const fn tool(
    name: &'static str,
    params: &'static [Param],
    steps: &'static [Step],
    template: Option<&'static str>,
) -> Tool {
    Tool {
        name,
        title: None,
        description: "A tool of the tests",
        toolset: "core",
        always_confirm: false,
        params,
        offer: &[],
        schema: r#"{"type":"object","properties":{},"additionalProperties":false}"#,
        steps,
        template,
        at: "spec/test.yaml:1:1",
        examples: &[],
        code: "",
    }
}

static SURFACE: Surface = Surface {
    package: "test",
    toolsets: &[Toolset {
        name: "core",
        description: "",
        default: true,
    }],
    tools: &[
        tool(
            "chain",
            &[param("text", true), param("extra", false)],
            &[
                step(
                    "first",
                    &ECHO,
                    &[bind("text", Source::Param("text"))],
                    Invoke::Server(echo),
                ),
                Step {
                    needs: &[0],
                    ..step(
                        "second",
                        &ECHO,
                        &[bind("text", Source::Step("first.said"))],
                        Invoke::Server(echo),
                    )
                },
                Step {
                    when: Some(Expression {
                        text: "params.extra == 'yes'",
                        at: "spec/test.yaml:3:3",
                    }),
                    ..step("third", &ECHO, &[], Invoke::Server(echo))
                },
                Step {
                    continue_on_error: true,
                    ..step("fourth", &FAIL, &[], Invoke::Server(fail))
                },
                Step {
                    needs: &[0],
                    ..step(
                        "fifth",
                        &ECHO,
                        &[bind("text", Source::Template("{{ steps.first.said | upper }}!"))],
                        Invoke::Server(echo),
                    )
                },
            ],
            Some("tools/chain.md.j2"),
        ),
        tool(
            "echo",
            &[param("text", false)],
            &[step(
                "",
                &ECHO,
                &[bind("text", Source::Param("text"))],
                Invoke::Server(echo),
            )],
            None,
        ),
        tool(
            "names",
            &[param("name", true), param("namespace", false)],
            &[step(
                "",
                &ECHO,
                &[bind("text", Source::Param("name"))],
                Invoke::Server(echo),
            )],
            None,
        ),
        tool("fails", &[], &[step("", &FAIL, &[], Invoke::Server(fail))], None),
        tool(
            "panics",
            &[],
            &[step("", &PANIC, &[], Invoke::Server(panics))],
            None,
        ),
        tool(
            "writes",
            &[],
            &[step("", &WRITE, &[], Invoke::Server(echo))],
            None,
        ),
    ],
    prompts: &[Prompt {
        name: "ask",
        title: None,
        description: "A prompt of the tests",
        params: &[param("text", true)],
        steps: &[step(
            "said",
            &ECHO,
            &[bind("text", Source::Param("text"))],
            Invoke::Server(echo),
        )],
        messages: &[Message {
            role: Role::User,
            template: "prompts/ask.md.j2",
        }],
        at: "spec/prompts/ask.yaml:1:1",
    }],
    resources: &[ResourceTemplate {
        name: "thing",
        title: None,
        description: "A resource of the tests",
        uri: "test://{name}",
        mime: "application/yaml",
        step: step(
            "",
            &ECHO,
            &[bind("text", Source::Uri("name"))],
            Invoke::Server(echo),
        ),
        complete: &[],
        subscribe: false,
        at: "spec/resources/thing.yaml:1:1",
    }],
    templates: &[
        Template {
            name: "prompts/ask.md.j2",
            source: "It said {{ steps.said.said }}.",
        },
        Template {
            name: "tools/chain.md.j2",
            source: "{{ steps.second.said }} {{ steps.third.ok }} {{ steps.fourth.error }} {{ steps.fifth.said }}",
        },
    ],
    operations: &[&ECHO, &FAIL, &PANIC, &WRITE],
    signatures: "{}",
};

pub(super) struct Silent;

impl Progress for Silent {
    fn report(&self, _: f64, _: Option<f64>, _: &str) {}
}

impl Codes for Silent {
    fn issue(&self, _: CodeBinding) -> String {
        "code".to_owned()
    }

    fn redeem(&self, _: &str, _: &CodeBinding) -> Result<(), CodeError> {
        Err(CodeError::Unknown)
    }
}

#[derive(Default)]
pub(super) struct Recorded(Mutex<Vec<AuditEntry>>);

impl Audit for Recorded {
    fn record(&self, entry: &AuditEntry) {
        self.0.lock().unwrap().push(entry.clone());
    }
}

fn engine(config: Config) -> (Engine, Arc<Recorded>) {
    let audit = Arc::new(Recorded::default());
    let clusters = Arc::new(crate::cluster::Clusters::of(Vec::new(), None, None));
    let engine = Engine::new(
        &[&SURFACE],
        Arc::new(config),
        clusters,
        Arc::new(Silent),
        Arc::clone(&audit) as Arc<dyn Audit>,
    );
    (engine.unwrap(), audit)
}

pub(super) fn context() -> Context {
    Context {
        caller: Caller {
            id: "test".to_owned(),
            client: "test".to_owned(),
        },
        consent: Consent::Code,
        agreed: None,
        cancel: CancellationToken::new(),
        progress: Arc::new(Silent),
    }
}

pub(super) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

async fn call(name: &str, arguments: Value) -> Answer {
    engine(Config::default())
        .0
        .call_tool(name, map(arguments), &context())
        .await
}

#[tokio::test]
async fn steps_see_each_other_and_what_is_absent_is_left_out() {
    let answer = call("chain", json!({"text": "hello"})).await;
    assert_eq!(answer.text.trim_end(), "hello False no such thing HELLO!");
    assert!(!answer.is_error);
}

#[tokio::test]
async fn a_condition_that_holds_runs_its_step() {
    let answer = call("chain", json!({"text": "hello", "extra": "yes"})).await;
    assert!(answer.text.starts_with("hello True "), "{}", answer.text);
}

#[tokio::test]
async fn a_failure_is_an_answer() {
    let answer = call("fails", json!({})).await;
    assert!(answer.is_error);
    assert!(answer.text.starts_with("error: no such thing"), "{}", answer.text);
}

#[tokio::test]
async fn a_bug_is_an_answer_too() {
    let answer = call("panics", json!({})).await;
    assert!(answer.is_error);
    assert!(answer.text.contains("a bug of this server"), "{}", answer.text);
}

#[tokio::test]
async fn every_call_is_audited() {
    let (engine, audit) = engine(Config::default());
    engine
        .call_tool("echo", map(json!({"text": "x"})), &context())
        .await;
    engine.call_tool("fails", Map::new(), &context()).await;
    let lines: Vec<_> = audit
        .0
        .lock()
        .unwrap()
        .iter()
        .map(|e| (e.tool.clone(), e.decision, e.result))
        .collect();
    assert_eq!(
        lines,
        [
            ("echo".to_owned(), "allowed", "ok"),
            ("fails".to_owned(), "allowed", "error")
        ]
    );
}

#[tokio::test]
async fn an_audit_line_names_the_object_as_it_was_understood() {
    let (engine, audit) = engine(Config::default());
    let arguments = json!({"podName": "web-0", "ns": "shop"});
    engine.call_tool("names", map(arguments), &context()).await;
    // A call that is not understood is told as it was given.
    let arguments = json!({"name": "web-0", "colour": "red"});
    engine.call_tool("names", map(arguments), &context()).await;
    let lines = audit.0.lock().unwrap();
    let about = |line: &AuditEntry| (line.namespace.clone(), line.name.clone(), line.cluster.clone());
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(about(&lines[0]), (text("shop"), text("web-0"), None));
    assert_eq!(about(&lines[1]), (None, text("web-0"), None));
    assert_eq!((lines[0].result, lines[1].result), ("ok", "error"));
}

#[tokio::test]
async fn read_only_mode_hides_and_refuses() {
    let mut config = Config::default();
    config.access.mode = crate::call::Mode::ReadOnly;
    let (engine, audit) = engine(config);
    assert!(engine.tools().iter().all(|listed| listed.tool.name != "writes"));
    let answer = engine.call_tool("writes", Map::new(), &context()).await;
    assert!(answer.is_error);
    assert!(answer.text.contains("read-only mode"), "{}", answer.text);
    assert_eq!(audit.0.lock().unwrap()[0].decision, "refused");
}

#[tokio::test]
async fn a_cluster_that_does_not_exist_is_always_an_error() {
    let (engine, _) = engine(Config::default());
    let answer = engine
        .call_tool("echo", map(json!({"cluster": "prod"})), &context())
        .await;
    assert!(answer.is_error, "{}", answer.text);
}

#[tokio::test]
async fn a_cancelled_call_stops() {
    let (engine, _) = engine(Config::default());
    let context = context();
    context.cancel.cancel();
    let answer = engine.call_tool("echo", Map::new(), &context).await;
    assert!(
        answer.is_error || answer.text.contains("nothing"),
        "{}",
        answer.text
    );
}

#[tokio::test]
async fn prompts_and_resources_arrive_with_data() {
    let (engine, _) = engine(Config::default());
    let prompt = engine
        .get_prompt("ask", map(json!({"text": "hello"})), &context())
        .await
        .unwrap();
    assert_eq!(prompt.messages[0].1.trim_end(), "It said hello.");
    let error = engine
        .get_prompt("ask", Map::new(), &context())
        .await
        .unwrap_err();
    assert_eq!(error.message, "ask needs text");
    let several = json!({"text": "hello", "cluster": "one,two"});
    let error = engine
        .get_prompt("ask", map(several), &context())
        .await
        .unwrap_err();
    assert!(
        error.message.contains("only tools read several clusters"),
        "{error}"
    );
    let read = engine.read_resource("test://world", &context()).await.unwrap();
    assert!(read.text.contains("said: world"), "{}", read.text);
    assert!(engine.read_resource("other://world", &context()).await.is_err());
}

#[test]
fn names_that_are_wrong_in_the_configuration_are_told_at_start() {
    let mut config = Config::default();
    config.server.toolsets = Some(vec!["cores".to_owned()]);
    let clusters = Arc::new(crate::cluster::Clusters::of(Vec::new(), None, None));
    let audit = Arc::new(Recorded::default());
    let made = Engine::new(
        &[&SURFACE],
        Arc::new(config),
        Arc::clone(&clusters),
        Arc::new(Silent),
        audit.clone(),
    );
    assert_eq!(
        made.err().unwrap().message,
        "server.toolsets: no toolset cores; did you mean core?"
    );
    let twice = Engine::new(
        &[&SURFACE, &SURFACE],
        Arc::default(),
        clusters,
        Arc::new(Silent),
        audit,
    );
    assert!(
        twice
            .err()
            .unwrap()
            .message
            .contains("declared by both test and test")
    );
}

#[test]
fn a_long_operation_takes_the_time_that_is_bound_to_it() {
    static LONG: Operation = Operation {
        long: true,
        ..operation("test.long", Access::Read)
    };
    const STEPS: &[Step] = &[
        step(
            "a",
            &LONG,
            &[bind("timeout", Source::Param("patience"))],
            Invoke::Server(echo),
        ),
        step(
            "b",
            &LONG,
            &[bind("follow", Source::Fixed("40"))],
            Invoke::Server(echo),
        ),
        step(
            "c",
            &ECHO,
            &[bind("timeout", Source::Fixed("500"))],
            Invoke::Server(echo),
        ),
    ];
    static WAIT: Tool = tool("wait", &[], STEPS, None);
    for (patience, seconds) in [
        (json!({}), 40),
        (json!({"patience": 90}), 90),
        (json!({"patience": 9000}), 600),
    ] {
        let values = patience.as_object().cloned().unwrap_or_default();
        assert_eq!(
            super::call::own_timeout(&WAIT, &values).as_secs(),
            seconds,
            "{patience}"
        );
    }
}
