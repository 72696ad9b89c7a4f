//! Entries for hostile input: one for each reader of what others write. The crate's own tests and the targets in
//! `fuzz/` call them with anything. They panic where a promise is broken; an error is an answer.

use std::{cell::LazyCell, sync::Arc};

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    Error,
    call::{Access, Cx, Duration, KindRef, Moment, Page, Stop, Text},
    cluster::{
        Clusters,
        testing::{Script, grant},
    },
    engine::{
        render::{NextResolver, Stage, View, tokens},
        templates::{Templates, to_jinja},
        uri,
    },
    operations::{events, pods, resources, selection::Selection},
    output::{
        Column, Next, Output, Redactor, Role, Row,
        filter::{FieldPath, RowFilter, Tree},
    },
};

/// What an answer may cost here.
const BUDGET: usize = 2_000;
/// Where bodies are read from.
const PODS: &str = "/api/v1/namespaces/shop/pods";

thread_local! {
    static RUNTIME: LazyCell<tokio::runtime::Runtime> = LazyCell::new(|| {
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
    });
    static OBJECT: LazyCell<Value> = LazyCell::new(|| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app.kubernetes.io/name": "web", "it's": "odd"}},
            "spec": {"replicas": 3, "nodeName": null, "containers": [
                {"name": "web", "image": "nginx:1", "env": [{"name": "A", "value": "b"}]},
                {"name": "side", "image": "envoy:2", "ports": [80, 443], "resources": {"limits": {"cpu": "100m"}}}]},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "": {"a": []}},
        })
    });
}

/// An expression of `where`, `sort` or `fields`.
pub fn filter(text: &str) {
    let columns = [
        Column::new("NAME", Role::Name),
        Column::new("READY", Role::Ready),
        Column::new("STATUS", Role::Status),
        Column::new("RESTARTS", Role::Number),
        Column::new("UP-TO-DATE", Role::Text),
        Column::new("AGE", Role::Age),
    ];
    let row = Row {
        cells: ["web", "2/3", "Running", "14 (2m ago)", "512Mi", "51m"]
            .map(str::to_owned)
            .to_vec(),
        status: "Running".to_owned(),
        ..Row::default()
    };
    OBJECT.with(|object| {
        for (filter, sort, fields) in [
            (Some(text), None, None),
            (None, Some(text), None),
            (None, None, Some(text)),
        ] {
            match RowFilter::parse(filter, sort, fields, &columns) {
                Err(error) => told(&error),
                Ok(read) => {
                    for object in [Some(&**object), None] {
                        read.keep(&row, object);
                        read.sort_value(&row, object);
                    }
                    let cells = read.project_row(&row, object).len();
                    assert!(!read.projects() || cells == read.columns().len(), "{cells} cells");
                    read.remarks(1, std::slice::from_ref(&row));
                }
            }
        }
        let Ok(paths) = FieldPath::parse_list(text) else {
            return;
        };
        let mut tree = Tree::default();
        for path in &paths {
            path.copy(object, &mut tree);
            path.cell(object);
        }
        tree.finish();
    });
}

/// A selector of labels or fields.
pub fn selector(text: &str) {
    for (labels, fields) in [(Some(text), None), (None, Some(text))] {
        let selection = match Selection::parse(labels, fields) {
            Ok(selection) => selection,
            Err(error) => {
                told(&error);
                continue;
            }
        };
        let is_blank = text
            .trim_matches(|c: char| c == ',' || c.is_whitespace())
            .is_empty();
        assert_eq!(selection.words().is_empty(), is_blank, "{selection:?}");
    }
}

/// A parameter that is written as a text: a kind, a duration, a moment.
pub fn parameter(text: &str) {
    // A kind is looked for among those that the cluster serves.
    if let Ok(kind) = KindRef::from_text(text) {
        let found = run(async {
            Script::new()
                .cluster()
                .resolve(&kind.0, grant(Access::Read))
                .await
        });
        if let Err(error) = found {
            told(&error);
        }
    }
    if let Ok(Duration(length)) = Duration::from_text(text) {
        assert_eq!(
            Duration::from_text(&format!("{}s", length.as_secs())).is_ok(),
            length.as_secs() < 600_000_000_000
        );
    }
    drop(Moment::from_text(text));
    // So is a cluster, among those that are configured.
    if let Err(error) = Clusters::of(Vec::new(), None, None).get(Some(text)) {
        told(&error);
    }
}

/// A line of a client.
pub fn message(bytes: &[u8]) {
    crate::server::read_line(bytes);
}

