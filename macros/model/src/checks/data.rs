//! What is known of the data that steps give: which keys there are, and what is text.

use std::rc::Rc;

use crate::signature::{Catalog, Output, Signature};

/// What is known of a value.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// Nothing: paths are free.
    Any,
    /// A text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Flag,
    /// A list of these.
    List(Rc<Data>),
    /// A mapping with these keys and no others.
    Fields(Rc<Vec<(String, Data)>>),
    /// All parameters.
    Params,
    /// All steps.
    Steps,
    /// The result of the step of this index.
    Step(usize),
    /// The variables of the URI.
    Uri,
    /// A template that was imported, with its macros.
    Module(Rc<Vec<String>>),
    /// A macro or function.
    Callable,
}

/// Why a path leads nowhere.
#[derive(Debug)]
pub(crate) enum Miss {
    /// There is no such key; these are there.
    Unknown(Vec<String>),
    /// A list has no keys.
    IsList,
    /// A text, number or flag has no parts.
    IsScalar(&'static str),
}

impl Data {
    /// A mapping with these keys.
    pub(crate) fn fields<const N: usize>(fields: [(&str, Self); N]) -> Self {
        Self::Fields(Rc::new(
            fields
                .into_iter()
                .map(|(name, data)| (name.to_owned(), data))
                .collect(),
        ))
    }

    /// What `loop` is in a template.
    pub(crate) fn of_loop() -> Self {
        Self::fields([
            ("index", Self::Integer),
            ("index0", Self::Integer),
            ("revindex", Self::Integer),
            ("revindex0", Self::Integer),
            ("first", Self::Flag),
            ("last", Self::Flag),
            ("length", Self::Integer),
            ("depth", Self::Integer),
            ("depth0", Self::Integer),
            ("previtem", Self::Any),
            ("nextitem", Self::Any),
        ])
    }

    fn list(of: Self) -> Self {
        Self::List(Rc::new(of))
    }

    /// What an operation answers with, as templates and references see it.
    pub(crate) fn of(operation: &Signature, catalog: &Catalog) -> Self {
        let texts = || Self::list(Self::Any);
        match &operation.output {
            Output::Table => Self::fields([
                ("subject", Self::Text),
                ("scope", Self::Text),
                ("total", Self::Integer),
                (
                    "totals",
                    Self::list(Self::fields([("name", Self::Text), ("count", Self::Integer)])),
                ),
                ("shown", Self::Integer),
                ("complete", Self::Flag),
                (
                    "rows",
                    Self::list(Self::fields([
                        ("cluster", Self::Text),
                        ("kind", Self::Text),
                        ("namespace", Self::Text),
                        ("name", Self::Text),
                        ("status", Self::Text),
                        ("ready", Self::Any),
                        ("age", Self::Any),
                        ("health", Self::Text),
                        ("cells", Self::Any),
                    ])),
                ),
                ("notes", texts()),
                ("next", texts()),
            ]),
            Output::Lines => Self::fields([
                (
                    "lines",
                    Self::list(Self::fields([
                        ("source", Self::Text),
                        ("time", Self::Text),
                        ("text", Self::Text),
                        ("count", Self::Integer),
                    ])),
                ),
                ("notes", texts()),
                ("next", texts()),
            ]),
            Output::Change => Self::fields([
                (
                    "items",
                    Self::list(Self::fields([
                        ("verb", Self::Text),
                        ("kind", Self::Text),
                        ("namespace", Self::Text),
                        ("name", Self::Text),
                        ("result", Self::Text),
                        ("diff", Self::Text),
                        ("error", Self::Text),
                    ])),
                ),
                ("notes", texts()),
                ("next", texts()),
            ]),
            Output::Record(name) => match catalog.records.iter().find(|record| record.name == *name) {
                Some(record) => {
                    let own = record.fields.iter().map(|field| (field.clone(), Self::Any));
                    let all = own.chain([("notes".to_owned(), texts()), ("next".to_owned(), texts())]);
                    Self::Fields(Rc::new(all.collect()))
                }
                None => Self::Any,
            },
            Output::Object => Self::Any,
        }
    }

    /// What stands at a key or index of it.
    pub(crate) fn at(&self, key: &str) -> Result<Self, Miss> {
        let index = key.parse::<usize>().is_ok();
        match self {
            Self::List(of) if index => Ok(of.as_ref().clone()),
            Self::List(_) => Err(Miss::IsList),
            Self::Fields(fields) => match fields.iter().find(|(name, _)| name == key) {
                Some((_, data)) => Ok(data.clone()),
                None => Err(Miss::Unknown(
                    fields.iter().map(|(name, _)| name.clone()).collect(),
                )),
            },
            Self::Text => Err(Miss::IsScalar("a text")),
            Self::Integer => Err(Miss::IsScalar("a number")),
            Self::Flag => Err(Miss::IsScalar("true or false")),
            _ => Ok(Self::Any),
        }
    }

    /// What one item of it is.
    pub(crate) fn item(&self) -> Self {
        match self {
            Self::List(of) => of.as_ref().clone(),
            _ => Self::Any,
        }
    }

    /// What it is, in words; none where nothing is known.
    pub(crate) fn words(&self) -> Option<&'static str> {
        match self {
            Self::Text => Some("a string"),
            Self::Integer => Some("an integer"),
            Self::Flag => Some("true or false"),
            Self::List(_) => Some("a list"),
            Self::Fields(_) => Some("a mapping"),
            _ => None,
        }
    }
}

impl Miss {
    /// The second half of the message, and what to write instead.
    pub(crate) fn explain(&self, key: &str, of: &str) -> (String, Option<String>) {
        match self {
            Self::Unknown(names) => (
                format!("{of} has no `{key}`"),
                crate::suggest::help(key, names.iter().map(String::as_str), "it has"),
            ),
            Self::IsList => (
                format!("{of} is a list and has no `{key}`"),
                Some(format!(
                    "take one item, `{}.0.{key}`, or go over them in a template",
                    of.trim_matches('`')
                )),
            ),
            Self::IsScalar(what) => (
                format!("{of} is {what} and has no `{key}`"),
                Some(format!("write {of}")),
            ),
        }
    }
}
