//! What containers write.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kube_mcp_core::fuzzing::log(bytes));
