//! The form in which objects are answered: plain, their metadata alone, or rows of a Table.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use http::{Response, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    autoscaling, events,
    front::{Asked, Body, json_response},
    kinds::Kind,
    object::{Object, rest},
    route::Target,
    server::Api,
    status::{Failure, Result},
    table::Table,
};

/// An answer of one object.
///
/// # Errors
/// 406 if the client takes no form that there is.
pub(crate) fn one(
    api: &Api,
    asked: &Asked,
    target: &Target,
    code: u16,
    object: &Object,
) -> Result<Response<Body>> {
    let form = Form::of(asked, target)?;
    let mut object = form.object(object, api.clock.now(), true);
    put(&mut object, "\n");
    Ok(json_response(code, object.into()))
}

/// What a list says of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListMeta {
    /// The revision that it is of; `None` if it is not of what is kept.
    pub(crate) revision: Option<u64>,
    /// How it goes on.
    pub(crate) next: Option<String>,
    /// How many are left.
    pub(crate) remaining: Option<usize>,
}

impl ListMeta {
    fn to_value(&self) -> Value {
        let mut meta = json!({});
        if let Some(revision) = self.revision {
            meta["resourceVersion"] = json!(revision.to_string());
        }
        if let Some(next) = &self.next {
            meta["continue"] = json!(next);
        }
        if let Some(remaining) = self.remaining {
            meta["remainingItemCount"] = json!(remaining);
        }
        meta
    }
}

/// The form that a client takes, for one kind.
#[derive(Debug)]
pub(crate) struct Form {
    kind: Arc<Kind>,
    /// What an object begins with: the brace, its kind and its version.
    head: String,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    /// As it is.
    Plain,
    /// `PartialObjectMetadata`, or its list.
    Metadata,
    /// A Table, and what its rows carry of their objects.
    Table { table: Table, carried: Carried },
}

#[derive(Clone, Copy, Debug)]
enum Carried {
    Nothing,
    Metadata,
    Object,
}

impl Form {
    /// The first form of the request's `Accept` that there is.
    ///
    /// # Errors
    /// 406 if there is none.
    pub(crate) fn of(asked: &Asked, target: &Target) -> Result<Self> {
        let kind = &target.served;
        let accept = asked.headers.get(header::ACCEPT).map(header::HeaderValue::to_str);
        let shape = match accept {
            None | Some(Ok("")) => Some(""),
            Some(text) => text.ok().and_then(negotiate),
        };
        let shape = shape.ok_or_else(|| {
            Failure::not_acceptable("only the following media types are accepted: application/json")
        })?;
        let shape = match shape {
            "" => Shape::Plain,
            "Table" => Shape::Table {
                table: Table::of(kind),
                carried: match asked.parameters.get("includeObject") {
                    Some("Object") => Carried::Object,
                    Some("None") => Carried::Nothing,
                    _ => Carried::Metadata,
                },
            },
            _ => Shape::Metadata,
        };
        Ok(Self {
            head: head(&kind.kind, &kind.api_version()),
            kind: kind.clone(),
            shape,
        })
    }

    /// One object; a Table with its columns only where they are asked for.
    pub(crate) fn object(&self, object: &Object, now: Timestamp, columns: bool) -> Vec<u8> {
        let mut out = Vec::new();
        match &self.shape {
            Shape::Plain => self.plain(&mut out, object, &self.head),
            Shape::Metadata => metadata(&mut out, &object.metadata()),
            Shape::Table { table, .. } => {
                let meta = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                open(&mut out, &head("Table", META), &meta);
                put(&mut out, ",\"columnDefinitions\":");
                encode(&mut out, &columns.then(|| table.columns()));
                put(&mut out, ",\"rows\":[");
                self.item(&mut out, object, now);
                put(&mut out, "]}");
            }
        }
        out
    }

