//! Reads a list object by object, so that it never stands in memory whole: 10,000 pods take 580 MB as a tree of
//! values, and half a megabyte this way.

use std::{fmt, ops::ControlFlow};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use super::Include;

/// How reading one page ended.
#[derive(Debug, Default)]
pub(super) struct PageEnd {
    /// Where the list goes on.
    pub(super) next: Option<String>,
    /// The reader had enough.
    pub(super) stopped: bool,
    /// What the document says that it is.
    pub(super) kind: String,
    /// The moment that the list is of: a watch goes on from there.
    pub(super) resource_version: String,
}

/// Reads one page and gives each object to `each`, without its `managedFields`. Objects of typed lists carry
/// neither apiVersion nor kind; they get these.
///
/// # Errors
/// If the page is not a list.
pub(super) fn read_page(
    page: &[u8],
    api_version: &str,
    kind: &str,
    each: &mut impl FnMut(Value) -> ControlFlow<()>,
) -> Result<PageEnd, serde_json::Error> {
    let mut end = PageEnd::default();
    let mut deserializer = serde_json::Deserializer::from_slice(page);
    let result = Page {
        end: &mut end,
        api_version,
        kind,
        each,
    }
    .deserialize(&mut deserializer);
    match result {
        // Stopping is told as an error, which is the only way out of a deserializer.
        Err(_) if end.stopped => Ok(end),
        Err(error) => Err(error),
        Ok(()) => Ok(end),
    }
}

struct Page<'a, F> {
    end: &'a mut PageEnd,
    api_version: &'a str,
    kind: &'a str,
    each: &'a mut F,
}

impl<'de, F: FnMut(Value) -> ControlFlow<()>> DeserializeSeed<'de> for Page<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(Value) -> ControlFlow<()>> Visitor<'de> for Page<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        #[derive(serde::Deserialize)]
        struct Metadata {
            #[serde(default, rename = "continue")]
            next: Option<String>,
            #[serde(default, rename = "resourceVersion")]
            resource_version: String,
        }
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "kind" => self.end.kind = map.next_value()?,
                "metadata" => {
                    if let Some(metadata) = map.next_value::<Option<Metadata>>()? {
                        self.end.next = metadata.next.filter(|next| !next.is_empty());
                        self.end.resource_version = metadata.resource_version;
                    }
                }
                "items" => map.next_value_seed(Items {
                    stopped: &mut self.end.stopped,
                    api_version: self.api_version,
                    kind: self.kind,
                    each: self.each,
                })?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Items<'a, F> {
    stopped: &'a mut bool,
    api_version: &'a str,
    kind: &'a str,
    each: &'a mut F,
}

impl<'de, F: FnMut(Value) -> ControlFlow<()>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value) -> ControlFlow<()>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects")
    }

    /// Go writes a list without objects as null.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(mut object) = seq.next_element_seed(Object)? {
            // In the order in which the API server writes them in an object of its own.
            if !object.contains_key("apiVersion") {
                object.shift_insert(0, "apiVersion".to_owned(), self.api_version.into());
            }
            if !object.contains_key("kind") {
                object.shift_insert(0, "kind".to_owned(), self.kind.into());
            }
            if (self.each)(Value::Object(object)).is_break() {
                *self.stopped = true;
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// An object, of whose metadata `managedFields` is skipped while it is read.
struct Object;

impl<'de> DeserializeSeed<'de> for Object {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(Fields {
            skip: "",
            metadata: true,
        })
    }
}

struct Fields {
    skip: &'static str,
    metadata: bool,
}

impl<'de> Visitor<'de> for Fields {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if !self.skip.is_empty() && key == self.skip {
                map.next_value::<IgnoredAny>()?;
            } else if self.metadata && key == "metadata" {
                fields.insert(key, map.next_value_seed(Metadata)?);
            } else {
                fields.insert(key, map.next_value()?);
            }
        }
        Ok(fields)
    }
}

