//! Generated code of representative specs, compared with files that people can read in a review. The core's test
//! `generated` compiles and calls the same files.
//!
//! `UPDATE_EXPECT=1 cargo test -p kube-mcp-model --features codegen --test golden` rewrites them.
#![cfg(feature = "codegen")]

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use kube_mcp_model::{
    codegen,
    ir::{
        Binding, Message, Package, Param, ParamKind, Placed, Prompt, Resource, Source, Step, Template, Tool,
        Toolset,
    },
    scan::Folders,
    signature::Catalog,
};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn catalog() -> Catalog {
    let mut folders = Folders::default();
    folders
        .read(
            &folder().join("operations.rs"),
            "crate::operations",
            "src/operations.rs",
        )
        .expect("the operations are there");
    let scanned = folders.finish(&Catalog::default());
    assert_eq!(scanned.mistakes, []);
    scanned.catalog
}

fn step(id: &str, op: &str, at: &str, bindings: Vec<Binding>) -> Step {
    Step {
        id: id.to_owned(),
        op: op.to_owned(),
        bindings,
        when: None,
        continue_on_error: false,
        cluster: None,
        needs: Vec::new(),
        at: at.to_owned(),
    }
}

fn binding(param: &str, source: Source, at: &str) -> Binding {
    Binding {
        param: param.to_owned(),
        source,
        at: at.to_owned(),
    }
}

fn from_param(name: &str) -> Source {
    Source::Param(name.to_owned())
}

fn fixed(value: impl Into<Value>) -> Source {
    Source::Fixed(value.into())
}

fn param(name: &str, kind: ParamKind, at: &str) -> Param {
    Param {
        name: name.to_owned(),
        kind,
        description: String::new(),
        required: false,
        default: None,
        choices: Vec::new(),
        minimum: None,
        maximum: None,
        complete: None,
        at: at.to_owned(),
    }
}

fn tool(name: &str, at: &str, params: Vec<Param>, steps: Vec<Step>) -> Tool {
    Tool {
        name: name.to_owned(),
        title: None,
        description: format!("What `{name}` does."),
        toolset: "core".to_owned(),
        always_confirm: false,
        params,
        offer: Vec::new(),
        schema: json!({"type": "object", "additionalProperties": false}),
        steps,
        template: None,
        examples: Vec::new(),
        at: at.to_owned(),
    }
}

/// A list of one kind: a fixed value, a renamed parameter, one left out, the page's limit.
fn daemonsets_list() -> Tool {
    let file = |place: &str| format!("spec/tools/core/daemonsets_list.yaml:{place}");
    let complete = step(
        "",
        "resources.list",
        &file("6:40"),
        vec![binding("kind", fixed("Namespace"), &file("6:55"))],
    );
    let namespace = Param {
        complete: Some(complete),
        description: "All if left out".to_owned(),
        ..param("namespace", ParamKind::String, &file("6:3"))
    };
    let limit = Param {
        default: Some(json!(100)),
        minimum: Some(1.0),
        maximum: Some(1000.0),
        ..param("limit", ParamKind::Integer, &file("8:3"))
    };
    let params = vec![
        namespace,
        param("selector", ParamKind::String, &file("7:3")),
        limit,
    ];
    let bindings = vec![
        binding("kind", fixed("DaemonSet"), &file("11:3")),
        binding("namespace", from_param("namespace"), &file("6:3")),
        binding("label_selector", from_param("selector"), &file("12:3")),
        binding("limit", from_param("limit"), &file("8:3")),
    ];
    Tool {
        title: Some("List daemon sets".to_owned()),
        offer: vec!["where".to_owned(), "sort".to_owned()],
        ..tool(
            "daemonsets_list",
            &file("2:7"),
            params,
            vec![step("", "resources.list", &file("9:5"), bindings)],
        )
    }
}

/// Steps, with keywords for names: conditions, references, another cluster, a template.
fn diagnose() -> Tool {
    let file = |place: &str| format!("spec/tools/core/diagnose.yaml:{place}");
    let name = Param {
        required: true,
        choices: vec!["web".to_owned(), "db".to_owned()],
        ..param("name", ParamKind::String, &file("5:3"))
    };
    let get = step(
        "self",
        "resources.get",
        &file("9:12"),
        vec![
            binding("kind", fixed("Pod"), &file("9:30")),
            binding(
                "name",
                Source::Template("{{ params.name }}-\"0\"".to_owned()),
                &file("9:44"),
            ),
        ],
    );
    let logs = Step {
        when: Some(Placed {
            text: "steps.self.ok".to_owned(),
            at: file("10:20"),
        }),
        continue_on_error: true,
        cluster: Some(from_param("where")),
        needs: vec![0],
        ..step(
            "logs",
            "pods.logs",
            &file("10:5"),
            vec![
                binding(
                    "name",
                    Source::Step("self.metadata.name".to_owned()),
                    &file("11:5"),
                ),
                binding("containers", fixed(json!(["app", "sidecar"])), &file("12:5")),
                binding("instance", fixed("last-terminated"), &file("13:5")),
            ],
        )
    };
    Tool {
        template: Some("tools/diagnose.md.j2".to_owned()),
        ..tool(
            "diagnose",
            &file("2:7"),
            vec![name, param("where", ParamKind::String, &file("6:3"))],
            vec![get, logs],
        )
    }
}

