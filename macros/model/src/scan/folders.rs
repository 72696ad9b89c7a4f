//! Reads whole folders of sources and puts what they declare into one catalog.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use proc_macro2::Span;
use syn::{DeriveInput, Item, ext::IdentExt as _};

use super::{Attribute, Choice, Operation, Record, Text};
use crate::{
    diagnostic::{Diagnostic, Place},
    signature::{Catalog, Output},
};

/// Sources as they are read, before names are looked up.
#[derive(Debug, Default)]
pub struct Folders {
    operations: Vec<Found>,
    catalog: Catalog,
    mistakes: Vec<Diagnostic>,
    unreadable: Unreadable,
    sources: BTreeMap<String, String>,
    places: BTreeMap<(&'static str, String), Place>,
}

/// What the sources declare, and what is wrong with them.
#[derive(Debug, Default)]
pub struct Scanned {
    /// The catalog, sorted by name.
    pub catalog: Catalog,
    /// What is wrong, in the order of files.
    pub mistakes: Vec<Diagnostic>,
    /// The operations that are not in the catalog because they could not be read.
    pub unreadable: Unreadable,
    /// The files that were read, by the name that the mistakes use.
    pub sources: BTreeMap<String, String>,
}

/// Operations that are declared, but could not be read.
#[derive(Debug, Default)]
pub struct Unreadable {
    names: Vec<String>,
    /// Not even the name of one, or a whole file.
    nameless: bool,
}

impl Unreadable {
    /// Whether an operation of this name may be among them.
    pub fn may_have(&self, name: &str) -> bool {
        self.nameless || self.names.iter().any(|known| known == name)
    }
}

#[derive(Debug)]
struct Found {
    operation: Operation,
    module: String,
    file: String,
    name: Span,
}

impl Folders {
    /// Reads a folder with everything below it, or a file. `module` is its path in Rust
    /// (`::kube_mcp_core::operations`), `name` what mistakes call it (`core/src/operations`). One that does not
    /// exist declares nothing.
    ///
    /// # Errors
    /// If something cannot be read.
    pub fn read(&mut self, path: &Path, module: &str, name: &str) -> io::Result<()> {
        if path.is_file() {
            self.text(name, module, fs::read_to_string(path)?);
            return Ok(());
        }
        if !path.is_dir() {
            return Ok(());
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<_>>()?;
        entries.sort();
        for entry in entries {
            let (Some(file), Some(stem)) = (text_of(entry.file_name()), text_of(entry.file_stem())) else {
                continue;
            };
            // Tests declare things for themselves.
            if stem == "tests" || file.starts_with('.') || (entry.is_file() && !file.ends_with(".rs")) {
                continue;
            }
            let inner = match stem {
                "mod" => module.to_owned(),
                stem => format!("{module}::{}", raw(stem)),
            };
            self.read(&entry, &inner, &format!("{name}/{file}"))?;
        }
        Ok(())
    }

    /// Reads one file's text.
    pub fn text(&mut self, file: &str, module: &str, text: String) {
        match syn::parse_file(&text) {
            Ok(parsed) => self.items(&parsed.items, file, module),
            Err(error) => {
                self.unreadable.nameless = true;
                self.tell(file, "operation-source", error);
            }
        }
        self.sources.insert(file.to_owned(), text);
    }

    /// Looks all names up. `known` is what other packages declare: types of it may be used, names of it may not
    /// be declared again.
    pub fn finish(mut self, known: &Catalog) -> Scanned {
        for ((family, name), place) in &self.places {
            if known.has_type(family == &RECORD, name) {
                self.mistakes.push(
                    twice(family, name, place.clone())
                        .note(
                            "kube-mcp-core has one of that name, and types are looked up by their last name",
                        )
                        .help("give it another name"),
                );
            }
        }
        let mut lookup = self.catalog.clone();
        lookup.extend(known);
        let mut by_name: BTreeMap<String, String> = known
            .operations
            .iter()
            .map(|operation| (operation.name.clone(), operation.at.clone()))
            .collect();
        for found in std::mem::take(&mut self.operations) {
            let path = format!(
                "{}::{}",
                found.module,
                raw(&found.operation.ident.unraw().to_string())
            );
            let place = place(&found.file, found.name);
            let at = format!("{}:{}", place.file, place.line);
            if let Output::Record(record) = &found.operation.output
                && !lookup.records.iter().any(|known| known.name == *record)
            {
                self.mistakes.push(Diagnostic::new(
                    "operation-record",
                    format!("`{record}` does not derive `Record` in the folder of the operations"),
                    place.clone(),
                )
                .help(format!(
                    "write `#[derive(serde::Serialize, kube_mcp_core::Record)]` on `{record}`, beside what answers with it"
                )));
            }
            if let Some(first) = by_name.insert(found.operation.name.clone(), at.clone()) {
                let name = &found.operation.name;
                let message = format!("operation `{name}` is declared twice");
                self.mistakes.push(
                    Diagnostic::new("operation-twice", message, place)
                        .note(format!("first declared at {first}")),
                );
                continue;
            }
            let (signature, unknown) = found.operation.resolve(&lookup, path, at);
            self.catalog.operations.push(signature);
            for (span, name) in unknown {
                let operation = &found.operation.name;
                let message = format!("operation `{operation}` cannot take `{name}`");
                let help = format!(
                    "parameters are String, bool, integers, f64, Vec and Option of these; else let `{name}` derive \
                     Choice or Text in the folder of the operations"
                );
                let place = self::place(&found.file, span);
                self.mistakes
                    .push(Diagnostic::new("operation-type", message, place).help(help));
            }
        }
        self.catalog.operations.sort_by(|a, b| a.name.cmp(&b.name));
        self.mistakes.sort_by(|a, b| a.place.cmp(&b.place));
        Scanned {
            catalog: self.catalog,
            mistakes: self.mistakes,
            unreadable: self.unreadable,
            sources: self.sources,
        }
    }

    fn items(&mut self, items: &[Item], file: &str, module: &str) {
        for item in items {
            match item {
                Item::Fn(function) => {
                    let Some(attribute) = function
                        .attrs
                        .iter()
                        .find(|attr| is_named(attr.path(), "operation"))
                    else {
                        continue;
                    };
                    match attribute.parse_args::<Attribute>() {
                        Ok(attribute) => self.operation(&attribute, function, file, module),
                        Err(error) => {
                            self.unreadable.nameless = true;
                            self.tell(file, "operation-signature", error);
                        }
                    }
                }
                Item::Mod(inner) if !is_test(&inner.attrs) => {
                    if let Some((_, items)) = &inner.content {
                        self.items(items, file, &format!("{module}::{}", inner.ident));
                    }
                }
                Item::Enum(item) => self.derived(&DeriveInput::from(item.clone()), file),
                Item::Struct(item) => self.derived(&DeriveInput::from(item.clone()), file),
                _ => {}
            }
        }
    }

    fn operation(&mut self, attribute: &Attribute, function: &syn::ItemFn, file: &str, module: &str) {
        match Operation::parse(attribute, function) {
            Ok(operation) => self.operations.push(Found {
                operation,
                module: module.to_owned(),
                file: file.to_owned(),
                name: function.sig.ident.span(),
            }),
            Err(error) => {
                self.unreadable.names.push(attribute.name.value());
                self.tell(file, "operation-signature", error);
            }
        }
    }

    fn derived(&mut self, input: &DeriveInput, file: &str) {
        let mut names = Vec::new();
        for attribute in input.attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
            let told = attribute.parse_nested_meta(|meta| {
                names.extend(meta.path.segments.last().map(|segment| segment.ident.to_string()));
                Ok(())
            });
            if let Err(error) = told {
                self.tell(file, "operation-source", error);
            }
        }
        for name in names {
            let read = match name.as_str() {
                "Choice" => Choice::parse(input).map(|choice| self.catalog.choices.push(choice.signature())),
                "Text" => Text::parse(input).map(|text| self.catalog.texts.push(text.signature())),
                "Record" => Record::parse(input).map(|record| self.catalog.records.push(record.signature())),
                _ => continue,
            };
            if let Err(error) = read {
                self.tell(file, "operation-source", error);
            }
            self.unique(&name, input, file);
        }
    }

