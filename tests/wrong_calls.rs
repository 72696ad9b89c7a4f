//! Wrong calls and what becomes of them: the rows of `tests/wrong_calls.yaml` that need no cluster, and the marks of
//! those whose tool is not there yet.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{collections::BTreeSet, env, fs, path::Path, sync::Arc};

use kube_mcp_core::{
    call::{Audit, AuditEntry, Caller, Consent, Progress},
    cluster::Clusters,
    config::Config,
    engine::{Answer, Context, Engine},
    server::MemoryCodes,
};
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

#[path = "support/api_server.rs"]
#[expect(dead_code, reason = "the rest is for many calls at once")]
mod api_server;
#[path = "support/wrong_calls.rs"]
mod table;

use api_server::ApiServer;
use table::{Place, Row, call, rows};

/// What a correction may take in tokens of o200k.
const TOKENS: usize = 60;

struct Silent;

impl Progress for Silent {
    fn report(&self, _: f64, _: Option<f64>, _: &str) {}
}

impl Audit for Silent {
    fn record(&self, _: &AuditEntry) {}
}

/// The compiled surface over a cluster where nothing answers.
fn engine() -> Engine {
    engine_on(|kubeconfig| {
        let text = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "one",
            "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}}],
            "users": [{"name": "nobody", "user": {}}],
            "contexts": [{"name": "one", "context": {"cluster": "nowhere", "user": "nobody"}}],
        });
        fs::write(kubeconfig, text.to_string()).unwrap();
    })
}

/// The compiled surface over the cluster of a kubeconfig.
fn engine_on(write_kubeconfig: impl FnOnce(&Path)) -> Engine {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    write_kubeconfig(&kubeconfig);
    let mut config = Config::default();
    config.kubernetes.kubeconfig = vec![kubeconfig];
    config.server.toolsets = Some(vec!["all".to_owned()]);
    let clusters = Arc::new(Clusters::load(&config));
    let surfaces = [&kube_mcp::SURFACE];
    let codes = Arc::new(MemoryCodes::new());
    Engine::new(&surfaces, Arc::new(config), clusters, codes, Arc::new(Silent)).unwrap()
}

fn tools() -> BTreeSet<&'static str> {
    kube_mcp::SURFACE.tools.iter().map(|tool| tool.name).collect()
}

fn arguments(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

async fn ask(engine: &Engine, tool: &str, given: Map<String, Value>) -> Answer {
    let context = Context {
        caller: Caller {
            id: "test".to_owned(),
            client: "test".to_owned(),
        },
        consent: Consent::Code,
        agreed: None,
        cancel: CancellationToken::new(),
        progress: Arc::new(Silent),
    };
    engine.call_tool(tool, given, &context).await
}

/// Rows of tools that are there, with what is wrong with each.
fn failures(place: Place, mut check: impl FnMut(&Row) -> Result<(), String>) -> Vec<String> {
    let tools = tools();
    let rows = rows(&[]).unwrap();
    let ours = rows
        .iter()
        .filter(|row| row.on == place && row.missing(&tools).is_empty());
    ours.filter_map(|row| check(row).err()).collect()
}

#[test]
fn calls_are_made_as_they_were_meant() {
    let engine = engine();
    let failures = failures(Place::Engine, |row| {
        let Some(expected) = &row.call else { return Ok(()) };
        let (tool, given) = call(&row.given)?;
        let meaning = engine
            .meaning(tool, arguments(given))
            .map_err(|error| format!("{}\n  expected: {expected}\n  found:    {error}", row.given))?;
        let found = (meaning.tool, Value::Object(meaning.arguments.clone()));
        if found != call(expected)? {
            return Err(format!(
                "{}\n  expected: {expected}\n  found:    {} {}",
                row.given, found.0, found.1
            ));
        }
        // What is accepted is accepted in silence; another tool's call is told.
        let note = meaning.note.unwrap_or_default();
        let is_told = match &row.note {
            Some(part) => note.contains(part.as_str()),
            None => note.is_empty() || tool != meaning.tool,
        };
        if is_told {
            return Ok(());
        }
        Err(format!(
            "{}\n  expected: {:?}\n  found:    {note}",
            row.given, row.note
        ))
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn corrections_say_what_was_expected() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let o200k = tiktoken_rs::o200k_base().unwrap();
    let api = runtime.block_on(ApiServer::start(1, 1));
    let places = [
        (Place::Engine, engine()),
        (Place::Unmeasured, engine_on(|path| api.write_kubeconfig(path))),
    ];
    let check = |row: &Row, engine: &Engine| {
        if row.error.is_empty() {
            return Ok(());
        }
        let (tool, given) = call(&row.given)?;
        let answer = runtime.block_on(ask(engine, tool, arguments(given)));
        row.check_error(answer.is_error, &answer.text)?;
        match o200k.encode_ordinary(&answer.text).len() {
            tokens if tokens > TOKENS => Err(format!("{}: {tokens} tokens:\n{}", row.given, answer.text)),
            _ => Ok(()),
        }
    };
    for (place, engine) in &places {
        let failures = failures(*place, |row| check(row, engine));
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }
}

#[test]
fn rows_of_tools_that_are_not_there_are_marked() {
    let tools = tools();
    let mut wrong = Vec::new();
    for row in rows(&[]).unwrap() {
        let missing = row.missing(&tools);
        match &row.needs {
            Some(tool) if tools.contains(tool.as_str()) => {
                wrong.push(format!(
                    "{}: {tool} is there; take the line `needs: {tool}` out",
                    row.given
                ));
            }
            Some(tool) if !missing.contains(tool.as_str()) => {
                wrong.push(format!("{}: it does not need {tool}", row.given));
            }
            None if !missing.is_empty() => wrong.push(format!("{}: there is no {missing:?}", row.given)),
            _ => {}
        }
        let says = [!row.answer.is_empty(), !row.error.is_empty(), row.call.is_some()];
        if says.iter().filter(|says| **says).count() != 1 {
            wrong.push(format!("{}: expected one of call, error and answer", row.given));
        }
    }
    if env::var_os("UPDATE_EXPECT").is_some() {
        return take_marks_out(&tools);
    }
    assert!(
        wrong.is_empty(),
        "{}\nUPDATE_EXPECT=1 cargo test --test wrong_calls takes out the marks that have served",
        wrong.join("\n")
    );
}

/// Takes out the marks of tools that are there.
fn take_marks_out(tools: &BTreeSet<&str>) {
    let text = fs::read_to_string(table::path()).unwrap();
    let kept = text.lines().filter(|line| {
        let mark = line.strip_prefix("  needs: ");
        mark.is_none_or(|tool| !tools.contains(tool.trim()))
    });
    let text: String = kept.flat_map(|line| [line, "\n"]).collect();
    fs::write(table::path(), text).unwrap();
}
