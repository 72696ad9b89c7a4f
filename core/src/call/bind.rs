//! From a JSON value to a typed parameter: the compiler's half of the check of a binding.

use serde_json::{Map, Value};

use crate::{Error, call::Page};

/// The values bound to an operation's parameters, ready to be taken by the generated function.
#[derive(Debug, Default)]
pub struct Values {
    values: Map<String, Value>,
    page: Page,
}

impl Values {
    /// Values by the operation's parameter names.
    pub fn new(values: Map<String, Value>, page: Page) -> Self {
        Self { values, page }
    }

    /// Takes the value of the parameter `name`. `at` is the place of the binding, `spec/…yaml:line:column`: rustc
    /// prints it in the snippet when the types do not fit, and it names the place of an error at run time.
    pub fn take<T: Bind>(&mut self, name: &str, at: &'static str) -> Result<T, Error> {
        // A null is left out by whoever bound it, so that no parameter type has to know of it.
        let value = self.values.remove(name).filter(|value| !value.is_null());
        T::bind(value).map_err(|error| Error::invalid(format!("{name}: {error} (bound at {at})")))
    }

    /// The part of the list that is wanted.
    pub fn page(&self) -> Page {
        self.page.clone()
    }
}

/// A value that does not fit a parameter: what was expected, and what there was.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BindError(String);

impl BindError {
    /// `expected`, e.g. `an integer`, and the value that there was instead.
    pub fn expected(expected: &str, found: Option<&Value>) -> Self {
        match found {
            Some(found) => Self(format!("expected {expected}, found {found}")),
            None => Self(format!("expected {expected}, found nothing")),
        }
    }

    /// What was wrong, in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A type that an operation may take as a parameter.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the parameter of an operation",
    label = "bound here by a spec",
    note = "parameters are String, bool, integers, f64, Vec and Option of these, and types that derive Choice or Text"
)]
pub trait Bind: Sized {
    /// Reads the value; `None` where the parameter is left out.
    ///
    /// # Errors
    /// If the value does not fit, or there is none and there has to be one.
    fn bind(value: Option<Value>) -> Result<Self, BindError>;
}

/// An enum whose variants are chosen by name. Derive it with `#[derive(Choice)]` in a scanned folder: a spec's
/// literals are then checked at build, and its JSON schema inherits the names.
pub trait Choice: Sized + Copy + 'static {
    /// The names, in order.
    const NAMES: &'static [&'static str];

    /// The variant of this name; case does not count.
    fn from_name(name: &str) -> Option<Self>;

    /// The variant's name.
    fn name(self) -> &'static str;
}

/// A newtype that is read from a string. Derive it with `#[derive(Text)] #[text(format = "…")]` in a scanned
/// folder, where `format` names a syntax that the model knows, so that a wrong literal fails at build.
pub trait Text: Sized {
    /// What is expected, e.g. `a duration such as 15m or 2h`.
    const EXPECTED: &'static str;

    /// Reads it.
    ///
    /// # Errors
    /// What is wrong, as a fragment; empty if [`EXPECTED`](Self::EXPECTED) says it all.
    fn from_text(text: &str) -> Result<Self, String>;
}

impl Bind for String {
    fn bind(value: Option<Value>) -> Result<Self, BindError> {
        match value {
            Some(Value::String(text)) => Ok(text),
            other => Err(BindError::expected("a string", other.as_ref())),
        }
    }
}

impl Bind for bool {
    fn bind(value: Option<Value>) -> Result<Self, BindError> {
        match value {
            Some(Value::Bool(flag)) => Ok(flag),
            other => Err(BindError::expected("true or false", other.as_ref())),
        }
    }
}

impl Bind for f64 {
    fn bind(value: Option<Value>) -> Result<Self, BindError> {
        value
            .as_ref()
            .and_then(Value::as_f64)
            .ok_or_else(|| BindError::expected("a number", value.as_ref()))
    }
}

/// Integers read through the widest type of their sign, so that one that is out of range is told, not cut.
macro_rules! bind_integer {
    ($($int:ty),*) => {$(
        impl Bind for $int {
            fn bind(value: Option<Value>) -> Result<Self, BindError> {
                let number = match &value {
                    Some(Value::Number(number)) => number
                        .as_i64()
                        .and_then(|n| <$int>::try_from(n).ok())
                        .or_else(|| number.as_u64().and_then(|n| <$int>::try_from(n).ok())),
                    _ => None,
                };
                number.ok_or_else(|| {
                    let expected = format!("an integer from {} to {}", <$int>::MIN, <$int>::MAX);
                    BindError::expected(&expected, value.as_ref())
                })
            }
        }
    )*};
}

bind_integer!(u8, u16, u32, u64, usize, i8, i16, i32, i64, isize);

impl<T: Bind> Bind for Option<T> {
    fn bind(value: Option<Value>) -> Result<Self, BindError> {
        value.map(|value| T::bind(Some(value))).transpose()
    }
}

impl<T: Bind> Bind for Vec<T> {
    fn bind(value: Option<Value>) -> Result<Self, BindError> {
        match value {
            Some(Value::Array(items)) => items.into_iter().map(|item| T::bind(Some(item))).collect(),
            other => Err(BindError::expected("a list", other.as_ref())),
        }
    }
}
