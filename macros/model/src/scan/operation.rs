//! An `#[operation]` as it is written: the one parser of its signature.

use std::path::{Component, Path};

use proc_macro2::Span;
use syn::{
    FnArg, Ident, ItemFn, LitStr, Pat, ReturnType, Safety, Token, Type, Visibility,
    ext::IdentExt as _,
    parse::{Parse, ParseStream},
    spanned::Spanned as _,
};

use super::{
    derives::Errors,
    types::{ParameterType, argument_of, last_name},
};
use crate::signature::{Access, Catalog, Output, ParamSignature, Reach, Signature, VERBS};

/// What stands in the brackets: `"pods.logs", read, long, needs("get pods", "get pods/log")`, the last two if they
/// hold.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The name that specs bind.
    pub name: LitStr,
    /// How much it may do.
    pub access: Access,
    /// Whether it takes its own timeout.
    pub long: bool,
    /// What the API server must allow it, as `VERB RESOURCE`.
    pub needs: Vec<LitStr>,
}

impl Parse for Attribute {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        const SHAPE: &str = "expected `\"group.name\", read | write | destructive | exec` and perhaps `, long` and `, needs(…)`";
        let name: LitStr = input
            .parse()
            .map_err(|error| syn::Error::new(error.span(), SHAPE))?;
        if !is_operation_name(&name.value()) {
            return Err(syn::Error::new(
                name.span(),
                "an operation is named `group.name`, in lower-case letters, digits and `_`",
            ));
        }
        input
            .parse::<Token![,]>()
            .map_err(|error| syn::Error::new(error.span(), SHAPE))?;
        let word = input
            .call(Ident::parse_any)
            .map_err(|error| syn::Error::new(error.span(), SHAPE))?;
        let access = match word.to_string().as_str() {
            "read" => Access::Read,
            "write" => Access::Write,
            "destructive" => Access::Destructive,
            "exec" => Access::Exec,
            other => {
                return Err(syn::Error::new(
                    word.span(),
                    format!("unknown access `{other}`: it is read, write, destructive or exec"),
                ));
            }
        };
        let (mut long, mut needs) = (false, Vec::new());
        while input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let word = input.call(Ident::parse_any)?;
            if word == "long" && !long {
                long = true;
            } else if word == "needs" && needs.is_empty() {
                let content;
                syn::parenthesized!(content in input);
                needs.extend(content.parse_terminated(<LitStr as Parse>::parse, Token![,])?);
            } else {
                return Err(syn::Error::new(
                    word.span(),
                    "after the access there may be `long` and `needs(\"get pods\", …)`, once each",
                ));
            }
        }
        Ok(Self {
            name,
            access,
            long,
            needs,
        })
    }
}

/// `group.name`, perhaps with more groups.
fn is_operation_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_lowercase())
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    name.contains('.') && name.split('.').all(word)
}

/// An operation, its named types not resolved yet.
#[derive(Clone, Debug)]
pub struct Operation {
    /// The name that specs bind.
    pub name: String,
    /// How much it may do.
    pub access: Access,
    /// Whether it takes its own timeout.
    pub long: bool,
    /// What the API server must allow it: verb and resource.
    pub needs: Vec<(String, String)>,
    /// The function.
    pub ident: Ident,
    /// What it works on.
    pub reach: Reach,
    /// Its parameters, without `cx` and `page`.
    pub parameters: Vec<Parameter>,
    /// Whether it takes a page.
    pub paged: bool,
    /// What it answers with.
    pub output: Output,
    /// The type of a record, as it is written.
    pub record: Option<Type>,
    /// Its doc comment.
    pub doc: String,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its name, perhaps with `r#`.
    pub ident: Ident,
    /// Its type.
    pub ty: ParameterType,
    /// Where its type stands.
    pub span: Span,
    /// Its doc comment.
    pub doc: String,
}

