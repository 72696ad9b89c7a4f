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

impl Controller for Collector {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let (now, before) = (change.now.as_deref(), change.before.as_deref());
        let (own, former) = (now.map_or(NONE, owners), before.map_or(NONE, owners));
        let is_waiting = |now: &Object| now.is_terminating() && (has(now, FOREGROUND) || has(now, ORPHAN));
        let mut keys = Vec::new();
        if own != former || now.is_some_and(is_waiting) {
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
            let dependents = self.of(&key.name);
            dependents.iter().for_each(|key| self.examine(api, key));
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
            let dependents = self.dependents.entry(uid.clone()).or_default();
            dependents.remove(key);
            if dependents.is_empty() {
                self.dependents.remove(&uid);
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
        // Of a kind that nobody knows no owner is known to be gone.
        let place = |owner: &Value| place_of(api, owner, key);
        let found = |owner: &Value| {
            api.store
                .get(&place(owner)?)
                .filter(|found| found.uid() == owner.text("/uid"))
        };
        let waits =
            |owner: &Value| found(owner).is_some_and(|it| it.is_terminating() && has(&it, FOREGROUND));
        let is_there = |owner: &Value| !waits(owner) && (place(owner).is_none() || found(owner).is_some());
        let owners = owners(&object);
        let there = owners.iter().filter(|owner| is_there(owner)).count();
        if there == owners.len() {
            return;
        }
        if there > 0 {
            return keep(api, key, "ownerReferences", is_there);
        }
        let is_waited_for = owners.iter().any(waits) && self.dependents.contains_key(object.uid());
        let policy = match is_waited_for || has(&object, FOREGROUND) {
            _ if has(&object, ORPHAN) => "Orphan",
            true => "Foreground",
            false => "Background",
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
            dependents.iter().for_each(|key| self.examine(api, key));
        }
    }
}

/// The owners of what is not there.
const NONE: &[Value] = &[];

fn owners(object: &Object) -> &[Value] {
    object.list("/metadata/ownerReferences")
}

fn has(object: &Value, finalizer: &str) -> bool {
    let mut all = object.list("/metadata/finalizers").iter();
    all.any(|own| own == finalizer)
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
    let how = Write::by(COLLECTOR);
    drop(api.change(&kind, &key.namespace, &key.name, &how, |object| {
        let mut object = object.clone();
        let meta = map_at(&mut object, "metadata");
        let mut all = match meta.remove(list) {
            Some(Value::Array(all)) => all,
            _ => vec![],
        };
        all.retain(&which);
        if !all.is_empty() {
            meta.insert(list.into(), Value::Array(all));
        }
        Ok(object)
    }));
}
