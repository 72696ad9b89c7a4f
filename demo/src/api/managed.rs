//! Who wrote which field (`metadata.managedFields`).
//!
//! A write only notes who wrote; what that makes of the fields' owners is worked out when somebody reads them, from
//! what the object was before and is since. So the controllers' writes, of which there are thousands before the first
//! reader comes, cost nothing, and need no schema.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    fields::Fields,
    kinds::Custom,
    object::{Meta as _, Object},
    schema,
    write::Write,
};
use crate::clock::seconds;

/// After how many notes the owners are worked out although nobody asks, so that old versions can go.
const LONGEST: u32 = 64;

/// The owners of an object's fields. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Managed(Arc<Mutex<State>>);

#[derive(Debug)]
enum State {
    Known(Owners),
    /// To be worked out.
    Noted(Note),
}

/// A write, of which the owners follow.
#[derive(Clone, Debug)]
struct Note {
    /// The object before it; nothing if it was created.
    before: Option<Arc<Object>>,
    manager: String,
    subresource: String,
    at: Timestamp,
    /// The definition of a custom resource, for its schema.
    custom: Option<Arc<Custom>>,
    /// How many notes there are before this one.
    depth: u32,
}

impl Managed {
    /// Owners that are known.
    pub(crate) fn known(owners: Owners) -> Self {
        Self(Arc::new(Mutex::new(State::Known(owners))))
    }

    /// The owners that a client says there are; `None` if they are those of the object that it changes.
    pub(crate) fn given(entries: &Value, before: &Object) -> Option<Self> {
        let owners = Owners::read(entries);
        (owners.entries() != before.owners().entries()).then(|| Self::known(owners))
    }

    /// The owners after a write that makes another object of `before`, or the first.
    pub(crate) fn note(
        how: &Write,
        at: Timestamp,
        custom: Option<&Arc<Custom>>,
        before: Option<&Arc<Object>>,
    ) -> Self {
        let mut note = Note {
            before: before.cloned(),
            manager: how.manager.clone(),
            subresource: how.subresource.clone().unwrap_or_default(),
            at,
            custom: custom.cloned(),
            depth: 0,
        };
        if let Some(before) = before {
            if let State::Noted(last) = &*before.managed().lock() {
                note.depth = last.depth + 1;
                // What one writes twice in a row is noted once, so that who writes often leaves no long trace.
                if (&last.manager, &last.subresource) == (&note.manager, &note.subresource) {
                    (note.before, note.depth) = (last.before.clone(), last.depth);
                }
            }
            if note.depth > LONGEST {
                before.owners();
                note.depth = 0;
            }
        }
        Self(Arc::new(Mutex::new(State::Noted(note))))
    }

    /// The owners of an object's fields.
    pub(super) fn owners(&self, object: &Value) -> Owners {
        let mut state = self.lock();
        let owners = match &*state {
            State::Known(owners) => return owners.clone(),
            State::Noted(note) => note.follow(object),
        };
        *state = State::Known(owners.clone());
        owners
    }

    /// Whether they are known, and others than those of an object that is otherwise the same.
    pub(super) fn differ(&self, before: &Object) -> bool {
        match &*self.lock() {
            State::Known(owners) => owners.entries() != before.owners().entries(),
            State::Noted(_) => false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Note {
    /// The owners that follow for the object that was written: what was changed is the writer's, what was removed
    /// nobody's.
    fn follow(&self, object: &Value) -> Owners {
        let schema = schema::of_object(object, self.custom.as_deref());
        let before = self.before.as_deref();
        let mut changed = Fields::unlike(schema, object, before.map(Object::value));
        changed.strip();
        let mut owners = before.map(Object::owners).unwrap_or_default();
        if let Some(before) = before {
            owners.lose(&Fields::unlike(schema, before, Some(object)));
        }
        if changed.is_empty() {
            return owners;
        }
        owners.lose(&changed);
        let is_writer = |owner: &&mut Owner| {
            !owner.applies && owner.manager == self.manager && owner.subresource == self.subresource
        };
        match owners.0.iter_mut().find(is_writer) {
            Some(owner) => {
                owner.fields.add(&changed);
                owner.time = seconds(self.at);
            }
            None => owners.0.push(Owner {
                applies: false,
                time: seconds(self.at),
                manager: self.manager.clone(),
                api_version: object.text("/apiVersion").to_owned(),
                subresource: self.subresource.clone(),
                fields: changed,
            }),
        }
        owners
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

/// All owners of an object's fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Owners(pub(crate) Vec<Owner>);

impl Owners {
    /// From `metadata.managedFields`.
    fn read(entries: &Value) -> Self {
        let owner = |entry: &Value| Owner {
            applies: entry["operation"] == "Apply",
            time: entry.text("/time").to_owned(),
            manager: entry.text("/manager").to_owned(),
            api_version: entry.text("/apiVersion").to_owned(),
            subresource: entry.text("/subresource").to_owned(),
            fields: Fields::from_json(&entry["fieldsV1"]),
        };
        Self(entries.list("").iter().map(owner).collect())
    }

    /// Takes fields from all of them.
    pub(crate) fn lose(&mut self, fields: &Fields) {
        self.0.iter_mut().for_each(|owner| owner.fields.subtract(fields));
    }

    /// As `metadata.managedFields`; `None` if nobody owns anything.
    pub(crate) fn entries(&self) -> Option<Value> {
        let mut owners: Vec<_> = self.0.iter().filter(|owner| !owner.fields.is_empty()).collect();
        owners.sort_by_key(|owner| (!owner.applies, &owner.time, &owner.manager, &owner.subresource));
        let entries = owners.into_iter().map(|owner| {
            let mut entry = json!({
                "manager": owner.manager,
                "operation": if owner.applies { "Apply" } else { "Update" },
                "apiVersion": owner.api_version,
                "time": owner.time,
                "fieldsType": "FieldsV1",
                "fieldsV1": owner.fields.to_json(),
            });
            if !owner.subresource.is_empty() {
                entry["subresource"] = owner.subresource.clone().into();
            }
            entry
        });
        let entries: Vec<_> = entries.collect();
        (!entries.is_empty()).then(|| entries.into())
    }
}
