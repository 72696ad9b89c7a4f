//! What an object must not be, as `data/rules.yaml` tells, which says how to read it: here are the checks that it names.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
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

const RULES: &str = include_str!("../../data/rules.yaml");

/// `data/rules.yaml`.
#[derive(Deserialize)]
struct Rules {
    formats: HashMap<String, Vec<Format>>,
    names: BTreeMap<String, String>,
    parts: BTreeMap<String, Value>,
    kinds: BTreeMap<String, Value>,
}

/// What a text must look like.
#[derive(Deserialize)]
struct Format {
    max: Option<usize>,
    pattern: Option<String>,
    #[serde(default)]
    message: String,
    /// What is said of a text that would do but for its dots.
    dotted: Option<String>,
    #[serde(skip)]
    regex: OnceLock<Option<Regex>>,
}

fn rules() -> &'static Rules {
    static READ: OnceLock<Rules> = OnceLock::new();
    READ.get_or_init(|| serde_yaml::from_str(RULES).expect("rules.yaml is as it says itself"))
}

/// Checks an object, new or in the place of the one that is there.
///
/// # Errors
/// 422 with a cause for each mistake.
pub(crate) fn object(kind: &Kind, object: &Value, before: Option<&Value>) -> Result<()> {
    let mut checked = Checked::default();
    if before.is_none_or(|before| before["metadata"] != object["metadata"]) {
        checked.metadata(kind, object);
    }
    let own = |value: &Value| -> Map<String, Value> {
        let own = value.as_object().into_iter().flatten();
        let own = own.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status"));
        own.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    // A status is written by those who know it, and most writes are of one.
    if before.is_none_or(|before| own(before) != own(object)) {
        match (&kind.custom, rules().kinds.get(&kind.kind)) {
            (Some(_), _) => checked.causes.extend(custom::mistakes(kind, object)),
            (None, Some(rule)) => checked.walk(rule, "", object, before, object),
            (None, None) => {}
        }
    }
    match checked.causes.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(kind, object.name(), checked.causes)),
    }
}

/// What was found wrong so far.
#[derive(Default)]
struct Checked {
    causes: Vec<Cause>,
}

impl Checked {
    fn tell(&mut self, reason: &'static str, path: &str, message: String) {
        self.causes.push(Cause {
            reason,
            message,
            field: path.to_owned(),
        });
    }

    fn invalid(&mut self, path: &str, value: &Value, why: &str) {
        self.tell(
            "FieldValueInvalid",
            path,
            format!("Invalid value: {value}: {why}"),
        );
    }

    fn required(&mut self, path: &str, why: &str) {
        let why = if why.is_empty() {
            String::new()
        } else {
            format!(": {why}")
        };
        self.tell("FieldValueRequired", path, format!("Required value{why}"));
    }

    fn metadata(&mut self, kind: &Kind, object: &Value) {
        let format = rules().names.get(&kind.kind).filter(|_| kind.custom.is_none());
        let format = format.map_or("subdomain", String::as_str);
        match object.name() {
            "" => self.required("metadata.name", "name or generateName is required"),
            name => self.format("metadata.name", name, format),
        }
        if kind.kind == "CronJob" && object.name().len() > 52 {
            self.invalid(
                "metadata.name",
                &object["metadata"]["name"],
                "must be no more than 52 characters",
            );
        }
        let metadata = &object["metadata"];
        self.walk(&rules().parts["Metadata"], "metadata", metadata, None, metadata);
    }

    fn format(&mut self, path: &str, text: &str, name: &str) {
        for format in rules().formats.get(name).into_iter().flatten() {
            if let Some(max) = format.max.filter(|max| text.len() > *max) {
                let own = format!("must be no more than {max} characters");
                let why = if format.message.is_empty() {
                    &own
                } else {
                    &format.message
                };
                self.invalid(path, &text.into(), why);
            }
            let Some(pattern) = &format.pattern else { continue };
            let regex = format
                .regex
                .get_or_init(|| Regex::new(&format!("^(?:{pattern})$")).ok());
            if regex.as_ref().is_some_and(|regex| !regex.is_match(text)) {
                let without_dots = text
                    .split('.')
                    .all(|part| regex.as_ref().is_some_and(|regex| regex.is_match(part)));
                let why = format
                    .dotted
                    .as_ref()
                    .filter(|_| without_dots)
                    .unwrap_or(&format.message);
                self.invalid(
                    path,
                    &text.into(),
                    &why.replace("PATTERN", pattern).replace("VALUE", text),
                );
            }
        }
    }

