//! All templates of a package, parsed once.

use std::{cell::Cell, collections::BTreeMap};

use crate::{
    checks::template::{Text, syntax},
    sources::Sources,
    spec::Found,
    template::{Statement, statements},
};

/// The folder that names of templates are relative to.
const FOLDER: &str = "templates/";

/// The templates by name.
pub(crate) struct Library<'a> {
    templates: BTreeMap<&'a str, Parsed<'a>>,
}

/// A template.
pub(crate) struct Parsed<'a> {
    pub(crate) text: Text<'a>,
    /// None if its syntax is wrong, which has been reported.
    pub(crate) body: Option<Vec<Statement>>,
    /// Whether something that is used has been checked to use it.
    pub(crate) used: Cell<bool>,
}

impl<'a> Library<'a> {
    /// Parses every template.
    pub(crate) fn read(files: &'a Sources, found: &mut Found) -> Self {
        let mut templates = BTreeMap::new();
        for file in &files.files {
            let Some(name) = file.name.strip_prefix(FOLDER) else {
                continue;
            };
            let text = Text::File {
                file: &file.name,
                text: &file.text,
            };
            let body = match statements(&file.text) {
                Ok(body) => Some(body),
                Err(error) => {
                    found.push(syntax::explain(text, error));
                    None
                }
            };
            templates.insert(
                name,
                Parsed {
                    text,
                    body,
                    used: Cell::new(false),
                },
            );
        }
        Self { templates }
    }

    /// The template of this name, and the name as it lives here.
    pub(crate) fn get(&self, name: &str) -> Option<(&'a str, &Parsed<'a>)> {
        self.templates
            .get_key_value(name)
            .map(|(name, parsed)| (*name, parsed))
    }

    /// All names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> + '_ {
        self.templates.keys().copied()
    }
}
