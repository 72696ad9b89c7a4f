//! Kinds, durations, moments, clusters.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| kube_mcp_core::fuzzing::parameter(text));
