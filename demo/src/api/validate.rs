//! What an object must not be, as `data/rules.yaml` tells, which says how to read it: here are the checks that it names.

use std::{
    collections::{BTreeSet, HashMap},
    slice,
    sync::OnceLock,
};

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    custom, defaults,
    kinds::Kind,
    object::Meta as _,
    selector,
    status::{Cause, Failure, Result},
};
use crate::controllers::{cronjobs, quantity};

const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
/// `data/rules.yaml`.
#[derive(Deserialize)]
struct Rules {
    formats: HashMap<String, Vec<Format>>,
    names: HashMap<String, Value>,
    parts: HashMap<String, Value>,
    kinds: HashMap<String, Value>,
}

/// What a text must look like.
#[derive(Deserialize)]
struct Format {
    max: Option<usize>,
    #[serde(default)]
    pattern: String,
    #[serde(default)]
    message: String,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

fn rules() -> &'static Rules {
    static READ: OnceLock<Rules> = OnceLock::new();
    READ.get_or_init(|| serde_json::from_str(RULES).expect("rules.yaml is as it says itself"))
}

/// Checks an object, new or in the place of the one that is there.
///
/// # Errors
/// 422 with a cause for each mistake.
pub(crate) fn object(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<()> {
    let mut causes = Causes::default();
    let changed = |key: &str| before.is_none_or(|before| before[key] != object[key]);
    if changed("metadata") {
        let own = rules().names.get(&kind.kind);
        let rule = own.filter(|_| kind.custom.is_none()).or(rules().names.get(""));
        let metadata = Spot::new("metadata", &object["metadata"], None);
        causes.walk(rule.unwrap_or(&Value::Null), &metadata);
        causes.walk(&rules().parts["Metadata"], &metadata);
    }
    // A status is written by those who know it, and most writes are of one.
    let mut keys = object.as_object().into_iter().flatten().map(|(key, _)| key);
    if keys.any(|key| key != "metadata" && key != "status" && changed(key)) {
        match (&kind.custom, rules().kinds.get(&kind.kind)) {
            (Some(custom), _) => causes.0.extend(custom::mistakes(custom, object)),
            (None, Some(rule)) => causes.walk(rule, &Spot::new("", object, before)),
            (None, None) => {}
        }
    }
    // The claim templates of a stateful set make volumes too: the API server does not ask where mounts are from.
    if kind.kind == "StatefulSet" {
        causes.0.retain(|cause| cause.reason != "FieldValueNotFound");
    }
    match causes.0.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(kind, object.name(), causes.0)),
    }
}

/// A value and where it stands.
struct Spot<'a> {
    path: String,
    value: &'a Value,
    /// The value that was there.
    before: Option<&'a Value>,
}

impl<'a> Spot<'a> {
    fn new(path: &str, value: &'a Value, before: Option<&'a Value>) -> Self {
        Self {
            path: path.to_owned(),
            value,
            before,
        }
    }

    /// What stands in a field, told under this path.
    fn field(&self, path: &str, name: &str) -> Self {
        Self {
            path: path.to_owned(),
            value: &self.value[name],
            before: self.before.and_then(|before| before.get(name)),
        }
    }

    /// What stands in a field, told as itself.
    fn below(&self, name: &str) -> Self {
        self.field(&format!("{}.{name}", self.path), name)
    }

    fn is_changed(&self) -> bool {
        self.before.is_some_and(|before| before != self.value)
    }

    fn items(&self) -> impl Iterator<Item = Self> {
        self.value.list("").iter().enumerate().map(|(number, item)| {
            let before = self.before.and_then(|before| before.get(number));
            Self::new(&format!("{}[{number}]", self.path), item, before)
        })
    }

    fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.value.as_object().into_iter().flatten()
    }
}

/// What was found wrong so far.
#[derive(Default)]
struct Causes(Vec<Cause>);

