//! Parameters as they are declared.

use std::cell::Cell;

use serde_json::Value as Json;

use super::{Context, data::Data, scope::ParamFact};
use crate::{
    ir::{Param, ParamKind},
    spec::check_name,
    suggest,
    tree::{Key, Node, Value},
};

/// Reserved parameters that the engine adds by itself.
pub(crate) const ADDED: [&str; 4] = ["cluster", "cursor", "dry_run", "confirm"];
/// Reserved parameters that a spec may offer.
pub(crate) const OFFERED: [&str; 4] = ["output", "fields", "where", "sort"];

/// A parameter with its place in the file.
pub(crate) struct Declared<'a> {
    pub(crate) param: Param,
    pub(crate) node: &'a Node,
    /// Whether its type is known; if not, nothing that depends on it is reported.
    pub(crate) typed: bool,
}

/// Reads the parameters of a tool or, where `all_strings`, of a prompt. `own` are parameters that the tool's
/// operation has itself: a reserved name among them is the operation's.
pub(crate) fn read<'a>(
    context: &mut Context<'a>,
    node: Option<&'a Node>,
    all_strings: bool,
    own: &[&str],
) -> (Vec<Declared<'a>>, Vec<ParamFact>) {
    let mut declared = Vec::new();
    let mut facts = Vec::new();
    for (key, node) in node.map(Node::entries).unwrap_or_default() {
        check_name(&key.name, &key.place, &mut context.found);
        reserved(context, key, all_strings, own);
        let (param, typed) = param(context, key, node, all_strings);
        facts.push(ParamFact {
            name: param.name.clone(),
            place: key.place.clone(),
            data: data(param.kind, typed),
            always: param.required || param.default.is_some(),
            used: Cell::new(false),
        });
        declared.push(Declared { param, node, typed });
    }
    (declared, facts)
}

fn data(kind: ParamKind, typed: bool) -> Data {
    match kind {
        _ if !typed => Data::Any,
        ParamKind::String => Data::Text,
        ParamKind::Integer | ParamKind::Number => Data::Integer,
        ParamKind::Boolean => Data::Flag,
        ParamKind::Strings => Data::List(Data::Text.into()),
        ParamKind::Integers | ParamKind::Numbers => Data::List(Data::Integer.into()),
        ParamKind::Booleans => Data::List(Data::Flag.into()),
    }
}

fn reserved(context: &mut Context<'_>, key: &Key, prompt: bool, own: &[&str]) {
    let name = key.name.as_str();
    if own.contains(&name) {
        return;
    }
    let help = if name == "cluster" || (!prompt && ADDED.contains(&name)) {
        "leave it out: the engine adds it wherever it applies".to_owned()
    } else if !prompt && OFFERED.contains(&name) {
        format!("write `offer: [{name}]` in place of it")
    } else {
        return;
    };
    context.report(
        "reserved-parameter",
        format!("parameter `{name}` is the engine's own"),
        &key.place,
        Some(help),
    );
}

/// The type's name as specs write it.
pub(crate) fn kind_words(kind: ParamKind) -> &'static str {
    match kind {
        ParamKind::String => "string",
        ParamKind::Integer => "integer",
        ParamKind::Number => "number",
        ParamKind::Boolean => "boolean",
        ParamKind::Strings => "array of string",
        ParamKind::Integers => "array of integer",
        ParamKind::Numbers => "array of number",
        ParamKind::Booleans => "array of boolean",
    }
}

fn param(context: &mut Context<'_>, key: &Key, node: &Node, all_strings: bool) -> (Param, bool) {
    let malformed = !matches!(node.value, Value::Map(_)) || node.get("required").is_some();
    let (kind, typed) = kind(context, key, node, all_strings);
    let mut param = Param {
        name: key.name.clone(),
        kind,
        description: node.text("description").unwrap_or_default().trim().to_owned(),
        // What is no flag has been reported, and was hardly written to say no.
        required: node.flag("required").unwrap_or(malformed),
        default: None,
        choices: choices(context, node, kind, typed),
        minimum: None,
        maximum: None,
        complete: None,
        at: key.place.to_string(),
    };
    bounds(context, node, &mut param, typed);
    if let Some((default_key, default)) = node.entry("default") {
        if param.required {
            let help = Some("a parameter with a default need not be given: leave `required` out".to_owned());
            let message = format!("parameter `{}` is required and has a default", key.name);
            context.report("required-with-default", message, &default_key.place, help);
        }
        if typed && let Err((expected, help)) = value_fits(&default.to_json(), &param) {
            let message = format!("the default of `{}` has to be {expected}", key.name);
            context.report("bad-default", message, &default.place, help);
        }
        param.default = Some(default.to_json());
    }
    (param, typed)
}

