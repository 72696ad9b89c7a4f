//! Which objects a list or watch is of: the selectors of its query.

use serde_json::Value;

use super::{
    kinds::Kind,
    object::Meta as _,
    route::Parameters,
    shown::plain,
    status::{Failure, Result},
};

/// What is read of a text, or what a refusal says of it.
type Read<T> = std::result::Result<T, String>;

/// The objects that a list or watch is of.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    labels: Vec<Label>,
    fields: Vec<Field>,
}

impl Selection {
    /// What the parameters of a request select of a kind.
    ///
    /// # Errors
    /// 400 for a selector that cannot be read, or of a field by which the kind's objects cannot be selected.
    pub(crate) fn of(kind: &Kind, parameters: &Parameters) -> Result<Self> {
        let labels = parameters.get("labelSelector").unwrap_or_default();
        let fields = parameters.get("fieldSelector").unwrap_or_default();
        Ok(Self {
            labels: Labels::read(labels).map_err(Failure::bad_request)?,
            fields: read_fields(kind, fields).map_err(Failure::bad_request)?,
        })
    }

    /// Whether it is of all objects.
    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    /// Whether it is of this object.
    pub(crate) fn selects(&self, object: &Value) -> bool {
        let labels = object.at("/metadata/labels").unwrap_or(&Value::Null);
        self.labels.iter().all(|rule| rule.holds(labels)) && self.fields.iter().all(|rule| rule.holds(object))
    }
}

/// One part of a label selector.
#[derive(Debug)]
struct Label {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
    Greater,
    Less,
}

impl Label {
    fn holds(&self, labels: &Value) -> bool {
        let value = labels[&self.key].as_str();
        let named = || value.is_some_and(|value| self.values.iter().any(|named| named == value));
        let number = || {
            Some((
                value?.parse::<i64>().ok()?,
                self.values.first()?.parse::<i64>().ok()?,
            ))
        };
        match self.operator {
            Operator::In => named(),
            Operator::NotIn => !named(),
            Operator::Exists => value.is_some(),
            Operator::Absent => value.is_none(),
            Operator::Greater => number().is_some_and(|(value, limit)| value > limit),
            Operator::Less => number().is_some_and(|(value, limit)| value < limit),
        }
    }
}

/// What stands between words.
const SYMBOLS: &[&str] = &["==", "!=", "=", "!", ",", "(", ")", "<", ">"];
/// What a part of a label may look like.
const NAME: &str = "consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
                    alphanumeric character (e.g.";

/// Reads a label selector word by word: `a=b,c!=d,e in (x,y),f notin (z),g,!h`. The empty word is its end.
struct Labels<'a> {
    words: Vec<&'a str>,
    at: usize,
}

