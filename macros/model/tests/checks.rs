//! Every check has a case that it finds, what it says there, and the nearest form that it accepts.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use kube_mcp_model::{Colour, check, checks::CHECKS, render};

#[path = "support/mod.rs"]
mod support;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/checks")
}

/// The path of a case: a file or a folder.
fn case_path(name: &str) -> Option<PathBuf> {
    [format!("{name}.yaml"), name.to_owned()]
        .into_iter()
        .map(|file| folder().join(file))
        .find(|path| path.exists())
}

#[test]
fn every_check_finds_its_case_and_accepts_the_nearest_form() {
    let catalog = support::catalog();
    let mut failures = Vec::new();
    for check_ in CHECKS {
        let (Some(bad), Some(good)) = (case_path(check_.id), case_path(&format!("{}.ok", check_.id))) else {
            failures.push(format!("{} has no case or no accepted form", check_.id));
            continue;
        };
        let sources = support::case(&bad);
        let (package, found) = check(&sources, &catalog, &[]);
        if package.is_some() || !found.iter().any(|diagnostic| diagnostic.check == check_.id) {
            failures.push(format!("{} is not found in its own case: {found:#?}", check_.id));
        }
        let out = render(&found, &sources, Colour::Plain);
        failures.extend(support::expect_file(&folder().join(format!("{}.out", check_.id)), &out).err());

        let sources = support::case(&good);
        let (package, found) = check(&sources, &catalog, &[]);
        if package.is_none() || !found.is_empty() {
            let out = render(&found, &sources, Colour::Plain);
            failures.push(format!(
                "the accepted form of {} is not accepted:\n{out}",
                check_.id
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_case_belongs_to_a_check_and_every_message_names_one() {
    let ids: BTreeSet<&str> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len(), "an id is in the table twice");
    let catalog = support::catalog();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let name = file
            .trim_end_matches(".yaml")
            .trim_end_matches(".out")
            .trim_end_matches(".ok");
        assert!(ids.contains(name), "{file} belongs to no check");
        if file.ends_with(".out") {
            continue;
        }
        for diagnostic in check(&support::case(&path), &catalog, &[]).1 {
            assert!(
                ids.contains(diagnostic.check),
                "{} is not in the table",
                diagnostic.check
            );
            assert!(!diagnostic.message.ends_with('.'), "{}", diagnostic.message);
        }
    }
}
