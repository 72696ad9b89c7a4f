//! What becomes of the dependents of an owner that is deleted.

use std::collections::{BTreeSet, HashMap, hash_map::Entry};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Api,
    delete::{FOREGROUND, ORPHAN},
    object::{Meta as _, Object, map_at},
    store::{Change, Key},
    write::Write,
};
use crate::controllers::Controller;

/// What the keys of owners that are gone have for a resource; the name is the uid.
const GONE: &str = "uid";
/// Who collects.
const COLLECTOR: &str = "generic-garbage-collector";

/// Deletes what its owners are gone of, in the background or before them, or has orphans forget their owner.
#[derive(Default)]
pub(crate) struct Collector {
    /// The dependents of each owner, by its uid.
    dependents: HashMap<String, BTreeSet<Key>>,
    /// The uids of each dependent's owners.
    owners: HashMap<Key, Vec<String>>,
}

/// What an owner that is named still is.
#[derive(PartialEq)]
enum Owner {
    There,
    Waiting,
    Gone,
}

impl Controller for Collector {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let (now, before) = (change.now.as_deref(), change.before.as_deref());
        let (own, former) = (now.map_or(NONE, owners), before.map_or(NONE, owners));
        let mut keys = Vec::new();
        if own != former
            || now.is_some_and(|now| now.is_terminating() && (has(now, FOREGROUND) || has(now, ORPHAN)))
        {
            keys.push(change.key.clone());
        }
        if let (None, Some(before)) = (now, before) {
            keys.push(Key::new(GONE, "", before.uid()));
        }
        // An owner that waits for its dependents has one less.
        let lost = former.iter().filter(|owner| !own.contains(owner));
        keys.extend(lost.filter_map(|owner| place_of(api, owner, &change.key)));
        keys
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        if &*key.resource == GONE {
            self.of(&key.name)
                .iter()
                .for_each(|dependent| self.examine(api, dependent));
            return None;
        }
        let object = api.store.get(key);
        self.index(key, object.as_deref());
        match object? {
            object if object.is_terminating() => self.finish(api, key, &object),
            _ => self.examine(api, key),
        }
        None
    }
}

impl Collector {
    /// Notes whose an object is.
    fn index(&mut self, key: &Key, object: Option<&Object>) {
        for uid in self.owners.remove(key).unwrap_or_default() {
            if let Entry::Occupied(mut dependents) = self.dependents.entry(uid) {
                dependents.get_mut().remove(key);
                if dependents.get().is_empty() {
                    dependents.remove();
                }
            }
        }
        for owner in object.map_or(NONE, owners) {
            let uid = owner.text("/uid").to_owned();
            self.owners.entry(key.clone()).or_default().push(uid.clone());
            self.dependents.entry(uid).or_default().insert(key.clone());
        }
    }

    /// The dependents of an owner.
    fn of(&self, uid: &str) -> Vec<Key> {
        self.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Deletes an object if its owners are gone or wait for its end, and has it forget those if others are there.
    fn examine(&self, api: &Api, key: &Key) {
        let Some(object) = api.store.get(key).filter(|object| !object.is_terminating()) else {
            return;
        };
        let state = |owner: &Value| match place_of(api, owner, key) {
            // Nobody knows such a kind: that says nothing of its objects.
            None => Owner::There,
            Some(place) => match api.store.get(&place) {
                Some(found) if found.uid() != owner.text("/uid") => Owner::Gone,
                Some(found) if found.is_terminating() && has(&found, FOREGROUND) => Owner::Waiting,
                Some(_) => Owner::There,
                None => Owner::Gone,
            },
        };
        let states: Vec<Owner> = owners(&object).iter().map(state).collect();
        if states.iter().all(|state| *state == Owner::There) {
            return;
        }
        if states.contains(&Owner::There) {
            return keep(api, key, "ownerReferences", |owner| state(owner) == Owner::There);
        }
        let policy = match states.contains(&Owner::Waiting) && self.dependents.contains_key(object.uid()) {
            _ if has(&object, ORPHAN) => "Orphan",
            waited_for if waited_for || has(&object, FOREGROUND) => "Foreground",
            _ => "Background",
        };
        let options = json!({"propagationPolicy": policy, "preconditions": {"uid": object.uid()}});
        if let Ok(kind) = api.kind(&key.resource) {
            drop(api.delete(&kind, &key.namespace, &key.name, &options, &Write::by(COLLECTOR)));
        }
    }

    /// Does what an owner waits for, and lets it go.
    fn finish(&self, api: &Api, key: &Key, owner: &Object) {
        let dependents = self.of(owner.uid());
        let is_own = |reference: &Value| reference.text("/uid") == owner.uid();
        if has(owner, ORPHAN) {
            for dependent in &dependents {
                keep(api, dependent, "ownerReferences", |reference| !is_own(reference));
            }
            keep(api, key, "finalizers", |finalizer| finalizer != ORPHAN);
        } else if has(owner, FOREGROUND) {
            let blocks = |key: &Key| {
                let dependent = api.store.get(key);
                let mut references = dependent.as_deref().map_or(NONE, owners).iter();
                references.any(|reference| is_own(reference) && reference["blockOwnerDeletion"] == true)
            };
            if !dependents.iter().any(blocks) {
                keep(api, key, "finalizers", |finalizer| finalizer != FOREGROUND);
            }
            dependents
                .iter()
                .for_each(|dependent| self.examine(api, dependent));
        }
    }
}

/// The owners of what is not there.
const NONE: &[Value] = &[];

fn owners(object: &Object) -> &[Value] {
    object.list("/metadata/ownerReferences")
}

fn has(object: &Value, finalizer: &str) -> bool {
    object
        .list("/metadata/finalizers")
        .iter()
        .any(|own| own == finalizer)
}

/// Where an owner is, seen from a dependent; nothing if its kind is not known.
fn place_of(api: &Api, owner: &Value, dependent: &Key) -> Option<Key> {
    let kinds = api.kinds();
    let kind = kinds.of(owner.text("/apiVersion"), owner.text("/kind"))?;
    let namespace = if kind.namespaced {
        &*dependent.namespace
    } else {
        ""
    };
    Some(Key::new(&kind.resource(), namespace, owner.text("/name")))
}

/// Keeps these of a list in an object's metadata. What is gone meanwhile needs it no longer.
fn keep(api: &Api, key: &Key, list: &str, which: impl Fn(&Value) -> bool) {
    let Ok(kind) = api.kind(&key.resource) else {
        return;
    };
    drop(api.change(
        &kind,
        &key.namespace,
        &key.name,
        &Write::by(COLLECTOR),
        |object| {
            let mut object = object.clone();
            let meta = map_at(&mut object, "metadata");
            if let Some(all) = meta.get_mut(list).and_then(Value::as_array_mut) {
                all.retain(&which);
                if all.is_empty() {
                    meta.remove(list);
                }
            }
            Ok(object)
        },
    ));
}