fn kind(context: &mut Context<'_>, key: &Key, node: &Node, all_strings: bool) -> (ParamKind, bool) {
    let written = node.text("type");
    if all_strings {
        if let Some(written) = written.filter(|written| *written != "string")
            && let Some(node) = node.get("type")
        {
            let message = format!(
                "parameter `{}` of a prompt cannot be of type `{written}`",
                key.name
            );
            let help = Some("clients send strings to prompts: leave `type` out".to_owned());
            context.report("prompt-parameter-type", message, &node.place, help);
        }
        return (ParamKind::String, true);
    }
    let items = node.text("items");
    match (written, node.entry("items")) {
        (Some("array"), None) => {
            let message = format!("parameter `{}` is an array without `items`", key.name);
            context.report(
                "array-items",
                message,
                &key.place,
                Some("write `items: string`".to_owned()),
            );
        }
        (Some(other), Some((items, _))) if other != "array" => {
            let message = format!("parameter `{}` has items but is of type `{other}`", key.name);
            context.report(
                "array-items",
                message,
                &items.place,
                Some("write `type: array`".to_owned()),
            );
        }
        _ => {}
    }
    match (written, items) {
        (Some("string"), _) => (ParamKind::String, true),
        (Some("integer"), _) => (ParamKind::Integer, true),
        (Some("number"), _) => (ParamKind::Number, true),
        (Some("boolean"), _) => (ParamKind::Boolean, true),
        (Some("array"), Some("string")) => (ParamKind::Strings, true),
        (Some("array"), Some("integer")) => (ParamKind::Integers, true),
        (Some("array"), Some("number")) => (ParamKind::Numbers, true),
        (Some("array"), Some("boolean")) => (ParamKind::Booleans, true),
        _ => (ParamKind::String, false),
    }
}

fn choices(context: &mut Context<'_>, node: &Node, kind: ParamKind, typed: bool) -> Vec<String> {
    let Some((key, list)) = node.entry("enum") else {
        return Vec::new();
    };
    if typed && !matches!(kind, ParamKind::String | ParamKind::Strings) {
        let message = format!(
            "`enum` is for strings, and this parameter is of type {}",
            kind_words(kind)
        );
        let help = Some("bound a number with `minimum` and `maximum`".to_owned());
        context.report("bad-enum", message, &key.place, help);
        return Vec::new();
    }
    let mut choices: Vec<String> = Vec::new();
    for item in list.items() {
        match item.as_str() {
            Some(text) if choices.iter().any(|known| known == text) => {
                let message = format!("`{text}` is in the list twice");
                context.report(
                    "bad-enum",
                    message,
                    &item.place,
                    Some("keep one of them".to_owned()),
                );
            }
            Some(text) => choices.push(text.to_owned()),
            None => {
                let help = Some(format!("quote it: \"{}\"", item.to_json()));
                let message = format!("a choice has to be a string, not {}", item.sort());
                context.report("bad-enum", message, &item.place, help);
            }
        }
    }
    choices
}

fn bounds(context: &mut Context<'_>, node: &Node, param: &mut Param, typed: bool) {
    for name in ["minimum", "maximum"] {
        let Some((key, value)) = node.entry(name) else {
            continue;
        };
        let Value::Number(number) = &value.value else {
            continue;
        };
        if typed && !matches!(param.kind, ParamKind::Integer | ParamKind::Number) {
            let message = format!(
                "`{name}` is for numbers, and `{}` is of type {}",
                param.name,
                kind_words(param.kind)
            );
            context.report("bad-bounds", message, &key.place, Some("leave it out".to_owned()));
            continue;
        }
        if param.kind == ParamKind::Integer && number.is_f64() {
            let message = format!("the `{name}` of an integer has to be an integer");
            context.report("bad-bounds", message, &value.place, None);
        }
        if name == "minimum" {
            param.minimum = number.as_f64();
        } else {
            param.maximum = number.as_f64();
        }
    }
    if let (Some(minimum), Some(maximum), Some(node)) = (param.minimum, param.maximum, node.get("maximum"))
        && minimum > maximum
    {
        let message = format!(
            "no value of `{}` is at least {minimum} and at most {maximum}",
            param.name
        );
        context.report(
            "bad-bounds",
            message,
            &node.place,
            Some("swap the two".to_owned()),
        );
    }
}

