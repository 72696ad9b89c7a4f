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
            labels: read_labels(labels).map_err(Failure::bad_request)?,
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

/// The operators of one value, longest first.
const OPERATORS: [(&str, Operator); 5] = [
    ("!=", Operator::NotIn),
    ("==", Operator::In),
    ("=", Operator::In),
    (">", Operator::Greater),
    ("<", Operator::Less),
];

/// Reads a label selector: `a=b,c!=d,e in (x,y),f notin (z),g,!h`.
fn read_labels(text: &str) -> Read<Vec<Label>> {
    let mut inside = false;
    let parts = text.split(|character| {
        inside = (inside || character == '(') && character != ')';
        character == ',' && !inside
    });
    let label =
        |part: &str| read_label(part.trim()).ok_or_else(|| format!("unable to parse requirement: {part:?}"));
    match text.trim() {
        "" => Ok(Vec::new()),
        _ => parts.map(label).collect(),
    }
}

fn read_label(part: &str) -> Option<Label> {
    let listed = part.split_once(char::is_whitespace).and_then(|(key, rest)| {
        let rest = rest.trim_start();
        let (operator, rest) = match rest.strip_prefix("notin") {
            Some(rest) => (Operator::NotIn, rest),
            None => (Operator::In, rest.strip_prefix("in")?),
        };
        let values = rest.trim().strip_prefix('(')?.strip_suffix(')')?;
        Some((key, operator, values.split(',').collect::<Vec<_>>()))
    });
    let one = || {
        let at = part.find(['!', '=', '>', '<']).filter(|at| *at > 0)?;
        let (key, rest) = part.split_at(at);
        let found = OPERATORS
            .iter()
            .find_map(|(sign, operator)| Some((*operator, rest.strip_prefix(sign)?)));
        let (operator, value) = found?;
        Some((key, operator, vec![value]))
    };
    let (key, operator, values) = match part.strip_prefix('!') {
        Some(key) => (key, Operator::Absent, Vec::new()),
        None => listed
            .or_else(one)
            .unwrap_or((part, Operator::Exists, Vec::new())),
    };
    let (key, values): (&str, Vec<&str>) = (key.trim(), values.into_iter().map(str::trim).collect());
    let compares = matches!(operator, Operator::Greater | Operator::Less);
    let fits = |value: &&str| match compares {
        true => value.parse::<i64>().is_ok(),
        false => value.is_empty() || is_label(value),
    };
    let name = key.rsplit_once('/').map_or(key, |(_, name)| name);
    (is_label(name) && values.iter().all(fits)).then(|| Label {
        key: key.to_owned(),
        operator,
        values: values.into_iter().map(str::to_owned).collect(),
    })
}

/// Whether a text may be a label's value, or the name part of its key.
fn is_label(text: &str) -> bool {
    let is_plain = |character: char| character.is_ascii_alphanumeric();
    text.len() <= 63
        && text.starts_with(is_plain)
        && text.ends_with(is_plain)
        && text
            .chars()
            .all(|character| is_plain(character) || "-_.".contains(character))
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

/// Reads a field selector: `spec.nodeName=a,status.phase!=Running`.
fn read_fields(kind: &Kind, text: &str) -> Read<Vec<Field>> {
    let parts = text.split(',').filter(|part| !part.is_empty());
    let field = |part: &str| {
        let (name, value) = part
            .split_once('=')
            .ok_or_else(|| format!("invalid selector: '{text}'; can't understand '{part}'"))?;
        let unequal = name.strip_suffix('!');
        let (pointer, missing) = locate(kind, unequal.unwrap_or(name))?;
        Ok(Field {
            pointer,
            missing,
            equal: unequal.is_none(),
            value: value.strip_prefix('=').unwrap_or(value).to_owned(),
        })
    };
    parts.map(field).collect()
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
    Err(match own {
        Some(_) => format!("field label not supported: {name}"),
        None => {
            format!("{name:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
    })
}
