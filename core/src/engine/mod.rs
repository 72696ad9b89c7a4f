//! Runs what was generated: arguments, aliases, steps, templates, the output stage.

pub mod surface;
