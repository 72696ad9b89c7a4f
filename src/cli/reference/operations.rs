//! operations.md.

use kube_mcp_model::signature::{Catalog, Output, Reach, Signature};

use super::page;
use crate::cli::operations::{output, type_of};

const ABOUT: &str = "\
What specs can bind: `op: NAME`, with its parameters under `with`. What an operation needs is what RBAC must allow; \
`$kind` is what its parameter `kind` names.";

/// The page of all operations.
pub(super) fn page(catalog: &Catalog) -> String {
    let mut text = page::head("Operations", ABOUT);
    for operation in &catalog.operations {
        text.push_str(&section(operation, catalog));
    }
    text
}

fn section(operation: &Signature, catalog: &Catalog) -> String {
    let mut facts = vec![
        operation.access.word().to_owned(),
        format!("answers with {}", output(&operation.output)),
    ];
    if operation.reach == Reach::Server {
        facts.push("needs no cluster".to_owned());
    }
    if operation.long {
        facts.push("takes its own timeout".to_owned());
    }
    if !operation.needs.is_empty() {
        let needs: Vec<String> = operation.needs.iter().map(|need| format!("`{need}`")).collect();
        facts.push(format!("needs {}", needs.join(", ")));
    }
    let mut text = format!(
        "\n## {}\n\n{}\n\n{}\n",
        operation.name,
        page::one_line(&operation.doc),
        facts.join(" · ")
    );
    let mut rows: Vec<Vec<String>> = operation
        .params
        .iter()
        .map(|param| {
            let required = if param.ty.optional { "" } else { "required" };
            vec![
                format!("`{}`", param.name),
                type_of(&param.ty, catalog),
                required.to_owned(),
                param.doc.clone(),
            ]
        })
        .collect();
    if operation.paged {
        let limit =
            "How many rows to show; with it come `cursor`, and `where`, `sort` and `fields` if offered.";
        rows.push(["`limit`", "integer", "", limit].map(str::to_owned).to_vec());
    }
    text.push_str(&page::table(&["parameter", "type", "", ""], &rows));
    if let Output::Record(name) = &operation.output
        && let Some(record) = catalog.records.iter().find(|record| record.name == *name)
    {
        let fields: Vec<String> = record.fields.iter().map(|field| format!("`{field}`")).collect();
        text.push_str(&format!("\nIts fields: {}.\n", fields.join(", ")));
    }
    text
}
