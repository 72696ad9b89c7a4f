//! What controllers share: whose an object is, how a pod of theirs is, and how they write.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::events::Teller;
use crate::{
    api::{
        Api,
        object::{Meta as _, Object, map_at},
        selector::selects,
        status::{Failure, Result},
        store::{Change, Key},
        write::Write,
    },
    clock::seconds,
};

/// A controller that speaks for the whole cluster, as `job-controller`.
pub(crate) const fn teller(component: &str) -> Teller<'_> {
    Teller { component, host: "" }
}

/// The objects of a kind that a change concerns: the one that changed, or those that control it or would like to.
pub(crate) fn concerned(
    api: &Api,
    change: &Change,
    (resource, kind): (&str, &str),
    owned: &[&str],
) -> Vec<Key> {
    let key = &change.key;
    if *key.resource == *resource {
        return vec![key.clone()];
    }
    if !owned.contains(&&*key.resource) {
        return vec![];
    }
    let mut keys = Vec::new();
    for object in [&change.before, &change.now].into_iter().flatten() {
        match object.controller() {
            Some(by) if by["kind"] == kind => {
                keys.push(Key::new(resource, &key.namespace, by.text("/name")));
            }
            Some(_) => {}
            None => keys.extend(
                api.all(resource, Some(&key.namespace))
                    .iter()
                    .filter(|owner| selects(&selector(owner), object))
                    .map(|owner| Key::new(resource, &key.namespace, owner.name())),
            ),
        }
    }
    keys
}

/// The selector of an owner: a `ReplicationController` has a bare map of labels.
fn selector(owner: &Value) -> Value {
    let selector = owner["spec"]["selector"].clone();
    match owner["kind"] == "ReplicationController" {
        true => json!({"matchLabels": selector}),
        false => selector,
    }
}

/// Whether an object is meant to go on: neither over nor being deleted.
pub(crate) fn is_active(object: &Value) -> bool {
    !object.is_terminating() && !is_over(object)
}

/// Whether a pod has come to its end.
pub(crate) fn is_over(pod: &Value) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

/// The objects of a resource that an owner controls. What it selects and nobody controls is taken over, what it no
/// longer selects is let go.
pub(crate) fn claim(api: &Api, who: &str, owner: &Value, resource: &str) -> Vec<Arc<Object>> {
    let selector = selector(owner);
    let claim = |object: Arc<Object>| {
        let mine = object
            .controller()
            .map(|by| by["uid"] == owner["metadata"]["uid"]);
        let selected = mine != Some(false) && selects(&selector, &object);
        match (mine, selected) {
            (Some(true), true) => Some(object),
            (Some(true), false) if !owner.is_terminating() => {
                drop(update(api, who, &object, |object| {
                    if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
                        owners.retain(|by| by["uid"] != owner["metadata"]["uid"]);
                    }
                }));
                None
            }
            (None, true) if is_active(&object) && !owner.is_terminating() => {
                update(api, who, &object, |object| {
                    let mut owners = object.list("/metadata/ownerReferences").to_vec();
                    owners.push(reference(owner));
                    object["metadata"]["ownerReferences"] = Value::Array(owners);
                })
                .ok()
            }
            _ => None,
        }
    };
    api.all(resource, Some(owner.namespace()))
        .into_iter()
        .filter_map(claim)
        .collect()
}

/// The reference by which an owner controls.
pub(crate) fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner.name(),
        "uid": owner.uid(),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// A pod as the owner's template says, with a name made up from the owner's.
pub(crate) fn pod(owner: &Value, template: &Value) -> Value {
    let mut meta = json!({
        "generateName": format!("{}-", owner.name()),
        "ownerReferences": [reference(owner)],
    });
    for copied in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(copied) {
            meta[copied] = value.clone();
        }
    }
    json!({"metadata": meta, "spec": template["spec"]})
}

/// Makes an object in its owner's namespace, and tells of it as controllers of pods do.
///
/// # Errors
/// Those of the API.
pub(crate) fn create(
    api: &Api,
    who: &str,
    owner: &Value,
    resource: &str,
    object: Value,
) -> Result<Arc<Object>> {
    let kind = api.kind(resource)?;
    let made = api.create(&kind, owner.namespace(), object, &Write::by(who));
    if resource == "pods" {
        match &made {
            Ok(pod) => teller(who).normal(
                api,
                owner,
                "SuccessfulCreate",
                &format!("Created pod: {}", pod.name()),
            ),
            Err(failure) => {
                let message = format!("Error creating: {}", why(failure));
                teller(who).warning(api, owner, "FailedCreate", &message);
            }
        }
    }
    made
}

