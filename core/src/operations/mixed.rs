//! Tables of objects of several kinds: `[NAMESPACE] KIND NAME READY STATUS … REASON AGE`, where a table may have
//! columns of its own before REASON.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    cluster::Resource,
    monitoring::status::{self, Verdict},
    output::{Column, Health, ObjectId, Role, Row, size::short_age},
};

/// The columns, with those of the table's own.
pub(super) fn columns(with_namespaces: bool, own: &[(&str, Role)]) -> Vec<Column> {
    let namespace = [("NAMESPACE", Role::Namespace)];
    let before = [
        ("KIND", Role::Text),
        ("NAME", Role::Name),
        ("READY", Role::Ready),
        ("STATUS", Role::Status),
    ];
    let after = [("REASON", Role::Text), ("AGE", Role::Age)];
    namespace
        .iter()
        .filter(|_| with_namespaces)
        .chain(&before)
        .chain(own)
        .chain(&after)
        .map(|&(header, role)| Column::new(header, role))
        .collect()
}

/// An object of such a table, before it is a row.
#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) id: ObjectId,
    pub(super) verdict: Verdict<'static>,
    /// In seconds, where known.
    pub(super) age: Option<u64>,
    /// The cells of the table's own columns.
    pub(super) own: Vec<String>,
}

impl Entry {
    /// An object as its status rule sees it, without cells of its own.
    pub(super) fn new(resource: &Resource, object: &Value, now: Timestamp) -> Self {
        Self {
            id: ObjectId::of(&resource.kind, object),
            verdict: status::of_object(&resource.group, &resource.kind, object, now),
            age: status::age_of(object, now),
            own: Vec::new(),
        }
    }

    /// An object that could not be read: `why` stands where its status would.
    pub(super) fn unread(id: ObjectId, why: &'static str) -> Self {
        Self {
            id,
            verdict: Verdict {
                health: Health::Degraded,
                word: why.into(),
                ..Verdict::default()
            },
            ..Self::default()
        }
    }

    /// The row.
    pub(super) fn row(self, with_namespace: bool) -> Row {
        let Verdict {
            health,
            word,
            reason,
            ready,
            ..
        } = self.verdict;
        let namespace = with_namespace.then(|| self.id.namespace.clone().unwrap_or_default());
        let before = [
            self.id.kind.clone(),
            self.id.name.clone(),
            ready.map_or_else(String::new, |(ready, desired)| format!("{ready}/{desired}")),
            word.clone().into_owned(),
        ];
        let after = [reason.into_owned(), self.age.map_or_else(String::new, short_age)];
        Row {
            id: self.id,
            health,
            status: word.into_owned(),
            ready,
            age: self.age,
            cells: namespace
                .into_iter()
                .chain(before)
                .chain(self.own)
                .chain(after)
                .collect(),
        }
    }
}
