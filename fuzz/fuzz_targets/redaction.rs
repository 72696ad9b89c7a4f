//! Texts in which secrets may stand.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kube_mcp_core::fuzzing::redaction(text));