/// What a refusal says.
pub(crate) fn why(failure: &Failure) -> String {
    failure.to_status().text("/message").to_owned()
}

/// Deletes a pod of an owner, and tells of it.
pub(crate) fn delete_pod(api: &Api, who: &str, owner: &Value, pod: &Value) {
    if delete(api, who, pod) {
        let message = format!("Deleted pod: {}", pod.name());
        teller(who).normal(api, owner, "SuccessfulDelete", &message);
    }
}

/// Deletes an object and what belongs to it. Gives whether there was something to delete.
pub(crate) fn delete(api: &Api, who: &str, object: &Value) -> bool {
    let kind = api
        .kinds()
        .of(object.text("/apiVersion"), object.text("/kind"))
        .cloned();
    let options = json!({"propagationPolicy": "Background", "preconditions": {"uid": object.uid()}});
    kind.is_some_and(|kind| {
        api.delete(
            &kind,
            object.namespace(),
            object.name(),
            &options,
            &Write::by(who),
        )
        .is_ok()
    })
}

/// Changes an object as it is now, but for its status.
///
/// # Errors
/// Those of the API.
pub(crate) fn update(api: &Api, who: &str, object: &Value, edit: impl Fn(&mut Value)) -> Result<Arc<Object>> {
    write(api, &Write::by(who), object, edit)
}

/// Gives an object this status, if it has another one.
pub(crate) fn set_status(api: &Api, who: &str, object: &Value, status: &Value) {
    if object["status"] != *status {
        // What is gone needs none.
        drop(write(api, &Write::by(who).status(), object, |object| {
            object["status"] = status.clone();
        }));
    }
}

fn write(api: &Api, how: &Write, object: &Value, edit: impl Fn(&mut Value)) -> Result<Arc<Object>> {
    let kind = api
        .kinds()
        .of(object.text("/apiVersion"), object.text("/kind"))
        .cloned()
        .ok_or_else(Failure::nothing_here)?;
    api.change(&kind, object.namespace(), object.name(), how, |now| {
        let mut now = now.clone();
        edit(&mut now);
        Ok(now)
    })
}

/// A status that has these counts, as far as they count something.
pub(crate) fn counts(counts: &[(&str, usize)]) -> Value {
    let some = counts.iter().filter(|(_, count)| *count > 0);
    some.map(|(name, count)| ((*name).to_owned(), json!(count)))
        .collect()
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

/// A condition of an object's status.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    status
        .list("/conditions")
        .iter()
        .find(|condition| condition["type"] == kind)
}

/// The time at a key.
pub(crate) fn time(value: &Value, key: &str) -> Option<Timestamp> {
    value[key].as_str()?.parse().ok()
}

/// Since when a pod is ready; `None` if it is not.
pub(crate) fn ready_since(pod: &Value) -> Option<Timestamp> {
    let ready = condition(&pod["status"], "Ready").filter(|ready| ready["status"] == "True")?;
    time(ready, "lastTransitionTime").or(Some(Timestamp::UNIX_EPOCH))
}

/// When a pod is available, having been ready for as long as its owner asks; `None` if it is not ready.
pub(crate) fn available_at(pod: &Value, owner: &Value) -> Option<Timestamp> {
    let wait = owner.number("/spec/minReadySeconds").unwrap_or(0);
    Some(ready_since(pod)? + SignedDuration::from_secs(wait))
}

/// How many of these pods are ready, how many of them available, and when the next one will be.
pub(crate) fn readiness(api: &Api, owner: &Value, pods: &[Arc<Object>]) -> (usize, usize, Option<Timestamp>) {
    let now = api.clock.now();
    let times: Vec<_> = pods.iter().filter_map(|pod| available_at(pod, owner)).collect();
    let available = times.iter().filter(|at| **at <= now).count();
    (
        times.len(),
        available,
        times.into_iter().filter(|at| *at > now).min(),
    )
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
pub(crate) fn hash(template: &Value, collisions: i64) -> String {
    let mut template = template.clone();
    template.sort_all_objects();
    let text = format!("{template}{collisions}");
    // FNV-1a, with its digits as letters that spell nothing.
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let letter = |digit: u8| char::from(b"456789bcdf"[usize::from(digit - b'0')]);
    hash.to_string().bytes().map(letter).collect()
}

/// The time as a status tells it.
pub(crate) fn now(api: &Api) -> String {
    seconds(api.clock.now())
}
