//! The served surface as a client sees it: tools, prompts, resources and instructions, in files that a review reads.
//!
//! `UPDATE_EXPECT=1 cargo test --test surface` rewrites `tests/snapshots`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{env, fs, path::PathBuf, process::Command};

use serde_json::{Value, json};

#[expect(
    dead_code,
    reason = "the operations' suite and the benchmarks use the rest of it"
)]
#[path = "support/mcp.rs"]
mod mcp;

use mcp::Server;

/// What the whole answer to `tools/list` may take in tokens of o200k, with two clusters; once the tools that change
/// things are there, 4,000.
const TOKENS: usize = 2_200;

/// A server that has these contexts and can reach none of them: listing needs no cluster.
fn server(contexts: &[&str], flags: &[&str]) -> (Server, Value) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let context = |name: &&str| json!({"name": name, "context": {"cluster": "nowhere", "user": "nobody"}});
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": contexts.first(),
        "clusters": [{"name": "nowhere", "cluster": {"server": "https://127.0.0.1:9"}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": contexts.iter().map(context).collect::<Vec<_>>(),
    });
    fs::write(&file, config.to_string()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kube-mcp"));
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KUBE_MCP_")) {
        command.env_remove(name);
    }
    command
        .args(flags)
        .env("KUBECONFIG", &file)
        .env("XDG_CONFIG_HOME", folder.path());
    let connected = Server::connect(command).unwrap();
    // The kubeconfig is read at start; the folder may go.
    connected
}

/// Compares with a file of `tests/snapshots`, or rewrites it.
fn snapshot(name: &str, text: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/snapshots")
        .join(name);
    let text = format!("{}\n", text.trim_end());
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == text {
        return;
    }
    let first = expected
        .lines()
        .zip(text.lines())
        .position(|(a, b)| a != b)
        .unwrap_or_default();
    panic!(
        "tests/snapshots/{name} differs from line {} on:\n  expected: {}\n  found:    {}\nif that is meant: UPDATE_EXPECT=1 cargo test --test surface",
        first + 1,
        expected.lines().nth(first).unwrap_or("(nothing)"),
        text.lines().nth(first).unwrap_or("(nothing)"),
    );
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn tokens(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

fn tools(server: &mut Server) -> Vec<Value> {
    let result = server.request("tools/list", json!({})).unwrap();
    result["tools"].as_array().unwrap().clone()
}

#[test]
fn tools_prompts_and_resources() {
    let (mut server, hello) = server(&["one"], &[]);
    let tools = server.request("tools/list", json!({})).unwrap();
    snapshot("tools.json", &pretty(&tools));
    snapshot(
        "prompts.json",
        &pretty(&server.request("prompts/list", json!({})).unwrap()),
    );
    snapshot(
        "resources.json",
        &pretty(&server.request("resources/templates/list", json!({})).unwrap()),
    );
    let instructions = hello["instructions"].as_str().unwrap_or_default();
    snapshot("instructions.txt", instructions);
}

#[test]
fn instructions_say_how_several_clusters_are_named() {
    let of = |contexts: &[&str]| {
        let (_, hello) = server(contexts, &[]);
        hello["instructions"].as_str().unwrap_or_default().to_owned()
    };
    let several = of(&["one", "two"]);
    assert!(several.contains("(a,b or *)"), "{several}");
    assert!(!of(&["one"]).contains("a,b"));
    let spent = tokens(&several);
    assert!(spent <= 200, "the instructions take {spent} tokens");
}

#[test]
fn tools_in_read_only_mode() {
    let (mut server, _) = server(&["one"], &["--mode", "read-only"]);
    let tools = tools(&mut server);
    let names: Vec<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    snapshot("tools.read-only.txt", &names.join("\n"));
    assert_eq!(names, READS);
    for tool in &tools {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{}", tool["name"]);
    }
}

/// The reads of the toolsets that are on by default.
const READS: [&str; 14] = [
    "access_check",
    "clusters_list",
    "events_list",
    "kinds_explain",
    "kinds_list",
    "metrics_top",
    "pods_list",
    "pods_logs",
    "resources_describe",
    "resources_get",
    "resources_list",
    "resources_wait",
    "workloads_history",
    "workloads_list",
];

#[test]
fn tools_are_within_their_tokens() {
    let count = |contexts: &[&str]| {
        let (mut server, _) = server(contexts, &[]);
        let result = server.request("tools/list", json!({})).unwrap();
        (
            tokens(&result.to_string()),
            result["tools"].as_array().map_or(0, Vec::len),
        )
    };
    let (one, tools) = count(&["one"]);
    let (two, _) = count(&["one", "two"]);
    snapshot(
        "tokens.txt",
        &format!("{tools} tools\none cluster: {one} tokens\ntwo clusters: {two} tokens"),
    );
    assert!(two <= TOKENS, "tools/list takes {two} tokens with two clusters");
}

/// What schemas may be made of so that every client and every model's own dialect takes them.
#[test]
fn input_schemas_are_portable() {
    let (mut server, _) = server(&["one", "two"], &[]);
    for tool in tools(&mut server) {
        let (name, schema) = (&tool["name"], &tool["inputSchema"]);
        jsonschema::validator_for(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
        portable(&name.to_string(), schema);
        assert!(tool["title"].is_string(), "{name} has no title");
        assert!(
            tool["outputSchema"].is_null(),
            "{name}: nothing reads an output schema"
        );
    }
}

fn portable(place: &str, schema: &Value) {
    for key in schema.as_object().unwrap().keys() {
        let known = [
            "type",
            "properties",
            "required",
            "additionalProperties",
            "description",
            "items",
            "enum",
            "default",
            "minimum",
            "maximum",
        ];
        assert!(
            known.contains(&key.as_str()),
            "{place}: `{key}` is not understood everywhere"
        );
    }
    match schema["type"].as_str() {
        Some("object") => {
            assert_eq!(schema["additionalProperties"], false, "{place} is not closed");
            let properties = schema["properties"].as_object();
            for (name, property) in properties.unwrap_or_else(|| panic!("{place} has no properties")) {
                portable(&format!("{place}.{name}"), property);
            }
        }
        Some("array") => portable(&format!("{place}[]"), &schema["items"]),
        Some("string" | "integer" | "number" | "boolean") => {}
        other => panic!("{place} has the type {other:?}"),
    }
}

#[test]
fn lists_come_in_the_same_order_each_time() {
    let (mut server, _) = server(&["one"], &[]);
    let names: Vec<Value> = tools(&mut server)
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert!(
        names.is_sorted_by_key(|name| name.to_string()),
        "not sorted: {names:?}"
    );
    let again: Vec<Value> = tools(&mut server)
        .iter()
        .map(|tool| tool["name"].clone())
        .collect();
    assert_eq!(names, again);
}