impl Operation {
    /// Reads a function.
    ///
    /// # Errors
    /// Everything that is wrong with it, combined.
    pub fn parse(attribute: &Attribute, function: &ItemFn) -> syn::Result<Self> {
        let mut errors = Errors::default();
        check_function(function, &mut errors);

        let mut inputs = function.sig.inputs.iter();
        let reach = inputs.next().and_then(reach_of).or_else(|| {
            let place = function
                .sig
                .inputs
                .first()
                .map_or(function.sig.ident.span(), syn::spanned::Spanned::span);
            errors.push(syn::Error::new(
                place,
                "an operation takes `cx: &Cx` first, or `cx: &ServerCx` if it needs no cluster",
            ));
            None
        });
        let mut parameters = Vec::new();
        let mut paged = false;
        for input in inputs {
            let FnArg::Typed(input) = input else { continue };
            if paged {
                errors.push(syn::Error::new(input.span(), "`page: Page` comes last"));
            }
            if is_page(&input.ty) {
                paged = true;
                continue;
            }
            let ty = errors.keep(ParameterType::parse(&input.ty));
            let Pat::Ident(pattern) = &*input.pat else {
                errors.push(syn::Error::new(input.pat.span(), "a parameter is a plain name"));
                continue;
            };
            if let Some(ty) = ty {
                parameters.push(Parameter {
                    ident: pattern.ident.clone(),
                    ty,
                    span: input.ty.span(),
                    doc: docs(&input.attrs),
                });
            }
        }
        for parameter in &parameters {
            check_name(parameter, paged, &mut errors);
        }
        let needs = attribute.needs.iter();
        let needs = needs
            .filter_map(|need| errors.keep(need_of(need, &parameters)))
            .collect();
        let answer = errors.keep(answer_of(function));
        let (output, record) = answer.unwrap_or((Output::Table, None));
        errors.into_result(Self {
            name: attribute.name.value(),
            access: attribute.access,
            long: attribute.long,
            needs,
            ident: function.sig.ident.clone(),
            reach: reach.unwrap_or(Reach::Cluster),
            parameters,
            paged,
            output,
            record,
            doc: docs(&function.attrs),
        })
    }

    /// What the catalog keeps of it, with the named types looked up; and the parameters whose types are neither
    /// choice nor text, with that type's name.
    pub fn resolve(&self, catalog: &Catalog, path: String, at: String) -> (Signature, Vec<(Span, String)>) {
        let mut unknown = Vec::new();
        let params = self
            .parameters
            .iter()
            .map(|parameter| {
                let (ty, name) = parameter.ty.resolve(catalog);
                unknown.extend(name.map(|name| (parameter.span, name)));
                ParamSignature {
                    name: parameter.ident.unraw().to_string(),
                    ty,
                    doc: parameter.doc.clone(),
                }
            })
            .collect();
        let signature = Signature {
            name: self.name.clone(),
            access: self.access,
            path,
            reach: self.reach,
            params,
            paged: self.paged,
            long: self.long,
            needs: self
                .needs
                .iter()
                .map(|(verb, resource)| format!("{verb} {resource}"))
                .collect(),
            output: self.output.clone(),
            doc: self.doc.clone(),
            at,
        };
        (signature, unknown)
    }
}

/// Takes the doc comments off the parameters: only this attribute can read them, rustc refuses them.
pub fn strip_parameters(function: &mut ItemFn) {
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(input) = input {
            input.attrs.retain(|attribute| !attribute.path().is_ident("doc"));
        }
    }
}

/// Why an operation must not stand in this file, if so: the scan would never find it. A file of tests may
/// declare operations for itself.
pub fn refuse_elsewhere(file: &Path) -> Option<String> {
    let names: Vec<&str> = file
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    let scanned = names
        .windows(2)
        .any(|pair| pair[0] == "src" && matches!(pair[1], "operations" | "monitoring" | "operations.rs"));
    let test = names.iter().any(|name| matches!(*name, "tests" | "tests.rs"));
    (!scanned && !test).then(|| {
        "an operation stands in src/operations (in the core also in src/monitoring): the build script looks for \
         operations there and nowhere else"
            .to_owned()
    })
}

fn check_function(function: &ItemFn, errors: &mut Errors) {
    let signature = &function.sig;
    let name = signature.ident.span();
    if !matches!(function.vis, Visibility::Public(_)) {
        errors.push(syn::Error::new(
            name,
            "an operation is `pub`: generated code calls it",
        ));
    }
    if signature.asyncness.is_none() {
        errors.push(syn::Error::new(name, "an operation is `async`"));
    }
    if !signature.generics.params.is_empty() || signature.generics.where_clause.is_some() {
        errors.push(syn::Error::new(
            signature.generics.span(),
            "an operation is not generic: specs bind values, not types",
        ));
    }
    if signature.constness.is_some()
        || signature.abi.is_some()
        || signature.variadic.is_some()
        || !matches!(signature.safety, Safety::Default)
    {
        errors.push(syn::Error::new(
            signature.span(),
            "an operation is a plain `pub async fn`",
        ));
    }
    for attribute in function.attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        errors.push(syn::Error::new(
            attribute.span(),
            "an operation is not conditional: the build script reads sources without knowing any `cfg`",
        ));
    }
    if docs(&function.attrs).is_empty() {
        errors.push(syn::Error::new(
            name,
            "an operation has a doc comment: `kube-mcp operations` prints it for the authors of specs",
        ));
    }
}

