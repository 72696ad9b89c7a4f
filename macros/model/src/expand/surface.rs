//! `surface!()`: the tables that the build script wrote, or its diagnostics.

use std::path::Path;

use proc_macro2::TokenStream;
use quote::quote;

use crate::build::{BUILD_SCRIPT, written_mistakes};

/// Includes `OUT_DIR/surface.rs`. If the build script found mistakes, each becomes an error of this crate and the
/// tables are empty, so that nothing else fails because of them.
pub fn surface(out_dir: Option<&Path>) -> TokenStream {
    let mistakes = match out_dir {
        Some(out_dir) => written_mistakes(out_dir),
        None => vec![format!("`surface!()` needs a build.rs: `{BUILD_SCRIPT}`")],
    };
    if mistakes.is_empty() {
        return quote!(include!(concat!(env!("OUT_DIR"), "/surface.rs")););
    }
    quote! {
        #(::core::compile_error!(#mistakes);)*

        /// Nothing, because the build script found mistakes.
        pub static SURFACE: ::kube_mcp_core::engine::surface::Surface = ::kube_mcp_core::engine::surface::Surface {
            package: env!("CARGO_PKG_NAME"),
            toolsets: &[],
            tools: &[],
            prompts: &[],
            resources: &[],
            templates: &[],
            operations: &[],
            signatures: "{}",
        };
    }
}
