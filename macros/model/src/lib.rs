//! The spec language of kube-mcp, version 1.
//!
//! One engine with thin front ends: build scripts (`build`, feature `codegen`), the macros, and the `lint`,
//! `show`, `operations` and `new tool` subcommands of the binary all call this library.
//!
//! A run goes: [`signature`] (what operations there are) and the YAML tree into the checks, which
//! collect [`diagnostic`]s and yield the resolved package ([`ir`]), out of which code is generated.

pub mod check;
pub mod checks;
pub mod diagnostic;
pub mod ir;
pub mod render;
mod schema;
pub mod signature;
pub mod sources;
pub mod spec;
pub mod suggest;
mod template;
pub mod tree;

#[cfg(feature = "codegen")]
pub mod build;
#[cfg(feature = "codegen")]
pub mod codegen;
#[cfg(feature = "codegen")]
pub mod expand;
#[cfg(feature = "codegen")]
pub mod scan;

pub use self::{
    check::{Taken, check},
    diagnostic::{Diagnostic, Place},
    render::{Colour, render, render_each},
    sources::{SourceFile, Sources},
};
