//! The derives.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::scan::{Choice, Record, Text};

/// `#[derive(Choice)]`: the enum by the names of its variants, and as a parameter.
pub fn choice(input: TokenStream) -> TokenStream {
    expand(input, |input| {
        let Choice { ident, variants } = Choice::parse(input)?;
        let names: Vec<_> = variants.iter().map(|variant| &variant.name).collect();
        let idents: Vec<_> = variants.iter().map(|variant| &variant.ident).collect();
        Ok(quote! {
            impl ::kube_mcp_core::call::Choice for #ident {
                const NAMES: &'static [&'static str] = &[#(#names),*];

                fn from_name(name: &str) -> ::std::option::Option<Self> {
                    [#((#names, Self::#idents)),*]
                        .into_iter()
                        .find(|(known, _)| known.eq_ignore_ascii_case(name))
                        .map(|(_, choice)| choice)
                }

                fn name(self) -> &'static str {
                    match self { #(Self::#idents => #names),* }
                }
            }

            impl ::kube_mcp_core::call::Bind for #ident {
                fn bind(
                    value: ::std::option::Option<::kube_mcp_core::call::Value>,
                ) -> ::std::result::Result<Self, ::kube_mcp_core::call::BindError> {
                    ::kube_mcp_core::call::bind_choice(value)
                }
            }
        })
    })
}

/// `#[derive(Text)]`: the type as a parameter that is read from a string.
pub fn text(input: TokenStream) -> TokenStream {
    expand(input, |input| {
        let Text { ident, format } = Text::parse(input)?;
        // A bare number is a number of seconds.
        let bind = match matches!(format.as_str(), "duration" | "moment") {
            true => quote!(bind_text_or_number),
            false => quote!(bind_text),
        };
        Ok(quote! {
            impl ::kube_mcp_core::call::Bind for #ident {
                fn bind(
                    value: ::std::option::Option<::kube_mcp_core::call::Value>,
                ) -> ::std::result::Result<Self, ::kube_mcp_core::call::BindError> {
                    ::kube_mcp_core::call::#bind(value)
                }
            }
        })
    })
}

/// `#[derive(Record)]`: the names of the fields.
pub fn record(input: TokenStream) -> TokenStream {
    expand(input, |input| {
        let Record { ident, fields } = Record::parse(input)?;
        Ok(quote! {
            impl ::kube_mcp_core::output::Facts for #ident {
                const FIELDS: &'static [&'static str] = &[#(#fields),*];
            }
        })
    })
}

fn expand(input: TokenStream, with: impl FnOnce(&DeriveInput) -> syn::Result<TokenStream>) -> TokenStream {
    syn::parse2::<DeriveInput>(input)
        .and_then(|input| {
            if input.generics.params.is_empty() {
                return with(&input);
            }
            Err(syn::Error::new(
                input.ident.span(),
                "it cannot be generic: specs bind values, not types",
            ))
        })
        .unwrap_or_else(|error| error.to_compile_error())
}
