//! Who wrote which field (`metadata.managedFields`).
//!
//! A write only notes who wrote; what that makes of the fields' owners is worked out when somebody reads them, from
//! what the object was before and is since. So the controllers' writes, of which there are thousands before the first
//! reader comes, cost nothing, and need no schema.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    fields::{Difference, Fields, difference, skeleton},
    kinds::Custom,
    object::{Meta as _, Object},
    schema,
    write::Write,
};
use crate::clock::seconds;

/// After how many notes the owners are worked out although nobody asks, so that old versions can go.
const LONGEST: u32 = 64;

/// The owners of an object's fields.
#[derive(Debug)]
pub(crate) struct Managed(Mutex<State>);

#[derive(Debug)]
enum State {
    /// As a client reads them.
    Known(Value),
    /// To be worked out.
    Noted(Box<Note>),
}

/// A write, of which the owners follow.
#[derive(Clone, Debug)]
struct Note {
    /// The object before it; nothing if it was created.
    before: Option<Arc<Object>>,
    /// The owners before it, if they are others than those of the object: a client may write them.
    given: Option<Value>,
    /// Who wrote; nobody if it is nobody's doing.
    writer: Option<Writer>,
    /// What was written, if the API server added to it.
    wrote: Option<Value>,
    /// The definition of a custom resource, for its schema.
    custom: Option<Arc<Custom>>,
    /// How many notes there are before this one.
    depth: u32,
}

/// Who wrote.
#[derive(Clone, Debug)]
struct Writer {
    manager: String,
    subresource: String,
    at: Timestamp,
}

impl Managed {
    /// Owners that are known.
    pub(crate) fn known(entries: Value) -> Self {
        Self(Mutex::new(State::Known(entries)))
    }

    /// The owners are those of an object.
    pub(crate) fn of(before: &Arc<Object>) -> Self {
        Note::new(Some(before), None, None).into()
    }

    /// The owners after a create or an update of `before`. `given` is what the writer says that they were, `wrote` what
    /// was written, if the API server added to it.
    pub(crate) fn note(
        how: &Write,
        at: Timestamp,
        custom: Option<&Arc<Custom>>,
        before: Option<&Arc<Object>>,
        given: Option<Value>,
        wrote: Option<Value>,
    ) -> Self {
        let writer = Writer {
            manager: how.manager.clone(),
            subresource: how.subresource.clone().unwrap_or_default(),
            at,
        };
        // What one writes twice in a row is noted once, so that who writes often leaves no long trace.
        let last = before.filter(|_| given.is_none());
        let note = match last.and_then(|before| before.managed().note_of(&writer)) {
            Some(last) => Note {
                writer: Some(writer),
                ..last
            },
            None => Note::new(before, given, Some(writer)),
        };
        Note {
            custom: custom.cloned(),
            wrote,
            ..note
        }
        .into()
    }

    /// The owners of an object's fields, as `metadata.managedFields` has them.
    pub(crate) fn entries(&self, object: &Value) -> Value {
        let mut state = self.state();
        if let State::Noted(note) = &*state {
            *state = State::Known(note.follow(object));
        }
        match &*state {
            State::Known(entries) => entries.clone(),
            State::Noted(_) => Value::Null,
        }
    }

    /// Whether they are known, and others than an object's, which is otherwise the same.
    pub(crate) fn differs(&self, before: &Object) -> bool {
        match &*self.state() {
            State::Known(entries) => *entries != before.managed().entries(before),
            State::Noted(note) => note
                .given
                .as_ref()
                .is_some_and(|given| *given != before.managed().entries(before)),
        }
    }

    /// The note that is not worked out, if it is all of what this writer wrote.
    fn note_of(&self, writer: &Writer) -> Option<Note> {
        match &*self.state() {
            State::Noted(note)
                if note.wrote.is_none() && note.writer.as_ref().is_some_and(|last| last.is(writer)) =>
            {
                Some(Note::clone(note))
            }
            _ => None,
        }
    }

