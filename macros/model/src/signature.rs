//! What operations there are: read from Rust sources by the scan (feature `codegen`), carried between build
//! scripts and into the binary as JSON.

use serde::{Deserialize, Serialize};

/// Everything that the scanned folders declare.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The operations, sorted by name.
    pub operations: Vec<Signature>,
    /// Enums that derive `Choice`.
    pub choices: Vec<ChoiceType>,
    /// Newtypes that derive `Text`.
    pub texts: Vec<TextType>,
    /// Structs that derive `Record`.
    pub records: Vec<RecordType>,
}

/// An operation as it is declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The name that specs bind, e.g. `pods.logs`.
    pub name: String,
    /// How much it may do.
    pub access: Access,
    /// The absolute path of the function, e.g. `::kube_mcp_core::operations::pods::logs`.
    pub path: String,
    /// What it works on.
    pub reach: Reach,
    /// Its parameters, in order, without `cx` and `page`.
    pub params: Vec<ParamSignature>,
    /// Whether it lists: its last argument is `page: Page`.
    pub paged: bool,
    /// Whether it takes its own timeout.
    pub long: bool,
    /// What the API server must allow it, in RBAC's words: `get pods/log`, or `list $kind` for what the parameter
    /// `kind` names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// What it answers with.
    pub output: Output,
    /// Its doc comment.
    pub doc: String,
    /// Where it is declared, `core/src/operations/pods.rs:8`.
    pub at: String,
}

/// RBAC's verbs of requests, reads before writes: what a right of an operation begins with. The core, in which the
/// model is not compiled, has the same for its rules; a test of it compares the two.
pub const VERBS: [&str; 8] = [
    "get",
    "list",
    "watch",
    "create",
    "update",
    "patch",
    "delete",
    "deletecollection",
];

/// How much an operation may do; the order is by gravity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Changes nothing.
    Read,
    /// Changes objects in a way that can be undone.
    Write,
    /// Removes, or changes in a way that loses something.
    Destructive,
    /// Runs code in, or opens a way into, a workload.
    Exec,
}

impl Access {
    /// The word for it, as in `#[operation("…", read)]`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Destructive => "destructive",
            Self::Exec => "exec",
        }
    }
}

/// What an operation works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// One cluster: it takes `&Cx`.
    Cluster,
    /// The server itself: it takes `&ServerCx`.
    Server,
}

/// What an operation answers with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    /// `Table`.
    Table,
    /// `Object`.
    Object,
    /// `Record<T>`, with the name of `T`.
    Record(String),
    /// `Lines`.
    Lines,
    /// `Change`.
    Change,
}

/// A parameter of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParamSignature {
    /// Its name (without `r#`).
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// Its doc comment.
    pub doc: String,
}

/// `T`, `Option<T>`, `Vec<T>` or `Option<Vec<T>>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Type {
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it is a list.
    pub list: bool,
    /// What there is one of, or a list of.
    pub base: Base,
}

/// A type that a parameter may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// `String`.
    String,
    /// `bool`.
    Bool,
    /// An integer, with its Rust name (`u32`).
    Integer(String),
    /// `f64`.
    Number,
    /// An enum of the core, by name: see [`Catalog::choices`].
    Choice(String),
    /// A newtype of the core, by name: see [`Catalog::texts`].
    Text(String),
}

/// An enum that derives `Choice`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChoiceType {
    /// The enum's name.
    pub name: String,
    /// Its variants as they are written in a spec or argument: lower case with dashes, or as
    /// `#[choice(name = "…")]` says.
    pub variants: Vec<String>,
}

/// A newtype that derives `Text`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextType {
    /// The struct's name.
    pub name: String,
    /// The syntax of its text, one that the checks know: `kind`, `duration`, `moment`.
    pub format: String,
}

/// A struct that derives `Record`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordType {
    /// The struct's name.
    pub name: String,
    /// Its public fields as they are serialised.
    pub fields: Vec<String>,
}

impl Catalog {
    /// Whether a record, or else a parameter's type, of this name is declared.
    pub fn has_type(&self, record: bool, name: &str) -> bool {
        match record {
            true => self.records.iter().any(|known| known.name == name),
            false => {
                self.choices.iter().any(|known| known.name == name)
                    || self.texts.iter().any(|known| known.name == name)
            }
        }
    }

    /// Adds what another package declares. What both have alike is kept once.
    pub fn extend(&mut self, other: &Self) {
        fn add<T: Clone + PartialEq>(all: &mut Vec<T>, more: &[T]) {
            for one in more {
                if !all.contains(one) {
                    all.push(one.clone());
                }
            }
        }
        add(&mut self.operations, &other.operations);
        add(&mut self.choices, &other.choices);
        add(&mut self.texts, &other.texts);
        add(&mut self.records, &other.records);
        self.operations.sort_by(|a, b| a.name.cmp(&b.name));
    }
}
