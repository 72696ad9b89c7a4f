//! Classes 1 and 3: values that are secret by where they stand in an object.

use serde_json::{Map, Value};

use super::{
    Redactor,
    forms::{hidden, is_hidden},
};

/// The annotation in which `kubectl apply` repeats the whole object.
pub(in crate::output) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// How a name must end, once case and `_-.` are taken out, for its value to be secret.
const ENDINGS: [&str; 9] = [
    "password",
    "passwd",
    "token",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "credentials",
];

/// Whether a value is secret by its own name: `DB_PASSWORD`, `api-key`, `clientSecret`. Names that say where a
/// secret is (`secretName`, `passwordRef`, `tokenSelector`, the `key` of a reference) end otherwise.
pub fn names_a_secret(name: &str) -> bool {
    // The longest ending is 11 letters long; separators may double that.
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect();
    ENDINGS.iter().any(|ending| plain.ends_with(ending))
}

/// Whether what stands under this name says where something is: its leaves are names, not values.
fn is_reference(name: &str) -> bool {
    ["Ref", "Refs", "Selector", "ref", "refs", "selector"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

/// Which names make a string leaf secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaves {
    /// An API object's: all whose name says so.
    Named,
    /// Those of a record of ours, whose fields are named by us (`secret` holds a name there), and of references.
    Unnamed,
}

impl Redactor {
    pub(super) fn walk(&self, value: &mut Value, own_name: &str, leaves: Leaves) {
        match value {
            Value::String(text) => self.leaf(own_name, text, leaves),
            Value::Array(items) => items
                .iter_mut()
                .for_each(|item| self.walk(item, own_name, leaves)),
            Value::Object(fields) => self.fields(fields, leaves),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn fields(&self, fields: &mut Map<String, Value>, leaves: Leaves) {
        let leaves = if fields.contains_key("apiVersion") && fields.contains_key("kind") {
            Leaves::Named
        } else {
            leaves
        };
        if fields.get("kind").and_then(Value::as_str) == Some("SecretList")
            && let Some(Value::Array(items)) = fields.get_mut("items")
        {
            items
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|item| self.secret(item));
        }
        if is_secret(fields) {
            self.secret(fields);
        }
        if let Some(Value::String(name)) = fields.get("name")
            && names_a_secret(name)
            && let Some(Value::String(text)) = fields.get_mut("value")
        {
            self.hide_whole(text);
        }
        for (name, value) in fields {
            match value {
                Value::String(text) if name == LAST_APPLIED => self.last_applied(text),
                Value::Object(_) if is_reference(name) => self.walk(value, name, Leaves::Unnamed),
                value => self.walk(value, name, leaves),
            }
        }
    }

    /// Class 1.
    fn secret(&self, fields: &mut Map<String, Value>) {
        for values in ["data", "stringData"] {
            if let Some(Value::Object(entries)) = fields.get_mut(values) {
                for value in entries.values_mut() {
                    if let Value::String(text) = value {
                        if !text.is_empty() && !is_hidden(text) {
                            *text = hidden(secret_size(values, text));
                        }
                    } else if !value.is_null() {
                        *value = Value::String(hidden(value.to_string().len()));
                    }
                }
            }
        }
        let annotation = fields
            .get_mut("metadata")
            .and_then(|metadata| metadata.get_mut("annotations"))
            .and_then(|annotations| annotations.get_mut(LAST_APPLIED));
        if let Some(Value::String(text)) = annotation
            && !is_hidden(text)
        {
            *text = hidden(text.len());
        }
    }

    /// The whole object once more, as JSON in a text.
    fn last_applied(&self, text: &mut String) {
        if is_hidden(text) {
            return;
        }
        match serde_json::from_str::<Value>(text) {
            Ok(mut object) => {
                self.walk(&mut object, "", Leaves::Named);
                *text = object.to_string();
            }
            Err(_) => self.in_place(text),
        }
    }

    fn leaf(&self, own_name: &str, text: &mut String, leaves: Leaves) {
        if leaves == Leaves::Named && names_a_secret(own_name) {
            self.hide_whole(text);
        } else {
            self.in_place(text);
        }
    }

    fn hide_whole(&self, text: &mut String) {
        // That a password is empty is worth knowing, and `$(NAME)` says where the value is.
        let is_variable = text.starts_with("$(") && text.ends_with(')');
        if !text.is_empty() && !is_variable && !is_hidden(text) {
            *text = hidden(text.len());
        }
    }
}

pub(super) fn is_secret(fields: &Map<String, Value>) -> bool {
    fields.get("kind").and_then(Value::as_str) == Some("Secret")
}

/// The size of a value as a container sees it.
fn secret_size(values: &str, text: &str) -> usize {
    match decoded(values, text) {
        Some(bytes) => bytes.len(),
        None => text.len(),
    }
}

/// The value of an entry of a Secret: `data` holds base64, `stringData` the text.
pub(super) fn decoded(values: &str, text: &str) -> Option<Vec<u8>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    if values == "data" {
        STANDARD.decode(text.trim()).ok()
    } else {
        Some(text.as_bytes().to_vec())
    }
}
