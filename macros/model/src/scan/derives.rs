//! `#[derive(Choice)]`, `#[derive(Text)]` and `#[derive(Record)]` as they are written.

use syn::{
    Data, DeriveInput, Field, Fields, Ident, LitStr, Visibility, ext::IdentExt as _, spanned::Spanned as _,
};

use super::case;
use crate::signature::{ChoiceType, RecordType, TextType};

/// An enum that derives `Choice`.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The enum.
    pub ident: Ident,
    /// Its variants, in order.
    pub variants: Vec<Variant>,
}

/// A variant of a choice.
#[derive(Clone, Debug)]
pub struct Variant {
    /// The variant.
    pub ident: Ident,
    /// How a spec or an argument writes it.
    pub name: String,
}

impl Choice {
    /// Reads the enum.
    ///
    /// # Errors
    /// If it is no enum of unit variants, or two have the same name.
    pub fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let Data::Enum(data) = &input.data else {
            return Err(syn::Error::new(
                input.ident.span(),
                "`Choice` is derived for an enum of variants without fields",
            ));
        };
        let mut errors = Errors::default();
        let mut variants: Vec<Variant> = Vec::new();
        for variant in &data.variants {
            if !matches!(variant.fields, Fields::Unit) {
                errors.push(syn::Error::new(
                    variant.ident.span(),
                    "a variant of a `Choice` has no fields",
                ));
            }
            let mut name = case::kebab(&variant.ident.unraw().to_string());
            for attribute in variant.attrs.iter().filter(|attr| attr.path().is_ident("choice")) {
                errors.keep(attribute.parse_nested_meta(|meta| {
                    if !meta.path.is_ident("name") {
                        return Err(meta.error("a variant has `#[choice(name = \"…\")]` and nothing else"));
                    }
                    name = meta.value()?.parse::<LitStr>()?.value();
                    Ok(())
                }));
            }
            if let Some(other) = variants
                .iter()
                .find(|other| other.name.eq_ignore_ascii_case(&name))
            {
                errors.push(syn::Error::new(
                    variant.ident.span(),
                    format!("`{name}` is the name of the variant `{}` already", other.ident),
                ));
            }
            variants.push(Variant {
                ident: variant.ident.clone(),
                name,
            });
        }
        if variants.is_empty() {
            errors.push(syn::Error::new(
                input.ident.span(),
                "a `Choice` has at least one variant",
            ));
        }
        errors.into_result(Self {
            ident: input.ident.clone(),
            variants,
        })
    }

    /// What the catalog keeps of it.
    pub fn signature(&self) -> ChoiceType {
        ChoiceType {
            name: self.ident.unraw().to_string(),
            variants: self.variants.iter().map(|variant| variant.name.clone()).collect(),
        }
    }
}

/// A type that derives `Text`.
#[derive(Clone, Debug)]
pub struct Text {
    /// The type.
    pub ident: Ident,
    /// The syntax of its text.
    pub format: String,
}

impl Text {
    /// Reads the type.
    ///
    /// # Errors
    /// If its format is missing.
    pub fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let mut format = None;
        let mut errors = Errors::default();
        for attribute in input.attrs.iter().filter(|attr| attr.path().is_ident("text")) {
            errors.keep(attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("format") {
                    return Err(meta.error("a `Text` has `#[text(format = \"…\")]` and nothing else"));
                }
                format = Some(meta.value()?.parse::<LitStr>()?.value());
                Ok(())
            }));
        }
        if format.is_none() && errors.is_empty() {
            errors.push(syn::Error::new(
                input.ident.span(),
                "say what syntax it has: `#[text(format = \"…\")]`, e.g. `duration`",
            ));
        }
        errors.into_result(Self {
            ident: input.ident.clone(),
            format: format.unwrap_or_default(),
        })
    }

    /// What the catalog keeps of it.
    pub fn signature(&self) -> TextType {
        TextType {
            name: self.ident.unraw().to_string(),
            format: self.format.clone(),
        }
    }
}

/// A struct that derives `Record`.
#[derive(Clone, Debug)]
pub struct Record {
    /// The struct.
    pub ident: Ident,
    /// Its public fields as they are serialised.
    pub fields: Vec<String>,
}

