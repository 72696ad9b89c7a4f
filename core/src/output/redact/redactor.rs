//! What redacts everything that leaves a call.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    credentials,
    forms::{self, hidden, is_key_body, opens_private_key},
    known::Known,
    object::{Leaves, decoded, is_secret},
};
use crate::output::{AnyRecord, Change, Column, Lines, Next, Object, Output, Role, Row, Table};

/// Hides secret values in everything that leaves one call. It remembers the values of the Secrets that were read
/// during the call, so that it finds them in logs, errors and diffs too. Shared by reference; hiding what is
/// hidden already changes nothing.
#[derive(Debug, Default)]
pub struct Redactor {
    reveal: bool,
    /// Values of class 1 that this call read.
    read: Known,
}

impl Redactor {
    /// A redactor for one call. `reveal` is the start-up flag that shows what a caller may read; the
    /// credentials that we connect with stay hidden even then.
    pub fn new(reveal: bool) -> Self {
        Self {
            reveal,
            ..Self::default()
        }
    }

    /// Remembers the values of a Secret, or of all Secrets in a list.
    pub fn observe_secret(&self, object: &Value) {
        if let Some(items) = object.get("items").and_then(Value::as_array) {
            items.iter().for_each(|item| self.observe_values(item));
        }
        self.observe_values(object);
    }

    fn observe_values(&self, object: &Value) {
        for values in ["data", "stringData"] {
            let entries = object.get(values).and_then(Value::as_object);
            for text in entries
                .into_iter()
                .flatten()
                .filter_map(|(_, value)| value.as_str())
            {
                if !forms::is_hidden(text)
                    && let Some(bytes) = decoded(values, text)
                {
                    self.read.remember(&bytes);
                }
            }
        }
    }

    /// Remembers the values of every Secret within an object. To be called for all objects of an answer before the
    /// first is hidden: one may repeat what another, later one holds.
    pub fn observe(&self, value: &Value) {
        match value {
            Value::Object(fields) => {
                let is_list = fields.get("kind").and_then(Value::as_str) == Some("SecretList");
                if is_list || is_secret(fields) {
                    self.observe_secret(value);
                }
                fields.values().for_each(|value| self.observe(value));
            }
            Value::Array(items) => items.iter().for_each(|item| self.observe(item)),
            _ => {}
        }
    }

    /// Hides the secret values of an API object (or a list of them), in place.
    pub fn object(&self, object: &mut Value) {
        if self.reveal {
            return self.reveal_walk(object);
        }
        self.observe(object);
        self.walk(object, "", Leaves::Named);
    }

    /// Hides the secret values of a record of ours: its own field names say nothing, API objects in it do.
    pub fn facts(&self, facts: &mut Value) {
        if self.reveal {
            return self.reveal_walk(facts);
        }
        self.observe(facts);
        self.walk(facts, "", Leaves::Unnamed);
    }

    fn reveal_walk(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.in_place(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.reveal_walk(item)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.reveal_walk(value)),
            _ => {}
        }
    }

    /// A text without the secret values that are known or known by their form.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = credentials::hide(text);
        if self.reveal {
            return text;
        }
        let text = then(text, |text| self.read.hide(text));
        then(text, forms::hide)
    }

    pub(super) fn in_place(&self, text: &mut String) {
        if let Cow::Owned(hidden) = self.text(text) {
            *text = hidden;
        }
    }

    /// Hides the secret values of an answer, in place.
    pub fn output(&self, output: &mut Output) {
        match output {
            Output::Table(table) => self.table(table),
            Output::Object(object) => self.parts(object),
            Output::Record(record) => self.record(record),
            Output::Lines(lines) => self.lines(lines),
            Output::Change(change) => self.change(change),
        }
    }

    fn table(&self, table: &mut Table) {
        for row in &mut table.rows {
            self.row(&table.columns, row);
        }
        table
            .totals
            .iter_mut()
            .for_each(|total| self.in_place(&mut total.name));
        if let Some(heading) = &mut table.heading {
            self.in_place(heading);
        }
        // The caller's own words: to hide a value that was read would tell that it was guessed.
        if !self.reveal
            && let Some(filter) = &mut table.filter
        {
            *filter = forms::hide(filter).into_owned();
        }
        self.remarks(&mut table.notes, &mut table.next);
    }

    /// Hides secret values in the cells of a row. A name is no value, and a row without one cannot be asked for.
    pub(in crate::output) fn row(&self, columns: &[Column], row: &mut Row) {
        for (index, cell) in row.cells.iter_mut().enumerate() {
            let role = columns.get(index).map_or(Role::Text, |column| column.role);
            if !matches!(role, Role::Name | Role::Namespace | Role::Age | Role::Ready) {
                self.in_place(cell);
            }
        }
        self.in_place(&mut row.status);
    }

    fn parts(&self, object: &mut Object) {
        // All first: a Secret that comes last may hold what the first object repeats.
        if !self.reveal {
            object.parts.iter().for_each(|part| self.observe(&part.value));
        }
        object
            .parts
            .iter_mut()
            .for_each(|part| self.object(&mut part.value));
        self.remarks(&mut object.notes, &mut object.next);
    }

    fn record(&self, record: &mut AnyRecord) {
        self.facts(&mut record.facts);
        self.in_place(&mut record.heading);
        self.remarks(&mut record.notes, &mut record.next);
    }

    fn lines(&self, lines: &mut Lines) {
        // A private key's body has no form of its own once its lines are apart.
        let has_key = !self.reveal && lines.lines.iter().any(|line| opens_private_key(&line.text));
        for line in &mut lines.lines {
            if has_key && is_key_body(&line.text) {
                line.text = hidden(line.text.len());
            } else {
                self.in_place(&mut line.text);
            }
        }
        self.in_place(&mut lines.subject);
        self.remarks(&mut lines.notes, &mut lines.next);
    }

    fn change(&self, change: &mut Change) {
        self.in_place(&mut change.heading);
        for item in &mut change.items {
            self.in_place(&mut item.diff);
            if let Some(error) = &mut item.error {
                self.in_place(error);
            }
        }
        self.remarks(&mut change.notes, &mut change.next);
    }

    fn remarks(&self, notes: &mut [String], next: &mut [Next]) {
        notes.iter_mut().for_each(|note| self.in_place(note));
        for next in next {
            let values = next
                .args
                .iter_mut()
                .filter(|(name, _)| !matches!(name.as_ref(), "kind" | "name" | "namespace"));
            values.for_each(|(_, value)| self.in_place(value));
            if let Some(remark) = &mut next.remark {
                self.in_place(remark);
            }
        }
    }
}

fn then<'t>(text: Cow<'t, str>, step: impl Fn(&str) -> Cow<'_, str>) -> Cow<'t, str> {
    match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => Cow::Owned(step(&text).into_owned()),
    }
}
