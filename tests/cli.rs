//! The commands for people, run as a person runs them: no cluster and no configuration in sight.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use kube_mcp::SURFACE;
use kube_mcp_model::signature::{Catalog, Output};
use serde_json::Value;

struct Ran {
    status: Option<i32>,
    out: String,
    err: String,
}

fn run_in(folder: &Path, arguments: &[&str]) -> Ran {
    run_with(folder, arguments, &[])
}

fn run_with(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kube-mcp"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", home.path())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran {
        status: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

fn run(arguments: &[&str]) -> Ran {
    run_in(Path::new(env!("CARGO_MANIFEST_DIR")), arguments)
}

fn catalog() -> Catalog {
    serde_json::from_str(SURFACE.signatures).unwrap()
}

#[test]
fn the_scan_and_the_compiled_operations_agree() {
    let compiled: Vec<String> = SURFACE
        .operations
        .iter()
        .map(|operation| {
            let params: Vec<_> = operation
                .params
                .iter()
                .map(|param| (param.name, param.required))
                .collect();
            let (name, access, output) = (operation.name, operation.access, operation.output);
            format!(
                "{name} {access} {} {} {output:?} {params:?}",
                operation.paged, operation.long
            )
        })
        .collect();
    let scanned: Vec<String> = catalog()
        .operations
        .iter()
        .map(|operation| {
            let params: Vec<_> = operation
                .params
                .iter()
                .map(|param| (param.name.as_str(), !param.ty.optional))
                .collect();
            let output = match &operation.output {
                Output::Record(_) => "Record".to_owned(),
                other => format!("{other:?}"),
            };
            let access = format!("{:?}", operation.access).to_lowercase();
            format!(
                "{} {access} {} {} {output} {params:?}",
                operation.name, operation.paged, operation.long
            )
        })
        .collect();
    assert_eq!(compiled, scanned);
}

#[test]
fn no_operation_of_the_core_is_missed_by_the_scan() {
    fn declared(folder: &Path, names: &mut BTreeSet<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                declared(&path, names);
            } else if path.file_name().is_some_and(|name| name != "tests.rs") {
                let text = fs::read_to_string(&path).unwrap();
                let attributes = text
                    .split("\n#[operation(")
                    .skip(1)
                    .filter_map(|rest| rest.trim_start().strip_prefix('"'));
                names.extend(
                    attributes
                        .filter_map(|rest| rest.split('"').next())
                        .map(str::to_owned),
                );
            }
        }
    }
    let mut names = BTreeSet::new();
    declared(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("core/src"),
        &mut names,
    );
    let scanned: BTreeSet<String> = catalog()
        .operations
        .into_iter()
        .map(|operation| operation.name)
        .collect();
    assert_eq!(names, scanned);
}

/// A folder with one toolset, and where its tools go.
fn a_surface_of_mine() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let tools = folder.path().join("spec/tools/mine");
    fs::create_dir_all(&tools).unwrap();
    let toolsets = "spec: 1\ntoolsets:\n  - {name: mine, description: Ours}\n";
    fs::write(folder.path().join("spec/toolsets.yaml"), toolsets).unwrap();
    (folder, tools)
}

#[test]
fn a_new_tool_of_any_operation_lints_clean() {
    let (folder, tools) = a_surface_of_mine();
    let operations = catalog().operations;
    for operation in &operations {
        let new = run(&["new", "tool", &operation.name]);
        assert_eq!(new.status, Some(0), "{}", new.err);
        // Under a name that none of our tools has.
        let named = |line: &str| line.strip_prefix("name: ").map(|name| format!("name: my_{name}"));
        let spec: Vec<String> = new
            .out
            .lines()
            .map(|line| named(line).unwrap_or_else(|| line.to_owned()))
            .collect();
        let name = spec.iter().find_map(|line| line.strip_prefix("name: ")).unwrap();
        fs::write(tools.join(format!("{name}.yaml")), spec.join("\n")).unwrap();
    }
    let lint = run_in(folder.path(), &["lint"]);
    assert_eq!(
        lint.out,
        format!(
            "{} tools, 0 prompts, 0 resources: no mistakes\n",
            operations.len()
        ),
        "{}",
        lint.err
    );
}

