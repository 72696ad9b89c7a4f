//! Events.

mod fold;
mod related;

use jiff::Timestamp;
use serde_json::Value;

use self::{
    fold::{Folded, Group},
    related::Related,
};
use super::{
    allowed::refused, builtin, locate::Wanted, names::check_namespace, next::wider, scan,
    selection::Selection,
};
use crate::{
    Choice, Error, ErrorKind,
    call::{Choice as _, Cx, KindRef, Moment, Result},
    cluster::Resource,
    operation,
    output::{
        Column, Next, ObjectId, Role, Row, Scope, Table,
        filter::Key,
        size::{age, short_age, window},
    },
};

/// This operation, where an answer suggests it again.
const OP: &str = "events.list";
/// Rows where nothing else was said.
const LIMIT: usize = 50;
/// Reasons that are named where there is nothing of the wanted one.
const REASONS: usize = 6;

/// What an event is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum EventType {
    /// Something happened as it should.
    #[choice(name = "Normal")]
    Normal,
    /// Something did not.
    #[choice(name = "Warning")]
    Warning,
}

/// Events, newest first; those that say the same of objects of one owner are folded and counted.
#[operation("events.list", read, needs("list events"))]
pub async fn list(
    cx: &Cx,
    /// All if left out.
    namespace: Option<String>,
    /// The kind of the object that they are about.
    kind: Option<KindRef>,
    /// The name of the object that they are about.
    name: Option<String>,
    /// `Normal` or `Warning`.
    r#type: Option<EventType>,
    /// A reason, e.g. `BackOff`.
    reason: Option<String>,
    /// Only what was last seen since then.
    since: Option<Moment>,
    /// Also those of what belongs to the object: its replica sets, jobs and pods.
    related: Option<bool>,
    /// How many rows to show.
    limit: Option<usize>,
) -> Result<Table> {
    let resource = match &kind {
        Some(kind) => Some(cx.resolve(kind).await?),
        None => None,
    };
    let related = match (related, &resource, &name) {
        (Some(true), Some(resource), Some(name)) => Some(Related::of(&resource.kind, name)),
        (Some(true), ..) => {
            return Err(Error::invalid("related: expected kind and name of the object as well").into());
        }
        _ => None,
    };
    let asked = Asked {
        namespace,
        resource,
        name,
        r#type,
        reason,
        since: since.map(|Moment(since)| since),
        related,
    };
    let now = Timestamp::now();
    // A field selector knows no `or`.
    let reasons: Vec<&str> = asked
        .reason
        .iter()
        .flat_map(|all| all.split(',').map(str::trim))
        .collect();
    let query = match reasons.as_slice() {
        [reason] => asked.selection().with_field("reason", reason).query(),
        _ => asked.selection().query(),
    };
    let (mut folded, mut seen) = (Folded::default(), 0);
    let (events, namespace) = (builtin::events(), asked.namespace.as_deref());
    let read = scan::objects(cx, &events, namespace, &query, |event| {
        seen += 1;
        let related = asked.related.as_ref();
        let is_meant = related.is_none_or(|related| related.includes(&event["involvedObject"]))
            && (reasons.len() < 2 || reasons.iter().any(|reason| event["reason"] == *reason));
        let last = last_of(&event);
        if is_meant && asked.since.is_none_or(|since| last >= Some(since)) {
            folded.add(&event, last.unwrap_or(now));
        }
    });
    let complete = match read.await {
        Ok(complete) => complete,
        Err(error) => {
            return Err(refused(cx, &events, namespace, Asked::again(), error)
                .await
                .into());
        }
    };
    let mut table = Table {
        complete,
        ..asked.table(folded, limit.unwrap_or(LIMIT).max(1), now)
    };
    if table.total == 0 {
        asked.explain_none(cx, seen, &mut table).await?;
    }
    Ok(table)
}

/// What was asked for.
struct Asked {
    namespace: Option<String>,
    /// The kind of the objects.
    resource: Option<Resource>,
    name: Option<String>,
    r#type: Option<EventType>,
    /// One, or several with commas.
    reason: Option<String>,
    since: Option<Timestamp>,
    related: Option<Related>,
}

impl Asked {
    fn again() -> Next {
        Next::op(OP)
    }

    fn kind(&self) -> Option<&str> {
        self.resource.as_ref().map(|resource| resource.kind.as_str())
    }

