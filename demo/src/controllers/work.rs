//! What controllers share: an object that they work on, what it owns, and how its pods are.

use std::{ops::Deref, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::Teller;
use crate::{
    api::{
        Api,
        kinds::Kind,
        object::{Meta as _, Object, map_at},
        selector::selects,
        status::{Failure, Result},
        store::{Change, Key},
        write::Write,
    },
    clock::seconds,
};

/// A controller at work on one object. It is read as the object is.
pub(crate) struct Work<'a> {
    pub(crate) api: &'a Api,
    /// The controller, as `job-controller`.
    who: &'static str,
    object: Arc<Object>,
}

impl Deref for Work<'_> {
    type Target = Object;

    fn deref(&self) -> &Object {
        &self.object
    }
}

impl<'a> Work<'a> {
    /// Work on this object, if it is there.
    pub(crate) fn on(api: &'a Api, who: &'static str, key: &Key) -> Option<Self> {
        let object = api.store.get(key)?;
        Some(Self { api, who, object })
    }

    /// The objects of a resource that the object controls. What it selects and nobody controls is taken over, what it
    /// no longer selects is let go.
    pub(crate) fn owned(&self, resource: &str) -> Vec<Arc<Object>> {
        let claim = |object: Arc<Object>| {
            let mine = object.controller().map(|by| by["uid"] == self["metadata"]["uid"]);
            if mine == Some(false) {
                return None;
            }
            let mut owners = object.list("/metadata/ownerReferences").to_vec();
            match (mine.is_some(), selects(&self["spec"]["selector"], &object)) {
                (true, true) => return Some(object),
                (true, false) => owners.retain(|by| by["uid"] != self["metadata"]["uid"]),
                (false, true) if is_active(&object) => owners.push(self.reference()),
                (false, _) => return None,
            }
            let edit = |object: &mut Value| object["metadata"]["ownerReferences"] = json!(owners);
            let written = if self.is_terminating() {
                None
            } else {
                self.update(&object, edit).ok()
            };
            written.filter(|_| mine.is_none())
        };
        let all = self.api.all(resource, Some(self.namespace()));
        all.into_iter().filter_map(claim).collect()
    }

    /// The reference by which the object controls others.
    pub(crate) fn reference(&self) -> Value {
        json!({
            "apiVersion": self["apiVersion"], "kind": self["kind"], "name": self.name(), "uid": self.uid(),
            "controller": true, "blockOwnerDeletion": true,
        })
    }

    /// A pod as a template says, with a name made up from the object's.
    pub(crate) fn pod(&self, template: &Value) -> Value {
        let name = format!("{}-", self.name());
        let mut meta = json!({"generateName": name, "ownerReferences": [self.reference()]});
        for copied in ["labels", "annotations", "finalizers"] {
            if let Some(value) = template["metadata"].get(copied) {
                meta[copied] = value.clone();
            }
        }
        json!({"metadata": meta, "spec": template["spec"]})
    }

    /// Makes an object, in the same namespace if it lives in one.
    ///
    /// # Errors
    /// Those of the API.
    pub(crate) fn create(&self, resource: &str, object: Value) -> Result<Arc<Object>> {
        let kind = self.api.kind(resource)?;
        let place = if kind.namespaced { self.namespace() } else { "" };
        self.api.create(&kind, place, object, &Write::by(self.who))
    }

    /// Makes a pod, and tells of it.
    ///
    /// # Errors
    /// Those of the API.
    pub(crate) fn create_pod(&self, pod: Value) -> Result<Arc<Object>> {
        let made = self.create("pods", pod);
        match &made {
            Ok(pod) => self.normal("SuccessfulCreate", &format!("Created pod: {}", pod.name())),
            Err(failure) => self.warning("FailedCreate", &format!("Error creating: {}", why(failure))),
        }
        made
    }