impl Causes {
    /// Checks what stands somewhere against a rule.
    fn walk(&mut self, rule: &Value, at: &Spot<'_>) {
        match rule {
            Value::String(word) => match word.strip_prefix('$') {
                Some(part) => self.walk(&rules().parts[part], at),
                None => self.check(word, at),
            },
            Value::Array(all) => {
                for rule in all {
                    let told = self.0.len();
                    self.walk(rule, at);
                    // What is not there is not looked at further.
                    let asks = rule.as_str().is_some_and(|word| word.starts_with("required"));
                    if asks && self.0.len() > told {
                        break;
                    }
                }
            }
            Value::Object(fields) => fields.iter().for_each(|(key, rule)| self.field(key, rule, at)),
            _ => {}
        }
    }

    fn field(&mut self, key: &str, rule: &Value, at: &Spot<'_>) {
        if let Some(condition) = key.strip_prefix("if ") {
            let (condition, asked) = match condition.strip_prefix("was ") {
                Some(condition) => (condition, at.before),
                None => (condition, Some(at.value)),
            };
            let asked = asked.and_then(Value::as_object);
            if asked.is_some_and(|map| defaults::holds(condition, map)) {
                self.walk(rule, at);
            }
            return;
        }
        let is = |key: &str, mark: &str| key.strip_suffix(mark).map(str::to_owned);
        let (key, is_optional) = is(key, "?").map_or((key.to_owned(), false), |key| (key, true));
        let (key, is_hidden) = is(&key, "!").map_or((key.clone(), false), |key| (key, true));
        let (key, is_list) = is(&key, "[]").map_or((key.clone(), false), |key| (key, true));
        if key.is_empty() {
            return self.walk(rule, at);
        }
        let path = match at.path.as_str() {
            path if is_hidden => path.to_owned(),
            "" => key.clone(),
            path if key.starts_with('[') => format!("{path}{key}"),
            path => format!("{path}.{key}"),
        };
        let inner = at.field(&path, key.trim_matches(['[', ']']));
        if is_list {
            inner.items().for_each(|item| self.walk(rule, &item));
        } else if !is_optional || !inner.value.is_null() {
            self.walk(rule, &inner);
        }
    }

    /// One check: a word, what it needs to know, and what to say.
    fn check(&mut self, check: &str, at: &Spot<'_>) {
        let (word, rest) = check.split_once(' ').unwrap_or((check, ""));
        let (list, told) = rest.split_once(", ").unwrap_or((rest, ""));
        let (path, value) = (at.path.as_str(), at.value);
        let text = value.text("");
        match word {
            "required" if is_nothing(value) => self.0.push(Cause::required(path, rest)),
            "missing" => self.0.push(Cause::required(path, rest)),
            "forbidden" => self.0.push(Cause::forbidden(path, rest)),
            "fixed" if at.is_changed() => self.0.push(Cause::forbidden(path, rest)),
            "frozen"
                if at
                    .before
                    .is_some_and(|before| without(before, list) != without(value, list)) =>
            {
                self.0.push(Cause::forbidden(path, told));
            }
            "is" => self.format(path, text, rest),
            "port" | "percent" if value.is_string() => self.format(path, text, word),
            "port" => self.check("between 1 65535", at),
            "percent" => self.check("min 0", at),
            "in" => self.one_of(path, value, rest),
            "labels" | "annotations" => {
                for (key, value) in at.entries() {
                    self.format(path, key, "label_key");
                    if word == "labels" {
                        self.format(path, value.text(""), "label_value");
                    }
                }
            }
            "keys" => at
                .entries()
                .for_each(|(key, _)| self.format(&format!("{path}[{key}]"), key, rest)),
            "unique" => self.unique(at, rest),
            "exactly_one" => self.exactly_one(at, list, told),
            // Of a list whose first item stays, all of it is told.
            "pinned" if at.before.is_some_and(|before| before[0] != value[0]) => {
                self.0.push(Cause::invalid(&format!("{path}[0]"), value, rest));
            }
            "named" if value.list("").len() > 1 => {
                at.items()
                    .for_each(|port| self.check("required", &port.below("name")));
            }
            "definition" => self.0.extend(custom::wrong_definition(value)),
            "matches" => self.template(at),
            "resources" => self.resources(at),
            "mounts" => self.mounts(at),
            _ => {
                let shown = match value {
                    // A check with words of its own is of the fields as Go names them.
                    Value::Object(_) if word == "immutable" && !rest.is_empty() => &in_go(value),
                    Value::Null => &Value::from(""),
                    value => value,
                };
                let why = why_invalid(word, rest, at);
                self.0.extend(why.map(|why| Cause::invalid(path, shown, &why)));
            }
        }
    }