/// A tool whose name is a keyword, of an operation of the server itself.
fn current() -> Tool {
    let at = "spec/tools/core/crate.yaml:2:7";
    tool(
        "crate",
        at,
        Vec::new(),
        vec![step(
            "",
            "clusters.current",
            "spec/tools/core/crate.yaml:4:5",
            Vec::new(),
        )],
    )
}

/// A change that always asks.
fn delete() -> Tool {
    let file = |place: &str| format!("spec/tools/core/pods_delete.yaml:{place}");
    let names = Param {
        required: true,
        ..param("names", ParamKind::Strings, &file("5:3"))
    };
    let bindings = vec![
        binding("kind", fixed("Pod"), &file("7:3")),
        binding("names", from_param("names"), &file("5:3")),
        binding("force", fixed(false), &file("8:3")),
    ];
    Tool {
        always_confirm: true,
        ..tool(
            "pods_delete",
            &file("2:7"),
            vec![names],
            vec![step("", "resources.delete", &file("6:5"), bindings)],
        )
    }
}

fn package() -> Package {
    let get = |name: Source, at: &str| {
        step(
            "",
            "resources.get",
            at,
            vec![
                binding("kind", fixed("Pod"), at),
                binding("name", name, at),
                binding("namespace", Source::Uri("namespace".to_owned()), at),
            ],
        )
    };
    let complete = step(
        "",
        "resources.list",
        "spec/resources/pod.yaml:9:10",
        vec![binding("kind", fixed("Pod"), "spec/resources/pod.yaml:9:30")],
    );
    Package {
        toolsets: vec![Toolset {
            name: "core".to_owned(),
            description: "What everyone needs".to_owned(),
            default: true,
        }],
        tools: vec![current(), daemonsets_list(), diagnose(), delete()],
        prompts: vec![Prompt {
            name: "investigate".to_owned(),
            title: Some("Investigate".to_owned()),
            description: "Looks into a \"pod\".".to_owned(),
            params: vec![param(
                "pod",
                ParamKind::String,
                "spec/prompts/investigate.yaml:5:3",
            )],
            steps: vec![step(
                "pods",
                "resources.list",
                "spec/prompts/investigate.yaml:7:5",
                vec![binding(
                    "kind",
                    fixed("Pod"),
                    "spec/prompts/investigate.yaml:7:20",
                )],
            )],
            messages: vec![
                Message {
                    role: "user".to_owned(),
                    template: "prompts/investigate.md.j2".to_owned(),
                },
                Message {
                    role: "assistant".to_owned(),
                    template: "prompts/begin.md.j2".to_owned(),
                },
            ],
            at: "spec/prompts/investigate.yaml:2:7".to_owned(),
        }],
        resources: vec![Resource {
            name: "pod".to_owned(),
            title: None,
            description: "A pod.".to_owned(),
            uri: "k8s://{namespace}/pods/{name}".to_owned(),
            mime: "application/yaml".to_owned(),
            step: get(Source::Uri("name".to_owned()), "spec/resources/pod.yaml:6:5"),
            complete: vec![("name".to_owned(), complete)],
            subscribe: true,
            at: "spec/resources/pod.yaml:2:7".to_owned(),
        }],
        templates: vec![Template {
            name: "prompts/investigate.md.j2".to_owned(),
            source: "# \"Look\"\n\n{{ steps.pods }}\n".to_owned(),
        }],
    }
}

#[test]
fn generated_code_reads_as_it_did() {
    let files = codegen::surface("golden", &package(), &catalog()).unwrap();
    let update = env::var_os("UPDATE_EXPECT").is_some();
    if update {
        let _ = fs::remove_dir_all(folder().join("surface"));
        fs::create_dir_all(folder().join("surface")).unwrap();
    }
    let mut differing = BTreeSet::new();
    for (name, text) in &files {
        let file = folder().join(name);
        if update {
            fs::write(&file, text).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != *text {
            differing.insert(name);
        }
    }
    for entry in fs::read_dir(folder().join("surface")).unwrap() {
        let name = format!("surface/{}", entry.unwrap().file_name().display());
        assert!(files.contains_key(&name), "{name} is generated no more");
    }
    assert!(
        differing.is_empty(),
        "{differing:?} changed; UPDATE_EXPECT=1 rewrites them"
    );
}

#[test]
fn an_operation_that_does_not_exist_is_told_and_not_written() {
    let mut package = package();
    package.tools[0].steps[0].op = "clusters.none".to_owned();
    let unknown = codegen::surface("golden", &package, &catalog()).unwrap_err();
    assert_eq!(unknown.op, "clusters.none");
}
