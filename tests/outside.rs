//! A team's package in a workspace of its own: it builds, serves our tools and its own, and its author's mistakes
//! come with their places.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder with the binaries of this very build. Sharing it saves compiling the dependencies once more.
fn binaries() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_kube-mcp")).parent().unwrap()
}

fn build(package: &Path) -> Output {
    let mut cargo = Command::new(env!("CARGO"));
    // Not `--locked`: where our own dependencies changed, the package's lock file follows, to be committed with them.
    cargo
        .args(["build", "--offline", "--quiet", "--color", "never"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", binaries().parent().unwrap());
    if binaries().ends_with("release") {
        cargo.arg("--release");
    }
    cargo.output().unwrap()
}

/// Runs a binary where no cluster and no configuration is in sight.
fn run(binary: &str, folder: &Path, arguments: &[&str]) -> (bool, String, String) {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(binaries().join(binary))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

/// The first word of each line.
fn names(lines: &str) -> Vec<&str> {
    lines
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

#[test]
fn a_teams_package_serves_our_tools_and_its_own() {
    let package = root().join("tests/outside");
    let built = build(&package);
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );

    let (_, ours, _) = run("kube-mcp", root(), &["tools"]);
    let (_, all, _) = run("acme-kube-mcp", &package, &["tools"]);
    let mut expected = names(&ours);
    expected.extend(["acme_config_maps", "acme_purge", "acme_teams"]);
    expected.sort_unstable();
    assert_eq!(names(&all), expected);

    let (_, operations, _) = run("acme-kube-mcp", &package, &["operations"]);
    let (_, core, _) = run("kube-mcp", root(), &["operations"]);
    let added: Vec<&str> = names(&operations)
        .into_iter()
        .filter(|name| !names(&core).contains(name))
        .collect();
    assert_eq!(added, ["acme.purge", "acme.teams"]);

    let (clean, said, told) = run("acme-kube-mcp", &package, &["lint"]);
    assert!(clean, "{told}");
    assert_eq!(said, "3 tools, 2 prompts, 0 resources: no mistakes\n");

    // Most of the tools have other names than at the build.
    let changed = tempfile::tempdir().unwrap();
    copy(&package.join("spec"), &changed.path().join("spec"));
    copy(&package.join("templates"), &changed.path().join("templates"));
    let tools = changed.path().join("spec/tools/acme");
    for (old, new) in [("acme_purge", "acme_tidy"), ("acme_teams", "acme_owners")] {
        fs::rename(
            tools.join(format!("{old}.yaml")),
            tools.join(format!("{new}.yaml")),
        )
        .unwrap();
        edit(
            &tools.join(format!("{new}.yaml")),
            &format!("name: {old}"),
            &format!("name: {new}"),
        );
    }
    let (clean, _, told) = run("acme-kube-mcp", changed.path(), &["lint"]);
    assert!(clean, "{told}");

    let (_, shown, _) = run("acme-kube-mcp", &package, &["show", "acme_purge"]);
    for part in [
        "access    destructive",
        "use crate::operations::config_maps::purge;",
        "added     cluster (if",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }

    let (_, script, _) = run("acme-kube-mcp", &package, &["completions", "bash"]);
    assert!(script.contains(" acme_purge ") && script.ends_with("default acme-kube-mcp\nfi\n"));
    let pages = tempfile::tempdir().unwrap();
    run(
        "acme-kube-mcp",
        &package,
        &["reference", pages.path().to_str().unwrap()],
    );
    for (page, part) in [
        ("tools.md", "### acme_purge"),
        ("tools.md", "### pods_list"),
        ("operations.md", "needs `list configmaps`, `delete configmaps`"),
        ("prompts.md", "## acme_handover"),
    ] {
        let text = fs::read_to_string(pages.path().join(page)).unwrap();
        assert!(text.contains(part), "{part} is not in {page}:\n{text}");
    }
}

#[test]
fn a_change_of_a_team_is_no_less_guarded_than_ours() {
    let package = root().join("tests/outside");
    let built = build(&package);
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    let (_, listed, _) = run("acme-kube-mcp", &package, &["tools", "--mode", "read-only"]);
    assert!(!names(&listed).contains(&"acme_purge"), "{listed}");
    assert!(names(&listed).contains(&"acme_teams"), "{listed}");
}

#[test]
fn mistakes_of_specs_and_operations_are_compile_errors_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("broken");
    copy(&root().join("tests/outside"), &package);
    // The package is another one, so that the good one is not built over.
    edit(&package.join("Cargo.toml"), "acme-kube-mcp", "broken-kube-mcp");
    edit(&package.join("Cargo.lock"), "acme-kube-mcp", "broken-kube-mcp");
    edit(&package.join("src/main.rs"), "acme_kube_mcp", "broken_kube_mcp");
    edit(
        &package.join("Cargo.toml"),
        "\"../..",
        &format!("\"{}", root().display()),
    );
    edit(
        &package.join("spec/tools/acme/acme_purge.yaml"),
        "op: acme.purge",
        "op: acme.prge",
    );
    edit(
        &package.join("spec/tools/acme/acme_teams.yaml"),
        "description",
        "descripton",
    );
    edit(
        &package.join("src/operations/teams.rs"),
        "team: Option<String>",
        "team: Option<&str>",
    );

    let built = build(&package);
    let told = String::from_utf8_lossy(&built.stderr);
    assert!(!built.status.success());
    for part in [
        "unknown operation `acme.prge`",
        "--> spec/tools/acme/acme_purge.yaml:8:5",
        "did you mean `acme.purge`?",
        "a tool has no key `descripton`",
        "--> spec/tools/acme/acme_teams.yaml:4:1",
        "an operation cannot take `Option<&str>`",
        "--> src/operations/teams.rs:31:11",
    ] {
        assert!(told.contains(part), "{part} is not in\n{told}");
    }
    for follows in ["SURFACE", "unknown operation `acme.teams`", "error: error"] {
        assert!(!told.contains(follows), "{follows} is in\n{told}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if path.is_dir() && name != "target" {
            copy(&path, &to.join(name));
        } else if path.is_file() {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

fn edit(file: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(old), "{}: {old}", file.display());
    fs::write(file, text.replace(old, new)).unwrap();
}