    /// The events that are meant, whatever their reason, as far as fields select them.
    fn selection(&self) -> Selection {
        let object = match self.related {
            Some(_) => [None, None],
            None => [self.kind(), self.name.as_deref()],
        };
        let fields = ["involvedObject.kind", "involvedObject.name", "type"];
        let values = object.into_iter().chain([self.r#type.map(EventType::name)]);
        fields
            .into_iter()
            .zip(values)
            .fold(Selection::default(), |selection, (field, value)| match value {
                Some(value) => selection.with_field(field, value),
                None => selection,
            })
    }

    fn table(&self, folded: Folded, limit: usize, now: Timestamp) -> Table {
        let with_namespaces = self.namespace.is_none();
        let columns = [
            ("LAST", Role::Age),
            ("TYPE", Role::Status),
            ("REASON", Role::Text),
            ("COUNT", Role::Number),
            ("OBJECT", Role::Text),
            ("MESSAGE", Role::Text),
        ];
        let namespace_column = with_namespaces.then(|| Column::new("NAMESPACE", Role::Namespace));
        let totals = folded.totals();
        let mut groups = folded.into_rows();
        let total = groups.len();
        groups.truncate(limit);
        let rows = groups.into_iter();
        let rows: Vec<Row> = rows.map(|group| self.row(group, now)).collect();
        Table {
            subject: self.subject(now),
            scope: match &self.namespace {
                Some(namespace) => Scope::Namespace(namespace.clone()),
                None => Scope::AllNamespaces,
            },
            columns: namespace_column
                .into_iter()
                .chain(columns.map(|(header, role)| Column::new(header, role)))
                .collect(),
            keys: rows
                .iter()
                .map(|row| Key::by_number(row.age.unwrap_or(0), false))
                .collect(),
            rows,
            total,
            limit: Some(limit),
            narrow: &["since", "type", "reason", "kind", "name"],
            totals,
            // Newest first, whatever they say.
            sorted: true,
            ..Table::default()
        }
    }

    fn row(&self, group: Group, now: Timestamp) -> Row {
        let age = age(group.last, now);
        let object = group.object();
        let namespace = self.namespace.is_none().then(|| group.namespace.clone());
        // The subject says it where only one was asked for.
        let shown_type = match self.r#type {
            None => group.r#type.clone(),
            Some(_) => String::new(),
        };
        let own = [
            short_age(age),
            shown_type,
            group.reason,
            group.count.to_string(),
            object,
            group.message,
        ];
        Row {
            id: ObjectId {
                cluster: None,
                kind: group.kind,
                namespace: Some(group.namespace).filter(|namespace| !namespace.is_empty()),
                name: group.newest,
            },
            status: group.r#type,
            age: Some(age),
            cells: namespace.into_iter().chain(own).collect(),
            ..Row::default()
        }
    }

    /// `Warning events of Pod web-1, last 15m`
    fn subject(&self, now: Timestamp) -> String {
        let r#type = self.r#type.map(EventType::name);
        let words: Vec<&str> = [r#type, self.reason.as_deref()].into_iter().flatten().collect();
        let mut subject = match words.is_empty() {
            true => "Events".to_owned(),
            false => format!("{} events", words.join(" ")),
        };
        let object: Vec<&str> = [self.kind(), self.name.as_deref()]
            .into_iter()
            .flatten()
            .collect();
        if !object.is_empty() {
            subject.push_str(&format!(" of {}", object.join(" ")));
        }
        if let Some(since) = self.since {
            subject.push_str(&format!(", last {}", window(age(since, now))));
        }
        subject
    }

    /// Says of an answer without events what there is; an error where what they were asked of is not there.
    async fn explain_none(&self, cx: &Cx, seen: usize, table: &mut Table) -> Result<(), Error> {
        let namespace = self.namespace.as_deref();
        if seen == 0 {
            check_namespace(cx, namespace, Self::again()).await?;
        }
        // That nothing happened to an object would mislead if there is no such object.
        let is_narrow = self.reason.is_some() || self.r#type.is_some() || self.related.is_some();
        if let (0, false, Some(resource), Some(name)) = (seen, is_narrow, &self.resource, &self.name) {
            let wanted = Wanted::of(OP, resource, name, namespace);
            if let Err(error) = wanted.for_read(cx).await
                && error.kind == ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        // Those of this reason that are only too old are found without `since`.
        if self.reason.is_some() && self.related.is_none() && (seen == 0 || self.since.is_none()) {
            table.notes.extend(self.reasons_there(cx).await);
        }
        let is_narrowed = seen > 0 || self.reason.is_some() || self.selection() != Selection::default();
        table.next.extend(wider(Self::again(), namespace, is_narrowed));
        Ok(())
    }

    /// How many events there are of which reasons: one that was asked for and is not among them is probably misspelt.
    async fn reasons_there(&self, cx: &Cx) -> Option<String> {
        let mut folded = Folded::default();
        let (namespace, query) = (self.namespace.as_deref(), self.selection().query());
        let add = |event| folded.add(&event, Timestamp::MIN);
        scan::objects(cx, &builtin::events(), namespace, &query, add)
            .await
            .ok()?;
        let totals = folded.totals();
        let words = totals.iter().take(REASONS);
        let words: Vec<String> = words
            .map(|total| format!("{} {}", total.count, total.name))
            .collect();
        (!words.is_empty()).then(|| format!("there are: {}", words.join(", ")))
    }
}

/// When an event was last seen: which field tells depends on who wrote it, and how long ago that was programmed.
pub(super) fn last_of(event: &Value) -> Option<Timestamp> {
    [
        "/series/lastObservedTime",
        "/lastTimestamp",
        "/eventTime",
        "/firstTimestamp",
        "/metadata/creationTimestamp",
    ]
    .into_iter()
    .find_map(|path| event.pointer(path)?.as_str()?.parse().ok())
}