    /// The name of a label or annotation.
    fn key(&mut self, path: &str, key: &str) {
        let told = self.causes.len();
        self.format(path, key, "key");
        if self.causes.len() == told {
            let (prefix, name) = key
                .split_once('/')
                .map_or((None, key), |(prefix, name)| (Some(prefix), name));
            for (part, format) in prefix
                .map(|prefix| (prefix, "key_prefix"))
                .into_iter()
                .chain([(name, "key_name")])
            {
                let told = self.causes.len();
                self.format(path, part, format);
                // The message is of the part, the value is whole.
                for cause in &mut self.causes[told..] {
                    cause.message = cause.message.replacen(
                        &Value::from(part).to_string(),
                        &Value::from(key).to_string(),
                        1,
                    );
                }
            }
        }
    }

    /// Checks a value against a rule.
    fn walk(&mut self, rule: &Value, path: &str, value: &Value, before: Option<&Value>, parent: &Value) {
        match rule {
            Value::String(word) => match word.strip_prefix('$').and_then(|part| rules().parts.get(part)) {
                Some(part) => self.walk(part, path, value, before, parent),
                None => self.check(word, path, value, before, parent),
            },
            Value::Array(all) => {
                for rule in all {
                    let told = self.causes.len();
                    self.walk(rule, path, value, before, parent);
                    // What is not there is not looked at further.
                    if rule.as_str().is_some_and(|word| word.starts_with("required"))
                        && self.causes.len() > told
                    {
                        break;
                    }
                }
            }
            Value::Object(fields) => fields
                .iter()
                .for_each(|(key, rule)| self.field(key, rule, path, value, before)),
            _ => {}
        }
    }

    fn field(&mut self, key: &str, rule: &Value, path: &str, value: &Value, before: Option<&Value>) {
        if let Some(condition) = key.strip_prefix("if ") {
            if value
                .as_object()
                .is_some_and(|map| defaults::holds(condition, map))
            {
                self.walk(rule, path, value, before, value);
            }
            return;
        }
        let (key, is_optional) = key.strip_suffix('?').map_or((key, false), |key| (key, true));
        let (key, is_hidden) = key.strip_suffix('!').map_or((key, false), |key| (key, true));
        let (key, is_list) = key.strip_suffix("[]").map_or((key, false), |key| (key, true));
        let name = key.trim_matches(['[', ']']);
        let (inner, old) = match name {
            "" => (value, before),
            name => (&value[name], before.and_then(|before| before.get(name))),
        };
        let path = match (path, key) {
            (path, "") => path.to_owned(),
            (path, _) if is_hidden => path.to_owned(),
            ("", key) => key.to_owned(),
            (path, key) if key.starts_with('[') => format!("{path}{key}"),
            (path, key) => format!("{path}.{key}"),
        };
        if is_list {
            for (number, item) in inner.as_array().into_iter().flatten().enumerate() {
                let old = old.and_then(|old| old.get(number));
                self.walk(rule, &format!("{path}[{number}]"), item, old, item);
            }
        } else if !is_optional || !inner.is_null() {
            self.walk(rule, &path, inner, old, value);
        }
    }

