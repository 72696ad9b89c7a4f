//! The invariants of ARCHITECTURE.md that a test can hold.
//!
//! Sources are read as the compiler's lexer sees them, so that comments do not count and texts are told from
//! names. Unit tests are left out where an invariant is about the product.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The modules of the core from the top down: each may name those after it. The program's `cli` is above all of
/// them, in a package of its own.
const ORDER: &[&[&str]] = &[
    &["fuzzing"],
    &["server"],
    &["engine"],
    &["operations"],
    &["monitoring"],
    &["call"],
    &["output", "cluster"],
    &["error"],
];

/// Modules that all may name: settings and "did you mean", which hold no logic of a layer.
const READ_BY_ALL: &[&str] = &["config", "nearest"];

/// What is named from below all the same, each with its reason. A new line here is a decision.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("error", "output::Next", "an error says what to call instead"),
    ("cluster", "call::Access", "a client knows how far it may go"),
    ("cluster", "call::Mode", "the guard holds the access mode"),
    (
        "cluster",
        "output::remember_credential",
        "what the server connects with is hidden in every answer",
    ),
    ("config", "call::Mode", "the access mode is a setting"),
    (
        "config",
        "call::Duration",
        "a duration is written the same way everywhere",
    ),
    ("config", "call::Text", "how a duration reads from a text"),
];

/// No source is longer than this many lines.
const LONGEST: usize = 900;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust sources below a folder, by path from the root.
fn sources(folder: &str) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    for path in files(&root().join(folder), "rs") {
        let text = fs::read_to_string(&path).unwrap();
        all.insert(path.strip_prefix(root()).unwrap().to_owned(), text);
    }
    all
}

/// The files below a folder with this extension, but for what was built and what is hidden.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The tokens of a source without its unit tests and attributes (doc comments are attributes here).
fn tokens(path: &Path, text: &str) -> Vec<TokenTree> {
    let stream: TokenStream = text
        .parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    product(stream)
}

fn product(stream: TokenStream) -> Vec<TokenTree> {
    let mut kept = Vec::new();
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if !matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '#') {
            kept.push(match tree {
                TokenTree::Group(group) => {
                    let inner = product(group.stream()).into_iter().collect();
                    TokenTree::Group(proc_macro2::Group::new(group.delimiter(), inner))
                }
                other => other,
            });
            continue;
        }
        if matches!(trees.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '!') {
            trees.next();
        }
        let Some(TokenTree::Group(attribute)) = trees.next() else {
            continue;
        };
        let words = attribute.stream().to_string().replace(' ', "");
        if words == "cfg(test)" || words.starts_with("cfg(any(test") {
            // The item that it is on: up to a semicolon or its braces.
            for tree in trees.by_ref() {
                match tree {
                    TokenTree::Punct(punct) if punct.as_char() == ';' => break,
                    TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => break,
                    _ => {}
                }
            }
        }
    }
    kept
}

/// Whether a file holds unit tests only, by its name.
fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.ends_with("/tests.rs")
        || text.contains("/tests/")
        || text.ends_with("/testing.rs")
        || text.contains("/testing/")
}

/// Every path that starts with `crate::`, with the branches of use trees written out.
fn crate_paths(trees: &[TokenTree], found: &mut BTreeSet<String>) {
    let mut at = 0;
    while at < trees.len() {
        match &trees[at] {
            TokenTree::Ident(ident) if ident == "crate" => at = path(trees, at + 1, String::new(), found),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                crate_paths(&inner, found);
                at += 1;
            }
            _ => at += 1,
        }
    }
}

/// Follows `::a::{b, c}` from `at`; gives the place after it.
fn path(trees: &[TokenTree], mut at: usize, mut so_far: String, found: &mut BTreeSet<String>) -> usize {
    let colon =
        |tree: Option<&TokenTree>| matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    while colon(trees.get(at)) && colon(trees.get(at + 1)) {
        match trees.get(at + 2) {
            Some(TokenTree::Ident(ident)) => {
                if !so_far.is_empty() {
                    so_far.push_str("::");
                }
                so_far.push_str(&ident.to_string());
                at += 3;
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                branches(&inner, &so_far, found);
                return at + 3;
            }
            _ => break,
        }
    }
    if !so_far.is_empty() {
        found.insert(so_far);
    }
    at
}

fn branches(trees: &[TokenTree], so_far: &str, found: &mut BTreeSet<String>) {
    let comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == ',');
    for branch in trees.split(comma) {
        if let Some(TokenTree::Ident(ident)) = branch.first() {
            let start = if so_far.is_empty() {
                ident.to_string()
            } else {
                format!("{so_far}::{ident}")
            };
            path(branch, 1, start, found);
        }
    }
}

fn layer(module: &str) -> Option<usize> {
    ORDER.iter().position(|layer| layer.contains(&module))
}

