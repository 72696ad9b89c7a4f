//! The closed set of types that an operation may take.

use std::fmt;

use syn::{GenericArgument, PathArguments, Type};

use crate::signature::{Base, Catalog};

/// The integers that a parameter may be; wider ones do not fit JSON.
const INTEGERS: [&str; 10] = [
    "u8", "u16", "u32", "u64", "usize", "i8", "i16", "i32", "i64", "isize",
];

/// `T`, `Option<T>`, `Vec<T>` or `Option<Vec<T>>`, as it is written.
#[derive(Clone, Debug)]
pub struct ParameterType {
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it is a list.
    pub list: bool,
    /// What there is one of, or a list of.
    pub base: BaseType,
}

/// What a parameter is, as far as its own tokens tell.
#[derive(Clone, Debug)]
pub enum BaseType {
    /// `String`.
    String,
    /// `bool`.
    Bool,
    /// An integer, with its Rust name.
    Integer(&'static str),
    /// `f64`.
    Number,
    /// A type that has to derive `Choice` or `Text`.
    Named(syn::Path),
}

impl ParameterType {
    /// Reads a type.
    ///
    /// # Errors
    /// If it is not of the closed set.
    pub fn parse(ty: &Type) -> syn::Result<Self> {
        let (optional, inner) = unwrap(ty, "Option");
        let (list, inner) = unwrap(inner, "Vec");
        let base = base(inner).ok_or_else(|| {
            syn::Error::new_spanned(ty, format!("an operation cannot take {}", refusal(ty)))
        })?;
        Ok(Self { optional, list, base })
    }

    /// The type with its name looked up in the catalog; and the name, if it is neither a choice nor a text there:
    /// it then counts as a string, so that one mistake does not lead to others.
    pub fn resolve(&self, catalog: &Catalog) -> (crate::signature::Type, Option<String>) {
        let mut unknown = None;
        let base = match &self.base {
            BaseType::String => Base::String,
            BaseType::Bool => Base::Bool,
            BaseType::Integer(name) => Base::Integer((*name).to_owned()),
            BaseType::Number => Base::Number,
            BaseType::Named(path) => {
                let name = last_name(path);
                if catalog.choices.iter().any(|choice| choice.name == name) {
                    Base::Choice(name)
                } else if catalog.texts.iter().any(|text| text.name == name) {
                    Base::Text(name)
                } else {
                    unknown = Some(name);
                    Base::String
                }
            }
        };
        let ty = crate::signature::Type {
            optional: self.optional,
            list: self.list,
            base,
        };
        (ty, unknown)
    }
}

impl fmt::Display for ParameterType {
    /// The type without the path of its names: `Option<Vec<KindRef>>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match &self.base {
            BaseType::String => "String".to_owned(),
            BaseType::Bool => "bool".to_owned(),
            BaseType::Integer(name) => (*name).to_owned(),
            BaseType::Number => "f64".to_owned(),
            BaseType::Named(path) => last_name(path),
        };
        match (self.optional, self.list) {
            (false, false) => write!(f, "{base}"),
            (true, false) => write!(f, "Option<{base}>"),
            (false, true) => write!(f, "Vec<{base}>"),
            (true, true) => write!(f, "Option<Vec<{base}>>"),
        }
    }
}

/// The last name of a path, without `r#`.
pub(crate) fn last_name(path: &syn::Path) -> String {
    use syn::ext::IdentExt as _;
    path.segments
        .last()
        .map(|segment| segment.ident.unraw().to_string())
        .unwrap_or_default()
}

/// The only type argument of `wrapper<T>`, and the whole path's last name.
pub(crate) fn argument_of<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    if path.qself.is_some() || segment.ident != wrapper {
        return None;
    }
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(inner)) if arguments.args.len() == 1 => Some(inner),
        _ => None,
    }
}

fn unwrap<'a>(ty: &'a Type, wrapper: &str) -> (bool, &'a Type) {
    match argument_of(ty, wrapper) {
        Some(inner) => (true, inner),
        None => (false, ty),
    }
}

fn base(ty: &Type) -> Option<BaseType> {
    let Type::Path(path) = ty else { return None };
    let plain = path
        .path
        .segments
        .iter()
        .all(|segment| segment.arguments.is_none());
    if path.qself.is_some() || !plain {
        return None;
    }
    let name = last_name(&path.path);
    match name.as_str() {
        "String" => Some(BaseType::String),
        "bool" => Some(BaseType::Bool),
        "f64" => Some(BaseType::Number),
        // Names that are certainly not ours: better told here than as a type that derives nothing.
        "f32" | "u128" | "i128" | "str" | "char" | "Value" | "Page" | "Cx" | "ServerCx" => None,
        _ => Some(match INTEGERS.iter().find(|known| **known == name) {
            Some(integer) => BaseType::Integer(integer),
            None => BaseType::Named(path.path.clone()),
        }),
    }
}

/// The type that was refused, and what to take instead.
fn refusal(ty: &Type) -> String {
    let written = quote::quote!(#ty).to_string().replace(' ', "");
    let instead = match written.as_str() {
        "f32" => "f64",
        "u128" | "i128" => "u64 or i64",
        "&str" | "&'staticstr" | "char" => "String",
        "Page" => "`page: Page` as the last parameter",
        text if text.contains("HashMap") || text.contains("BTreeMap") => "Vec<String> of `key=value`",
        _ => "String, bool, an integer, f64, Vec or Option of these, or a type that derives Choice or Text",
    };
    format!("`{written}`: take {instead}")
}