struct Metadata;

impl<'de> DeserializeSeed<'de> for Metadata {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer
            .deserialize_map(Fields {
                skip: "managedFields",
                metadata: false,
            })
            .map(Value::Object)
    }
}

/// The object of a Table's row or a watch's event, if it has one, without its `managedFields`.
pub(super) fn row_object<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    struct Optional;
    impl<'de> Visitor<'de> for Optional {
        type Value = Option<Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object or null")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
            let fields = Fields {
                skip: "",
                metadata: true,
            };
            fields.visit_map(map).map(Value::Object).map(Some)
        }
    }
    deserializer.deserialize_any(Optional)
}

/// A list of objects as a Table of names and creation times, for servers that answer with no Table.
///
/// # Errors
/// If it is not a list either.
pub(super) fn as_table(list: &[u8], include: Include) -> Result<Vec<u8>, serde_json::Error> {
    let mut rows = Vec::new();
    let end = read_page(list, "", "", &mut |object| {
        let metadata = &object["metadata"];
        let cells = [&metadata["name"], &metadata["creationTimestamp"]];
        rows.push(match include {
            Include::None => serde_json::json!({"cells": cells}),
            Include::Metadata => serde_json::json!({"cells": cells, "object": {"metadata": metadata}}),
            Include::Object => serde_json::json!({"cells": cells, "object": object}),
        });
        ControlFlow::Continue(())
    })?;
    serde_json::to_vec(&serde_json::json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"continue": end.next},
        "columnDefinitions": [
            {"name": "Name", "type": "string", "format": "name", "priority": 0},
            {"name": "Created At", "type": "date", "priority": 0},
        ],
        "rows": rows,
    }))
}

/// The next line without its end. What is longer than `most` is cut, and says so.
///
/// # Errors
/// If the connection breaks.
pub(super) async fn line(
    reader: &mut (impl AsyncBufRead + Unpin),
    most: usize,
) -> std::io::Result<Option<String>> {
    let (mut line, mut cut, mut any) = (Vec::new(), false, false);
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            break;
        }
        any = true;
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        let room = most - line.len();
        cut |= part.len() > room;
        line.extend_from_slice(&part[..part.len().min(room)]);
        let used = end.map_or(chunk.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            break;
        }
    }
    if !any {
        return Ok(None);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    let mut text = String::from_utf8_lossy(&line).into_owned();
    if cut {
        text.push_str(" [cut: the line is longer than 64 KiB]");
    }
    Ok(Some(text))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page() -> Vec<u8> {
        let item = |name: &str| json!({"metadata": {"name": name, "managedFields": [{"a": 1}], "uid": "u"}, "spec": {"managedFields": 1}});
        json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"continue": "abc"}, "items": [item("a"), item("b")]})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn objects_come_one_by_one_and_trimmed() {
        let mut seen = Vec::new();
        let end = read_page(&page(), "v1", "Pod", &mut |object| {
            seen.push(object);
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!(end.next.as_deref(), Some("abc"));
        assert_eq!(end.kind, "PodList");
        assert_eq!(
            seen[1],
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "b", "uid": "u"}, "spec": {"managedFields": 1}})
        );
        let keys: Vec<_> = seen[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["kind", "apiVersion", "metadata", "spec"]);
    }

    #[test]
    fn a_reader_may_stop_and_a_broken_page_is_an_error() {
        let mut count = 0;
        let end = read_page(&page(), "v1", "Pod", &mut |_| {
            count += 1;
            ControlFlow::Break(())
        })
        .unwrap();
        assert!(end.stopped);
        assert_eq!(count, 1);
        let cut = &page()[..60];
        assert!(read_page(cut, "v1", "Pod", &mut |_| ControlFlow::Continue(())).is_err());
        let none = br#"{"kind":"PodList","metadata":{},"items":null}"#;
        assert!(read_page(none, "v1", "Pod", &mut |_| ControlFlow::Continue(())).is_ok());
    }
}
