//! The files of one package: its specs and its templates.

use std::{fs, io, path::Path};

/// The files that a package's surface is made of, sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// The files.
    pub files: Vec<SourceFile>,
}

/// A file and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name as an author says it: `spec/tools/core/pods_list.yaml`, `templates/tools/describe.md.j2`.
    pub name: String,
    /// Its text.
    pub text: String,
}

impl Sources {
    /// Reads a folder that holds `spec/` and `templates/`, or that is a spec folder with `templates/` beside it.
    ///
    /// # Errors
    /// If there is neither `spec/` nor `tools/` in it, or a file cannot be read.
    pub fn read(dir: &Path) -> io::Result<Self> {
        let mut sources = Self::default();
        let (spec, templates) = if dir.join("spec").is_dir() {
            (dir.join("spec"), dir.join("templates"))
        } else if ["tools", "prompts", "resources"]
            .iter()
            .any(|name| dir.join(name).is_dir())
            || dir.join("toolsets.yaml").is_file()
        {
            // `..` and not `parent()`: the folder may be `.`.
            (dir.to_owned(), dir.join("..").join("templates"))
        } else {
            let message = format!(
                "no specs in {}: expected a folder that holds spec/ and templates/, or a spec folder",
                dir.display()
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, message));
        };
        // A template among the specs is read too, so that it can be told to be in the wrong place.
        sources.walk(&spec, "spec", &|name| is_yaml(name) || name.ends_with(".j2"))?;
        if templates.is_dir() {
            sources.walk(&templates, "templates", &|_| true)?;
        }
        sources.files.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sources)
    }

    /// Adds a file, as tests and editors do that have none on disk.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.files.push(SourceFile {
            name: name.into(),
            text: text.into(),
        });
        self.files.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// The text of the file of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.files
            .iter()
            .find(|file| file.name == name)
            .map(|file| file.text.as_str())
    }

    fn walk(&mut self, dir: &Path, name: &str, wanted: &dyn Fn(&str) -> bool) -> io::Result<()> {
        let in_file = |path: &Path, error: io::Error| {
            io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
        };
        for entry in fs::read_dir(dir).map_err(|error| in_file(dir, error))? {
            let path = entry.map_err(|error| in_file(dir, error))?.path();
            let Some(file_name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            // Editors leave hidden files beside what is edited.
            if file_name.starts_with('.') || file_name.ends_with('~') {
                continue;
            }
            let name = format!("{name}/{file_name}");
            if path.is_dir() {
                self.walk(&path, &name, wanted)?;
            } else if wanted(file_name) {
                let text = fs::read_to_string(&path).map_err(|error| in_file(&path, error))?;
                self.files.push(SourceFile { name, text });
            }
        }
        Ok(())
    }
}

fn is_yaml(name: &str) -> bool {
    [".yaml", ".yml"].iter().any(|end| name.ends_with(end))
}