    /// One check: a word, what it needs to know, and what to say.
    fn check(&mut self, check: &str, path: &str, value: &Value, before: Option<&Value>, parent: &Value) {
        let (word, rest) = check.split_once(' ').unwrap_or((check, ""));
        let (list, told) = rest.split_once(", ").unwrap_or((rest, ""));
        let number = value.as_i64();
        let least = rest.parse().unwrap_or(0);
        match word {
            "required" if is_nothing(value) => self.required(path, rest),
            "missing" => self.required(path, rest),
            "not_empty" if is_nothing(value) => self.invalid(path, &"".into(), rest),
            "filled" if value.as_object().is_some_and(Map::is_empty) => self.invalid(path, &"".into(), rest),
            "invalid" => {
                let shown = if value.is_object() {
                    &Value::from("")
                } else {
                    value
                };
                self.invalid(path, shown, rest);
            }
            "forbidden" => self.tell("FieldValueForbidden", path, format!("Forbidden: {rest}")),
            "is" => self.format(path, value.text(""), rest),
            "is_or_empty" if !is_nothing(value) => self.format(path, value.text(""), rest),
            "min" if number.is_some_and(|number| number < least) => {
                self.invalid(path, value, &format!("must be greater than or equal to {least}"))
            }
            "over" if number.is_some_and(|number| number <= 0) => {
                self.invalid(path, value, &format!("must be greater than {rest}"))
            }
            "exactly" if number.is_some_and(|number| number != least) => {
                self.invalid(path, value, &format!("must be {least}"))
            }
            "between" => {
                let (from, to) = rest.split_once(' ').unwrap_or_default();
                let range = from.parse().unwrap_or(0)..=to.parse().unwrap_or(i64::MAX);
                if number.is_some_and(|number| !range.contains(&number)) {
                    self.invalid(
                        path,
                        value,
                        &format!("must be between {from} and {to}, inclusive"),
                    );
                }
            }
            "port" if value.is_string() => self.format(path, value.as_str().unwrap_or_default(), "port_name"),
            "port" => self.check("between 1 65535", path, value, before, parent),
            "percent" if value.is_string() => {
                self.format(path, value.as_str().unwrap_or_default(), "percent")
            }
            "percent" => self.check("min 0", path, value, before, parent),
            "in" | "each_in" => {
                let values = if word == "in" {
                    std::slice::from_ref(value)
                } else {
                    value.list("")
                };
                for value in values {
                    if !rest.split(' ').any(|one| *value == one) {
                        let value = if value.is_null() { &Value::from("") } else { value };
                        let known: Vec<_> = rest.split(' ').map(|one| format!("{one:?}")).collect();
                        let message = format!(
                            "Unsupported value: {value}: supported values: {}",
                            known.join(", ")
                        );
                        self.tell("FieldValueNotSupported", path, message);
                    }
                }
            }
            "labels" | "keys" => {
                let sorted: BTreeMap<_, _> = value.as_object().into_iter().flatten().collect();
                for (key, value) in sorted {
                    self.key(path, key);
                    if word == "labels" {
                        self.format(path, value.as_str().unwrap_or_default(), "label_value");
                    }
                }
            }
            "keys_are" => {
                for key in value.as_object().into_iter().flatten().map(|(key, _)| key) {
                    self.format(&format!("{path}[{key}]"), key, rest);
                }
            }
            "unique" => {
                let mut known = BTreeSet::new();
                for (number, item) in value.list("").iter().enumerate() {
                    let (key, path) = (item.text(&format!("/{list}")), format!("{path}[{number}].{list}"));
                    match (key.is_empty() || known.insert(key), told) {
                        (true, _) => {}
                        (false, "") => {
                            self.tell("FieldValueDuplicate", &path, format!("Duplicate value: {key:?}"))
                        }
                        (false, told) => self.invalid(&path, &key.into(), told),
                    }
                }
            }
            "one_of" => {
                let known = |key: &str| {
                    if told == "*" {
                        key != "name"
                    } else {
                        told.split(' ').any(|one| one == key)
                    }
                };
                let found: Vec<_> = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(key, _)| known(key))
                    .collect();
                if found.is_empty() {
                    self.required(path, &format!("must specify a {list}"));
                }
                for (key, _) in found.iter().skip(1) {
                    let why = format!("Forbidden: may not specify more than 1 {list}");
                    self.tell("FieldValueForbidden", &format!("{path}.{key}"), why);
                }
            }
            "immutable" if before.is_some_and(|before| before != value) => {
                match rest {
                    "" => self.invalid(path, value, "field is immutable"),
                    // Checks with words of their own are of the fields as Go names them.
                    rest => self.invalid(path, &in_go(value), rest),
                }
            }
            "fixed" if before.is_some_and(|before| before != value) => {
                self.tell("FieldValueForbidden", path, format!("Forbidden: {rest}"));
            }
            "frozen" if before.is_some_and(|before| without(before, list) != without(value, list)) => {
                self.tell("FieldValueForbidden", path, format!("Forbidden: {told}"));
            }
            "sealed" if before.is_some_and(|before| before["immutable"] == true) => {
                let before = before.unwrap_or_default();
                for field in ["immutable"]
                    .into_iter()
                    .chain(list.split(' '))
                    .filter(|field| before[field] != value[field])
                {
                    self.tell(
                        "FieldValueForbidden",
                        field,
                        "Forbidden: field is immutable when `immutable` is set".into(),
                    );
                }
            }
            "exceeds" | "at_least" => {
                let (number, other) = (
                    number.unwrap_or(0),
                    parent.number(&format!("/{rest}")).unwrap_or(0),
                );
                let (holds, why) = match word {
                    "exceeds" => (number > other, format!("must be greater than {rest}")),
                    _ => (
                        number >= other,
                        format!("must be greater than or equal to `{rest}`"),
                    ),
                };
                if !holds {
                    self.invalid(path, &number.into(), &why);
                }
            }
            "zone" if jiff::tz::TimeZone::get(value.text("")).is_err() => {
                self.invalid(path, value, &format!("unknown time zone {}", value.text("")));
            }
            "cron" => {
                if let Err(why) = cron(value.text("")) {
                    self.invalid(path, value, &why);
                }
            }
            "named" => {
                for (number, port) in value
                    .list("")
                    .iter()
                    .enumerate()
                    .filter(|_| value.list("").len() > 1)
                {
                    self.walk(
                        &"required".into(),
                        &format!("{path}[{number}].name"),
                        &port["name"],
                        None,
                        port,
                    );
                }
            }
            "definition" => self.causes.extend(custom::wrong_definition(value)),
            "matches" => self.template(path, value),
            "resources" => self.resources(path, value),
            "pod" => self.pod(path, value),
            _ => {}
        }
    }

    /// A workload's selector must select what it makes.
    fn template(&mut self, path: &str, spec: &Value) {
        let selector = &spec["selector"];
        let place = format!("{path}.selector");
        if selector.is_null() {
            self.required(&place, "");
        } else if selector.as_object().is_some_and(|selector| selector.is_empty()) {
            return self.invalid(&place, selector, "empty selector is invalid for deployment");
        } else if self.causes.iter().any(|cause| cause.field.starts_with(&place)) {
            return self.invalid(&place, selector, "invalid label selector");
        }
        let labels = &spec["template"]["metadata"]["labels"];
        if !selector::selects(selector, &spec["template"]) {
            let sorted: Option<BTreeMap<_, _>> = labels.as_object().map(|labels| labels.iter().collect());
            let labels = serde_json::to_value(sorted).unwrap_or_default();
            self.invalid(
                &format!("{path}.template.metadata.labels"),
                &labels,
                "`selector` does not match template `labels`",
            );
        }
    }

    /// What a container asks for, and what it may take.
    fn resources(&mut self, path: &str, resources: &Value) {
        let milli = |amount: &Value| amount.as_str().and_then(quantity::milli).unwrap_or(0);
        for sort in ["limits", "requests"] {
            for (name, amount) in resources[sort].as_object().into_iter().flatten() {
                let path = format!("{path}.{sort}[{name}]");
                if !name.contains('/')
                    && !name.starts_with("hugepages-")
                    && !["cpu", "memory", "ephemeral-storage"].contains(&name.as_str())
                {
                    self.invalid(
                        &path,
                        &name.as_str().into(),
                        "must be a standard resource type or fully qualified",
                    );
                    self.invalid(
                        &path,
                        &name.as_str().into(),
                        "must be a standard resource for containers",
                    );
                }
                if milli(amount) < 0 {
                    self.invalid(&path, amount, "must be greater than or equal to 0");
                }
            }
        }
        for (name, request) in resources["requests"].as_object().into_iter().flatten() {
            let limit = &resources["limits"][name];
            if !limit.is_null() && milli(request) > milli(limit) {
                let why = format!("must be less than or equal to {name} limit of {}", limit.text(""));
                self.invalid(&format!("{path}.requests"), request, &why);
            }
        }
    }

    /// What the parts of a pod say of each other.
    fn pod(&mut self, path: &str, spec: &Value) {
        let volumes: BTreeSet<&str> = spec
            .list("/volumes")
            .iter()
            .map(|volume| volume.text("/name"))
            .collect();
        let mut names: BTreeSet<&str> = spec
            .list("/containers")
            .iter()
            .map(|one| one.text("/name"))
            .collect();
        for list in ["containers", "initContainers"] {
            for (number, container) in spec.list(&format!("/{list}")).iter().enumerate() {
                let path = format!("{path}.{list}[{number}]");
                let name = container.text("/name");
                if list == "initContainers" && !names.insert(name) {
                    self.tell(
                        "FieldValueDuplicate",
                        &format!("{path}.name"),
                        format!("Duplicate value: {name:?}"),
                    );
                }
                for (number, mount) in container.list("/volumeMounts").iter().enumerate() {
                    let name = mount.text("/name");
                    if !name.is_empty() && !volumes.contains(name) {
                        let path = format!("{path}.volumeMounts[{number}].name");
                        self.tell("FieldValueNotFound", &path, format!("Not found: {name:?}"));
                    }
                }
            }
        }
    }
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
        let objects = match list {
            "" => std::slice::from_mut(&mut value),
            list => value
                .get_mut(list)
                .and_then(Value::as_array_mut)
                .map(Vec::as_mut_slice)
                .unwrap_or_default(),
        };
        for object in objects.iter_mut().filter_map(Value::as_object_mut) {
            object.remove(field);
        }
    }
    value
}

