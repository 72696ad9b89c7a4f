//! How a mistake looks to its author: as rustc would show it.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::{
    diagnostic::{Diagnostic, Place},
    sources::Sources,
};

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
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    // Lines are short and told whole: without a width the renderer would cut them to that of a terminal.
    let renderer = renderer.term_width(400);
    diagnostics
        .iter()
        .map(|diagnostic| render_one(diagnostic, files, &renderer))
        .collect()
}

/// All mistakes as one text, with an empty line between them.
pub fn render(diagnostics: &[Diagnostic], files: &Sources, colour: Colour) -> String {
    let mut text = render_each(diagnostics, files, colour).join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn render_one(diagnostic: &Diagnostic, files: &Sources, renderer: &Renderer) -> String {
    let place = &diagnostic.place;
    let title = Level::ERROR
        .primary_title(&diagnostic.message)
        .id(diagnostic.check);
    let mut group = match source_line(place, files) {
        Some((line, span)) => {
            let annotation = AnnotationKind::Primary
                .span(span)
                .label(diagnostic.label.as_deref());
            title.element(
                Snippet::source(line)
                    .line_start(place.line)
                    .path(&place.file)
                    .annotation(annotation),
            )
        }
        None => Group::with_title(title).element(
            Origin::path(&place.file)
                .line(place.line)
                .char_column(place.column),
        ),
    };
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let text = renderer.render(&[group]);
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// The line of a place, and the bytes of it that are meant. None if there is nothing to show.
fn source_line<'a>(place: &Place, files: &'a Sources) -> Option<(&'a str, std::ops::Range<usize>)> {
    let line = files.text(&place.file)?.lines().nth(place.line.checked_sub(1)?)?;
    if line.trim().is_empty() {
        return None;
    }
    let byte = |character: usize| {
        line.char_indices()
            .nth(character)
            .map_or(line.len(), |(at, _)| at)
    };
    let start = byte(place.column - 1);
    let end = byte(place.column - 1 + place.length).max(start);
    Some((line, start..end))
}
