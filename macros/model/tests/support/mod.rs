//! What the tests share: a small fixed catalog, and cases that are files.
#![expect(
    dead_code,
    clippy::unwrap_used,
    reason = "no test uses all of the support; this is test code"
)]

use std::{fs, path::Path};

use kube_mcp_model::{
    Sources,
    signature::{
        Access, Base, Catalog, ChoiceType, Output, ParamSignature, Reach, RecordType, Signature, TextType,
        Type,
    },
};

/// The toolsets of a case that brings none.
const TOOLSETS: &str = "spec: 1\ntoolsets:\n  - {name: core, description: The core., default: true}\n";

fn param(written: &str) -> ParamSignature {
    let (name, ty) = written.split_once(": ").unwrap();
    let (optional, ty) = match ty.strip_suffix('?') {
        Some(ty) => (true, ty),
        None => (false, ty),
    };
    let (list, ty) = match ty.strip_suffix("[]") {
        Some(ty) => (true, ty),
        None => (false, ty),
    };
    let base = match ty {
        "String" => Base::String,
        "bool" => Base::Bool,
        "f64" => Base::Number,
        "KindRef" | "Duration" | "Moment" => Base::Text(ty.to_owned()),
        "Propagation" => Base::Choice(ty.to_owned()),
        integer => Base::Integer(integer.to_owned()),
    };
    ParamSignature {
        name: name.to_owned(),
        ty: Type { optional, list, base },
        doc: String::new(),
    }
}

fn operation(name: &str, access: Access, output: Output, params: &[&str]) -> Signature {
    let (noun, verb) = name.split_once('.').unwrap();
    Signature {
        name: name.to_owned(),
        access,
        path: format!("::core::operations::{noun}::{verb}"),
        reach: if noun == "clusters" {
            Reach::Server
        } else {
            Reach::Cluster
        },
        params: params
            .iter()
            .filter(|written| **written != "page")
            .map(|written| param(written))
            .collect(),
        paged: params.contains(&"page"),
        long: false,
        needs: Vec::new(),
        output,
        doc: format!("Does {verb} on {noun}."),
        at: format!("core/src/operations/{noun}.rs:{}", 8 + name.len()),
    }
}

/// The operations of every test.
pub(crate) fn catalog() -> Catalog {
    use Access::{Destructive, Exec, Read, Write};
    let record = |name: &str| Output::Record(name.to_owned());
    let mut operations = vec![
        operation("clusters.list", Read, Output::Table, &[]),
        operation("namespaces.names", Read, Output::Table, &[]),
        operation(
            "events.list",
            Read,
            Output::Table,
            &[
                "namespace: String?",
                "kind: KindRef?",
                "name: String?",
                "limit: u32?",
            ],
        ),
        operation(
            "pods.list",
            Read,
            Output::Table,
            &[
                "namespace: String?",
                "label_selector: String?",
                "status: String?",
                "page",
            ],
        ),
        operation(
            "pods.get",
            Read,
            Output::Object,
            &["name: String", "namespace: String?"],
        ),
        operation(
            "pods.logs",
            Read,
            Output::Lines,
            &[
                "name: String",
                "namespace: String?",
                "container: String?",
                "since: Moment?",
                "every: Duration?",
                "tail: u32?",
                "limit_bytes: u64?",
                "previous: bool?",
            ],
        ),
        operation(
            "pods.exec",
            Exec,
            Output::Lines,
            &["name: String", "namespace: String?", "command: String[]"],
        ),
        operation(
            "resources.list",
            Read,
            Output::Table,
            &[
                "kind: KindRef",
                "namespace: String?",
                "label_selector: String?",
                "page",
            ],
        ),
        operation(
            "resources.get",
            Read,
            Output::Object,
            &["kind: KindRef", "name: String", "namespace: String?"],
        ),
        operation(
            "resources.label",
            Write,
            Output::Change,
            &[
                "kind: KindRef",
                "name: String",
                "namespace: String?",
                "labels: String[]",
            ],
        ),
        operation(
            "resources.delete",
            Destructive,
            Output::Change,
            &[
                "kind: KindRef",
                "name: String",
                "namespace: String?",
                "propagation: Propagation?",
            ],
        ),
        operation(
            "workloads.status",
            Read,
            record("WorkloadStatus"),
            &[
                "kind: KindRef",
                "name: String",
                "namespace: String?",
                "threshold: f64?",
            ],
        ),
        operation(
            "metrics.top",
            Read,
            Output::Table,
            &["kind: KindRef?", "sort: String?"],
        ),
    ];
    operations.sort_by(|a, b| a.name.cmp(&b.name));
    let text = |name: &str, format: &str| TextType {
        name: name.to_owned(),
        format: format.to_owned(),
    };
    Catalog {
        operations,
        choices: vec![ChoiceType {
            name: "Propagation".to_owned(),
            variants: ["background", "foreground", "orphan"].map(str::to_owned).to_vec(),
        }],
        texts: vec![
            text("KindRef", "kind"),
            text("Duration", "duration"),
            text("Moment", "moment"),
        ],
        records: vec![RecordType {
            name: "WorkloadStatus".to_owned(),
            fields: ["phase", "ready", "desired"].map(str::to_owned).to_vec(),
        }],
    }
}

/// Files from pairs of name and text, with a toolset `core` unless they bring toolsets.
pub(crate) fn sources(files: &[(&str, &str)]) -> Sources {
    let mut sources = Sources::default();
    for (name, text) in files {
        sources.add(*name, *text);
    }
    complete(sources)
}

fn complete(mut sources: Sources) -> Sources {
    if sources.text("spec/toolsets.yaml").is_none() {
        sources.add("spec/toolsets.yaml", TOOLSETS);
    }
    sources
}

/// A case: a folder with spec/ and templates/, or a file, which stands for `spec/tools/core/example.yaml` unless
/// its first line says `# file: …`.
pub(crate) fn case(path: &Path) -> Sources {
    if path.is_dir() {
        return complete(Sources::read(path).unwrap());
    }
    let text = fs::read_to_string(path).unwrap();
    let name = text.lines().next().and_then(|line| line.strip_prefix("# file: "));
    let name = name.unwrap_or("spec/tools/core/example.yaml").to_owned();
    let mut sources = Sources::default();
    sources.add(name, text);
    complete(sources)
}

/// Compares a text with a committed file, or rewrites the file where `UPDATE_EXPECT=1`.
pub(crate) fn expect_file(path: &Path, text: &str) -> Result<(), String> {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(path, text).unwrap();
        return Ok(());
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    if expected == text {
        return Ok(());
    }
    Err(format!(
        "{} is not what comes out (UPDATE_EXPECT=1 rewrites it)\n--- expected\n{expected}\n--- found\n{text}",
        path.display()
    ))
}
