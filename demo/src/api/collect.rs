//! What becomes of the dependents of an owner that is deleted.

use std::collections::{BTreeSet, HashMap};

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
        let references =
            |object: Option<&Object>| object.map_or_else(Vec::new, |object| owners(object).to_vec());
        let (now, before) = (change.now.as_deref(), change.before.as_deref());
        let (owners, former) = (references(now), references(before));
        let mut keys = Vec::new();
        if owners != former || now.is_some_and(waits) {
            keys.push(change.key.clone());
        }
        if let (None, Some(before)) = (now, before) {
            keys.push(Key::new(GONE, "", before.uid()));
        }
        // An owner that waits for its dependents has one less.
        let lost = former.iter().filter(|owner| !owners.contains(owner));
        keys.extend(lost.filter_map(|owner| owner_of(api, &change.key, owner)));
        keys
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        if &*key.resource == GONE {
            for dependent in self.of(&key.name) {
                self.examine(api, &dependent);
            }
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
    fn index(&mut self, key: &Key, object: Option<&Object>) {
        for uid in self.owners.remove(key).unwrap_or_default() {
            if let Some(dependents) = self.dependents.get_mut(&uid) {
                dependents.remove(key);
                if dependents.is_empty() {
                    self.dependents.remove(&uid);
                }
            }
        }
        let uids: Vec<String> = object
            .map_or(&[][..], |object| owners(object))
            .iter()
            .map(|owner| owner.text("/uid").to_owned())
            .collect();
        for uid in &uids {
            self.dependents
                .entry(uid.clone())
                .or_default()
                .insert(key.clone());
        }
        if !uids.is_empty() {
            self.owners.insert(key.clone(), uids);
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
        let state = |owner: &Value| match owner_of(api, key, owner) {
            Some(place) => match api.store.get(&place) {
                Some(found) if found.uid() != owner.text("/uid") => Owner::Gone,
                Some(found) if found.is_terminating() && has(&found, FOREGROUND) => Owner::Waiting,
                Some(_) => Owner::There,
                None => Owner::Gone,
            },
            // Nobody knows such a kind: that says nothing of its objects.
            None => Owner::There,
        };
        let states: Vec<Owner> = owners(&object).iter().map(state).collect();
        if states.contains(&Owner::There) || states.is_empty() {
            if states.iter().any(|state| *state != Owner::There) {
                edit(api, key, |object| {
                    let states = states.iter();
                    let kept = owners(object)
                        .iter()
                        .zip(states)
                        .filter(|(_, state)| **state == Owner::There);
                    json!({"ownerReferences": kept.map(|(owner, _)| owner).collect::<Vec<_>>()})
                });
            }
            return;
        }
        let waited_for = states.contains(&Owner::Waiting) && !self.of(object.uid()).is_empty();
        let policy = match waited_for {
            _ if has(&object, ORPHAN) => "Orphan",
            true => "Foreground",
            false if has(&object, FOREGROUND) => "Foreground",
            false => "Background",
        };
        let options = json!({"propagationPolicy": policy, "preconditions": {"uid": object.uid()}});
        if let Ok(kind) = api.kind(&key.resource) {
            drop(api.delete(&kind, &key.namespace, &key.name, &options, &collector()));
        }
    }

    /// Does what an owner waits for, and lets it go.
    fn finish(&self, api: &Api, key: &Key, owner: &Object) {
        let dependents = self.of(owner.uid());
        let is_own = |reference: &Value| reference.text("/uid") == owner.uid();
        if has(owner, ORPHAN) {
            for dependent in &dependents {
                edit(api, dependent, |object| {
                    let others = owners(object).iter().filter(|reference| !is_own(reference));
                    json!({"ownerReferences": others.collect::<Vec<_>>()})
                });
            }
            let_go(api, key, ORPHAN);
        } else if has(owner, FOREGROUND) {
            let blocks = |key: &&Key| {
                api.store.get(key).is_some_and(|dependent| {
                    let mut references = owners(&dependent).iter();
                    references.any(|reference| is_own(reference) && reference["blockOwnerDeletion"] == true)
                })
            };
            if !dependents.iter().any(|key| blocks(&key)) {
                let_go(api, key, FOREGROUND);
            }
            for dependent in &dependents {
                self.examine(api, dependent);
            }
        }
    }
}

fn collector() -> Write {
    Write::by("generic-garbage-collector")
}

fn owners(object: &Value) -> &[Value] {
    object.list("/metadata/ownerReferences")
}

fn has(object: &Value, finalizer: &str) -> bool {
    object
        .list("/metadata/finalizers")
        .iter()
        .any(|own| own == finalizer)
}

/// Whether an object waits for what is done here.
fn waits(object: &Object) -> bool {
    object.is_terminating() && (has(object, FOREGROUND) || has(object, ORPHAN))
}

/// Where an owner is, seen from a dependent; nothing if its kind is not known.
fn owner_of(api: &Api, dependent: &Key, owner: &Value) -> Option<Key> {
    let kinds = api.kinds();
    let kind = kinds.of(owner.text("/apiVersion"), owner.text("/kind"))?;
    let namespace = if kind.namespaced {
        &*dependent.namespace
    } else {
        ""
    };
    Some(Key::new(&kind.resource(), namespace, owner.text("/name")))
}

/// Takes a finalizer away.
fn let_go(api: &Api, key: &Key, finalizer: &str) {
    edit(api, key, |object| {
        let others = object
            .list("/metadata/finalizers")
            .iter()
            .filter(|own| *own != finalizer);
        json!({"finalizers": others.collect::<Vec<_>>()})
    });
}

/// Changes an object's metadata. What is gone meanwhile needs it no longer.
fn edit(api: &Api, key: &Key, metadata: impl Fn(&Value) -> Value) {
    let Ok(kind) = api.kind(&key.resource) else {
        return;
    };
    drop(
        api.change(&kind, &key.namespace, &key.name, &collector(), |object| {
            let mut changed = object.clone();
            for (field, value) in metadata(object).as_object().into_iter().flatten() {
                let meta = map_at(&mut changed, "metadata");
                match value.as_array().is_some_and(Vec::is_empty) {
                    true => meta.remove(field),
                    false => meta.insert(field.clone(), value.clone()),
                };
            }
            Ok(changed)
        }),
    );
}
