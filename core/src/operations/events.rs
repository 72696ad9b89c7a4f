//! Events.

mod fold;
mod related;

use jiff::Timestamp;
use serde_json::Value;

use self::{fold::Folded, related::Related};
use super::{
    allowed::refused, builtin, locate, names::check_namespace, next::wider, scan, selection::Selection,
};
use crate::{
    Choice, Error, ErrorKind,
    call::{Choice as _, Cx, KindRef, Moment, Result},
    operation,
    output::{
        Column, Next, ObjectId, Role, Row, Scope, Table,
        filter::Key,
        size::{age, short_age, window},
    },
};

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
    if related == Some(true) && (kind.is_none() || name.is_none()) {
        return Err(Error::invalid("related: expected kind and name of the object as well").into());
    }
    let given_kind = kind;
    let kind = match &given_kind {
        Some(kind) => Some(cx.resolve(kind).await?.kind),
        None => None,
    };
    let related = match (related, &kind, &name) {
        (Some(true), Some(kind), Some(name)) => Some(Related::of(kind, name)),
        _ => None,
    };
    let mut selection = Selection::default();
    if related.is_none() {
        for (field, value) in [("involvedObject.kind", &kind), ("involvedObject.name", &name)] {
            if let Some(value) = value {
                selection = selection.with_field(field, value);
            }
        }
    }
    if let Some(r#type) = r#type {
        selection = selection.with_field("type", r#type.name());
    }
    let everything = selection.clone();
    // A field selector knows no `or`.
    let reasons: Vec<&str> = reason
        .iter()
        .flat_map(|all| all.split(',').map(str::trim))
        .collect();
    if let [reason] = reasons.as_slice() {
        selection = selection.with_field("reason", reason);
    }
    let now = Timestamp::now();
    let since = since.map(|Moment(since)| since);
    let mut seen = 0;
    let mut folded = Folded::default();
    let events = builtin::events();
    let complete = scan::objects(cx, &events, namespace.as_deref(), &selection.query(), |event| {
        seen += 1;
        let object = &event["involvedObject"];
        let is_meant = related.as_ref().is_none_or(|related| related.includes(object))
            && (reasons.len() < 2 || reasons.iter().any(|reason| event["reason"] == *reason));
        let last = last_of(&event);
        if is_meant && since.is_none_or(|since| last >= Some(since)) {
            folded.add(&event, last.unwrap_or(now));
        }
    })
    .await;
    let again = Next::op("events.list");
    let complete = match (complete, &namespace) {
        (Err(error), None) => return Err(refused(cx, &events, again, error).await.into()),
        (complete, _) => complete?,
    };
    if seen == 0 {
        check_namespace(cx, namespace.as_deref(), again.clone()).await?;
    }
    let mut notes = Vec::new();
    let is_narrow = reason.is_some() || r#type.is_some() || related.is_some();
    // That nothing happened to an object would mislead if there is no such object.
    if let (0, false, Some(kind), Some(name)) = (seen, is_narrow, &given_kind, &name)
        && let Err(error) = locate::object(cx, "events.list", kind, name, namespace.as_deref()).await
        && error.kind == ErrorKind::NotFound
    {
        return Err(error.into());
    }
    if folded.is_empty() && reason.is_some() && related.is_none() {
        notes.extend(reasons_of(cx, namespace.as_deref(), &everything).await);
    }
    let with_namespaces = namespace.is_none();
    let totals = folded.totals();
    let all = folded.into_rows();
    let total = all.len();
    let is_narrowed = seen > 0 || selection != Selection::default();
    let next = match total {
        0 => wider(again, namespace.as_deref(), is_narrowed),
        _ => None,
    };
    let limit = limit.unwrap_or(LIMIT).max(1);
    let rows: Vec<Row> = all
        .into_iter()
        .take(limit)
        .map(|group| {
            let age = age(group.last, now);
            let namespace = with_namespaces.then(|| group.namespace.clone());
            // The subject says it where only one was asked for.
            let shown_type = if r#type.is_none() {
                group.r#type.clone()
            } else {
                String::new()
            };
            let own = [
                short_age(age),
                shown_type,
                group.reason.clone(),
                group.count.to_string(),
                group.object(),
                group.message.clone(),
            ];
            Row {
                id: ObjectId {
                    cluster: None,
                    kind: group.kind.clone(),
                    namespace: Some(group.namespace.clone()).filter(|namespace| !namespace.is_empty()),
                    name: group.newest.clone(),
                },
                status: group.r#type,
                age: Some(age),
                cells: namespace.into_iter().chain(own).collect(),
                ..Row::default()
            }
        })
        .collect();
    let columns = [
        ("LAST", Role::Age),
        ("TYPE", Role::Status),
        ("REASON", Role::Text),
        ("COUNT", Role::Number),
        ("OBJECT", Role::Text),
        ("MESSAGE", Role::Text),
    ];
    let namespace_column = with_namespaces.then(|| Column::new("NAMESPACE", Role::Namespace));
    Ok(Table {
        subject: subject(
            r#type,
            reason.as_deref(),
            kind.as_deref(),
            name.as_deref(),
            since,
            now,
        ),
        scope: namespace.map_or(Scope::AllNamespaces, Scope::Namespace),
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
        complete,
        notes,
        next: next.into_iter().collect(),
        ..Table::default()
    })
}

/// How many events there are of which reasons: one that was asked for and is not among them is probably misspelt.
async fn reasons_of(cx: &Cx, namespace: Option<&str>, selection: &Selection) -> Option<String> {
    let mut folded = Folded::default();
    let add = |event| folded.add(&event, Timestamp::MIN);
    scan::objects(cx, &builtin::events(), namespace, &selection.query(), add)
        .await
        .ok()?;
    let totals = folded.totals();
    let words = totals.iter().take(REASONS);
    let words: Vec<String> = words
        .map(|total| format!("{} {}", total.count, total.name))
        .collect();
    (!words.is_empty()).then(|| format!("there are: {}", words.join(", ")))
}

/// `Warning events of Pod web-1, last 15m`
fn subject(
    r#type: Option<EventType>,
    reason: Option<&str>,
    kind: Option<&str>,
    name: Option<&str>,
    since: Option<Timestamp>,
    now: Timestamp,
) -> String {
    let words: Vec<&str> = [r#type.map(EventType::name), reason]
        .into_iter()
        .flatten()
        .collect();
    let mut subject = match words.is_empty() {
        true => "Events".to_owned(),
        false => format!("{} events", words.join(" ")),
    };
    match (kind, name) {
        (Some(kind), Some(name)) => subject.push_str(&format!(" of {kind} {name}")),
        (Some(what), None) | (None, Some(what)) => subject.push_str(&format!(" of {what}")),
        (None, None) => {}
    }
    if let Some(since) = since {
        subject.push_str(&format!(", last {}", window(age(since, now))));
    }
    subject
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
