//! An API server that answers from a script.