/// Whether a schedule can be read: five fields, or a word for them.
fn cron(text: &str) -> std::result::Result<(), String> {
    const NAMES: [&str; 19] = [
        "sun", "mon", "tue", "wed", "thu", "fri", "sat", "jan", "feb", "mar", "apr", "may", "jun", "jul",
        "aug", "sep", "oct", "nov", "dec",
    ];
    if text.is_empty() || text.starts_with("@every ") {
        return Ok(());
    }
    if text.contains("TZ") {
        return Err("cannot use TZ or CRON_TZ in schedule, use timeZone field instead".into());
    }
    if text.starts_with('@') {
        let known = [
            "@yearly",
            "@annually",
            "@monthly",
            "@weekly",
            "@daily",
            "@midnight",
            "@hourly",
        ]
        .contains(&text);
        return if known {
            Ok(())
        } else {
            Err(format!("unrecognized descriptor: {text}"))
        };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != 5 {
        return Err(format!(
            "expected exactly 5 fields, found {}: [{}]",
            fields.len(),
            fields.join(" ")
        ));
    }
    for (field, (least, most)) in fields.iter().zip([(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)]) {
        for part in field.split(',') {
            let number = |text: &str| match NAMES.iter().position(|name| *name == text.to_lowercase()) {
                Some(place) if most == 6 && place < 7 => Ok(place),
                Some(place) if most == 12 && place > 6 => Ok(place - 6),
                _ => text.parse::<usize>().map_err(|_| {
                    format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")
                }),
            };
            let (range, step) = part
                .split_once('/')
                .map_or((part, None), |(range, step)| (range, Some(step)));
            let (first, last) = match range.split_once('-') {
                _ if matches!(range, "*" | "?") => (least, most),
                Some((first, last)) => (number(first)?, number(last)?),
                None => (number(range)?, number(range)?),
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
            } else if step.map(number).transpose()? == Some(0) {
                return Err(format!("step of range should be a positive number: {part}"));
            }
        }
    }
    Ok(())
}

/// An object with its fields named as in Go: `APIGroup`, `Kind`.
fn in_go(value: &Value) -> Value {
    let named = |name: &str| match name.strip_prefix("api") {
        Some(rest) => format!("API{rest}"),
        None => name[..1].to_uppercase() + &name[1..],
    };
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !name.is_empty());
            Value::Object(fields.map(|(name, value)| (named(name), in_go(value))).collect())
        }
        value => value.clone(),
    }
}
