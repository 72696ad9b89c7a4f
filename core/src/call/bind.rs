//! From a JSON value to a typed parameter: the compiler's half of the check of a binding.

use serde_json::Map;
#[doc(no_inline)]
pub use serde_json::Value;

use crate::{Error, call::Page, nearest::nearest};

/// The values bound to an operation's parameters, ready to be taken by the generated function.
#[derive(Debug, Default)]
pub struct Values {
    values: Map<String, Value>,
    page: Page,
    given: Vec<(&'static str, &'static str)>,
}

impl Values {
    /// Values by the operation's parameter names, of which `given` come from the caller as they are: each with the
    /// caller's name for it.
    pub fn new(values: Map<String, Value>, page: Page, given: Vec<(&'static str, &'static str)>) -> Self {
        Self { values, page, given }
    }

    /// Takes the value of the parameter `name`. `at` is the place of the binding, `spec/…yaml:line:column`: rustc
    /// prints it in the snippet when the types do not fit, and it names the place of an error at run time that is
    /// the spec's and not the caller's.
    pub fn take<T: Bind>(&mut self, name: &str, at: &'static str) -> Result<T, Error> {
        // A null is left out by whoever bound it, so that no parameter type has to know of it.
        let value = self.values.remove(name).filter(|value| !value.is_null());
        T::bind(value).map_err(|error| {
            let given = self.given.iter().find(|(param, _)| *param == name);
            Error::invalid(match given {
                Some((_, name)) => format!("{name}: {error}"),
                None => format!("{name}: {error} (bound at {at})"),
            })
        })
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
    label = "not a type that a spec can bind",
    note = "parameters are String, bool, integers, f64, Vec and Option of these, and types that derive Choice or Text"
)]
pub trait Bind: Sized {
    /// Reads the value; `None` where the parameter is left out.
    ///
    /// # Errors
    /// If the value does not fit, or there is none and there has to be one.
    fn bind(value: Option<Value>) -> Result<Self, BindError>;
}

/// Reads a [`Choice`] by a variant's name: what `#[derive(Choice)]` implements [`Bind`] with.
///
/// # Errors
/// If it is none of the names; the error says them, and the nearest.
pub fn bind_choice<T: Choice>(value: Option<Value>) -> Result<T, BindError> {
    let names = T::NAMES.join(", ");
    let Some(Value::String(text)) = &value else {
        return Err(BindError::expected(&format!("one of {names}"), value.as_ref()));
    };
    T::from_name(text.trim()).ok_or_else(|| {
        BindError::new(match nearest(text, T::NAMES.iter().copied()) {
            Some(name) => format!("expected one of {names}, found {text:?}: did you mean {name}?"),
            None => format!("expected one of {names}, found {text:?}"),
        })
    })
}

/// Reads a [`Text`] from a string: what `#[derive(Text)]` implements [`Bind`] with.
///
/// # Errors
/// If it is no string, or the type refuses it.
pub fn bind_text<T: Text>(value: Option<Value>) -> Result<T, BindError> {
    let Some(Value::String(text)) = &value else {
        return Err(BindError::expected(T::EXPECTED, value.as_ref()));
    };
    T::from_text(text).map_err(|reason| match reason.as_str() {
        "" => BindError::expected(T::EXPECTED, value.as_ref()),
        reason => BindError::new(format!("expected {}, found {text:?}: {reason}", T::EXPECTED)),
    })
}

/// Reads a [`Text`] from a string, or from a number as if it were one: a bare number is a number of seconds.
///
/// # Errors
/// As [`bind_text`].
pub fn bind_text_or_number<T: Text>(value: Option<Value>) -> Result<T, BindError> {
    bind_text(match value {
        Some(Value::Number(number)) => Some(Value::String(number.to_string())),
        other => other,
    })
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::call::{Duration, KindRef};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, crate::Choice)]
    enum Policy {
        Background,
        #[choice(name = "Foreground")]
        InFront,
    }

    fn told<T: Bind + std::fmt::Debug>(value: Value) -> String {
        T::bind(Some(value)).unwrap_err().to_string()
    }

    #[test]
    fn a_choice_is_read_by_its_names() {
        assert_eq!(Policy::bind(Some(json!("foreground"))), Ok(Policy::InFront));
        assert_eq!(Policy::Background.name(), "background");
        assert_eq!(
            told::<Policy>(json!("forground")),
            "expected one of background, Foreground, found \"forground\": did you mean Foreground?"
        );
        assert_eq!(
            told::<Policy>(json!(5)),
            "expected one of background, Foreground, found 5"
        );
    }

    #[test]
    fn a_duration_may_be_a_bare_number_and_a_kind_may_not() {
        let minute = Duration(std::time::Duration::from_secs(60));
        assert_eq!(Duration::bind(Some(json!(60))), Ok(minute));
        assert_eq!(Duration::bind(Some(json!("1m"))), Ok(minute));
        assert!(told::<Duration>(json!("soon")).starts_with("expected a duration such as"));
        assert!(told::<KindRef>(json!(60)).starts_with("expected a kind such as"));
    }

    #[test]
    fn what_is_left_out_fits_optional_parameters_only() {
        let mut values = Values::new(
            Map::from_iter([("a".to_owned(), json!(null)), ("c".to_owned(), json!("many"))]),
            Page::default(),
            vec![("a", "a"), ("c", "size")],
        );
        assert!(matches!(
            values.take::<Option<String>>("a", "spec/x.yaml:1:1"),
            Ok(None)
        ));
        let error = values.take::<u16>("b", "spec/x.yaml:2:3").unwrap_err();
        assert_eq!(
            error.message,
            "b: expected an integer from 0 to 65535, found nothing (bound at spec/x.yaml:2:3)"
        );
        // What the caller gave is no mistake of the spec's, and has the caller's name.
        let error = values.take::<u16>("c", "spec/x.yaml:3:3").unwrap_err();
        assert_eq!(
            error.message,
            "size: expected an integer from 0 to 65535, found \"many\""
        );
    }
}