    /// Types are looked up by their last name, so it has to be one type's only.
    fn unique(&mut self, derive: &str, input: &DeriveInput, file: &str) {
        let name = input.ident.unraw().to_string();
        let family = if derive == "Record" {
            RECORD
        } else {
            "parameter type"
        };
        let place = place(file, input.ident.span());
        if let Some(first) = self.places.insert((family, name.clone()), place.clone()) {
            let first = format!("first declared at {}:{}", first.file, first.line);
            self.mistakes.push(twice(family, &name, place).note(first));
        }
    }

    fn tell(&mut self, file: &str, check: &'static str, error: syn::Error) {
        for error in error {
            self.mistakes.push(Diagnostic::new(
                check,
                error.to_string(),
                place(file, error.span()),
            ));
        }
    }
}

/// The family of types that are declared as answers, not as parameters.
const RECORD: &str = "record";

fn twice(family: &str, name: &str, place: Place) -> Diagnostic {
    Diagnostic::new(
        "operation-type",
        format!("{family} `{name}` is declared twice"),
        place,
    )
}

fn place(file: &str, span: Span) -> Place {
    let (start, end) = (span.start(), span.end());
    let length = if start.line == end.line {
        end.column.saturating_sub(start.column)
    } else {
        1
    };
    Place {
        file: file.to_owned(),
        line: start.line.max(1),
        column: start.column + 1,
        length: length.max(1),
    }
}

fn is_named(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|segment| segment.ident == name)
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.parse_args::<syn::Ident>().is_ok_and(|flag| flag == "test")
    })
}

