//! `operations`: what specs can bind.

use std::process::ExitCode;

use clap::Args;
use kube_mcp_core::{Error, engine::surface::Surface};
use kube_mcp_model::{
    signature::{Base, Catalog, Output, Reach, Signature, Type},
    suggest,
};

use super::{
    listing::{aligned, summary},
    terminal,
    terminal::Outcome,
};

/// List the operations that specs can bind, or describe one with its parameters
#[derive(Debug, Args)]
pub(super) struct Operations {
    /// The operation to describe, e.g. resources.list
    name: Option<String>,
}

impl Operations {
    pub(super) fn run(self, surfaces: &[&'static Surface]) -> Outcome {
        let catalog = catalog(surfaces)?;
        let text = match &self.name {
            Some(name) => described(find(&catalog, name)?, &catalog),
            None => listed(&catalog),
        };
        terminal::print(&text)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What all surfaces' build scripts found.
pub(super) fn catalog(surfaces: &[&'static Surface]) -> Result<Catalog, Error> {
    let mut catalog = Catalog::default();
    for surface in surfaces {
        let own: Catalog = serde_json::from_str(surface.signatures)
            .map_err(|error| Error::internal(format!("the signatures of {}: {error}", surface.package)))?;
        catalog.extend(&own);
    }
    Ok(catalog)
}

/// The operation of this name.
pub(super) fn find<'a>(catalog: &'a Catalog, name: &str) -> Result<&'a Signature, Error> {
    catalog
        .operations
        .iter()
        .find(|operation| operation.name == name)
        .ok_or_else(|| {
            let names = catalog.operations.iter().map(|operation| operation.name.as_str());
            let help = suggest::help(name, names, "there are").unwrap_or_default();
            Error::not_found(format!("unknown operation `{name}`: {help}"))
        })
}

fn listed(catalog: &Catalog) -> String {
    let rows: Vec<Vec<String>> = catalog
        .operations
        .iter()
        .map(|operation| {
            vec![
                operation.name.clone(),
                operation.access.word().to_owned(),
                output(&operation.output),
                summary(&operation.doc),
            ]
        })
        .collect();
    aligned(&rows)
}

fn described(operation: &Signature, catalog: &Catalog) -> String {
    let mut text = format!("{}\n\n{}\n\n", operation.name, operation.doc);
    let reach = match operation.reach {
        Reach::Cluster => "one cluster",
        Reach::Server => "the server itself",
    };
    let mut facts = vec![
        vec!["access".to_owned(), operation.access.word().to_owned()],
        vec!["works on".to_owned(), reach.to_owned()],
        vec!["answers".to_owned(), output(&operation.output)],
    ];
    if let Output::Record(name) = &operation.output
        && let Some(record) = catalog.records.iter().find(|record| record.name == *name)
    {
        facts.push(vec!["fields".to_owned(), record.fields.join(", ")]);
    }
    if operation.long {
        facts.push(vec![
            "takes".to_owned(),
            "its own timeout, at most 600 s".to_owned(),
        ]);
    }
    if !operation.needs.is_empty() {
        facts.push(vec!["needs".to_owned(), operation.needs.join(", ")]);
    }
    facts.push(vec!["declared".to_owned(), operation.at.clone()]);
    text.push_str(&aligned(&facts));
    if !operation.params.is_empty() || operation.paged {
        text.push_str("\nParameters:\n");
    }
    let mut rows: Vec<Vec<String>> = operation
        .params
        .iter()
        .map(|param| {
            let needed = if param.ty.optional { "" } else { "required" };
            let doc = param.doc.split_whitespace().collect::<Vec<_>>().join(" ");
            vec![
                format!("  {}", param.name),
                type_of(&param.ty, catalog),
                needed.to_owned(),
                doc,
            ]
        })
        .collect();
    if operation.paged {
        let limit = [
            "  limit",
            "integer",
            "",
            "How many rows to show; with it come cursor, and where and sort if offered.",
        ];
        rows.push(limit.map(str::to_owned).to_vec());
    }
    text + &aligned(&rows)
}

/// A type as a spec's author thinks of it.
pub(super) fn type_of(ty: &Type, catalog: &Catalog) -> String {
    let base = match &ty.base {
        Base::String => "string".to_owned(),
        Base::Bool => "boolean".to_owned(),
        Base::Integer(_) => "integer".to_owned(),
        Base::Number => "number".to_owned(),
        Base::Choice(name) => {
            let choice = catalog.choices.iter().find(|choice| choice.name == *name);
            choice.map_or_else(|| name.clone(), |choice| choice.variants.join("|"))
        }
        Base::Text(name) => {
            let text = catalog.texts.iter().find(|text| text.name == *name);
            text.map_or_else(|| name.clone(), |text| text.format.clone())
        }
    };
    if ty.list { format!("list of {base}") } else { base }
}

/// A type of answer, as operations name it.
pub(super) fn output(output: &Output) -> String {
    match output {
        Output::Table => "Table".to_owned(),
        Output::Object => "Object".to_owned(),
        Output::Record(name) => format!("Record of {name}"),
        Output::Lines => "Lines".to_owned(),
        Output::Change => "Change".to_owned(),
    }
}