    /// Changes an object as it is now, but for its status.
    ///
    /// # Errors
    /// Those of the API.
    pub(crate) fn update(&self, object: &Value, edit: impl Fn(&mut Value)) -> Result<Arc<Object>> {
        self.write(object, &Write::by(self.who), edit)
    }

    /// Changes the object's status, or its annotations with it.
    ///
    /// # Errors
    /// Those of the API.
    pub(crate) fn update_status(&self, edit: impl Fn(&mut Value)) -> Result<Arc<Object>> {
        self.write(self, &Write::by(self.who).status(), edit)
    }

    /// Gives the object this status, if it has another one.
    pub(crate) fn set_status(&self, status: &Value) {
        if self["status"] != *status {
            // What is gone needs none.
            drop(self.update_status(|object| object["status"] = status.clone()));
        }
    }

    fn write(&self, object: &Value, how: &Write, edit: impl Fn(&mut Value)) -> Result<Arc<Object>> {
        let (kind, place) = (self.kind(object)?, object.namespace());
        self.api.change(&kind, place, object.name(), how, |now| {
            let mut now = now.clone();
            edit(&mut now);
            Ok(now)
        })
    }

    fn kind(&self, object: &Value) -> Result<Arc<Kind>> {
        let kinds = self.api.kinds();
        let kind = kinds.of(object.text("/apiVersion"), object.text("/kind"));
        kind.cloned().ok_or_else(Failure::nothing_here)
    }

    /// Deletes an object, and tells of it, if that has something to say.
    pub(crate) fn delete(&self, object: &Value, message: &str) {
        let options = json!({"propagationPolicy": "Background", "preconditions": {"uid": object.uid()}});
        let (place, name, how) = (object.namespace(), object.name(), Write::by(self.who));
        let kind = self.kind(object);
        let deleted = kind.and_then(|kind| self.api.delete(&kind, place, name, &options, &how));
        if deleted.is_ok() && !message.is_empty() {
            self.normal("SuccessfulDelete", message);
        }
    }

    /// Deletes a pod, and tells of it.
    pub(crate) fn delete_pod(&self, pod: &Value) {
        self.delete(pod, &format!("Deleted pod: {}", pod.name()));
    }

    /// Tells that all is well.
    pub(crate) fn normal(&self, reason: &str, message: &str) {
        self.teller().normal(self.api, self, reason, message);
    }

    /// Tells that something is wrong.
    pub(crate) fn warning(&self, reason: &str, message: &str) {
        self.teller().warning(self.api, self, reason, message);
    }

    fn teller(&self) -> Teller<'static> {
        let (component, host) = (self.who, "");
        Teller { component, host }
    }

    /// The time as a status tells it.
    pub(crate) fn now(&self) -> String {
        seconds(self.api.clock.now())
    }

    /// Whether a pod has been ready for as long as the object asks.
    pub(crate) fn is_available(&self, pod: &Value) -> bool {
        self.available_at(pod)
            .is_some_and(|at| at <= self.api.clock.now())
    }

    fn available_at(&self, pod: &Value) -> Option<Timestamp> {
        let wait = self.number("/spec/minReadySeconds").unwrap_or(0);
        Some(ready_since(pod)? + SignedDuration::from_secs(wait))
    }

    /// How many of these pods are ready, how many of them available, and when the next one will be.
    pub(crate) fn readiness(&self, pods: &[Arc<Object>]) -> (usize, usize, Option<Timestamp>) {
        let mut waiting: Vec<_> = pods.iter().filter_map(|pod| self.available_at(pod)).collect();
        let ready = waiting.len();
        waiting.retain(|at| *at > self.api.clock.now());
        (ready, ready - waiting.len(), waiting.into_iter().min())
    }
}