impl<'a> Labels<'a> {
    fn read(text: &'a str) -> Read<Vec<Label>> {
        let mut words = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let symbol = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol));
            let end = |character: char| character.is_whitespace() || "=!,()<>".contains(character);
            let length = symbol.map_or_else(|| rest.find(end).unwrap_or(rest.len()), |symbol| symbol.len());
            let (word, after) = rest.split_at(length);
            words.push(word);
            rest = after.trim_start();
        }
        let mut labels = Labels { words, at: 0 };
        let mut rules = Vec::new();
        if labels.peek().is_empty() {
            return Ok(rules);
        }
        loop {
            let word = labels.peek();
            if !is_name(word) && word != "!" {
                return Err(match rules.is_empty() {
                    true => format!("found '{word}', expected: !, identifier, or 'end of string'"),
                    false => format!("found '{word}', expected: identifier after ','"),
                });
            }
            let rule = labels
                .rule()
                .map_err(|why| format!("unable to parse requirement: {why}"))?;
            rules.push(rule);
            match labels.next() {
                "" => return Ok(rules),
                "," => {}
                word => return Err(format!("found '{word}', expected: ',' or 'end of string'")),
            }
        }
    }

    fn rule(&mut self) -> Read<Label> {
        let absent = self.peek() == "!";
        if absent {
            self.next();
        }
        let key = self.name("identifier")?.to_owned();
        check_key(&key)?;
        let simple = |operator| Label {
            key: key.clone(),
            operator,
            values: Vec::new(),
        };
        if absent {
            return Ok(simple(Operator::Absent));
        }
        if matches!(self.peek(), "" | ",") {
            return Ok(simple(Operator::Exists));
        }
        let operator = match self.next() {
            "=" | "==" | "in" => Operator::In,
            "!=" | "notin" => Operator::NotIn,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            word => return Err(format!("found '{word}', expected: in, notin, =, ==, !=, gt, lt")),
        };
        let values = match self.words[self.at - 1] {
            "in" | "notin" => self.values()?,
            _ if matches!(self.peek(), "" | ",") => vec![String::new()],
            _ => vec![self.name("identifier")?.to_owned()],
        };
        for (place, value) in values.iter().enumerate() {
            if matches!(operator, Operator::Greater | Operator::Less) && value.parse::<i64>().is_err() {
                return Err(format!(
                    "values[{place}]: Invalid value: {value:?}: for 'Gt', 'Lt' operators, the value must be an integer"
                ));
            }
            if !is_label(value) && !value.is_empty() {
                return Err(format!(
                    "values[{place}][{key}]: Invalid value: {value:?}: a valid label must be an empty string or \
                     {NAME} 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
                     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
                ));
            }
        }
        Ok(Label {
            key,
            operator,
            values,
        })
    }

    /// What stands in brackets; a place between commas may be empty.
    fn values(&mut self) -> Read<Vec<String>> {
        let word = self.next();
        if word != "(" {
            return Err(format!("found '{word}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            let value = match self.peek() {
                "," | ")" => "",
                _ => self.name("',', or identifier")?,
            };
            values.push(value.to_owned());
            match self.next() {
                "," => {}
                ")" => return Ok(values),
                word => return Err(format!("found '{word}', expected: ',' or ')'")),
            }
        }
    }

    fn name(&mut self, expected: &str) -> Read<&'a str> {
        match self.next() {
            word if is_name(word) => Ok(word),
            word => Err(format!("found '{word}', expected: {expected}")),
        }
    }

    fn peek(&self) -> &'a str {
        self.words.get(self.at).copied().unwrap_or_default()
    }

    fn next(&mut self) -> &'a str {
        let word = self.peek();
        self.at += 1;
        word
    }
}

/// Whether a word is no symbol and not the end.
fn is_name(word: &str) -> bool {
    !word.is_empty() && !SYMBOLS.contains(&word)
}

