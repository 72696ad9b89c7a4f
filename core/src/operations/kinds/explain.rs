//! `kinds.explain`.

mod path;
mod place;
mod prose;
mod words;

use std::cmp::Reverse;

use self::{
    path::Segment,
    place::{Below, Lost, Place},
};
use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef, Result},
    cluster::{Resource, Schema, Schemas},
    nearest::plain,
    operation,
    output::{Column, Next, ObjectId, Role, Row, Scope, Table},
};

/// Fields that are looked at. Nobody reads more, and depth multiplies them.
const FIELDS: usize = 1_000;
/// Levels that are looked at.
const LEVELS: usize = 10;
/// From so many rows on, a meaning is told in fewer characters.
const MANY: usize = 60;
/// The longest meaning in a long table.
const SHORT: usize = 80;
/// The longest remark.
const REMARK: usize = 560;
/// How many near names an error gives, and how many fields where none is near.
const NEAR: usize = 3;
const NAMED: usize = 12;

/// The fields of a kind, or of a field of it, with type, default and meaning, as the cluster's own schemas tell them.
/// A field that has none below it is told in full.
#[operation("kinds.explain", read)]
pub async fn explain(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// A field, e.g. `spec.strategy`; the kind itself if left out.
    path: Option<String>,
    /// How many levels of fields.
    depth: Option<usize>,
) -> Result<Table> {
    let (resource, segments) = subject(cx, &kind, path.as_deref()).await?;
    let schemas = cx.schemas(&resource).await?;
    let topic = Topic {
        resource: &resource,
        schemas: &schemas,
    };
    let Some(root) = schemas.of(&resource) else {
        return Err(Error::not_found(format!(
            "no schema of {}: its API server publishes others only",
            topic.name()
        ))
        .into());
    };
    let place = Place::root(root)
        .follow(&schemas, topic.without_kind(root, &segments))
        .map_err(|lost| topic.lost(root, &lost))?;
    Ok(topic.table(&place, depth.unwrap_or(1).clamp(1, LEVELS)))
}

/// The kind and the path that are meant: both may stand in the first, as kubectl writes it (`deploy.spec.strategy`).
async fn subject(cx: &Cx, kind: &KindRef, path: Option<&str>) -> Result<(Resource, Vec<Segment>), Error> {
    let segments = path::read(path.unwrap_or_default());
    let error = match cx.resolve_as_written(kind).await {
        Ok(resource) => return Ok((resource, segments)),
        Err(error) => error,
    };
    if let (ErrorKind::NotFound, Some((kind, path))) = (error.kind, kind.0.split_once('.'))
        && let Ok(resource) = cx.resolve(&KindRef(kind.to_owned())).await
    {
        return Ok((resource, [path::read(path), segments].concat()));
    }
    Err(error)
}

/// The kind that is explained.
struct Topic<'a> {
    resource: &'a Resource,
    schemas: &'a Schemas,
}

impl<'a> Topic<'a> {
    /// `Deployment (apps/v1)`
    fn name(&self) -> String {
        format!("{} ({})", self.resource.kind, self.resource.api_version())
    }

    fn call(&self, path: &str) -> Next {
        let kind = if self.resource.group.is_empty() || !self.resource.is_custom() {
            self.resource.kind.clone()
        } else {
            self.resource.qualified()
        };
        Next::op("kinds.explain")
            .arg("kind", kind)
            .arg_if("path", Some(path).filter(|path| !path.is_empty()))
    }

