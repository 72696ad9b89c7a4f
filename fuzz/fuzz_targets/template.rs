//! Templates, and conditions of specs.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kube_mcp_core::fuzzing::template(text));
