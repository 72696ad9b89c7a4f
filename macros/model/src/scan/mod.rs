//! Reads operations and the types that they take or answer with out of Rust sources.
//!
//! The macros and the build scripts share this one parser: the macro sees one item with its tokens, the build
//! script sees whole folders as text, and neither can know something that the other does not. What a single item
//! cannot tell (does a named type derive `Choice` or `Text`?) stays a name in the parsed forms and is resolved by
//! [`Folders`] once everything was read.

mod case;
mod derives;
mod folders;
mod operation;
mod types;

pub use derives::{Choice, Record, Text, Variant};
pub use folders::{Folders, Scanned, Unreadable};
pub use operation::{Attribute, Operation, Parameter, refuse_elsewhere, strip_parameters};
pub use types::{BaseType, ParameterType};