#[test]
fn lint_tells_every_mistake_with_its_place() {
    let (folder, tools) = a_surface_of_mine();
    let spec = "spec: 1\nname: mine\ndescripton: Ours\ntitle: Ours\nop: resources.lst\n";
    fs::write(tools.join("mine.yaml"), spec).unwrap();
    // A tool of ours cannot be declared again in the same binary.
    let taken = SURFACE.tools[0].name;
    let spec = format!("spec: 1\nname: {taken}\ndescription: Ours\nop: namespaces.names\n");
    fs::write(tools.join(format!("{taken}.yaml")), spec).unwrap();
    for (from, argument) in [(folder.path().to_owned(), "."), (folder.path().join("spec"), ".")] {
        let lint = run_in(&from, &["lint", argument]);
        assert_eq!((lint.status, lint.out.as_str()), (Some(1), ""));
        for part in [
            "--> spec/tools/mine/mine.yaml:3:1",
            "did you mean `description`?",
            "--> spec/tools/mine/mine.yaml:5:5",
            "did you mean `resources.list`?",
            taken,
            "3 mistakes in .",
        ] {
            assert!(lint.err.contains(part), "{part} is not in\n{}", lint.err);
        }
    }
    let nothing = run(&["lint", "docs"]);
    assert_eq!(nothing.status, Some(1));
    assert!(nothing.err.contains("no specs in docs"), "{}", nothing.err);
}

#[test]
fn everything_that_is_listed_can_be_shown() {
    let tools = run(&["tools"]);
    let listed: Vec<&str> = tools
        .out
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(!listed.is_empty(), "{}", tools.err);
    for tool in listed {
        let shown = run(&["show", tool]);
        assert!(
            shown.out.contains("Input schema:") && shown.out.contains("fn "),
            "{}",
            shown.out
        );
    }
    for operation in SURFACE.operations {
        let described = run(&["operations", operation.name]);
        assert!(
            described.out.contains(operation.access.word()),
            "{}{}",
            described.out,
            described.err
        );
        for param in operation.params {
            assert!(described.out.contains(param.name), "{}", described.out);
        }
    }
    let schemas = run(&["schema"]);
    for name in schemas.out.lines() {
        let schema: Value = serde_json::from_str(&run(&["schema", name]).out).unwrap();
        assert!(schema["properties"].is_object(), "{name}");
    }
}

/// Editors read the committed schemas: they know the operations of this package. `UPDATE_EXPECT=1` rewrites them.
#[test]
fn the_committed_schemas_are_those_that_are_printed() {
    for name in run(&["schema"]).out.lines() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("spec/schema")
            .join(format!("{name}.json"));
        let printed = run(&["schema", name]).out;
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &printed).unwrap();
        }
        // Not `assert_eq!`: it would print both, and each is a thousand lines.
        assert!(
            fs::read_to_string(&path).unwrap() == printed,
            "spec/schema/{name}.json differs from what is printed; if that is meant: UPDATE_EXPECT=1 cargo test --test cli"
        );
    }
}

#[test]
fn doctor_without_a_cluster_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.yaml");
    fs::write(
        &file,
        "server:\n  toolsets: [cor]\n  templates: nowhere\n  budgt: 1\n  transport: http\nhttp: {token_file: none}\n",
    )
    .unwrap();
    let ran = run(&["doctor", "--output", "json", "--config", file.to_str().unwrap()]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let failed: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["level"] == "fail")
        .map(|finding| {
            format!(
                "{} {} -> {}",
                finding["check"], finding["finding"], finding["next"]
            )
        })
        .collect();
    let told = [
        ("configuration", "config.yaml:4:3: no key"),
        ("tools", "did you mean core?"),
        ("templates", "cannot read"),
        ("kubeconfig", "--kubeconfig FILE"),
        ("http", "none: cannot be read"),
    ];
    assert_eq!(failed.len(), told.len(), "{failed:?}");
    for (finding, (check, words)) in failed.iter().zip(told) {
        assert!(finding.contains(check) && finding.contains(words), "{finding}");
    }
    assert!(run(&["doctor"]).out.ends_with("1 failed, 0 warnings\n"));
}

/// `UPDATE_EXPECT=1` rewrites them.
#[test]
fn the_committed_reference_is_what_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let written = run(&["reference", folder.path().to_str().unwrap()]);
    assert_eq!(written.status, Some(0), "{}", written.err);
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference");
    let pages = |folder: &Path| -> BTreeSet<_> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    for name in pages(folder.path()) {
        let page = fs::read_to_string(folder.path().join(&name)).unwrap();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(committed.join(&name), &page).unwrap();
        }
        assert!(
            fs::read_to_string(committed.join(&name)).is_ok_and(|known| known == page),
            "docs/reference/{} is not current; `cargo run -- reference docs/reference` rewrites it",
            name.display()
        );
    }
    assert_eq!(pages(folder.path()), pages(&committed));
}

#[test]
fn completions_know_every_command_and_the_names_of_this_binary() {
    let help = run(&["help"]).out;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(commands.contains(&"completions"), "{help}");
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completions", shell]).out;
        for name in commands
            .iter()
            .copied()
            .chain(SURFACE.tools.iter().map(|tool| tool.name))
        {
            assert!(script.contains(name), "{shell}: {name} is missing");
        }
    }
}

