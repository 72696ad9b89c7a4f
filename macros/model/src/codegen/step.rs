//! A step: its row, and the typed function that calls its operation.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::quote;

use super::words::{self, Imports};
use crate::{
    ir::{Source, Step},
    signature::{Catalog, Reach, Signature},
};

/// What a file is made of while it is being written.
pub(super) struct Writer<'a> {
    catalog: &'a Catalog,
    pub(super) imports: Imports,
    /// The functions, in order.
    pub(super) functions: Vec<TokenStream>,
}

/// A step names an operation that is not in the catalog. The checks have looked it up, so this is a bug of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownOperation {
    /// The operation.
    pub op: String,
    /// Where it is bound.
    pub at: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(catalog: &'a Catalog) -> Self {
        Self {
            catalog,
            imports: Imports::default(),
            functions: Vec::new(),
        }
    }

    /// Writes the function of a step under this name, and gives its row.
    pub(super) fn step(&mut self, step: &Step, function: &Ident) -> Result<TokenStream, UnknownOperation> {
        let signature = self.signature(step)?;
        let operation = path(&signature.path);
        let written = self.function(step, function, signature);
        self.functions.push(written);

        let row = self.imports.surface("Step");
        let invoke = self.imports.surface("Invoke");
        let reach = match signature.reach {
            Reach::Cluster => quote!(Cluster),
            Reach::Server => quote!(Server),
        };
        let bindings = step.bindings.iter().map(|binding| {
            let row = self.imports.surface("Binding");
            let (param, at) = (&binding.param, &binding.at);
            let source = self.source(&binding.source);
            quote!(#row { param: #param, source: #source, at: #at })
        });
        let bindings: Vec<_> = bindings.collect();
        let when = words::option(step.when.as_ref().map(|when| {
            let row = self.imports.surface("Expression");
            let (text, at) = (words::text(&when.text), &when.at);
            quote!(#row { text: #text, at: #at })
        }));
        let cluster = words::option(step.cluster.as_ref().map(|source| self.source(source)));
        let needs = step.needs.iter().map(|index| Literal::usize_unsuffixed(*index));
        let (id, at, continue_on_error) = (&step.id, &step.at, step.continue_on_error);
        Ok(quote! {
            #row {
                id: #id,
                op: &#operation::OPERATION,
                bindings: &[#(#bindings),*],
                when: #when,
                continue_on_error: #continue_on_error,
                cluster: #cluster,
                needs: &[#(#needs),*],
                invoke: #invoke::#reach(#function),
                at: #at,
            }
        })
    }

    fn signature(&self, step: &Step) -> Result<&'a Signature, UnknownOperation> {
        let known = self.catalog.operations.iter().find(|known| known.name == step.op);
        known.ok_or_else(|| UnknownOperation {
            op: step.op.clone(),
            at: step.at.clone(),
        })
    }

    fn function(&mut self, step: &Step, function: &Ident, signature: &Signature) -> TokenStream {
        let cx = self.imports.call(match signature.reach {
            Reach::Cluster => "Cx",
            Reach::Server => "ServerCx",
        });
        let values = self.imports.call("Values");
        let invoked = self.imports.surface("Invoked");
        let fields = signature.params.iter().map(|param| {
            // What is not bound is taken too: it is left out, which an optional parameter may be.
            let bound = step.bindings.iter().find(|binding| binding.param == param.name);
            let (name, at) = (&param.name, bound.map_or(&step.at, |binding| &binding.at));
            let field = words::field(name);
            quote!(#field: values.take(#name, #at)?)
        });
        let page = signature.paged.then(|| quote!(page: values.page()));
        let binder = match (signature.params.is_empty(), signature.paged) {
            (false, _) => quote!(mut values),
            (true, true) => quote!(values),
            (true, false) => quote!(_values),
        };
        let operation = path(&signature.path);
        let name = operation.segments.last().map(|segment| &segment.ident);
        let fields = fields.chain(page);
        quote! {
            fn #function(cx: &#cx, #binder: #values) -> #invoked<'_> {
                use #operation;
                Box::pin(async move {
                    let params = #name::Params { #(#fields),* };
                    Ok(#name::call(cx, params).await?.into())
                })
            }
        }
    }

    fn source(&mut self, source: &Source) -> TokenStream {
        let row = self.imports.surface("Source");
        match source {
            Source::Param(name) => quote!(#row::Param(#name)),
            Source::Step(path) => quote!(#row::Step(#path)),
            Source::Uri(name) => quote!(#row::Uri(#name)),
            Source::Template(template) => {
                let template = words::text(template);
                quote!(#row::Template(#template))
            }
            Source::Fixed(value) => {
                let value = words::text(&value.to_string());
                quote!(#row::Fixed(#value))
            }
        }
    }
}

/// A path of the catalog, which the scan has written from identifiers.
pub(super) fn path(path: &str) -> syn::Path {
    syn::parse_str(path).unwrap_or_else(|_| words::field("unreadable_path").into())
}