    fn format(&mut self, path: &str, text: &str, name: &str) {
        for format in rules().formats.get(name).into_iter().flatten() {
            let compile = || Regex::new(&format!("^(?:{})$", format.pattern)).ok();
            let regex = || format.regex.get_or_init(compile).as_ref();
            let fits = match format.max {
                Some(max) => text.len() <= max,
                None => regex().is_none_or(|regex| regex.is_match(text)),
            };
            if fits {
                continue;
            }
            let why = match format.max {
                Some(max) if format.message.is_empty() => format!("must be no more than {max} characters"),
                _ => format
                    .message
                    .replace("PATTERN", &format.pattern)
                    .replace("VALUE", text),
            };
            self.0.push(Cause::invalid(path, &text.into(), &why));
        }
    }

    fn one_of(&mut self, path: &str, value: &Value, known: &str) {
        let values = value.as_array().map_or(slice::from_ref(value), Vec::as_slice);
        let quoted: Vec<_> = known.split(' ').map(|one| format!("{one:?}")).collect();
        for value in values
            .iter()
            .filter(|value| !known.split(' ').any(|one| **value == one))
        {
            let value = if value.is_null() { &Value::from("") } else { value };
            self.0.push(Cause::unsupported(path, value, &quoted));
        }
    }

    fn unique(&mut self, at: &Spot<'_>, key: &str) {
        let mut known = BTreeSet::new();
        for item in at.items() {
            let name = item.below(key);
            if !name.value.is_null() && !known.insert(name.value.to_string()) {
                self.0.push(Cause::duplicate(&name.path, name.value));
            }
        }
    }

    fn exactly_one(&mut self, at: &Spot<'_>, what: &str, of: &str) {
        let is_one = |key: &str| (of == "*" && key != "name") || of.split(' ').any(|one| one == key);
        let mut found = at.entries().map(|(key, _)| key).filter(|key| is_one(key));
        if found.next().is_none() {
            self.0
                .push(Cause::required(&at.path, &format!("must specify a {what}")));
        }
        let why = format!("may not specify more than 1 {what}");
        self.0
            .extend(found.map(|key| Cause::forbidden(&format!("{}.{key}", at.path), &why)));
    }

    /// A workload's selector must select what it makes.
    fn template(&mut self, at: &Spot<'_>) {
        let selector = at.below("selector");
        if selector.value.as_object().is_some_and(Map::is_empty) {
            let why = "empty selector is invalid for deployment";
            return self.0.push(Cause::invalid(&selector.path, selector.value, why));
        }
        self.check("required", &selector);
        let template = &at.value["template"];
        if !selector::selects(selector.value, template) {
            let path = format!("{}.template.metadata.labels", at.path);
            let why = "`selector` does not match template `labels`";
            self.0
                .push(Cause::invalid(&path, &template["metadata"]["labels"], why));
        }
    }