#[test]
fn bash_completes_tools_their_arguments_and_values() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kube-mcp.bash");
    fs::write(&file, run(&["completions", "bash"]).out).unwrap();
    // What bash offers for a line, in which it takes `key`, `=` and what follows for words, as before and after `:`.
    let asking = r#"
        source "$0" && COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$(($# - 2)) COMP_WORDS=("${@:2}")
        _kube__mcp_or_arguments kube-mcp "${@: -1}" "${@: -2:1}" 2>&1
        echo "${COMPREPLY[@]}""#;
    let offers = |line: &str| {
        let words = line.replace('=', " = ").replace(':', " : ");
        let program = Path::new(env!("CARGO_BIN_EXE_kube-mcp")).parent().unwrap();
        let bash = Command::new("bash")
            .env("PATH", format!("{}:/usr/bin:/bin", program.display()))
            .env("KUBECONFIG", folder.path().join("none"))
            .args(["-c", asking])
            .arg(&file)
            .arg(line)
            .args(words.split(' '))
            .output();
        bash.ok().map(|bash| {
            assert_eq!(String::from_utf8_lossy(&bash.stderr), "");
            String::from_utf8_lossy(&bash.stdout).trim().to_owned()
        })
    };
    if offers("kube-mcp").is_none() {
        return;
    }
    let mut tools: Vec<&str> = SURFACE.tools.iter().map(|tool| tool.name).collect();
    tools.retain(|name| name.starts_with("pods_"));
    for (line, offered) in [
        ("kube-mcp call pods_", tools.join(" ").as_str()),
        (
            "kube-mcp --mode full call resources_list f",
            "field_selector= fields=",
        ),
        ("kube-mcp call resources_list fields=a fi", "field_selector="),
        ("kube-mcp call resources_list output=", "json table yaml"),
        ("kube-mcp render pod_troubleshooting n", "namespace= name="),
        // There is no cluster to ask.
        ("kube-mcp call resources_list kind=", ""),
        ("kube-mcp compl", "completions"),
    ] {
        assert_eq!(offers(line).unwrap(), offered, "{line}");
    }
    if cfg!(feature = "demo") {
        let line = "kube-mcp --demo call resources_get kind=ClusterRole name=system:node-p";
        assert_eq!(offers(line).unwrap(), "node-problem-detector node-proxier");
    }
}

#[test]
fn what_is_not_there_is_answered_with_what_is_nearest() {
    for (arguments, told) in [
        (
            &["operations", "resources.lst"][..],
            "did you mean `resources.list`?",
        ),
        (
            &["new", "tool", "resources.lst"],
            "did you mean `resources.list`?",
        ),
        (&["schema", "tol"], "did you mean `tool`?"),
        (
            &["call", SURFACE.tools[0].name, "shop"],
            "`shop`: expected key=value",
        ),
    ] {
        let ran = run(arguments);
        assert_eq!(ran.status, Some(1), "{arguments:?}");
        assert!(ran.err.contains(told), "{}", ran.err);
    }
    assert_eq!(run(&["tools", "--mode", "careful"]).status, Some(2));
}

#[test]
fn a_call_without_a_cluster_says_what_to_do() {
    let read = SURFACE
        .tools
        .iter()
        .find(|tool| tool.params.iter().all(|param| !param.required));
    let call = run(&["call", read.unwrap().name]);
    assert_eq!(call.status, Some(1), "{}", call.out);
    assert!(call.out.contains("--kubeconfig FILE"), "{}", call.out);
}

#[test]
fn what_http_cannot_do_is_told_before_it_serves() {
    for (arguments, variable, told) in [
        (
            &["--transport", "http", "--listen", "0.0.0.0:8080"][..],
            ("X", ""),
            "http.listen 0.0.0.0:8080: expected a loopback address",
        ),
        (
            &["--listen", "127.0.0.1:0"],
            ("X", ""),
            "--listen, --stateless and --no-auth go with --transport http",
        ),
        (
            &["--transport", "http"],
            ("KUBE_MCP_HTTP_TOKEN", "too-short"),
            "http.token: expected 16 or more visible ASCII characters",
        ),
        (
            &["--transport", "http"],
            ("KUBE_MCP_HTTP_TOKEN_FILE", "/nonexistent/token"),
            "http.token_file /nonexistent/token: cannot be read",
        ),
    ] {
        let arguments: Vec<&str> = ["serve"].into_iter().chain(arguments.iter().copied()).collect();
        let ran = run_with(
            Path::new("/"),
            &arguments,
            &[variable, ("KUBE_MCP_HTTP_LISTEN", "127.0.0.1:0")],
        );
        assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{}", ran.err);
        assert!(
            ran.err.contains(told) && !ran.err.contains("too-short"),
            "{}",
            ran.err
        );
    }
}
