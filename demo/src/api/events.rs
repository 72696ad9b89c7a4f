//! The two kinds of Event: `v1` and `events.k8s.io/v1` are the same objects in other words. They are kept in those of `v1`.

use bytes::Bytes;
use serde_json::{Map, Value, json};

/// The group of the newer words.
pub(crate) const GROUP: &str = "events.k8s.io";

/// What `v1` calls it, and what `events.k8s.io/v1` does.
const WORDS: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
];

/// An Event in the words of `events.k8s.io/v1`.
pub(crate) fn newer(event: &Value) -> Value {
    let fields = event.as_object().into_iter().flatten();
    let renamed = fields.map(|(name, value)| {
        let word = WORDS.iter().find(|(ours, _)| ours == name);
        (
            word.map_or(name.as_str(), |(_, theirs)| theirs).to_owned(),
            value.clone(),
        )
    });
    Value::Object(renamed.collect())
}

/// The body of a request in the words of `v1`, be it an Event or a patch that has the form of one; what has not
/// stays as it is.
pub(crate) fn kept(body: Bytes) -> Bytes {
    let Ok(Value::Object(event)) = serde_json::from_slice(&body) else {
        return body;
    };
    let mut renamed: Map<String, Value> = event
        .into_iter()
        .map(|(name, value)| {
            let word = WORDS.iter().find(|(_, theirs)| *theirs == name);
            (word.map_or(name.as_str(), |(ours, _)| ours).to_owned(), value)
        })
        .collect();
    if let Some(version) = renamed.get_mut("apiVersion") {
        *version = json!("v1");
    }
    Value::Object(renamed).to_string().into()
}