    /// A path without the kind that kubectl's begin with, unless the kind has a field of that name.
    fn without_kind<'s>(&self, root: &Schema, segments: &'s [Segment]) -> &'s [Segment] {
        let Some((Segment::Name(first), rest)) = segments.split_first() else {
            return segments;
        };
        let is_field = self.schemas.fields(root).iter().any(|field| field.name == first);
        let Resource {
            kind,
            plural,
            singular,
            short_names,
            ..
        } = self.resource;
        let mut names = [kind, plural, singular].into_iter().chain(short_names);
        if !is_field && names.any(|name| name.eq_ignore_ascii_case(first)) {
            rest
        } else {
            segments
        }
    }

    fn table(&self, place: &Place<'a>, depth: usize) -> Table {
        let (fields, complete) = place.below(self.schemas, depth, FIELDS);
        let mut table = if fields.is_empty() {
            self.leaf(place)
        } else {
            self.fields(place, &fields)
        };
        if !complete {
            table.notes.push(format!(
                "only the first {FIELDS} fields were looked at: give a longer path or less depth"
            ));
        }
        table
    }

    /// What a field is in a few words: `Deployment (apps/v1) spec.replicas: integer; default 1`
    fn heading(&self, place: &Place<'_>, meaning: &str) -> String {
        let mut parts = Vec::new();
        if !place.path.is_empty() {
            parts.push(type_cell(self.schemas, place.schema, place.required));
            let default = words::default_of(self.schemas, place.schema, place.required);
            if !default.is_empty() {
                parts.push(format!("default {default}"));
            }
        }
        if !meaning.is_empty() {
            parts.push(meaning.to_owned());
        }
        let subject = self.subject(place);
        match parts.is_empty() {
            true => subject,
            false => format!("{subject}: {}", parts.join("; ")),
        }
    }

    /// `Deployment (apps/v1) spec.strategy`
    fn subject(&self, place: &Place<'_>) -> String {
        format!("{} {}", self.name(), place.path).trim_end().to_owned()
    }

    fn meaning(&self, name: &str, schema: &Schema) -> String {
        let description = words::description(self.schemas, schema);
        let of_type = schema
            .reference()
            .and_then(|name| name.rsplit('.').next())
            .unwrap_or_default();
        prose::first_sentence(description, &[name, of_type])
    }

    fn fields(&self, place: &Place<'_>, fields: &[Below<'_>]) -> Table {
        let most = if fields.len() > MANY { SHORT } else { usize::MAX };
        let rows = fields.iter().map(|below| self.row(below, most)).collect();
        let columns = vec![
            Column::new("FIELD", Role::Name),
            Column::new("TYPE", Role::Text),
            Column::new("DEFAULT", Role::Text),
            Column::new("MEANING", Role::Text),
        ];
        let name = if place.path.is_empty() {
            self.resource.kind.as_str()
        } else {
            place.name
        };
        let elsewhere = |below: &Below<'_>| {
            // Of a level that does not fit, each field has to be asked for itself.
            let path = if below.parent.is_empty() {
                &below.path
            } else {
                &below.parent
            };
            let mut full = place.path.clone();
            if !full.is_empty() && !path.starts_with('[') {
                full.push('.');
            }
            full.push_str(path);
            self.call(full.trim_end_matches("[]"))
        };
        Table {
            heading: Some(self.heading(place, &self.meaning(name, place.schema))),
            notes: words::choice(self.schemas.resolve(place.schema))
                .into_iter()
                .collect(),
            elsewhere: fields.iter().map(elsewhere).collect(),
            ..Table::of(self.subject(place), Scope::Cluster, columns, rows)
        }
    }

    fn row(&self, below: &Below<'_>, most: usize) -> Row {
        let schema = below.field.schema;
        let mut of_type = type_cell(self.schemas, schema, below.field.required);
        if below.recursive {
            of_type.push_str(", recursive");
        }
        let values = words::values(self.schemas, schema);
        let mut meaning = self.meaning(below.field.name, schema);
        if !values.is_empty() {
            meaning = match meaning.is_empty() {
                true => values,
                false => format!("{values}: {meaning}"),
            };
        }
        if meaning.chars().count() > most {
            let head: String = meaning.chars().take(most).collect();
            let head = head.rsplit_once(' ').map_or(head.as_str(), |(head, _)| head);
            meaning = format!("{head}…");
        }
        Row {
            id: ObjectId {
                kind: self.resource.kind.clone(),
                name: below.path.clone(),
                ..ObjectId::default()
            },
            cells: vec![
                below.path.clone(),
                of_type,
                words::default_of(self.schemas, schema, below.field.required),
                meaning,
            ],
            ..Row::default()
        }
    }

    /// A field without fields: its description in full, and the values that it can have.
    fn leaf(&self, place: &Place<'_>) -> Table {
        let description = words::description(self.schemas, place.schema);
        let mut notes = prose::whole(description, REMARK);
        let values = words::enumerated(self.schemas, place.schema);
        let meanings: Vec<(String, Option<String>)> = values
            .iter()
            .map(|value| {
                let meaning = prose::meaning_of_value(description, value.as_str().unwrap_or_default());
                (words::word(value), meaning)
            })
            .collect();
        let has_meanings = meanings.iter().any(|(_, meaning)| meaning.is_some());
        let mut rows = Vec::new();
        if has_meanings {
            rows = meanings
                .into_iter()
                .map(|(value, meaning)| value_row(&value, meaning))
                .collect();
        } else if !meanings.is_empty() {
            let values: Vec<String> = meanings.into_iter().map(|(value, _)| value).collect();
            notes.insert(0, format!("one of: {}", values.join(", ")));
        }
        let columns = vec![
            Column::new("VALUE", Role::Name),
            Column::new("MEANING", Role::Text),
        ];
        Table {
            heading: Some(self.heading(place, "")),
            notes,
            ..Table::of(self.subject(place), Scope::Cluster, columns, rows)
        }
    }

    /// The error for a path that leads nowhere: what is near, or where it is.
    fn lost(&self, root: &'a Schema, lost: &Lost<'a>) -> Error {
        let at = &lost.at;
        let place = match at.path.as_str() {
            "" => self.name(),
            path => format!("{path} of {}", self.name()),
        };
        let of_type = words::type_of(self.schemas, at.schema);
        let Segment::Name(name) = &lost.segment else {
            return Error::invalid(format!("{place} is no list: its type is {of_type}"))
                .instead("path", with_rest(&at.path, &lost.rest));
        };
        let mut fields: Vec<&str> = at.fields(self.schemas).iter().map(|field| field.name).collect();
        if fields.is_empty() {
            let message = if self.schemas.resolve(at.schema).is_free() || of_type == "object" {
                format!("{place} takes any fields: no schema says which, nor what {name:?} is")
            } else {
                format!("{place} has no field {name:?}: its type is {of_type}")
            };
            return Error::not_found(message).instead("path", &at.path);
        }
        let message = format!("no field {name:?} in {place}");
        let near = near(name, &fields);
        if let Some(first) = near.first() {
            let mut path = at.path.clone();
            path::push(&mut path, first);
            return Error::not_found(format!("{message}; nearest: {}", near.join(", ")))
                .instead("path", with_rest(&path, &lost.rest));
        }
        let elsewhere = at
            .seek(self.schemas, name)
            .or_else(|| Place::root(root).seek(self.schemas, name));
        if let Some(path) = elsewhere {
            return Error::not_found(format!("{message}; there is {path}"))
                .instead("path", with_rest(&path, &lost.rest));
        }
        let more = fields.len().saturating_sub(NAMED);
        fields.truncate(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        Error::not_found(format!("{message}; it has: {}{more}", fields.join(", "))).next(self.call(&at.path))
    }
}

