//! Specs and templates that nobody would write, made of those that somebody has: whatever comes, it is accepted or
//! there is a mistake with a place that exists.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::{fs, path::Path};

use kube_mcp_model::{Colour, Sources, check, render};

#[path = "../../../tests/support/mutator.rs"]
mod mutator;
#[path = "support/mod.rs"]
mod support;

/// Cases in the normal suite.
const CASES: usize = 2_000;

/// The cases of the checks and this project's own surface.
fn corpus() -> Vec<Sources> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = fs::read_dir(root.join("tests/checks"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_none_or(|extension| extension != "out"))
        .collect();
    paths.sort();
    let mut corpus: Vec<Sources> = paths.iter().map(|path| support::case(path)).collect();
    corpus.push(Sources::read(&root.join("../..")).unwrap());
    corpus
}

fn holds(sources: &Sources) {
    let (package, found) = check(sources, &support::catalog(), &[]);
    assert_eq!(package.is_none(), !found.is_empty(), "{found:#?}");
    for diagnostic in &found {
        assert!(!diagnostic.message.is_empty());
        let place = &diagnostic.place;
        // To YAML a carriage return ends a line too. A file that is not there has no lines.
        let text = sources
            .text(&place.file)
            .map(|text| text.replace("\r\n", "\n").replace('\r', "\n"));
        let exists = text.is_none_or(|text| {
            let line = text.split('\n').nth(place.line.max(1) - 1);
            line.is_some_and(|line| place.column <= line.chars().count() + 2)
        });
        assert!(exists, "{diagnostic:?} is nowhere");
    }
    render(&found, sources, Colour::Plain);
}

#[test]
fn whatever_is_written_is_accepted_or_told() {
    let corpus = corpus();
    let texts: Vec<&str> = corpus
        .iter()
        .flat_map(|sources| &sources.files)
        .map(|file| file.text.as_str())
        .collect();
    let case = |mutator: &mut mutator::Mutator, bytes: Vec<u8>| {
        let mut sources = mutator.of(&corpus).clone();
        let at = mutator.rng.usize(0..sources.files.len());
        let file = &mut sources.files[at];
        let kind = mutator.rng.u8(0..8);
        if kind < 2 {
            file.text = String::from_utf8_lossy(&bytes).into_owned();
        } else if kind < 4
            && let Ok(mut value) = serde_yaml::from_str(&file.text)
        {
            // YAML still, and wrong in what it says.
            mutator.json(&mut value);
            file.text = value.to_string();
        } else {
            for _ in 0..mutator.rng.usize(1..4) {
                file.text = mutator.text(std::mem::take(&mut file.text));
            }
        }
        sources
    };
    mutator::run(CASES, &texts, case, holds);
}

/// Each link of such a chain is a level of minijinja's stack.
#[test]
fn chains_without_an_end_are_told() {
    let chains = [
        format!("{{{{ a{} }}}}", ".b".repeat(5_000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(5_000)),
        format!("{{{{ a{} }}}}", "|upper".repeat(5_000)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(5_000)),
        format!("{{{{ 1{} }}}}", "+1".repeat(490)),
        format!("{{% if a %}}{}{{% endif %}}", "{% elif a %}".repeat(45)),
    ];
    for chain in chains {
        let tool = "spec: 1\nname: example\ndescription: An example.\nsteps:\n- {id: a, op: clusters.list}\noutput: {template: tools/example.md.j2}\n";
        let sources = support::sources(&[
            ("spec/tools/core/example.yaml", tool),
            ("templates/tools/example.md.j2", &chain),
        ]);
        holds(&sources);
    }
}

#[test]
fn depth_without_an_end_is_told() {
    let deep = format!("spec: {}1{}\n", "{a: ".repeat(5_000), "}".repeat(5_000));
    holds(&support::sources(&[("spec/tools/core/example.yaml", &deep)]));
}
