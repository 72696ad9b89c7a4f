//! Specs.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let mut sources = kube_mcp_model::Sources::default();
    sources.add("spec/tools/core/example.yaml", text);
    let (package, found) = kube_mcp_model::check(&sources, &Default::default(), &[]);
    assert_eq!(package.is_none(), !found.is_empty());
    kube_mcp_model::render(&found, &sources, kube_mcp_model::Colour::Plain);
});
