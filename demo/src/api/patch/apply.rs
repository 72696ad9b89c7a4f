//! Server-side apply: a manager says which fields an object is to have. What it said before and says no more goes, if
//! nobody else has it; what others have it may not change, unless it forces them.

use std::{collections::BTreeSet, sync::Arc};

use http::Response;
use serde_json::{Map, Value};

use crate::{
    api::{
        decode,
        fields::{self, Difference, Fields, element, field, is_itemized, is_whole, skeleton},
        front::{Asked, Body},
        kinds::Kind,
        managed::{Owner, Owners},
        object::{Meta as _, Object},
        present,
        route::Target,
        schema::{self, Schema},
        server::Api,
        status::{Cause, Failure, Result},
        write::{agrees, unnamed},
    },
    clock::seconds,
};

/// Where client-side apply keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An apply: who wants what.
struct Apply<'a> {
    kind: &'a Kind,
    schema: Option<Schema<'a>>,
    /// What the object is to have.
    wanted: Value,
    /// Who says so, with the fields of that.
    owner: Owner,
    force: bool,
}

/// `PATCH` by server-side apply. What is not there is made.
pub(super) fn apply(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    asked.check_options("PatchOptions")?;
    let (kind, place, name) = (&*target.kind, target.place(), target.name());
    let (wanted, how, schema) = (read(asked, target)?, asked.write(target), schema::of(kind));
    let mut fields = Fields::of(schema, &wanted);
    fields.strip();
    let apply = Apply {
        kind,
        schema,
        wanted,
        owner: Owner {
            applies: true,
            time: seconds(api.clock.now()),
            manager: how.manager.clone(),
            api_version: kind.api_version(),
            subresource: target.subresource.clone().unwrap_or_default(),
            fields,
        },
        force: asked.parameters.flag("force"),
    };
    match api.change_owned(kind, place, name, &how, |before| apply.to(before)) {
        Err(missing) if missing.is_not_found() && target.subresource.is_none() => {
            let uid = apply.wanted.uid();
            if !uid.is_empty() {
                let why = "the provided object specified uid";
                let why = format!("uid mismatch: {why} {uid}, and no existing object was found");
                return Err(Failure::conflict(kind, name, &why));
            }
            if apply.wanted.name().is_empty() {
                return Err(unnamed(name));
            }
            agrees(kind, place, Some(name), &apply.wanted)?;
            let owners = Owners(vec![apply.owner]).write();
            let object = api.create_owned(kind, place, apply.wanted, Some(owners), &how)?;
            present::one(api, asked, target, 201, &object)
        }
        written => present::one(api, asked, target, 200, &*written?),
    }
}

/// The object in the request.
fn read(asked: &Asked, target: &Target) -> Result<Value> {
    let kind = &target.kind;
    let mut wanted: Value = serde_yaml::from_slice(&asked.body).map_err(|error| {
        let error = error.to_string();
        let error = error.lines().next().unwrap_or_default();
        Failure::bad_request(format!(
            "error decoding YAML: error converting YAML to JSON: yaml: {error}"
        ))
    })?;
    let (version, name) = (wanted.text("/apiVersion"), wanted.text("/kind"));
    let group = if version.contains('/') { "" } else { "/" };
    let told = format!("{group}{version}, Kind={name}");
    if version != kind.api_version() || name != kind.kind {
        return Err(Failure::bad_request(format!("invalid object type: {told}")));
    }
    if !wanted["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let refuse = |why: &str| {
        let (namespace, name) = (wanted.namespace(), wanted.name());
        Failure::unexplained(format!(
            "failed to create typed patch object ({namespace}/{name}; {told}): {why}"
        ))
    };
    let read = decode::object(kind, &wanted).map_err(|wrong| refuse(&wrong.to_string()))?;
    // A field that is not known is not left out, as nobody could own it.
    let mut unknown = Fields::of(schema::of(kind), &wanted);
    unknown.subtract(&Fields::of(schema::of(kind), &read.object));
    if let Some(path) = unknown.paths().first() {
        return Err(refuse(&format!("{path}: field not declared in schema")));
    }
    // What is written by itself is not applied with the rest.
    wanted = read.object;
    let apart = match target.subresource.as_deref() {
        Some("status") => Some("spec"),
        _ => kind.has_status().then_some("status"),
    };
    if let (Some(apart), Some(map)) = (apart, wanted.as_object_mut()) {
        map.remove(apart);
    }
    Ok(wanted)
}

