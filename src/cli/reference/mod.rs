//! `reference`: pages about everything that this binary serves and that specs can bind.

mod command;
mod operations;
mod page;
mod resources;
mod tools;

pub(super) use command::Reference;