fn check_name(parameter: &Parameter, paged: bool, errors: &mut Errors) {
    let name = parameter.ident.unraw().to_string();
    if paged && matches!(name.as_str(), "limit" | "cursor" | "page") {
        errors.push(syn::Error::new(
            parameter.ident.span(),
            format!("`{name}` belongs to `page: Page`, which this operation takes"),
        ));
    }
    if name.starts_with('_') {
        errors.push(syn::Error::new(
            parameter.ident.span(),
            format!("`{name}` is no name that a spec can bind: no argument is ever ignored"),
        ));
    }
}

/// A right as RBAC writes it: `get pods/log`, `list deployments.apps`; `list $kind` is a right to what the parameter
/// `kind` names.
fn need_of(need: &LitStr, parameters: &[Parameter]) -> syn::Result<(String, String)> {
    let text = need.value();
    let wrong = |what: &str| Err(syn::Error::new(need.span(), what));
    let Some((verb, resource)) = text.split_once(' ').filter(|(verb, _)| VERBS.contains(verb)) else {
        return wrong("a right is written as RBAC does, a verb and a resource: `get pods/log`, `list $kind`");
    };
    if let Some(parameter) = resource.strip_prefix('$') {
        let name = parameter.split('/').next().unwrap_or_default();
        if !parameters.iter().any(|parameter| parameter.ident.unraw() == name) {
            return wrong(&format!("the operation has no parameter `{name}`"));
        }
    } else if !resource.starts_with(|c: char| c.is_ascii_lowercase())
        || resource.contains(char::is_whitespace)
    {
        return wrong("a resource is written as RBAC does: `pods`, `pods/log`, `deployments.apps`");
    }
    Ok((verb.to_owned(), resource.to_owned()))
}

fn reach_of(input: &FnArg) -> Option<Reach> {
    let FnArg::Typed(input) = input else { return None };
    let Type::Reference(reference) = &*input.ty else {
        return None;
    };
    let Type::Path(path) = &*reference.elem else {
        return None;
    };
    if reference.mutability.is_some() {
        return None;
    }
    match last_name(&path.path).as_str() {
        "Cx" => Some(Reach::Cluster),
        "ServerCx" => Some(Reach::Server),
        _ => None,
    }
}

fn is_page(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if last_name(&path.path) == "Page")
}

/// The answer in `Result<answer>`.
fn answer_of(function: &ItemFn) -> syn::Result<(Output, Option<Type>)> {
    const SHAPE: &str = "an operation returns `Result` of Table, Object, Record<T>, Lines or Change";
    let ReturnType::Type(_, ty) = &function.sig.output else {
        return Err(syn::Error::new(function.sig.ident.span(), SHAPE));
    };
    let wrong = || syn::Error::new_spanned(ty, SHAPE);
    let answer = argument_of(ty, "Result").ok_or_else(wrong)?;
    if let Some(record) = argument_of(answer, "Record") {
        let Type::Path(path) = record else {
            return Err(wrong());
        };
        return Ok((Output::Record(last_name(&path.path)), Some(record.clone())));
    }
    let Type::Path(path) = answer else {
        return Err(wrong());
    };
    match last_name(&path.path).as_str() {
        "Table" => Ok((Output::Table, None)),
        "Object" => Ok((Output::Object, None)),
        "Lines" => Ok((Output::Lines, None)),
        "Change" => Ok((Output::Change, None)),
        _ => Err(wrong()),
    }
}

