//! Expressions of `where`, `sort` and `fields`.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kube_mcp_core::fuzzing::filter(text));