/// Whether a text may be a label's value, or the name part of its key.
fn is_label(text: &str) -> bool {
    let edge = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().next_back())
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// Whether a text may be a label's key, as `app` or `app.kubernetes.io/name`.
fn check_key(key: &str) -> Read<()> {
    match is_label(key.rsplit_once('/').map_or(key, |(_, name)| name)) {
        true => Ok(()),
        false => Err(format!(
            "<nil>: Invalid value: {key:?}: name part must {NAME} 'MyName',  or 'my.name',  or '123-abc', regex used for \
             validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        )),
    }
}

/// The fields by which objects can be selected, of the kinds that have others than `metadata.name` and
/// `metadata.namespace`: as the selector calls it, `:` where it is if elsewhere, `=` what it is where it is missing.
const SELECTABLE: &[(&str, &str)] = &[
    (
        "pods",
        "spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork=false \
         status.phase status.podIP status.nominatedNodeName",
    ),
    ("nodes", "spec.unschedulable=false"),
    ("namespaces", "status.phase"),
    ("secrets", "type"),
    ("services", "spec.clusterIP spec.type"),
    ("replicationcontrollers", "status.replicas=0"),
    ("jobs.batch", "status.successful:status.succeeded=0"),
    (
        "events",
        "involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion \
         involvedObject.resourceVersion involvedObject.fieldPath reason reportingComponent source:source.component type",
    ),
    (
        "events.events.k8s.io",
        "regarding.kind:involvedObject.kind regarding.namespace:involvedObject.namespace \
         regarding.name:involvedObject.name regarding.uid:involvedObject.uid \
         regarding.apiVersion:involvedObject.apiVersion regarding.resourceVersion:involvedObject.resourceVersion \
         regarding.fieldPath:involvedObject.fieldPath reason reportingController:reportingComponent type",
    ),
];

/// One part of a field selector.
#[derive(Debug)]
struct Field {
    pointer: String,
    missing: &'static str,
    equal: bool,
    value: String,
}

impl Field {
    fn holds(&self, object: &Value) -> bool {
        let value = object.at(&self.pointer).and_then(plain);
        let equal = value.as_deref().unwrap_or(self.missing) == self.value;
        equal == self.equal
    }
}

/// Reads a field selector: `spec.nodeName=a,status.phase!=Running`. A backslash takes its sense from `,`, `=` and `\`.
fn read_fields(kind: &Kind, text: &str) -> Read<Vec<Field>> {
    let mut escaped = false;
    let parts = text.split(|character| {
        let ends = character == ',' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    });
    parts
        .filter(|part| !part.is_empty())
        .map(|part| {
            let unclear = || format!("invalid selector: '{text}'; can't understand '{part}'");
            let at = part.find('=').ok_or_else(unclear)?;
            let (name, equal) = match part[..at].strip_suffix('!') {
                Some(name) => (name, false),
                None => (&part[..at], true),
            };
            let value = &part[at + 1..];
            let value = unescape(match equal {
                true => value.strip_prefix('=').unwrap_or(value),
                false => value,
            })?;
            let (pointer, missing) = locate(kind, name)?;
            Ok(Field {
                pointer,
                missing,
                equal,
                value,
            })
        })
        .collect()
}

fn unescape(text: &str) -> Read<String> {
    let mut value = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some(plain @ ('\\' | ',' | '=')) => value.push(plain),
                other => {
                    let sequence: String = other.into_iter().collect();
                    return Err(format!(
                        "invalid field selector: invalid escape sequence: \\{sequence}"
                    ));
                }
            },
            '=' => return Err("invalid field selector: unescaped character in value: 61".into()),
            plain => value.push(plain),
        }
    }
    Ok(value)
}

/// Where a field is, and what it is where it is missing.
fn locate(kind: &Kind, name: &str) -> Read<(String, &'static str)> {
    let resource = kind.resource();
    let own = SELECTABLE
        .iter()
        .find(|(of, _)| *of == resource)
        .map(|(_, fields)| *fields);
    let pointer = |path: &str| format!("/{}", path.replace('.', "/"));
    if name == "metadata.name" || (name == "metadata.namespace" && (kind.namespaced || own.is_none())) {
        return Ok((pointer(name), ""));
    }
    for field in own.unwrap_or_default().split(' ') {
        let (field, missing) = field.split_once('=').unwrap_or((field, ""));
        let (called, path) = field.split_once(':').unwrap_or((field, field));
        if called == name {
            return Ok((pointer(path), missing));
        }
    }
    let custom = kind
        .custom
        .as_ref()
        .map(|custom| custom.version.list("/selectableFields"));
    if custom
        .into_iter()
        .flatten()
        .any(|field| field.text("/jsonPath").strip_prefix('.') == Some(name))
    {
        return Ok((pointer(name), ""));
    }
    Err(match (resource.as_str(), own, custom) {
        ("jobs.batch", ..) => format!("field label {name:?} not supported for Job"),
        (_, None, None) => {
            format!("{name:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
        _ => format!("field label not supported: {name}"),
    })
}
