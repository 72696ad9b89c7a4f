//! Identifiers, literals and imports of generated code.

use std::collections::BTreeSet;

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote};

/// An identifier of `prefix` and a name out of a spec: the prefix keeps keywords and our own names apart from it.
pub(super) fn ident(prefix: &str, name: &str) -> Ident {
    let name: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    Ident::new(&format!("{prefix}_{name}"), Span::call_site())
}

/// The name of a field or function of the core, as a raw identifier if it is a keyword.
pub(super) fn field(name: &str) -> Ident {
    syn::parse_str::<Ident>(name).unwrap_or_else(|_| Ident::new_raw(name, Span::call_site()))
}

/// A string literal that reads as the text does: raw where it would need escapes.
pub(super) fn text(text: &str) -> TokenStream {
    let plain = !text.contains(['"', '\\', '\n']);
    // A raw literal cannot hold a bare carriage return.
    if plain || text.contains('\r') {
        return text.to_token_stream();
    }
    let hashes = (0..)
        .map(|count| "#".repeat(count))
        .find(|hashes| !text.contains(&format!("\"{hashes}")));
    let hashes = hashes.unwrap_or_default();
    format!("r{hashes}\"{text}\"{hashes}")
        .parse::<Literal>()
        .map_or_else(|_| text.to_token_stream(), ToTokens::into_token_stream)
}

/// `None` or `Some(…)`.
pub(super) fn option(value: Option<impl ToTokens>) -> TokenStream {
    match value {
        Some(value) => quote!(Some(#value)),
        None => quote!(None),
    }
}

/// `None` or `Some("…")`.
pub(super) fn optional_text(value: Option<&str>) -> TokenStream {
    option(value.map(text))
}

/// `None` or `Some(1.0)`.
pub(super) fn optional_number(value: Option<f64>) -> TokenStream {
    option(
        value
            .filter(|number| number.is_finite())
            .map(Literal::f64_unsuffixed),
    )
}

/// `&["a", "b"]`.
pub(super) fn texts(values: &[String]) -> TokenStream {
    let values = values.iter().map(|value| text(value));
    quote!(&[#(#values),*])
}

/// The names of the core that a file uses, so that it imports these and no others.
#[derive(Debug, Default)]
pub(super) struct Imports {
    call: BTreeSet<&'static str>,
    surface: BTreeSet<&'static str>,
}

impl Imports {
    /// A name of `kube_mcp_core::call`.
    pub(super) fn call(&mut self, name: &'static str) -> Ident {
        self.call.insert(name);
        Ident::new(name, Span::call_site())
    }

    /// A name of `kube_mcp_core::engine::surface`.
    pub(super) fn surface(&mut self, name: &'static str) -> Ident {
        self.surface.insert(name);
        Ident::new(name, Span::call_site())
    }

    /// The `use` item.
    pub(super) fn item(&self) -> TokenStream {
        let idents = |names: &BTreeSet<&'static str>| -> Vec<Ident> {
            names
                .iter()
                .map(|name| Ident::new(name, Span::call_site()))
                .collect()
        };
        let (call, surface) = (idents(&self.call), idents(&self.surface));
        match call.is_empty() {
            true => quote!(use ::kube_mcp_core::engine::surface::{#(#surface),*};),
            false => quote!(use ::kube_mcp_core::{call::{#(#call),*}, engine::surface::{#(#surface),*}};),
        }
    }
}
