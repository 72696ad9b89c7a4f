//! The macros of kube-mcp: `#[operation]`, `surface!()` and the derives. All logic is in `kube-mcp-model`, which the
//! build scripts share; `kube-mcp-core` re-exports the macros.

use std::path::Path;

use kube_mcp_model::expand;
use proc_macro::TokenStream;

/// Declares an operation that specs can bind: `#[operation("pods.logs", read)]`, with `long` if it takes its own
/// timeout, and `needs("get pods", "get pods/log")` for what the API server must allow it, in RBAC's words.
///
/// The function stays as it is. Beside it goes a module of its name with `Params`, `OPERATION` and a typed `call`.
/// Doc comments on the function and on its parameters become the help of `kube-mcp operations`.
#[proc_macro_attribute]
pub fn operation(attribute: TokenStream, item: TokenStream) -> TokenStream {
    expand::operation(attribute.into(), item.into()).into()
}

/// Includes the tables that the package's build script compiled from `spec/` and `templates/`, as `SURFACE`.
#[proc_macro]
pub fn surface(_: TokenStream) -> TokenStream {
    let out_dir = std::env::var_os("OUT_DIR");
    expand::surface(out_dir.as_deref().map(Path::new)).into()
}

/// Lets an enum be a parameter that is chosen by a variant's name: lower case with dashes, or
/// `#[choice(name = "…")]`.
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(input: TokenStream) -> TokenStream {
    expand::choice(input.into()).into()
}

/// Lets a type that implements the `Text` trait be a parameter; `#[text(format = "…")]` names its syntax.
#[proc_macro_derive(Text, attributes(text))]
pub fn text(input: TokenStream) -> TokenStream {
    expand::text(input.into()).into()
}

/// Lets a struct be the facts of a `Record`, with its fields known to specs and templates.
#[proc_macro_derive(Record)]
pub fn record(input: TokenStream) -> TokenStream {
    expand::record(input.into()).into()
}