/// The text of doc comments, line for line.
pub(crate) fn docs(attributes: &[syn::Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|attr| attr.path().is_ident("doc")) {
        if let syn::Meta::NameValue(meta) = &attribute.meta
            && let syn::Expr::Lit(literal) = &meta.value
            && let syn::Lit::Str(text) = &literal.lit
        {
            lines.extend(
                text.value()
                    .split('\n')
                    .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()),
            );
        }
    }
    lines.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(attribute: &str, function: &str) -> syn::Result<Operation> {
        Operation::parse(&syn::parse_str(attribute)?, &syn::parse_str(function)?)
    }

    fn mistakes(attribute: &str, function: &str) -> Vec<String> {
        match parse(attribute, function) {
            Ok(_) => Vec::new(),
            Err(error) => error.into_iter().map(|error| error.to_string()).collect(),
        }
    }

    #[test]
    fn a_signature_is_read_with_its_docs() {
        let operation = parse(
            r#""pods.logs", read, long"#,
            "/// Reads logs.\n///\n/// Of any workload.
             pub async fn logs(
                 cx: &crate::call::Cx,
                 /// What it is.
                 kind: KindRef,
                 containers: Option<Vec<String>>,
                 r#type: Option<u32>,
                 page: call::Page,
             ) -> Result<output::Lines> { todo!() }",
        )
        .unwrap();
        assert!(operation.long && operation.paged);
        assert_eq!(operation.doc, "Reads logs.\n\nOf any workload.");
        let written: Vec<String> = operation
            .parameters
            .iter()
            .map(|parameter| format!("{} {} {}", parameter.ident, parameter.ty, parameter.doc))
            .collect();
        assert_eq!(
            written,
            [
                "kind KindRef What it is.",
                "containers Option<Vec<String>> ",
                "r#type Option<u32> "
            ]
        );
        assert_eq!(operation.output, Output::Lines);
    }

    #[test]
    fn a_record_carries_its_type() {
        let operation = parse(
            r#""clusters.current", read"#,
            "/// It.\npub async fn f(cx: &ServerCx) -> Result<Record<facts::Clusters>> {}",
        )
        .unwrap();
        assert_eq!(operation.output, Output::Record("Clusters".to_owned()));
        assert_eq!(operation.reach, Reach::Server);
    }

    #[test]
    fn every_mistake_of_a_function_is_told_at_once() {
        let told = mistakes(
            r#""pods.logs", read"#,
            "fn logs<T>(kind: T, page: Page, limit: &str, (a, b): HashMap<String, String>) -> Table {}",
        );
        assert_eq!(
            told,
            [
                "an operation is `pub`: generated code calls it",
                "an operation is `async`",
                "an operation is not generic: specs bind values, not types",
                "an operation has a doc comment: `kube-mcp operations` prints it for the authors of specs",
                "an operation takes `cx: &Cx` first, or `cx: &ServerCx` if it needs no cluster",
                "`page: Page` comes last",
                "an operation cannot take `&str`: take String",
                "`page: Page` comes last",
                "an operation cannot take `HashMap<String,String>`: take Vec<String> of `key=value`",
                "a parameter is a plain name",
                "an operation returns `Result` of Table, Object, Record<T>, Lines or Change",
            ]
        );
    }

    #[test]
    fn the_types_are_a_closed_set() {
        let told = |ty: &str| {
            let function = format!("/// It.\npub async fn f(cx: &Cx, p: {ty}) -> Result<Table> {{}}");
            mistakes(r#""a.b", read"#, &function).join("; ")
        };
        for accepted in [
            "String",
            "bool",
            "u16",
            "f64",
            "Vec<i64>",
            "Option<Vec<crate::Kind>>",
            "Option<Kind>",
        ] {
            assert_eq!(told(accepted), "", "{accepted}");
        }
        for refused in [
            "f32",
            "Option<Option<bool>>",
            "Vec<Vec<String>>",
            "(u8, u8)",
            "Box<str>",
            "impl Into<String>",
        ] {
            assert!(
                told(refused).starts_with("an operation cannot take"),
                "{refused}: {}",
                told(refused)
            );
        }
    }

    #[test]
    fn the_attribute_says_what_it_wants() {
        let told = |attribute: &str| {
            mistakes(attribute, "/// It.\npub async fn f(cx: &Cx) -> Result<Table> {}").join("")
        };
        assert_eq!(told(r#""pods.logs", write, long,"#), "");
        assert!(told("read").starts_with("expected `\"group.name\""));
        assert!(told(r#""Pods", read"#).starts_with("an operation is named `group.name`"));
        assert!(told(r#""pods.logs", raed"#).starts_with("unknown access `raed`"));
        assert!(told(r#""pods.logs", read, slow"#).starts_with("after the access"));
        assert_eq!(
            told(r#""pods.logs", read, needs("get pods/log", "list deployments.apps")"#),
            ""
        );
        assert!(told(r#""pods.logs", read, needs("read pods")"#).starts_with("a right is written"));
        assert!(told(r#""pods.logs", read, needs("get Pod")"#).starts_with("a resource is written"));
        assert!(
            told(r#""pods.logs", read, needs("get $kind")"#).starts_with("the operation has no parameter")
        );
    }

    #[test]
    fn an_operation_stands_where_the_scan_looks() {
        let refused = |path: &str| refuse_elsewhere(Path::new(path)).is_some();
        assert!(!refused("core/src/operations/pods/logs.rs"));
        assert!(!refused("src/monitoring/health.rs"));
        assert!(!refused("core/src/engine/tests.rs"));
        assert!(refused("core/src/engine/steps.rs"));
        assert!(refused("operations/src/lib.rs"));
    }
}
