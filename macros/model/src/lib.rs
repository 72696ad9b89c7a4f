//! The spec language of kube-mcp, version 1.
//!
//! One engine with thin front ends: build scripts ([`build`], feature `codegen`), the macros, and the `lint`,
//! `show`, `operations` and `new tool` subcommands of the binary all call this library.
//!
//! A run goes: [`signature`] (what operations there are) and the YAML tree ([`tree`]) into the checks, which
//! collect [`diagnostic`]s and yield the resolved package ([`ir`]), out of which code is generated.

pub mod diagnostic;
pub mod ir;
pub mod signature;

#[cfg(feature = "codegen")]
pub mod scan;
