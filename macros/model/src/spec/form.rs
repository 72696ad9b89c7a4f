//! The words in which the tables of keys are written.

/// A mapping with known keys.
#[derive(Debug)]
pub struct Form {
    /// What it is, with its article: `a tool`.
    pub what: &'static str,
    /// Its keys, in the order in which they are usually written.
    pub keys: &'static [KeySpec],
}

impl Form {
    /// The names of its keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

/// A key of a mapping.
#[derive(Debug)]
pub struct KeySpec {
    /// The key.
    pub name: &'static str,
    /// Whether it has to be there.
    pub required: bool,
    /// What its value may be.
    pub shape: Shape,
    /// What it means, for editors.
    pub doc: &'static str,
}

impl KeySpec {
    /// How it is written: `op: …`.
    pub fn example(&self) -> String {
        format!("{}: {}", self.name, self.shape.example())
    }
}

/// What a value may be.
#[derive(Debug)]
pub enum Shape {
    /// The version of the spec language.
    Version,
    /// A name: `[a-z][a-z0-9_]*`, at most 64 characters.
    Name,
    /// A string that is not empty.
    Text,
    /// The name of an operation.
    Operation,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// A whole number from 0.
    Count,
    /// Anything: a check of its own looks at it.
    Any,
    /// What a parameter of an operation gets.
    Value,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A list that is not empty.
    List(&'static Shape),
    /// A mapping with free keys.
    Map(&'static Shape),
    /// A mapping with known keys.
    Form(&'static Form),
    /// Whichever of these is of the value's sort.
    Either(&'static [Shape]),
}

impl Shape {
    /// How a value of it is written.
    pub fn example(&self) -> String {
        match self {
            Self::Version => "1".to_owned(),
            Self::Boolean => "true".to_owned(),
            Self::Number | Self::Count => "1".to_owned(),
            Self::OneOf(names) => names.first().copied().unwrap_or("…").to_owned(),
            Self::List(of) => format!("[{}]", of.example()),
            Self::Map(of) => format!("{{name: {}}}", of.example()),
            Self::Form(form) => {
                let needed = form.keys.iter().filter(|key| key.required);
                let written: Vec<String> = needed.map(KeySpec::example).collect();
                match (written.as_slice(), form.keys.first()) {
                    ([], Some(first)) => format!("{{{}}}", first.example()),
                    (written, _) => format!("{{{}}}", written.join(", ")),
                }
            }
            Self::Either(shapes) => shapes.first().map_or_else(|| "…".to_owned(), Self::example),
            Self::Name | Self::Text | Self::Operation | Self::Any | Self::Value => "…".to_owned(),
        }
    }

    /// What it is, in words.
    pub fn words(&self) -> String {
        match self {
            Self::Version => "the number 1".to_owned(),
            Self::Name | Self::Operation => "a name".to_owned(),
            Self::Text => "a string".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Count => "a whole number".to_owned(),
            Self::Any => "a value".to_owned(),
            Self::Value => "a string, a number, true, false or a list of these".to_owned(),
            Self::OneOf(names) => crate::suggest::list(names.iter().copied()).replacen(", ", " or ", 1),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) | Self::Form(_) => "a mapping".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::words).collect::<Vec<_>>().join(" or "),
        }
    }
}