fn value_row(value: &str, meaning: Option<String>) -> Row {
    Row {
        id: ObjectId {
            name: value.to_owned(),
            ..ObjectId::default()
        },
        cells: vec![value.to_owned(), meaning.unwrap_or_default()],
        ..Row::default()
    }
}

fn type_cell(schemas: &Schemas, schema: &Schema, required: bool) -> String {
    let mut words = words::type_of(schemas, schema);
    if required {
        words.push_str(", required");
    }
    words
}

/// A path that goes on as the one that was given.
fn with_rest(path: &str, rest: &[Segment]) -> String {
    let mut path = path.to_owned();
    for segment in rest {
        match segment {
            Segment::Name(name) => path::push(&mut path, name),
            Segment::Item => path.push_str("[]"),
        }
    }
    path
}

/// The fields that a misspelt one may mean, the nearest first.
fn near<'a>(name: &str, fields: &[&'a str]) -> Vec<&'a str> {
    let name = plain(name);
    let mut near: Vec<(Reverse<bool>, usize, &str)> = fields
        .iter()
        .map(|field| {
            let plain = plain(field);
            // A part of a name is near, however long the name is.
            let is_part = name.len() > 2 && (plain.contains(&name) || name.contains(&plain));
            (Reverse(is_part), crate::nearest::edits(&name, &plain), *field)
        })
        .filter(|(is_part, distance, _)| is_part.0 || distance * 3 <= name.chars().count().max(3))
        .collect();
    near.sort_unstable();
    near.into_iter().take(NEAR).map(|(_, _, field)| field).collect()
}
