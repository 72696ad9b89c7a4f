//! Objects of an API server.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| kube_mcp_core::fuzzing::object(bytes));