/// A name as Rust writes it: with `r#` if it is a keyword.
fn raw(name: &str) -> String {
    match syn::parse_str::<syn::Ident>(name) {
        Ok(_) => name.to_owned(),
        Err(_) => format!("r#{name}"),
    }
}

fn text_of(name: Option<&std::ffi::OsStr>) -> Option<&str> {
    name.and_then(std::ffi::OsStr::to_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(files: &[(&str, &str, &str)], known: &Catalog) -> Scanned {
        let mut folders = Folders::default();
        for (file, module, text) in files {
            folders.text(file, module, (*text).to_owned());
        }
        folders.finish(known)
    }

    fn told(scanned: &Scanned) -> Vec<String> {
        let line = |mistake: &Diagnostic| {
            let Place {
                file, line, column, ..
            } = &mistake.place;
            format!("{file}:{line}:{column}: {}", mistake.message)
        };
        scanned.mistakes.iter().map(line).collect()
    }

    const PODS: &str = "
/// Reads logs.
#[operation(\"pods.logs\", read)]
pub async fn logs(cx: &Cx, kind: KindRef, order: Option<Order>) -> Result<Lines> {}

#[derive(Clone, Copy, Choice)]
pub enum Order { NewestFirst, #[choice(name = \"old\")] OldestFirst }

#[derive(Serialize, kube_mcp_core::Record)]
#[serde(rename_all = \"camelCase\")]
pub struct Facts { pub open_since: String, #[serde(rename = \"n\", default = \"x\")] pub count: u32, hidden: bool,
    #[serde(skip)] pub skipped: u8, #[serde(skip_serializing_if = \"Option::is_none\")] pub last: Option<u8> }

/// What there is.
#[kube_mcp_core::operation(\"pods.facts\", read)]
pub async fn r#where(cx: &Cx) -> Result<Record<Facts>> {}

#[cfg(test)]
mod tests {
    #[operation(\"pods.test\", read)]
    fn not_seen() {}
}
";

    const PARAMS: &str = "#[derive(Text)] #[text(format = \"kind\")] pub struct KindRef(pub String);";

    #[test]
    fn operations_and_their_types_come_into_the_catalog() {
        let scanned = scan(
            &[
                ("src/operations/pods.rs", "::c::operations::pods", PODS),
                ("src/call/params.rs", "::c::call", PARAMS),
            ],
            &Catalog::default(),
        );
        assert_eq!(told(&scanned), [""; 0]);
        let catalog = &scanned.catalog;
        let paths: Vec<&str> = catalog.operations.iter().map(|op| op.path.as_str()).collect();
        assert_eq!(
            paths,
            ["::c::operations::pods::r#where", "::c::operations::pods::logs"]
        );
        assert_eq!(catalog.operations[1].at, "src/operations/pods.rs:4");
        assert_eq!(catalog.choices[0].variants, ["newest-first", "old"]);
        assert_eq!(catalog.records[0].fields, ["openSince", "n", "last"]);
    }

    #[test]
    fn types_of_another_package_are_known() {
        let core = scan(&[("params.rs", "::c::call", PARAMS)], &Catalog::default()).catalog;
        let own = "/// It.\n#[operation(\"acme.purge\", destructive)]\npub async fn purge(cx: &Cx, kind: KindRef) \
                   -> Result<Change> {}";
        let scanned = scan(
            &[("src/operations/acme.rs", "crate::operations::acme", own)],
            &core,
        );
        assert_eq!(told(&scanned), [""; 0]);
        assert_eq!(scanned.catalog.operations.len(), 1);
        assert!(scanned.catalog.texts.is_empty(), "only what is declared here");
    }

    #[test]
    fn a_type_of_another_package_keeps_its_name() {
        let core = scan(&[("params.rs", "::c::call", PARAMS)], &Catalog::default()).catalog;
        let choice = "#[derive(Clone, Copy, Choice)]\npub enum KindRef { One }";
        let scanned = scan(&[("src/operations/a.rs", "crate::operations::a", choice)], &core);
        assert_eq!(
            told(&scanned),
            ["src/operations/a.rs:2:10: parameter type `KindRef` is declared twice"]
        );
        let record = "#[derive(Serialize, Record)]\npub struct KindRef { pub name: String }";
        let scanned = scan(&[("src/operations/a.rs", "crate::operations::a", record)], &core);
        assert_eq!(told(&scanned), [""; 0], "a record is no parameter");
    }

    #[test]
    fn what_cannot_be_read_may_have_been_the_operation_that_is_missing() {
        let may_have = |text: &str| {
            let scanned = scan(&[("a.rs", "m", text)], &Catalog::default());
            ["a.b", "c.d"].map(|name| scanned.unreadable.may_have(name))
        };
        let signature = "/// It.\n#[operation(\"a.b\", read)]\npub fn f(cx: &Cx) -> Result<Table> {}";
        assert_eq!(may_have(signature), [true, false]);
        assert_eq!(may_have(&signature.replace("read", "raed")), [true, true]);
        assert_eq!(may_have("pub fn"), [true, true]);
        assert_eq!(
            may_have(&signature.replace("pub fn", "pub async fn")),
            [false, false]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        let twice = "/// It.\n#[operation(\"a.b\", read)]\npub async fn f(cx: &Cx) -> Result<Table> {}";
        let unknown = "/// It.\n#[operation(\"c.d\", read)]\npub async fn g(cx: &Cx, when: Moment) -> Result<Record<X>> {}\n\
                       #[operation(\"e\")]\nfn h() {}";
        let scanned = scan(
            &[
                ("a.rs", "m", twice),
                ("b.rs", "m", twice),
                ("c.rs", "m", unknown),
                ("d.rs", "m", "fn"),
            ],
            &Catalog::default(),
        );
        assert_eq!(
            told(&scanned),
            [
                "b.rs:3:14: operation `a.b` is declared twice",
                "c.rs:3:14: `X` does not derive `Record` in the folder of the operations",
                "c.rs:3:31: operation `c.d` cannot take `Moment`",
                "c.rs:4:13: an operation is named `group.name`, in lower-case letters, digits and `_`",
                "d.rs:1:1: unexpected end of input, expected identifier",
            ]
        );
        assert_eq!(scanned.mistakes[0].notes, ["first declared at a.rs:3"]);
    }
}
