//! `#[operation]`: the function stays as it is; beside it goes a module of the same name with its typed call.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ItemFn, ext::IdentExt as _, spanned::Spanned as _};

use crate::{
    scan::{Attribute, BaseType, Operation, ParameterType, refuse_elsewhere, strip_parameters},
    signature::{Access, Output, Reach},
};

/// Expands `#[operation("pods.logs", read)]`. All mistakes are reported, and the function is kept whatever they
/// are, so that an editor goes on understanding it.
pub fn operation(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            let error = error.to_compile_error();
            return quote!(#item #error);
        }
    };
    let place = function.sig.ident.span();
    let elsewhere = place
        .local_file()
        .and_then(|file| refuse_elsewhere(&file))
        .map(|refusal| syn::Error::new(place, refusal).to_compile_error());
    let module = match syn::parse2::<Attribute>(attribute)
        .and_then(|attribute| Operation::parse(&attribute, &function))
    {
        Ok(operation) => module(&operation),
        Err(error) => error.to_compile_error(),
    };
    strip_parameters(&mut function);
    let many = many_parameters(&function);
    quote! {
        #many
        #function
        #elsewhere
        #module
    }
}

/// A spec binds parameters by name: the length of the list harms nobody.
fn many_parameters(function: &ItemFn) -> Option<TokenStream> {
    (function.sig.inputs.len() > 7).then(|| {
        quote! {
            #[expect(clippy::too_many_arguments, reason = "the parameters of an operation are bound by name")]
        }
    })
}

