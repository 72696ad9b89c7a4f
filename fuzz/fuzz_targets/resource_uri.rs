//! URIs of resources.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kube_mcp_core::fuzzing::resource_uri(text));
