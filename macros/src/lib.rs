//! `#[operation]`, `surface!` and the derives of kube-mcp. All logic is in `kube-mcp-model`.

use proc_macro::TokenStream;

/// x
#[proc_macro_attribute]
pub fn operation(_: TokenStream, item: TokenStream) -> TokenStream {
    item
}
/// x
#[proc_macro]
pub fn surface(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
/// x
#[proc_macro_derive(Choice, attributes(choice))]
pub fn choice(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
/// x
#[proc_macro_derive(Text, attributes(text))]
pub fn text(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
/// x
#[proc_macro_derive(Record)]
pub fn record(_: TokenStream) -> TokenStream {
    TokenStream::new()
}