impl Apply<'_> {
    /// The object as it is then, and its owners.
    fn to(&self, before: &Object) -> Result<(Value, Option<Value>)> {
        let mut owners = Owners::read(&before.managed().entries(before));
        if owners.0.is_empty() {
            owners.0.extend(self.unmanaged(before));
        }
        let is_mine = |owner: &Owner| {
            owner.applies
                && (&owner.manager, &owner.subresource) == (&self.owner.manager, &self.owner.subresource)
        };
        let last = owners
            .0
            .iter()
            .position(is_mine)
            .map(|place| owners.0.remove(place));
        let mut object = merge(self.schema, Some(before), &self.wanted);
        if let Some(last) = &last {
            self.prune(&mut object, last, &owners);
        }
        let mut difference = fields::difference(self.schema, Some(before), Some(&object));
        difference.changed.strip();
        difference.removed.strip();
        if !self.force {
            self.refuse_conflicts(before, &owners, &difference)?;
        }
        for owner in &mut owners.0 {
            owner.fields.subtract(&difference.changed);
            owner.fields.subtract(&difference.removed);
        }
        let time = match &last {
            _ if !difference.is_empty() => self.owner.time.clone(),
            Some(last) => last.time.clone(),
            None => String::new(),
        };
        owners.0.push(Owner {
            time,
            ..self.owner.clone()
        });
        if self.is_kubectl() && last_applied(before).is_some() {
            // Client-side apply may come back to it.
            let mut applied = self.wanted.clone();
            applied.sort_all_objects();
            object["metadata"]["annotations"][LAST_APPLIED] = format!("{applied}\n").into();
        }
        Ok((object, Some(owners.write())))
    }

    /// Who owned what was written before anybody was noted.
    fn unmanaged(&self, before: &Object) -> Option<Owner> {
        let empty = skeleton(before, self.schema, self.kind.custom.is_some());
        let mut fields = fields::difference(self.schema, Some(&empty), Some(before)).changed;
        fields.strip();
        Some(Owner {
            applies: false,
            manager: "before-first-apply".into(),
            subresource: String::new(),
            fields,
            ..self.owner.clone()
        })
    }

    /// Takes out what the last apply had and this one has not, if nobody else has it.
    fn prune(&self, object: &mut Value, last: &Owner, owners: &Owners) {
        let mut owned = self.owner.fields.with_structs(self.schema);
        for other in &owners.0 {
            owned.add(&other.fields.with_structs(self.schema));
        }
        let mut gone = last.fields.with_structs(self.schema);
        gone.subtract(&owned);
        remove(self.schema, object, &gone);
    }

    /// 409 if others have what would change.
    fn refuse_conflicts(&self, before: &Object, owners: &Owners, difference: &Difference) -> Result<()> {
        let mut ours = Fields::default();
        if let Some(text) = last_applied(before).filter(|_| self.is_kubectl())
            && let Ok(applied) = serde_json::from_str(text)
        {
            // What client-side apply set, kubectl goes on with, unless somebody changed it since.
            ours = Fields::of(self.schema, &applied);
            let since = fields::difference(self.schema, Some(&applied), Some(before));
            ours.subtract(&since.changed);
            ours.subtract(&since.removed);
        }
        let mut conflicts: Vec<(String, String)> = Vec::new();
        for owner in &owners.0 {
            let mut theirs = owner.fields.intersection(&difference.changed);
            theirs.subtract(&ours);
            conflicts.extend(theirs.paths().into_iter().map(|path| (owner.told(), path)));
        }
        let message = match conflicts.as_slice() {
            [] => return Ok(()),
            [(who, path)] => format!("Apply failed with 1 conflict: conflict with {who}: {path}"),
            many => {
                let mut lines = Vec::new();
                for who in many.iter().map(|(who, _)| who).collect::<BTreeSet<_>>() {
                    lines.push(format!("conflicts with {who}:"));
                    let theirs = many.iter().filter(|(other, _)| other == who);
                    lines.extend(theirs.map(|(_, path)| format!("- {path}")));
                }
                format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n"))
            }
        };
        let causes = conflicts.into_iter().map(|(who, path)| Cause {
            reason: "FieldManagerConflict",
            message: format!("conflict with {who}"),
            field: path,
        });
        Err(Failure::owned_by_others(message, causes.collect()))
    }

    fn is_kubectl(&self) -> bool {
        self.owner.manager == "kubectl"
    }
}