/// The module of an operation.
fn module(operation: &Operation) -> TokenStream {
    let Operation { name, ident, .. } = operation;
    let doc = format!(" The operation `{name}` as the tables call it.");
    let params_doc = format!(" What `{name}` takes.");
    let operation_doc = format!(" What is known of `{name}`.");
    let call_doc = format!(" Calls `{name}`.");
    let fields = operation.parameters.iter().map(|parameter| {
        let (ident, ty) = (&parameter.ident, tokens(&parameter.ty));
        let doc = match parameter.doc.as_str() {
            "" => format!(" `{}`.", ident.unraw()),
            doc => format!(" {doc}"),
        };
        quote!(#[doc = #doc] pub #ident: #ty)
    });
    let page = operation.paged.then(|| {
        quote! {
            /// The part of the list that is wanted.
            pub page: ::kube_mcp_core::call::Page
        }
    });
    let fields = fields.chain(page);
    let idents: Vec<_> = operation
        .parameters
        .iter()
        .map(|parameter| &parameter.ident)
        .collect();
    let page = operation.paged.then(|| quote!(, params.page));
    let params = match operation.parameters.is_empty() && !operation.paged {
        true => quote!(_params),
        false => quote!(params),
    };
    let cx = context(operation);
    let answer = answer(operation);
    let facts = facts(operation);
    let proof = proof(operation);
    quote! {
        #[doc = #doc]
        pub mod #ident {
            #[doc = #params_doc]
            pub struct Params { #(#fields),* }

            #[doc = #operation_doc]
            pub const OPERATION: ::kube_mcp_core::call::Operation = #facts;

            #[doc = #call_doc]
            ///
            /// # Errors
            /// Those of the operation.
            pub async fn call(cx: &#cx, #params: Params) -> ::kube_mcp_core::call::Result<#answer> {
                super::#ident(cx #(, params.#idents)* #page).await
            }

            #proof
        }
    }
}

fn context(operation: &Operation) -> TokenStream {
    match operation.reach {
        Reach::Cluster => quote!(::kube_mcp_core::call::Cx),
        Reach::Server => quote!(::kube_mcp_core::call::ServerCx),
    }
}

/// The literal of `OPERATION`.
fn facts(operation: &Operation) -> TokenStream {
    let Operation {
        name, paged, long, ..
    } = operation;
    let access = match operation.access {
        Access::Read => quote!(Read),
        Access::Write => quote!(Write),
        Access::Destructive => quote!(Destructive),
        Access::Exec => quote!(Exec),
    };
    let reach = match operation.reach {
        Reach::Cluster => quote!(Cluster),
        Reach::Server => quote!(Server),
    };
    let output = output(operation);
    let needs = operation
        .needs
        .iter()
        .map(|(verb, resource)| quote!(::kube_mcp_core::call::Need { verb: #verb, resource: #resource }));
    let params = operation.parameters.iter().map(|parameter| {
        let (name, ty) = (parameter.ident.unraw().to_string(), parameter.ty.to_string());
        let required = !parameter.ty.optional;
        quote!(::kube_mcp_core::call::OperationParam { name: #name, ty: #ty, required: #required })
    });
    quote! {
        ::kube_mcp_core::call::Operation {
            name: #name,
            access: ::kube_mcp_core::call::Access::#access,
            reach: ::kube_mcp_core::call::Reach::#reach,
            output: ::kube_mcp_core::output::OutputKind::#output,
            paged: #paged,
            long: #long,
            needs: &[#(#needs),*],
            params: &[#(#params),*],
        }
    }
}

fn output(operation: &Operation) -> TokenStream {
    match &operation.output {
        Output::Table => quote!(Table),
        Output::Object => quote!(Object),
        Output::Record(_) => quote!(Record),
        Output::Lines => quote!(Lines),
        Output::Change => quote!(Change),
    }
}

fn answer(operation: &Operation) -> TokenStream {
    let output = output(operation);
    match &operation.record {
        Some(record) => {
            let record = match record {
                syn::Type::Path(path) => seen_from_inside(&path.path),
                other => quote!(#other),
            };
            quote!(::kube_mcp_core::output::#output<#record>)
        }
        None => quote!(::kube_mcp_core::output::#output),
    }
}

/// Lets rustc say at the operation, not at some spec's binding, that a named type cannot be bound, or that the
/// operation cannot run on any thread (it holds something across an `.await` that is not `Send`).
fn proof(operation: &Operation) -> TokenStream {
    let cx = context(operation);
    let sendable = quote_spanned! {operation.ident.span()=>
        const _: fn(&#cx, Params) = |cx, params| {
            fn sendable(_: impl ::core::marker::Send) {}
            sendable(call(cx, params));
        };
    };
    let named: Vec<TokenStream> = operation
        .parameters
        .iter()
        .filter_map(|parameter| match &parameter.ty.base {
            BaseType::Named(path) => {
                let ty = seen_from_inside(path);
                Some(quote_spanned!(parameter.span=> bindable::<#ty>();))
            }
            _ => None,
        })
        .collect();
    let bindable = (!named.is_empty()).then(|| {
        quote! {
            const _: fn() = || {
                fn bindable<T: ::kube_mcp_core::call::Bind>() {}
                #(#named)*
            };
        }
    });
    quote!(#sendable #bindable)
}

/// A parameter's type as the module writes it.
fn tokens(ty: &ParameterType) -> TokenStream {
    let base = match &ty.base {
        BaseType::String => quote!(::std::string::String),
        BaseType::Bool => quote!(bool),
        BaseType::Integer(name) => {
            let ident = quote::format_ident!("{name}");
            quote!(#ident)
        }
        BaseType::Number => quote!(f64),
        BaseType::Named(path) => seen_from_inside(path),
    };
    let list = match ty.list {
        true => quote!(::std::vec::Vec<#base>),
        false => base,
    };
    match ty.optional {
        true => quote!(::std::option::Option<#list>),
        false => list,
    }
}

/// A path as it reads one module further in.
fn seen_from_inside(path: &syn::Path) -> TokenStream {
    let first = path.segments.first().map(|segment| segment.ident.to_string());
    if path.leading_colon.is_some() || first.as_deref() == Some("crate") {
        return quote!(#path);
    }
    if first.as_deref() == Some("self") {
        let rest = path.segments.iter().skip(1);
        return quote_spanned!(path.span()=> super #(::#rest)*);
    }
    quote_spanned!(path.span()=> super::#path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(attribute: TokenStream, item: TokenStream) -> String {
        let expanded = operation(attribute, item);
        prettyplease::unparse(&syn::parse2(expanded).unwrap())
    }

    #[test]
    fn a_mistake_keeps_the_function() {
        let expanded = expand(
            quote!("pods.logs", read),
            quote! {
                /// Reads.
                pub async fn logs(cx: &Cx, /** What. */ kind: &str) -> Result<Lines> { read(kind) }
            },
        );
        assert!(
            expanded.contains("pub async fn logs(cx: &Cx, kind: &str) -> Result<Lines>"),
            "{expanded}"
        );
        assert!(
            expanded.contains("an operation cannot take `&str`: take String"),
            "{expanded}"
        );
    }

    #[test]
    fn types_are_named_from_inside_the_module() {
        let written = |path: &str| {
            seen_from_inside(&syn::parse_str(path).unwrap())
                .to_string()
                .replace(' ', "")
        };
        assert_eq!(written("KindRef"), "super::KindRef");
        assert_eq!(written("self::KindRef"), "super::KindRef");
        assert_eq!(written("super::KindRef"), "super::super::KindRef");
        assert_eq!(written("crate::call::KindRef"), "crate::call::KindRef");
        assert_eq!(
            written("::kube_mcp_core::call::KindRef"),
            "::kube_mcp_core::call::KindRef"
        );
    }
}