    /// Many objects.
    pub(crate) fn list<'a>(
        &self,
        objects: impl Iterator<Item = &'a Object>,
        meta: &ListMeta,
        now: Timestamp,
    ) -> Bytes {
        let (mut out, mut meta) = (Vec::new(), meta.to_value());
        match &self.shape {
            Shape::Plain => {
                if self.kind.custom.is_some() && meta.get("continue").is_none() {
                    meta["continue"] = json!("");
                }
                let head = head(&format!("{}List", self.kind.kind), &self.kind.api_version());
                open(&mut out, &head, &meta);
                put(&mut out, ",\"items\":[");
            }
            Shape::Metadata => {
                open(&mut out, &head("PartialObjectMetadataList", META), &meta);
                put(&mut out, ",\"items\":[");
            }
            Shape::Table { table, .. } => {
                open(&mut out, &head("Table", META), &meta);
                put(&mut out, ",\"columnDefinitions\":");
                encode(&mut out, table.columns());
                put(&mut out, ",\"rows\":[");
            }
        }
        for (place, object) in objects.enumerate() {
            if place > 0 {
                put(&mut out, ",");
            }
            self.item(&mut out, object, now);
        }
        put(&mut out, "]}\n");
        out.into()
    }

    /// One of many.
    fn item(&self, out: &mut Vec<u8>, object: &Object, now: Timestamp) {
        match &self.shape {
            // The items of a list of built-in kinds do not repeat what they are.
            Shape::Plain if self.kind.custom.is_none() => self.plain(out, object, "{"),
            Shape::Plain => self.plain(out, object, &self.head),
            Shape::Metadata => metadata(out, &object.metadata()),
            Shape::Table { table, carried } => {
                put(out, "{\"cells\":");
                encode(out, &table.cells(object, now));
                if let Some(condition) = table.condition(object) {
                    put(out, ",\"conditions\":");
                    encode(out, &[condition]);
                }
                put(out, ",\"object\":");
                match carried {
                    Carried::Nothing => put(out, "null"),
                    // No reader of rows asks who owns which field.
                    Carried::Metadata => metadata(out, &object["metadata"]),
                    Carried::Object => self.plain(out, object, &self.head),
                }
                put(out, "}");
            }
        }
    }

    /// An object after its head.
    fn plain(&self, out: &mut Vec<u8>, object: &Object, head: &str) {
        put(out, head);
        match self.kind.group.as_str() {
            events::GROUP => out.extend(rest(&events::newer(&object.whole()))),
            _ if autoscaling::is_older(&self.kind) => {
                out.extend(rest(&autoscaling::older(object.whole())));
            }
            _ => out.extend(object.rest()),
        }
    }
}

/// The version of the forms that are not an object's own.
const META: &str = "meta.k8s.io/v1";

/// The first of the forms of an `Accept` header that there is, by preference: the kind that it asks for, nothing for
/// a plain one.
fn negotiate(accept: &str) -> Option<&str> {
    let mut clauses: Vec<(f32, Option<&str>)> = accept.split(',').map(clause).collect();
    clauses.sort_by(|(one, _), (other, _)| other.total_cmp(one));
    clauses.into_iter().find_map(|(_, form)| form)
}

/// One form with its preference; `None` if it is not spoken here.
fn clause(text: &str) -> (f32, Option<&str>) {
    let mut parts = text.split(';').map(str::trim);
    let spoken = matches!(parts.next(), Some("application/json" | "application/*" | "*/*"));
    let parameters: BTreeMap<&str, &str> = parts.filter_map(|part| part.split_once('=')).collect();
    let quality = parameters.get("q").and_then(|quality| quality.parse().ok());
    let form = match ["as", "g", "v"].map(|name| parameters.get(name).copied().unwrap_or_default()) {
        ["", "", ""] => Some(""),
        [
            kind @ ("Table" | "PartialObjectMetadata" | "PartialObjectMetadataList"),
            "meta.k8s.io",
            "v1",
        ] => Some(kind),
        _ => None,
    };
    (quality.unwrap_or(1.0), form.filter(|_| spoken))
}

/// An object's metadata alone.
fn metadata(out: &mut Vec<u8>, metadata: &Value) {
    open(out, &head("PartialObjectMetadata", META), metadata);
    put(out, "}");
}

/// What an object begins with: the brace, its kind and its version.
fn head(kind: &str, version: &str) -> String {
    format!("{{\"kind\":\"{kind}\",\"apiVersion\":\"{version}\",")
}

/// Begins an object: its head and its metadata.
fn open(out: &mut Vec<u8>, head: &str, meta: &impl Serialize) {
    put(out, head);
    put(out, "\"metadata\":");
    encode(out, meta);
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends JSON. What is encoded here is made of JSON already, and memory takes all.
fn encode(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    drop(serde_json::to_writer(out, value));
}
