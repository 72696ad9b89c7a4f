//! A parameter type.

/// A kind.
#[derive(Text)]
#[text(format = "kind")]
pub struct KindRef(pub String);