    /// How many notes there are to be worked out.
    fn depth(&self) -> u32 {
        match &*self.state() {
            State::Known(_) => 0,
            State::Noted(note) => note.depth + 1,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<Note> for Managed {
    fn from(note: Note) -> Self {
        Self(Mutex::new(State::Noted(Box::new(note))))
    }
}

impl Writer {
    fn is(&self, other: &Self) -> bool {
        (&self.manager, &self.subresource) == (&other.manager, &other.subresource)
    }
}

impl Note {
    fn new(before: Option<&Arc<Object>>, given: Option<Value>, writer: Option<Writer>) -> Self {
        let mut depth = before.map_or(0, |before| before.managed().depth());
        if let Some(before) = before.filter(|_| depth > LONGEST) {
            before.managed().entries(before);
            depth = 0;
        }
        Self {
            before: before.cloned(),
            given,
            writer,
            wrote: None,
            custom: None,
            depth,
        }
    }

    /// The owners that follow for the object that was written.
    fn follow(&self, object: &Value) -> Value {
        let former = || {
            self.before
                .as_ref()
                .map_or(Value::Null, |before| before.managed().entries(before))
        };
        let given = self.given.clone().unwrap_or_else(former);
        let Some(writer) = &self.writer else {
            return given;
        };
        let schema = schema::of_object(object, self.custom.as_deref());
        let empty;
        let before = match &self.before {
            Some(before) => before.value(),
            None => {
                empty = skeleton(object, schema, self.custom.is_some());
                &empty
            }
        };
        let mut owners = Owners::read(&given);
        if owners.0.is_empty() && self.before.is_some() {
            // Nobody owns anything, so nobody is asked to: as it is once the owners were taken out.
            return Value::Null;
        }
        let wrote = self.wrote.as_ref().unwrap_or(object);
        let mut difference = difference(schema, Some(before), Some(wrote));
        if self.before.is_none() && self.custom.is_none() {
            // What an object is at its beginning, the API server says.
            for servers in [
                &["f:status"][..],
                &["f:spec", "f:ipFamilies"],
                &["f:spec", "f:ipFamilyPolicy"],
            ] {
                difference.changed.cut(servers);
            }
        }
        difference.changed.strip();
        difference.removed.strip();
        owners.update(writer, object.text("/apiVersion"), &difference);
        owners.write()
    }
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Owner {
    /// Whether it applies its fields (`Apply`) or just writes them (`Update`).
    pub(crate) applies: bool,
    /// When it last changed anything.
    pub(crate) time: String,
    /// Who it is.
    pub(crate) manager: String,
    /// The version of the API that it speaks.
    pub(crate) api_version: String,
    /// What it writes, if not the object itself.
    pub(crate) subresource: String,
    /// What it owns.
    pub(crate) fields: Fields,
}

impl Owner {
    /// Who it is, as conflicts tell it.
    pub(crate) fn told(&self) -> String {
        let mut told = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            told += &format!(" with subresource {:?}", self.subresource);
        }
        if !self.applies {
            told += &format!(" using {}", self.api_version);
        }
        told
    }
}

/// The entries of `managedFields`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Owners(pub(crate) Vec<Owner>);

impl Owners {
    /// From `metadata.managedFields`.
    pub(crate) fn read(entries: &Value) -> Self {
        let entries = entries.as_array().into_iter().flatten();
        let owner = |entry: &Value| Owner {
            applies: entry["operation"] == "Apply",
            time: entry.text("/time").to_owned(),
            manager: entry.text("/manager").to_owned(),
            api_version: entry.text("/apiVersion").to_owned(),
            subresource: entry.text("/subresource").to_owned(),
            fields: Fields::from_json(&entry["fieldsV1"]),
        };
        Self(
            entries
                .filter(|entry| entry.get("fieldsV1").is_some())
                .map(owner)
                .collect(),
        )
    }

    /// As `metadata.managedFields`; null if nobody owns anything.
    pub(crate) fn write(&self) -> Value {
        let mut owners: Vec<_> = self.0.iter().filter(|owner| !owner.fields.is_empty()).collect();
        owners.sort_by_key(|owner| (!owner.applies, &owner.time, &owner.manager, &owner.subresource));
        let entries: Vec<_> = owners
            .into_iter()
            .map(|owner| {
                let mut entry = json!({
                    "manager": owner.manager,
                    "operation": if owner.applies { "Apply" } else { "Update" },
                    "apiVersion": owner.api_version,
                });
                // Who applies what is there already has no time.
                if !owner.time.is_empty() {
                    entry["time"] = owner.time.clone().into();
                }
                entry["fieldsType"] = "FieldsV1".into();
                entry["fieldsV1"] = owner.fields.to_json();
                if !owner.subresource.is_empty() {
                    entry["subresource"] = owner.subresource.clone().into();
                }
                entry
            })
            .collect();
        match entries.is_empty() {
            true => Value::Null,
            false => entries.into(),
        }
    }

    /// What an update does: what it changed is the writer's, what it removed nobody's.
    fn update(&mut self, writer: &Writer, api_version: &str, difference: &Difference) {
        for owner in &mut self.0 {
            owner.fields.subtract(&difference.removed);
        }
        if difference.changed.is_empty() {
            return;
        }
        for owner in &mut self.0 {
            owner.fields.subtract(&difference.changed);
        }
        let same = self.0.iter_mut().find(|owner| {
            !owner.applies && owner.manager == writer.manager && owner.subresource == writer.subresource
        });
        // It is not told when somebody scaled.
        let time = match writer.subresource.as_str() {
            "scale" => String::new(),
            _ => seconds(writer.at),
        };
        match same {
            Some(owner) => {
                owner.fields.add(&difference.changed);
                owner.time = time;
            }
            None => self.0.push(Owner {
                applies: false,
                time,
                manager: writer.manager.clone(),
                api_version: api_version.to_owned(),
                subresource: writer.subresource.clone(),
                fields: difference.changed.clone(),
            }),
        }
    }
}

impl Fields {
    /// Takes out what is nobody's: what the API server itself sets.
    pub(crate) fn strip(&mut self) {
        self.itself = false;
        self.cut(&["f:apiVersion"]);
        self.cut(&["f:kind"]);
        if let Some(metadata) = self.inner.get_mut("f:metadata") {
            metadata.itself = false;
        }
        for name in SERVERS {
            self.cut(&["f:metadata", name]);
        }
        self.cut(&["f:spec", "f:finalizers"]);
        self.inner.retain(|_, field| !field.is_empty());
    }
}

/// What of the metadata the API server sets.
const SERVERS: [&str; 8] = [
    "f:name",
    "f:namespace",
    "f:creationTimestamp",
    "f:selfLink",
    "f:uid",
    "f:generation",
    "f:managedFields",
    "f:resourceVersion",
];