impl Record {
    /// Reads the struct.
    ///
    /// # Errors
    /// If it has no named fields, or serde renames them in a way that we do not know.
    pub fn parse(input: &DeriveInput) -> syn::Result<Self> {
        let Data::Struct(data) = &input.data else {
            return Err(syn::Error::new(
                input.ident.span(),
                "`Record` is derived for a struct with named fields",
            ));
        };
        let Fields::Named(named) = &data.fields else {
            return Err(syn::Error::new(
                input.ident.span(),
                "`Record` is derived for a struct with named fields",
            ));
        };
        let mut errors = Errors::default();
        let mut case = None;
        for attribute in input.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
            errors.keep(serde_names(attribute, |key, value| {
                if key == "rename_all" {
                    case = Some(value);
                }
            }));
        }
        let mut fields = Vec::new();
        for field in named
            .named
            .iter()
            .filter(|field| matches!(field.vis, Visibility::Public(_)))
        {
            match serialised_name(field, case.as_ref()) {
                Ok(name) => fields.extend(name),
                Err(error) => errors.push(error),
            }
        }
        errors.into_result(Self {
            ident: input.ident.clone(),
            fields,
        })
    }

    /// What the catalog keeps of it.
    pub fn signature(&self) -> RecordType {
        RecordType {
            name: self.ident.unraw().to_string(),
            fields: self.fields.clone(),
        }
    }
}

/// A field's name as serde writes it; `None` if it writes none.
fn serialised_name(field: &Field, case: Option<&LitStr>) -> syn::Result<Option<String>> {
    let Some(ident) = &field.ident else {
        return Ok(None);
    };
    let mut name = ident.unraw().to_string();
    if let Some(case) = case {
        name = case::renamed(&name, &case.value())
            .ok_or_else(|| syn::Error::new(case.span(), format!("unknown case `{}`", case.value())))?;
    }
    let mut skipped = false;
    let mut flattened = false;
    for attribute in field.attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        serde_names(attribute, |key, value| {
            if key == "rename" {
                name = value.value();
            }
        })?;
        attribute.parse_nested_meta(|meta| {
            skipped |= meta.path.is_ident("skip") || meta.path.is_ident("skip_serializing");
            flattened |= meta.path.is_ident("flatten");
            skip_value(&meta)
        })?;
    }
    if flattened {
        return Err(syn::Error::new(
            field.span(),
            "a field of a `Record` is not flattened: a spec could not be checked against it",
        ));
    }
    Ok((!skipped).then_some(name))
}

/// Calls `found` with each `key = "text"` of a `#[serde(…)]`, also with `key(serialize = "text")`.
fn serde_names(attribute: &syn::Attribute, mut found: impl FnMut(&str, LitStr)) -> syn::Result<()> {
    attribute.parse_nested_meta(|meta| {
        let key = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
        if meta.input.peek(syn::token::Paren) && (key == "rename" || key == "rename_all") {
            return meta.parse_nested_meta(|inner| {
                let value = inner.value()?.parse::<LitStr>()?;
                if inner.path.is_ident("serialize") {
                    found(&key, value);
                }
                Ok(())
            });
        }
        if meta.input.peek(syn::Token![=]) {
            let value = meta.value()?;
            if value.peek(LitStr) {
                found(&key, value.parse()?);
            } else {
                value.parse::<syn::Expr>()?;
            }
            return Ok(());
        }
        skip_value(&meta)
    })
}

/// Passes over what follows a key that does not matter here.
fn skip_value(meta: &syn::meta::ParseNestedMeta<'_>) -> syn::Result<()> {
    if meta.input.peek(syn::Token![=]) {
        meta.value()?.parse::<syn::Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        syn::parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// Mistakes of one item, so that an author sees all of them at once.
#[derive(Default)]
pub(super) struct Errors(Option<syn::Error>);

impl Errors {
    pub(super) fn push(&mut self, error: syn::Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    pub(super) fn keep<T>(&mut self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn into_result<T>(self, value: T) -> syn::Result<T> {
        match self.0 {
            Some(errors) => Err(errors),
            None => Ok(value),
        }
    }
}