/// What client-side apply applied last.
fn last_applied(object: &Value) -> Option<&str> {
    object["metadata"]["annotations"].get(LAST_APPLIED)?.as_str()
}

/// A value with what is wanted of it.
fn merge(schema: Option<Schema<'_>>, before: Option<&Value>, wanted: &Value) -> Value {
    match (before, wanted) {
        (Some(Value::Object(before)), Value::Object(wanted)) if !is_whole(schema) => {
            let mut merged = before.clone();
            for (name, wanted) in wanted {
                let value = merge(field(schema, name), before.get(name), wanted);
                merged.insert(name.clone(), value);
            }
            merged.into()
        }
        (Some(Value::Array(before)), Value::Array(wanted)) if is_itemized(schema) => {
            merge_list(schema, before, wanted)
        }
        _ => wanted.clone(),
    }
}

/// The items of a list that are wanted, in that order, with those that are there besides where they stand.
fn merge_list(schema: Option<Schema<'_>>, before: &[Value], wanted: &[Value]) -> Value {
    let known = |value| (element(schema, value), value);
    let old: Vec<(String, &Value)> = before.iter().map(known).collect();
    let new: Vec<(String, &Value)> = wanted.iter().map(known).collect();
    let find =
        |list: &[(String, &Value)], element: &String| list.iter().position(|(other, _)| other == element);
    let mut rest = old.iter().peekable();
    let mut merged = Vec::new();
    for (place, (element, wanted)) in new.iter().enumerate() {
        let mut shared = new[place..].iter().map(|(element, _)| element);
        let next = shared.find(|element| find(&old, element).is_some());
        while let Some((other, value)) = rest.next_if(|(other, _)| Some(other) != next) {
            if find(&new, other).is_none() {
                merged.push((*value).clone());
            }
        }
        rest.next_if(|(other, _)| other == element);
        let before = find(&old, element).map(|place| old[place].1);
        merged.push(merge(schema.and_then(Schema::items), before, wanted));
    }
    let others = rest.filter(|(element, _)| find(&new, element).is_none());
    merged.extend(others.map(|(_, value)| (*value).clone()));
    merged.into()
}

/// Takes fields out of a value, and what is empty then.
fn remove(schema: Option<Schema<'_>>, value: &mut Value, gone: &Fields) {
    match value {
        Value::Object(map) => map.retain(|name, value| match gone.inner.get(&format!("f:{name}")) {
            Some(gone) if !gone.itself => {
                remove(field(schema, name), value, gone);
                !is_empty(value)
            }
            gone => gone.is_none(),
        }),
        Value::Array(items) => items.retain_mut(|item| match gone.inner.get(&element(schema, item)) {
            Some(gone) if !gone.itself => {
                remove(schema.and_then(Schema::items), item, gone);
                true
            }
            gone => gone.is_none(),
        }),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
