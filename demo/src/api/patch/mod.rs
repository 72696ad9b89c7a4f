//! Patches: the four ways in which a client says what to change of an object.

mod apply;
mod request;
mod strategic;

pub(crate) use request::patch;
