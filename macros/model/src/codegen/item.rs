//! Tools, prompts and resources: one file each.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::{
    step::{UnknownOperation, Writer},
    words,
};
use crate::{
    ir::{Example, Param, ParamKind, Prompt, Resource, Step, Tool},
    signature::Catalog,
};

/// The file of a tool; `file` is its name, which its row includes.
pub(super) fn tool(tool: &Tool, file: &str, catalog: &Catalog) -> Result<String, UnknownOperation> {
    let mut writer = Writer::new(catalog);
    let steps = steps(&mut writer, &tool.steps)?;
    let params = params(&mut writer, &tool.params)?;
    let row = writer.imports.surface("Tool");
    let Tool {
        name,
        toolset,
        always_confirm,
        at,
        ..
    } = tool;
    let title = words::optional_text(tool.title.as_deref());
    let description = words::text(&tool.description);
    let offer = words::texts(&tool.offer);
    let schema = words::text(&tool.schema.to_string());
    let template = words::optional_text(tool.template.as_deref());
    let examples = examples(&mut writer, &tool.examples);
    let item = quote! {
        pub(super) const TOOL: #row = #row {
            name: #name,
            title: #title,
            description: #description,
            toolset: #toolset,
            always_confirm: #always_confirm,
            params: #params,
            offer: #offer,
            schema: #schema,
            steps: #steps,
            template: #template,
            examples: #examples,
            at: #at,
            code: include_str!(#file),
        };
    };
    Ok(finish(&format!("The tool `{name}` of {at}."), writer, item))
}

/// The file of a prompt.
pub(super) fn prompt(prompt: &Prompt, catalog: &Catalog) -> Result<String, UnknownOperation> {
    let mut writer = Writer::new(catalog);
    let steps = steps(&mut writer, &prompt.steps)?;
    let params = params(&mut writer, &prompt.params)?;
    let row = writer.imports.surface("Prompt");
    let Prompt { name, at, .. } = prompt;
    let title = words::optional_text(prompt.title.as_deref());
    let description = words::text(&prompt.description);
    let messages = prompt.messages.iter().map(|message| {
        let (row, role) = (writer.imports.surface("Message"), writer.imports.surface("Role"));
        let speaker = match message.role.as_str() {
            "assistant" => quote!(Assistant),
            _ => quote!(User),
        };
        let template = &message.template;
        quote!(#row { role: #role::#speaker, template: #template })
    });
    let messages: Vec<_> = messages.collect();
    let item = quote! {
        pub(super) const PROMPT: #row = #row {
            name: #name,
            title: #title,
            description: #description,
            params: #params,
            steps: #steps,
            messages: &[#(#messages),*],
            at: #at,
        };
    };
    Ok(finish(&format!("The prompt `{name}` of {at}."), writer, item))
}

/// The file of a resource.
pub(super) fn resource(resource: &Resource, catalog: &Catalog) -> Result<String, UnknownOperation> {
    let mut writer = Writer::new(catalog);
    let step = writer.step(&resource.step, &format_ident!("read"))?;
    let complete = resource
        .complete
        .iter()
        .map(|(variable, step)| {
            let step = writer.step(step, &words::ident("complete", variable))?;
            Ok(quote!((#variable, #step)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let row = writer.imports.surface("ResourceTemplate");
    let Resource {
        name,
        uri,
        mime,
        subscribe,
        at,
        ..
    } = resource;
    let title = words::optional_text(resource.title.as_deref());
    let description = words::text(&resource.description);
    let item = quote! {
        pub(super) const RESOURCE: #row = #row {
            name: #name,
            title: #title,
            description: #description,
            uri: #uri,
            mime: #mime,
            step: #step,
            complete: &[#(#complete),*],
            subscribe: #subscribe,
            at: #at,
        };
    };
    Ok(finish(&format!("The resource `{name}` of {at}."), writer, item))
}

/// The steps; one without an id is the only one.
fn steps(writer: &mut Writer<'_>, steps: &[Step]) -> Result<TokenStream, UnknownOperation> {
    let rows = steps
        .iter()
        .map(|step| {
            let function = match step.id.as_str() {
                "" => format_ident!("call"),
                id => words::ident("step", id),
            };
            writer.step(step, &function)
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(quote!(&[#(#rows),*]))
}

/// The examples that a reader can follow: not those of mistakes.
fn examples(writer: &mut Writer<'_>, examples: &[Example]) -> TokenStream {
    let answering = examples
        .iter()
        .filter(|example| example.expect.get("error").is_none());
    let rows = answering.map(|Example { name, args, .. }| {
        let row = writer.imports.surface("Example");
        let args = words::text(&args.to_string());
        quote!(#row { name: #name, args: #args })
    });
    let rows: Vec<_> = rows.collect();
    quote!(&[#(#rows),*])
}

fn params(writer: &mut Writer<'_>, params: &[Param]) -> Result<TokenStream, UnknownOperation> {
    let rows = params
        .iter()
        .map(|param| {
            let (row, kind) = (
                writer.imports.surface("Param"),
                writer.imports.surface("ParamKind"),
            );
            let variant = match param.kind {
                ParamKind::String => quote!(String),
                ParamKind::Integer => quote!(Integer),
                ParamKind::Number => quote!(Number),
                ParamKind::Boolean => quote!(Boolean),
                ParamKind::Strings => quote!(Strings),
                ParamKind::Integers => quote!(Integers),
                ParamKind::Numbers => quote!(Numbers),
                ParamKind::Booleans => quote!(Booleans),
            };
            let complete = match &param.complete {
                Some(step) => {
                    let step = writer.step(step, &words::ident("complete", &param.name))?;
                    quote!(Some(&#step))
                }
                None => quote!(None),
            };
            let Param { name, required, .. } = param;
            let description = words::text(&param.description);
            let default = words::option(
                param
                    .default
                    .as_ref()
                    .map(|value| words::text(&value.to_string())),
            );
            let choices = words::texts(&param.choices);
            let minimum = words::optional_number(param.minimum);
            let maximum = words::optional_number(param.maximum);
            Ok(quote! {
                #row {
                    name: #name,
                    kind: #kind::#variant,
                    description: #description,
                    required: #required,
                    default: #default,
                    choices: #choices,
                    minimum: #minimum,
                    maximum: #maximum,
                    complete: #complete,
                }
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(quote!(&[#(#rows),*]))
}

/// The text of a file: a line on what it is, imports, functions, the row.
fn finish(heading: &str, writer: Writer<'_>, row: TokenStream) -> String {
    let items = [vec![writer.imports.item()], writer.functions, vec![row]].concat();
    let items: Vec<String> = items.into_iter().map(format).collect();
    format!("// {heading} Generated: edits are lost.\n\n{}", items.join("\n"))
}

/// An item as rustfmt would print it.
pub(super) fn format(item: TokenStream) -> String {
    match syn::parse2(item.clone()) {
        Ok(file) => prettyplease::unparse(&file),
        // Cannot be, since the tokens are ours; unformatted code still compiles, or tells why not.
        Err(_) => format!("{item}\n"),
    }
}
