//! The file that ties a package's items together.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use super::{
    item,
    step::{UnknownOperation, path},
    words,
};
use crate::{ir::Package, signature::Catalog};

/// Generated files by their path below `OUT_DIR`.
pub type Files = BTreeMap<String, String>;

/// Writes the source of a package's surface. `name` is the package's.
///
/// # Errors
/// If a step names an operation that is not in the catalog, which the checks rule out.
pub fn surface(name: &str, package: &Package, catalog: &Catalog) -> Result<Files, UnknownOperation> {
    let mut files = Files::new();
    let mut modules = Vec::new();
    let mut rows =
        |sort: &str, row: &str, item: &str, write: &dyn Fn(&str) -> Result<String, UnknownOperation>| {
            let module = words::ident(sort, item);
            let row = words::field(row);
            let file = format!("{module}.rs");
            let inner = format!("surface/{file}");
            modules.push(format!("mod {module} {{\n    include!(\"{inner}\");\n}}\n"));
            files.insert(inner, write(&file)?);
            Ok(quote!(#module::#row))
        };
    let tools = package
        .tools
        .iter()
        .map(|tool| {
            rows("tool", "TOOL", &tool.name, &|file| {
                item::tool(tool, file, catalog)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let prompts = package
        .prompts
        .iter()
        .map(|prompt| {
            rows("prompt", "PROMPT", &prompt.name, &|_| {
                item::prompt(prompt, catalog)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let resources = package
        .resources
        .iter()
        .map(|resource| {
            rows("resource", "RESOURCE", &resource.name, &|_| {
                item::resource(resource, catalog)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;

    let toolsets = toolsets(package);
    let operations = catalog.operations.iter().map(|operation| path(&operation.path));
    let surface = item::format(quote! {
        /// What this package serves: its `spec/` and `templates/`, compiled.
        pub static SURFACE: ::kube_mcp_core::engine::surface::Surface = ::kube_mcp_core::engine::surface::Surface {
            package: #name,
            toolsets: #toolsets,
            tools: &[#(#tools),*],
            prompts: &[#(#prompts),*],
            resources: &[#(#resources),*],
            templates: TEMPLATES,
            operations: &[#(&#operations::OPERATION),*],
            signatures: include_str!("surface/signatures.json"),
        };
    });
    // The catalog is our own type: it always serialises.
    let signatures = serde_json::to_string(catalog).unwrap_or_default();
    files.insert("surface/signatures.json".to_owned(), signatures);
    let text = format!(
        "// Generated from spec/ and templates/: edits are lost.\n\n{surface}\n{}\n{}",
        templates(package),
        modules.join("\n")
    );
    files.insert("surface.rs".to_owned(), text);
    Ok(files)
}

fn toolsets(package: &Package) -> TokenStream {
    let rows = package.toolsets.iter().map(|toolset| {
        let (name, default) = (&toolset.name, toolset.default);
        let description = words::text(&toolset.description);
        quote! {
            ::kube_mcp_core::engine::surface::Toolset { name: #name, description: #description, default: #default }
        }
    });
    quote!(&[#(#rows),*])
}

fn templates(package: &Package) -> String {
    let rows = package.templates.iter().map(|template| {
        let name = &template.name;
        let source = words::text(&template.source);
        quote!(::kube_mcp_core::engine::surface::Template { name: #name, source: #source })
    });
    item::format(quote! {
        static TEMPLATES: &[::kube_mcp_core::engine::surface::Template] = &[#(#rows),*];
    })
}
