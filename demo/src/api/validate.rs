//! What an object must not be, as `data/rules.yaml` tells, which says how to read it: here are the checks that it names.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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
use crate::controllers::quantity;

const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/rules.json"));
/// What a container may ask for without telling whose it is.
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];

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
    /// What is said of a text that would do but for its dots.
    dotted: Option<String>,
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
    /// What it is in.
    parent: &'a Value,
}

impl<'a> Spot<'a> {
    fn new(path: &str, value: &'a Value, before: Option<&'a Value>) -> Self {
        Self {
            path: path.to_owned(),
            value,
            before,
            parent: value,
        }
    }

    /// What stands in a field, told under this path.
    fn field(&self, path: &str, name: &str) -> Self {
        Self {
            path: path.to_owned(),
            value: &self.value[name],
            before: self.before.and_then(|before| before.get(name)),
            parent: self.value,
        }
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
            if at
                .value
                .as_object()
                .is_some_and(|map| defaults::holds(condition, map))
            {
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
        let is_changed = at.before.is_some_and(|before| before != value);
        match word {
            "required" if is_nothing(value) => self.0.push(Cause::required(path, rest)),
            "missing" => self.0.push(Cause::required(path, rest)),
            "forbidden" => self.0.push(Cause::forbidden(path, rest)),
            "fixed" if is_changed => self.0.push(Cause::forbidden(path, rest)),
            "frozen"
                if at
                    .before
                    .is_some_and(|before| without(before, list) != without(value, list)) =>
            {
                self.0.push(Cause::forbidden(path, told));
            }
            "is" => self.format(path, text, rest),
            "is_or_empty" if !text.is_empty() => self.format(path, text, rest),
            "port" if value.is_string() => self.format(path, text, "port_name"),
            "port" => self.check("between 1 65535", at),
            "percent" if value.is_string() => self.format(path, text, "percent"),
            "percent" => self.check("min 0", at),
            "in" => self.one_of(path, slice::from_ref(value), rest),
            "each_in" => self.one_of(path, value.list(""), rest),
            "labels" | "keys" => self.labels(at, word == "labels"),
            "keys_are" => {
                at.entries()
                    .for_each(|(key, _)| self.format(&format!("{path}[{key}]"), key, rest));
            }
            "unique" => self.unique(at, list, told),
            "exactly_one" => self.exactly_one(at, list, told),
            "sealed" if at.before.is_some_and(|before| before["immutable"] == true) => {
                let fields = ["immutable"]
                    .into_iter()
                    .chain(list.split(' '))
                    .map(|field| at.field(field, field));
                let changed = fields.filter(|at| at.before.unwrap_or(&Value::Null) != at.value);
                let why = "field is immutable when `immutable` is set";
                self.0.extend(changed.map(|at| Cause::forbidden(&at.path, why)));
            }
            // Of a list whose first item stays, all of it is told.
            "pinned" if at.before.is_some_and(|before| before[0] != value[0]) => {
                self.0.push(Cause::invalid(&format!("{path}[0]"), value, rest));
            }
            "named" if value.list("").len() > 1 => {
                let names = at
                    .items()
                    .map(|port| port.field(&format!("{}.name", port.path), "name"));
                names.for_each(|name| self.check("required", &name));
            }
            "definition" => self.0.extend(custom::wrong_definition(value)),
            "matches" => self.template(at),
            "resources" => self.resources(at),
            "pod" => self.pod(at),
            _ => {
                let why = why_invalid(word, rest, at);
                let shown = match value {
                    // Checks with words of their own are of the fields as Go names them.
                    _ if word == "immutable" && !rest.is_empty() => &in_go(value),
                    _ if word == "immutable" => value,
                    Value::Null if word == "at_least" => &Value::from(0),
                    Value::Null | Value::Object(_) => &Value::from(""),
                    value => value,
                };
                self.0.extend(why.map(|why| Cause::invalid(path, shown, &why)));
            }
        }
    }

    fn format(&mut self, path: &str, text: &str, name: &str) {
        for format in rules().formats.get(name).into_iter().flatten() {
            let compile = || Regex::new(&format!("^(?:{})$", format.pattern)).ok();
            let regex = format.regex.get_or_init(compile).as_ref();
            let fits = |text: &str| regex.is_none_or(|regex| regex.is_match(text));
            let why = match (format.max, &format.dotted) {
                (Some(max), _) if text.len() <= max => continue,
                (Some(max), _) if format.message.is_empty() => {
                    format!("must be no more than {max} characters")
                }
                (None, _) if fits(text) => continue,
                (None, Some(dotted)) if text.split('.').all(fits) => dotted.clone(),
                _ => format
                    .message
                    .replace("PATTERN", &format.pattern)
                    .replace("VALUE", text),
            };
            self.0.push(Cause::invalid(path, &text.into(), &why));
        }
    }

    fn one_of(&mut self, path: &str, values: &[Value], known: &str) {
        let quoted: Vec<_> = known.split(' ').map(|one| format!("{one:?}")).collect();
        for value in values
            .iter()
            .filter(|value| !known.split(' ').any(|one| **value == one))
        {
            let value = if value.is_null() { &Value::from("") } else { value };
            self.0.push(Cause::unsupported(path, value, &quoted));
        }
    }

    /// Labels, or only their keys.
    fn labels(&mut self, at: &Spot<'_>, with_values: bool) {
        for (key, value) in at.entries().collect::<BTreeMap<_, _>>() {
            let (prefix, name) = key.rsplit_once('/').unwrap_or(("x", key));
            let mut own = Self::default();
            match prefix.contains('/') {
                true => own.format(&at.path, key, "key"),
                false => {
                    own.format(&at.path, prefix, "key_prefix");
                    own.format(&at.path, name, "key_name");
                }
            }
            // The message is of the part, the value is whole.
            for mut cause in own.0 {
                let (_, why) = cause.message.split_once("\": ").unwrap_or_default();
                cause = Cause::invalid(&at.path, &key.as_str().into(), why);
                self.0.push(cause);
            }
            if with_values {
                self.format(&at.path, value.text(""), "label_value");
            }
        }
    }

    fn unique(&mut self, at: &Spot<'_>, key: &str, told: &str) {
        let mut known = BTreeSet::new();
        for item in at.items() {
            let name = item.field(&format!("{}.{key}", item.path), key);
            if name.value.is_null() || known.insert(name.value.to_string()) {
                continue;
            }
            self.0.push(match told {
                "" => Cause::duplicate(&name.path, name.value),
                told => Cause::invalid(&name.path, name.value, told),
            });
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
        let selector = at.field(&format!("{}.selector", at.path), "selector");
        let known_wrong = self.0.iter().any(|cause| cause.field.starts_with(&selector.path));
        let why = match selector.value {
            Value::Object(map) if map.is_empty() => "empty selector is invalid for deployment",
            _ if known_wrong => "invalid label selector",
            _ => "",
        };
        if !why.is_empty() {
            return self.0.push(Cause::invalid(&selector.path, selector.value, why));
        }
        self.check("required", &selector);
        let template = &at.value["template"];
        if !selector::selects(selector.value, template) {
            let labels = template["metadata"]["labels"].as_object();
            let sorted = labels.map(|labels| labels.iter().collect::<BTreeMap<_, _>>());
            let labels = serde_json::to_value(sorted).unwrap_or_default();
            let path = format!("{}.template.metadata.labels", at.path);
            let why = "`selector` does not match template `labels`";
            self.0.push(Cause::invalid(&path, &labels, why));
        }
    }

    /// What a container asks for, and what it may take.
    fn resources(&mut self, at: &Spot<'_>) {
        let milli = |amount: &Value| quantity::milli(amount.text("")).unwrap_or(0);
        for sort in ["limits", "requests"] {
            let amounts = at.field(&format!("{}.{sort}", at.path), sort);
            for (name, amount) in amounts.entries() {
                let path = format!("{}[{name}]", amounts.path);
                if !name.contains('/')
                    && !name.starts_with("hugepages-")
                    && !RESOURCES.contains(&name.as_str())
                {
                    for why in ["type or fully qualified", "for containers"] {
                        let why = format!("must be a standard resource {why}");
                        self.0.push(Cause::invalid(&path, &name.as_str().into(), &why));
                    }
                }
                if milli(amount) < 0 {
                    self.0.push(Cause::invalid(
                        &path,
                        amount,
                        "must be greater than or equal to 0",
                    ));
                }
                let limit = &at.value["limits"][name];
                if !limit.is_null() && milli(amount) > milli(limit) {
                    let why = format!("must be less than or equal to {name} limit of {}", limit.text(""));
                    self.0.push(Cause::invalid(&amounts.path, amount, &why));
                }
            }
        }
    }

    /// What the parts of a pod say of each other.
    fn pod(&mut self, at: &Spot<'_>) {
        let names = |list: &str| -> BTreeSet<&str> {
            at.value.list(list).iter().map(|one| one.text("/name")).collect()
        };
        let (volumes, mut known) = (names("/volumes"), names("/containers"));
        for list in ["containers", "initContainers"] {
            for container in at.field(&format!("{}.{list}", at.path), list).items() {
                let name = container.field(&format!("{}.name", container.path), "name");
                if list == "initContainers" && !known.insert(name.value.text("")) {
                    self.0.push(Cause::duplicate(&name.path, name.value));
                }
                let mounts = container.field(&format!("{}.volumeMounts", container.path), "volumeMounts");
                for mount in mounts
                    .items()
                    .filter(|mount| !mount.value.text("/name").is_empty())
                {
                    let name = mount.value.text("/name");
                    if !volumes.contains(name) {
                        self.0.push(Cause::unknown(&format!("{}.name", mount.path), name));
                    }
                }
            }
        }
    }
}

/// Why a value may not be what it is, if it may not.
fn why_invalid(word: &str, rest: &str, at: &Spot<'_>) -> Option<String> {
    let (value, number) = (at.value, at.value.as_i64());
    let least = rest.parse().unwrap_or(0);
    let below = |limit| number.is_some_and(|number| number < limit);
    let own = number.unwrap_or(0);
    let other = at.parent.number(&format!("/{rest}")).unwrap_or(0);
    let (is_wrong, why) = match word {
        "invalid" => (true, rest.to_owned()),
        "not_empty" => (is_nothing(value), rest.to_owned()),
        "filled" => (value.as_object().is_some_and(Map::is_empty), rest.to_owned()),
        "min" => (below(least), format!("must be greater than or equal to {least}")),
        "over" => (below(1), format!("must be greater than {rest}")),
        "exactly" => (below(least) || !below(least + 1), format!("must be {least}")),
        "exceeds" => (own <= other, format!("must be greater than {rest}")),
        "at_least" => (own < other, format!("must be greater than or equal to `{rest}`")),
        "between" => {
            let (from, to) = rest.split_once(' ').unwrap_or_default();
            let range = from.parse().unwrap_or(0)..=to.parse().unwrap_or(i64::MAX);
            let is_out = number.is_some_and(|number| !range.contains(&number));
            (is_out, format!("must be between {from} and {to}, inclusive"))
        }
        "immutable" => {
            let why = if rest.is_empty() {
                "field is immutable"
            } else {
                rest
            };
            (at.before.is_some_and(|before| before != value), why.to_owned())
        }
        "zone" => {
            let zone = value.text("");
            (
                jiff::tz::TimeZone::get(zone).is_err(),
                format!("unknown time zone {zone}"),
            )
        }
        "cron" => return cron(value.text("")).err(),
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

/// Whether a schedule can be read: five fields, or a word for them.
fn cron(text: &str) -> std::result::Result<(), String> {
    const WORDS: &str = "@yearly @annually @monthly @weekly @daily @midnight @hourly";
    const NAMES: &str = "sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov dec";
    if text.is_empty() || text.starts_with("@every ") || WORDS.split(' ').any(|word| word == text) {
        return Ok(());
    }
    if text.contains("TZ") {
        return Err("cannot use TZ or CRON_TZ in schedule, use timeZone field instead".into());
    }
    if text.starts_with('@') {
        return Err(format!("unrecognized descriptor: {text}"));
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        let (found, fields) = (fields.len(), fields.join(" "));
        return Err(format!("expected exactly 5 fields, found {found}: [{fields}]"));
    }
    for (field, (least, most)) in fields.iter().zip([(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]) {
        for part in field.split(',') {
            let number = |text: &str| match NAMES.split(' ').position(|name| name == text.to_lowercase()) {
                Some(place) if most == 6 && place < 7 => Ok(place),
                Some(place) if most == 12 && place > 6 => Ok(place - 6),
                _ => text.parse::<usize>().map_err(|_| {
                    format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")
                }),
            };
            let (range, step) = part.split_once('/').unwrap_or((part, "1"));
            let (first, last) = match range.split_once('-').unwrap_or((range, range)) {
                ("*" | "?", _) => (least, most),
                (first, last) => (number(first)?, number(last)?),
            };
            if first < least {
                return Err(format!(
                    "beginning of range ({first}) below minimum ({least}): {part}"
                ));
            } else if last > most {
                return Err(format!("end of range ({last}) above maximum ({most}): {part}"));
            } else if first > last {
                return Err(format!(
                    "beginning of range ({first}) beyond end of range ({last}): {part}"
                ));
            } else if number(step)? == 0 {
                return Err(format!("step of range should be a positive number: {part}"));
            }
        }
    }
    Ok(())
}

/// An object with its fields named as in Go: `APIGroup`, `Kind`.
fn in_go(value: &Value) -> Value {
    let named = |name: &str| {
        let upper = if name.starts_with("api") { 3 } else { 1 };
        let letter = |(at, letter): (usize, char)| {
            if at < upper {
                letter.to_ascii_uppercase()
            } else {
                letter
            }
        };
        name.chars().enumerate().map(letter).collect()
    };
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, value)| (named(name), in_go(value)))
                .collect(),
        ),
        value => value.clone(),
    }
}