/// Whether a value fits a parameter as a call's argument; else what was expected, and what to write.
pub(crate) fn value_fits(value: &Json, param: &Param) -> Result<(), (String, Option<String>)> {
    let list = |item: ParamKind| match value {
        Json::Array(items) => items.iter().try_for_each(|value| one_fits(value, item, param)),
        other => Err((
            "a list".to_owned(),
            Some(format!(
                "write `[{}]`",
                other.as_str().map_or_else(|| other.to_string(), str::to_owned)
            )),
        )),
    };
    match param.kind {
        ParamKind::Strings => list(ParamKind::String),
        ParamKind::Integers => list(ParamKind::Integer),
        ParamKind::Numbers => list(ParamKind::Number),
        ParamKind::Booleans => list(ParamKind::Boolean),
        kind => one_fits(value, kind, param),
    }
}

fn one_fits(value: &Json, kind: ParamKind, param: &Param) -> Result<(), (String, Option<String>)> {
    let unquoted = value
        .as_str()
        .filter(|text| serde_json::from_str::<Json>(text).is_ok_and(|v| !v.is_string()));
    let unquote = unquoted.map(|text| format!("leave the quotes out: {text}"));
    match (kind, value) {
        (ParamKind::String, Json::String(text)) => {
            if param.choices.is_empty() || param.choices.contains(text) {
                return Ok(());
            }
            let names = param.choices.iter().map(String::as_str);
            let nearest = suggest::nearest(text, names.clone());
            Err((
                format!("one of {}", suggest::list(names)),
                nearest.map(|nearest| format!("did you mean `{nearest}`?")),
            ))
        }
        (ParamKind::String, other) => {
            let help =
                matches!(other, Json::Number(_) | Json::Bool(_)).then(|| format!("quote it: \"{other}\""));
            Err(("a string".to_owned(), help))
        }
        (ParamKind::Boolean, Json::Bool(_)) => Ok(()),
        (ParamKind::Boolean, _) => Err(("true or false".to_owned(), unquote)),
        (ParamKind::Integer, Json::Number(number)) if number.is_f64() => Err(("an integer".to_owned(), None)),
        (ParamKind::Integer | ParamKind::Number, Json::Number(number)) => {
            let number = number.as_f64().unwrap_or_default();
            if param.minimum.is_some_and(|minimum| number < minimum) {
                return Err((format!("at least {}", param.minimum.unwrap_or_default()), None));
            }
            if param.maximum.is_some_and(|maximum| number > maximum) {
                return Err((format!("at most {}", param.maximum.unwrap_or_default()), None));
            }
            Ok(())
        }
        (ParamKind::Integer, _) => Err(("an integer".to_owned(), unquote)),
        _ => Err(("a number".to_owned(), unquote)),
    }
}

/// Reports parameters that nothing uses.
pub(crate) fn unused(context: &mut Context<'_>, facts: &[ParamFact], owner: &str, parameters: &[&str]) {
    for fact in facts.iter().filter(|fact| !fact.used.get()) {
        let reserved = ADDED.contains(&fact.name.as_str()) || OFFERED.contains(&fact.name.as_str());
        // That it is reserved has been said, and is the mistake.
        if reserved && owner.starts_with("tool") {
            continue;
        }
        let help = match suggest::nearest(&fact.name, parameters.iter().copied()) {
            Some(nearest) if nearest == fact.name => {
                format!("`with` binds `{nearest}` to something else: leave one of the two out")
            }
            Some(nearest) => format!(
                "did you mean `{nearest}`? else use it as `$params.{}`, or leave it out",
                fact.name
            ),
            None => format!("use it as `$params.{}`, or leave it out", fact.name),
        };
        let message = format!("parameter `{}` is not used by {owner}", fact.name);
        context.report("unused-parameter", message, &fact.place, Some(help));
    }
}