/// The objects of a kind that a change concerns: the one that changed, or those that control it or would like to.
pub(crate) fn concerned(api: &Api, change: &Change, owner: (&str, &str), owned: &[&str]) -> Vec<Key> {
    let ((resource, kind), key) = (owner, &change.key);
    if *key.resource == *resource {
        return vec![key.clone()];
    }
    let mut keys = Vec::new();
    let sides = [&change.before, &change.now].into_iter().flatten();
    let owner = |name: &str| Key::new(resource, &key.namespace, name);
    for object in sides.filter(|_| owned.contains(&&*key.resource)) {
        match object.controller() {
            Some(by) if by["kind"] == kind => keys.push(owner(by.text("/name"))),
            Some(_) => {}
            None => {
                let mut all = api.all(resource, Some(&key.namespace));
                all.retain(|owner| selects(&owner["spec"]["selector"], object));
                keys.extend(all.iter().map(|it| owner(it.name())));
            }
        }
    }
    keys
}

/// What a refusal says.
pub(crate) fn why(failure: &Failure) -> String {
    failure.to_status().text("/message").to_owned()
}

/// Whether an object is meant to go on: neither over nor being deleted.
pub(crate) fn is_active(object: &Value) -> bool {
    !object.is_terminating() && !is_over(object)
}

/// Whether a pod has come to its end.
pub(crate) fn is_over(pod: &Value) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// Since when a pod is ready; `None` if it is not.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(&pod["status"], "Ready").filter(|ready| ready["status"] == "True")?;
    time(ready, "lastTransitionTime").or(Some(Timestamp::UNIX_EPOCH))
}

/// The time at a key.
pub(crate) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    value[key].as_str()?.parse().ok()
}

/// A condition of a status.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status
        .list("/conditions")
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// Puts a condition in the place of the one of its type; its last transition is that one's while it says the same.
pub(crate) fn put_condition(status: &mut Value, mut new: Value) {
    let old = condition(status, new.text("/type")).filter(|old| old["status"] == new["status"]);
    if let Some(old) = old {
        new["lastTransitionTime"] = old["lastTransitionTime"].clone();
    }
    drop_condition(status, new.text("/type"));
    match &mut status["conditions"] {
        Value::Array(all) => all.push(new),
        none => *none = json!([new]),
    }
}

/// Removes a condition.
pub(crate) fn drop_condition(status: &mut Value, kind: &str) {
    if let Some(all) = status.get_mut("conditions").and_then(Value::as_array_mut) {
        all.retain(|condition| condition["type"] != kind);
    }
}

/// Sets counts of a status, which leaves out what counts nothing.
pub(crate) fn put_counts(status: &mut Value, counts: &[(&str, usize)]) {
    for (name, count) in counts {
        match count {
            0 => remove(status, name),
            count => status[*name] = json!(count),
        }
    }
}

/// Removes a field.
pub(crate) fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().and_then(|object| object.remove(name));
}

/// An annotation; empty if there is none.
pub(crate) fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"]["annotations"][name]
        .as_str()
        .unwrap_or_default()
}

/// Sets an annotation.
pub(crate) fn annotate(object: &mut Value, name: &str, value: impl Into<Value>) {
    map_at(&mut object["metadata"], "annotations").insert(name.to_owned(), value.into());
}

/// A number of pods or a share of them, as `25%`, of so many.
pub(crate) fn share(value: &Value, of: i64, up: bool) -> i64 {
    match value
        .as_str()
        .and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok())
    {
        Some(percent) => (percent * of + if up { 99 } else { 0 }) / 100,
        None => value.as_i64().unwrap_or(0),
    }
}

/// What tells a template from others: the same for the same, however its fields are ordered.
pub(crate) fn hash(template: &Value) -> String {
    let mut template = template.clone();
    template.sort_all_objects();
    // FNV-1a, with its digits as letters that spell nothing.
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    let hash = template.to_string().bytes().fold(0x811c_9dc5, step);
    let letter = |digit: u8| char::from(b"456789bcdf"[usize::from(digit - b'0')]);
    hash.to_string().bytes().map(letter).collect()
}