#[test]
fn dependencies_point_one_way() {
    let mut wrong = Vec::new();
    let mut edges = 0;
    for (path, text) in sources("core/src") {
        let module = path
            .components()
            .nth(2)
            .unwrap()
            .as_os_str()
            .to_string_lossy()
            .replace(".rs", "");
        if is_test(&path) || module == "lib" {
            continue;
        }
        let mut paths = BTreeSet::new();
        crate_paths(&tokens(&path, &text), &mut paths);
        for named in paths {
            let target = named.split("::").next().unwrap_or_default();
            // What the crate's root re-exports is the error and the macros.
            let Some(to) = layer(target) else { continue };
            edges += 1;
            let excepted = EXCEPTIONS
                .iter()
                .any(|(from, what, _)| *from == module && named.starts_with(what));
            let allowed = target == module || excepted || layer(&module).is_some_and(|from| from < to);
            if !allowed && !READ_BY_ALL.contains(&target) {
                wrong.push(format!(
                    "{}: `{module}` names crate::{named}, which is above it",
                    path.display()
                ));
            }
        }
    }
    assert!(edges > 50, "only {edges} edges were read: the reader is broken");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_core_has_its_place_in_the_order() {
    for entry in fs::read_dir(root().join("core/src")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().replace(".rs", "");
        assert!(
            layer(&name).is_some() || READ_BY_ALL.contains(&name.as_str()) || name == "lib",
            "core/src/{name} is not in the order of dependencies"
        );
    }
}

/// The program alone brings the core and the embedded cluster together: each is built without the other.
#[test]
fn the_core_and_the_embedded_cluster_do_not_know_each_other() {
    for folder in ["core", "demo", "macros", "macros/model"] {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let named = |line: &&str| line.starts_with("kube-mcp-");
        let others: Vec<&str> = manifest.lines().filter(named).collect();
        let allowed = |line: &&str| folder != "demo" && !line.starts_with("kube-mcp-demo");
        assert!(others.iter().all(allowed), "{folder} depends on {others:?}");
    }
}

/// The texts of a source.
fn literals(trees: &[TokenTree], found: &mut Vec<String>) {
    for tree in trees {
        match tree {
            TokenTree::Literal(literal) => found.push(literal.to_string()),
            TokenTree::Group(group) => literals(&group.stream().into_iter().collect::<Vec<_>>(), found),
            _ => {}
        }
    }
}

/// Whether a text holds this name as a word of its own.
fn holds(text: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(start, _)| !text[..start].ends_with(part) && !text[start + name.len()..].starts_with(part))
}

#[test]
fn the_core_knows_no_tool_by_name() {
    let mut names = Vec::new();
    for folder in ["spec/tools", "spec/prompts"] {
        for path in files(&root().join(folder), "yaml") {
            names.push(path.file_stem().unwrap().to_string_lossy().into_owned());
        }
    }
    assert!(names.len() >= 10, "only {names:?} were found in spec");
    let mut wrong = Vec::new();
    for (path, text) in sources("core/src") {
        if is_test(&path) {
            continue;
        }
        let mut texts = Vec::new();
        literals(&tokens(&path, &text), &mut texts);
        for literal in texts {
            for name in &names {
                // A name of one plain word may be meant otherwise inside a sentence.
                let named = if name.contains('_') {
                    holds(&literal, name)
                } else {
                    literal == format!("{name:?}")
                };
                if named {
                    wrong.push(format!("{}: {literal} names the tool {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The folders that hold Rust of this repository.
const FOLDERS: &[&str] = &["src", "core", "demo", "macros", "tests", "benches"];

#[test]
fn no_source_is_too_long() {
    let mut wrong = Vec::new();
    for (path, text) in FOLDERS.iter().flat_map(|folder| sources(folder)) {
        let lines = text.lines().count();
        if lines > LONGEST {
            wrong.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "longer than {LONGEST} lines:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn no_logic_in_mod_files() {
    let mut wrong = Vec::new();
    for (path, text) in ["src", "core/src", "macros/src", "macros/model/src"]
        .iter()
        .flat_map(|folder| sources(folder))
    {
        if path.ends_with("mod.rs") && has_function(&tokens(&path, &text)) {
            wrong.push(path.display().to_string());
        }
    }
    assert!(wrong.is_empty(), "functions in:\n{}", wrong.join("\n"));
}

fn has_function(trees: &[TokenTree]) -> bool {
    trees.iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "fn",
        TokenTree::Group(group) => has_function(&group.stream().into_iter().collect::<Vec<_>>()),
        _ => false,
    })
}

#[test]
fn the_readers_of_this_test_see_what_they_should() {
    let source = r##"
        use crate::{Error, call::{Access, Mode}, engine::surface::Tool};
        //! crate::server::Nothing
        #[doc = "pods_list"]
        fn f() { crate::output::Next::op("x pods_list y"); }
        #[cfg(test)]
        mod tests { use crate::server::Never; const A: &str = "never"; }
    "##;
    let kept = tokens(Path::new("here"), source);
    let mut paths = BTreeSet::new();
    crate_paths(&kept, &mut paths);
    let expected = [
        "Error",
        "call::Access",
        "call::Mode",
        "engine::surface::Tool",
        "output::Next::op",
    ];
    assert_eq!(paths.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let mut texts = Vec::new();
    literals(&kept, &mut texts);
    assert_eq!(texts, [r#""x pods_list y""#]);
    assert!(holds(&texts[0], "pods_list") && !holds("my_pods_list", "pods_list"));
    assert!(has_function(&kept));
}
