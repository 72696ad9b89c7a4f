//! The spec language of kube-mcp, version 1.
//!
//! One engine with thin front ends: build scripts (`build`, feature `codegen`), the macros, and the `lint`,
//! `show`, `operations` and `new tool` subcommands of the binary all call this library.
//!
//! A run goes: [`sources`] (the files) are read into trees ([`tree`]) in which every key and value knows its place;
//! the structural check compares them with the tables of keys ([`spec`]); the checks by subject ([`checks`])
//! compare them with [`signature`] (what operations there are) and with the templates. All of them collect
//! [`diagnostic`]s, which [`render()`] shows, and yield the resolved package ([`ir`]), out of which code is
//! generated.

pub mod check;
pub mod checks;
pub mod diagnostic;
pub mod editor;
pub mod ir;
pub mod render;
pub mod scaffold;
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
    editor::schemas,
    render::{Colour, render, render_each},
    scaffold::new_tool,
    sources::{SourceFile, Sources},
};