/// The URI of a resource.
pub fn resource_uri(text: &str) {
    const TEMPLATE: &str = "k8s://{cluster}/{namespace}/{kind}/{name}";
    if let Some(variables) = uri::matches(TEMPLATE, text) {
        assert!(
            variables
                .values()
                .all(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        );
    }
}

/// A text in which secrets may stand.
pub fn redaction(text: &str) {
    let redactor = Redactor::new(false);
    redactor.observe_secret(&json!({"kind": "Secret", "stringData": {"a": "aaaaaaaa", "b": text}}));
    let once = redactor.text(text).into_owned();
    assert_eq!(
        redactor.text(&once),
        once,
        "hiding what is hidden changes nothing"
    );
    assert!(
        text.trim_ascii().len() < 8 || !once.contains(text.trim_ascii()),
        "{once}"
    );
}

/// A text of a spec with `{{ }}` in it, a whole template, or a condition.
pub fn template(text: &str) {
    // The checks of a surface refuse what is longer than anybody writes: minijinja would exhaust the stack.
    if text.len() > 1_000 {
        return;
    }
    let templates = Templates::new(&[], None, Arc::from([]));
    OBJECT.with(|object| {
        let context = to_jinja(&json!({"params": {"name": "web"}, "steps": {"pod": **object}}));
        for error in [
            templates.text(text, "spec/a.yaml:1:1", &context).err(),
            templates.holds(text, "spec/a.yaml:1:1", &context).err(),
        ] {
            error.iter().for_each(told);
        }
    });
}

/// The body of an API server's answer: Tables, or objects where it knows no Tables.
pub fn list(bytes: &[u8]) {
    let script = answering(Script::new(), PODS, StatusCode::OK, bytes);
    let script = answering(script, "/api/v1/namespaces/shop/events", StatusCode::OK, bytes);
    let cx = script.cx(Access::Read);
    let filtered = Page {
        filter: Some("status!=x,.metadata.name!=x".to_owned()),
        sort: Some(".metadata.uid".to_owned()),
        fields: Some("name,.spec.containers[*].image,metadata".to_owned()),
        ..Page::default()
    };
    for page in [Page::default(), filtered] {
        shown(
            &cx,
            run(resources::list::list(&cx, pods(), shop(), None, None, page)),
        );
    }
    shown(
        &cx,
        run(pods::list::list(&cx, shop(), None, None, None, Page::default())),
    );
    shown(
        &cx,
        run(events::list(
            &cx,
            shop(),
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        )),
    );
}

/// The body of an API server's answer: one object.
pub fn object(bytes: &[u8]) {
    let script = answering(Script::new(), &format!("{PODS}/web"), StatusCode::OK, bytes);
    let cx = script.cx(Access::Read);
    shown(
        &cx,
        run(resources::get::get(&cx, pods(), "web".to_owned(), shop())),
    );
    shown(
        &cx,
        run(resources::owners::owners(&cx, pods(), "web".to_owned(), shop())),
    );
}

/// The body of an API server's answer: a failure.
pub fn failure(bytes: &[u8]) {
    for code in [
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::CONFLICT,
    ] {
        let cx = answering(Script::new(), PODS, code, bytes).cx(Access::Read);
        shown(
            &cx,
            run(resources::list::list(
                &cx,
                pods(),
                shop(),
                None,
                None,
                Page::default(),
            )),
        );
    }
}

/// The body of an API server's answer: which kinds it serves.
pub fn discovery(bytes: &[u8]) {
    let script = answering(Script::bare(), "/api", StatusCode::OK, bytes);
    let script = answering(script, "/apis", StatusCode::OK, bytes);
    for kind in ["po", "pods.v1.", "widgets.example.com"] {
        if let Err(error) = run(script.cluster().resolve(kind, grant(Access::Read))) {
            told(&error);
        }
    }
}

/// What a container wrote.
pub fn log(bytes: &[u8]) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"containers": [{"name": "web"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "web", "ready": true, "state": {"running": {}}}]},
    });
    let path = format!("{PODS}/web");
    let script = Script::new().on("GET", &path, pod).answer(
        "GET",
        &format!("{path}/log"),
        StatusCode::OK,
        Vec::new(),
        Bytes::copy_from_slice(bytes),
    );
    let cx = script.cx(Access::Read);
    let name = || Some("web".to_owned());
    for include in [None, Some("e".to_owned())] {
        let read = pods::logs::logs(
            &cx,
            None,
            name(),
            shop(),
            None,
            None,
            None,
            None,
            Some(50),
            include,
            None,
            None,
        );
        shown(&cx, run(read));
    }
}

fn pods() -> KindRef {
    KindRef("pods".to_owned())
}

#[expect(clippy::unnecessary_wraps, reason = "operations take it so")]
fn shop() -> Option<String> {
    Some("shop".to_owned())
}

fn answering(script: Script, path: &str, code: StatusCode, body: &[u8]) -> Script {
    script.answer("GET", path, code, Vec::new(), Bytes::copy_from_slice(body))
}

fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// An error has words, and no more of them than a reader can bear.
fn told(error: &Error) {
    assert!(!error.message.is_empty(), "an error without a word");
    fits(&stage().error(error, &Redactor::new(false)));
}

fn stage() -> Stage {
    Stage::new(BUDGET, Arc::new(Nothing))
}

fn fits(text: &str) {
    assert!(!text.is_empty(), "an answer without a word");
    assert!(
        tokens(text) <= BUDGET + BUDGET / 20,
        "{} tokens: {text}",
        tokens(text)
    );
    assert!(!text.contains(['\0', '\u{1b}']), "a control character: {text:?}");
}

/// Every view of an answer keeps to the budget.
fn shown<T: Into<Output>>(cx: &Cx, answer: Result<T, Stop>) {
    let (stage, redactor) = (stage(), cx.redactor());
    match answer {
        Ok(output) => {
            let output = output.into();
            for view in [None, Some(View::Yaml), Some(View::Json)] {
                fits(&stage.output(&output, view, None, redactor));
            }
        }
        Err(Stop::Error(error)) => fits(&stage.error(&error, redactor)),
        Err(Stop::Planned(planned)) => fits(&stage.planned(&planned, redactor)),
    }
}

/// Suggestions are not looked at here.
struct Nothing;

impl NextResolver for Nothing {
    fn call(&self, _: &Next) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests;