    /// What a container asks for, and what it may take.
    fn resources(&mut self, at: &Spot<'_>) {
        let milli = |amount: &Value| quantity::milli(amount.text("")).unwrap_or(0);
        for sort in ["limits", "requests"] {
            let amounts = at.below(sort);
            for (name, amount) in amounts.entries() {
                let path = format!("{}[{name}]", amounts.path);
                if !name.contains(['/', '-']) && !["cpu", "memory"].contains(&name.as_str()) {
                    let why = "must be a standard resource for containers";
                    self.0.push(Cause::invalid(&path, &name.as_str().into(), why));
                }
                if milli(amount) < 0 {
                    let why = "must be greater than or equal to 0";
                    self.0.push(Cause::invalid(&path, amount, why));
                }
                let limit = &at.value["limits"][name];
                if !limit.is_null() && milli(amount) > milli(limit) {
                    let why = format!("must be less than or equal to {name} limit of {}", limit.text(""));
                    self.0.push(Cause::invalid(&amounts.path, amount, &why));
                }
            }
        }
    }

    /// Containers mount the volumes that the pod has.
    fn mounts(&mut self, at: &Spot<'_>) {
        let volumes = at.value.list("/volumes");
        let containers = ["containers", "initContainers"].map(|list| at.below(list));
        for container in containers.iter().flat_map(Spot::items) {
            for mount in container.below("volumeMounts").items() {
                let name = mount.below("name");
                if !volumes.iter().any(|volume| volume["name"] == *name.value) {
                    self.0.push(Cause::unknown(&name.path, name.value.text("")));
                }
            }
        }
    }
}

/// Why a value may not be what it is, if it may not.
fn why_invalid(word: &str, rest: &str, at: &Spot<'_>) -> Option<String> {
    let number = at.value.as_i64();
    let (is_wrong, why) = match word {
        "invalid" => (true, rest.to_owned()),
        "min" => {
            let is_below = number.is_some_and(|number| number < rest.parse().unwrap_or(0));
            (is_below, format!("must be greater than or equal to {rest}"))
        }
        "between" => {
            let (from, to) = rest.split_once(' ').unwrap_or_default();
            let range = from.parse().unwrap_or(0)..=to.parse().unwrap_or(i64::MAX);
            let is_out = number.is_some_and(|number| !range.contains(&number));
            (is_out, format!("must be between {from} and {to}, inclusive"))
        }
        "immutable" if rest.is_empty() => (at.is_changed(), "field is immutable".to_owned()),
        "immutable" => (at.is_changed(), rest.to_owned()),
        "cron" => {
            let error = cronjobs::schedule(at.value.text(""), "UTC").err()?.to_string();
            // What is wrong stands beneath the place where it is.
            let why = error.lines().last().unwrap_or_default();
            (true, why.trim_start_matches([' ', '^']).to_owned())
        }
        _ => (false, String::new()),
    };
    is_wrong.then_some(why)
}

/// Whether a value says nothing.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Number(number) => number.as_i64() == Some(0),
        Value::Bool(_) => false,
    }
}

/// An object without these fields, of which one may be in the items of a list: `containers[].image`.
fn without(value: &Value, fields: &str) -> Value {
    let mut value = value.clone();
    for field in fields.split_whitespace() {
        let (list, field) = field.split_once("[].").unwrap_or(("", field));
        let objects = match value.pointer_mut(&format!("/{list}")) {
            Some(Value::Array(items)) => items.as_mut_slice(),
            _ => slice::from_mut(&mut value),
        };
        objects
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .for_each(|object| drop(object.remove(field)));
    }
    value
}

/// An object with its fields named as in Go: `APIGroup`, `Kind`.
fn in_go(object: &Value) -> Value {
    let fields = object.as_object().into_iter().flatten();
    let named = fields.map(|(name, value)| {
        let initials = if name.starts_with("api") { 3 } else { 1 };
        let (start, rest) = name.split_at_checked(initials).unwrap_or_default();
        (start.to_uppercase() + rest, value.clone())
    });
    Value::Object(named.collect())
}
