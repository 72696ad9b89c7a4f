//! Server-side apply: a manager says which fields an object is to have. What it said before and says no more goes, if
//! nobody else has it; what others have it may not change, unless it forces them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use http::Response;
use serde_json::{Map, Value};

use crate::{
    api::{
        decode,
        fields::{Fields, element, field, is_itemized, is_whole},
        front::{Asked, Body},
        kinds::Kind,
        managed::{Managed, Owner, Owners},
        object::{Object, take_managed},
        present,
        route::Target,
        schema::{self, Schema},
        server::Api,
        status::{Cause, Failure, Result},
        write::agrees,
    },
    clock::seconds,
};

/// Where client-side apply keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An apply: who wants what.
struct Apply<'a> {
    schema: Option<Schema<'a>>,
    /// What the object is to have.
    wanted: Value,
    /// Who says so, with the fields of that.
    owner: Owner,
    force: bool,
}

/// `PATCH` by server-side apply. What is not there is made.
pub(super) fn apply(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    asked.check_options()?;
    let (kind, place, name) = (&*target.kind, target.place(), target.name());
    let (wanted, how, schema) = (read(asked, target)?, asked.write(target), schema::of(kind));
    agrees(kind, place, Some(name), &wanted)?;
    let mut fields = Fields::of(schema, &wanted);
    fields.strip();
    let apply = Apply {
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
            let owners = Owners(vec![apply.owner]);
            let object = api.create_owned(kind, place, apply.wanted, Some(Managed::known(owners)), &how)?;
            present::one(api, asked, target, 201, &object)
        }
        written => present::one(api, asked, target, 200, &*written?),
    }
}

/// The object in the request.
fn read(asked: &Asked, target: &Target) -> Result<Value> {
    let kind: &Kind = &target.kind;
    let mut wanted: Value = serde_yaml::from_slice(&asked.body)
        .map_err(|error| Failure::bad_request(format!("error decoding YAML: {error}")))?;
    decode::is_of(kind, &wanted)?;
    take_managed(&mut wanted);
    let refuse = |why: &str| {
        Failure::unexplained(format!(
            "failed to create typed patch object ({}): {why}",
            kind.kind
        ))
    };
    let unknown = decode::prune(&mut wanted, schema::of(kind), kind.custom.is_none());
    // A field that is not known is not left out, as nobody could own it.
    if let Some(unknown) = unknown.map_err(|why| refuse(&why))?.first() {
        return Err(refuse(&format!("{unknown}: field not declared in schema")));
    }
    // What is written by itself is not applied with the rest.
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
    fn to(&self, before: &Object) -> Result<(Value, Option<Managed>)> {
        let mut owners = before.owners();
        let is_mine = |owner: &Owner| {
            owner.applies
                && owner.manager == self.owner.manager
                && owner.subresource == self.owner.subresource
        };
        let last = owners.0.iter().position(is_mine);
        let last = last.map(|place| owners.0.remove(place));
        let mut object = merge(self.schema, Some(before), &self.wanted);
        if let Some(last) = &last {
            self.prune(&mut object, last, &owners);
        }
        let mut changed = Fields::unlike(self.schema, &object, Some(before));
        changed.strip();
        if !self.force {
            self.refuse_conflicts(before, &owners, &changed)?;
        }
        owners.lose(&changed);
        owners.lose(&Fields::unlike(self.schema, before, Some(&object)));
        let mut owner = self.owner.clone();
        if let Some(last) = last.filter(|last| last.fields == owner.fields && changed.is_empty()) {
            owner.time = last.time;
        }
        owners.0.push(owner);
        if self.is_kubectl() && last_applied(before).is_some() {
            // Client-side apply may come back to it.
            let mut applied = self.wanted.clone();
            applied.sort_all_objects();
            object["metadata"]["annotations"][LAST_APPLIED] = format!("{applied}\n").into();
        }
        Ok((object, Some(Managed::known(owners))))
    }

    /// Takes out what the last apply had and this one has not, if nobody else has it.
    fn prune(&self, object: &mut Value, last: &Owner, owners: &Owners) {
        let mut gone = last.fields.with_structs();
        gone.subtract(&self.owner.fields.with_structs());
        for other in &owners.0 {
            gone.subtract(&other.fields.with_structs());
        }
        remove(self.schema, object, &gone);
    }

    /// 409 if others have what would change.
    fn refuse_conflicts(&self, before: &Object, owners: &Owners, changed: &Fields) -> Result<()> {
        let mut ours = Fields::default();
        if let Some(text) = last_applied(before).filter(|_| self.is_kubectl())
            && let Ok(applied) = serde_json::from_str(text)
        {
            // What client-side apply set, kubectl goes on with, unless somebody changed it since.
            ours = Fields::of(self.schema, &applied);
            ours.subtract(&Fields::unlike(self.schema, &applied, Some(before)));
        }
        let mut conflicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for owner in &owners.0 {
            let mut theirs = owner.fields.intersection(changed);
            theirs.subtract(&ours);
            if !theirs.is_empty() {
                conflicts.entry(owner.told()).or_default().extend(theirs.paths());
            }
        }
        let causes = conflicts.iter().flat_map(|(who, paths)| {
            paths.iter().map(move |path| Cause {
                reason: "FieldManagerConflict",
                message: format!("conflict with {who}"),
                field: path.clone(),
            })
        });
        let causes: Vec<Cause> = causes.collect();
        let told = match causes.as_slice() {
            [] => return Ok(()),
            [one] => format!("1 conflict: {}: {}", one.message, one.field),
            many => {
                let each = conflicts.iter();
                let each =
                    each.map(|(who, paths)| format!("conflicts with {who}:\n- {}", paths.join("\n- ")));
                format!(
                    "{} conflicts: {}",
                    many.len(),
                    each.collect::<Vec<_>>().join("\n")
                )
            }
        };
        Err(Failure::owned_by_others(
            format!("Apply failed with {told}"),
            causes,
        ))
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
        // The items stay where they are; what is wanted and new comes where it stands among what is wanted.
        (Some(Value::Array(before)), Value::Array(wanted)) if is_itemized(schema) => {
            let known: Vec<String> = before.iter().map(|item| element(schema, item)).collect();
            let mut left: VecDeque<(String, &Value)> =
                wanted.iter().map(|item| (element(schema, item), item)).collect();
            let of = |(key, wanted): (String, &Value)| {
                let place = known.iter().position(|known| *known == key);
                let before = place.map(|place| &before[place]);
                merge(schema.and_then(Schema::items), before, wanted)
            };
            let is_wanted: Vec<bool> = known
                .iter()
                .map(|known| left.iter().any(|(key, _)| key == known))
                .collect();
            let mut merged = Vec::new();
            for (place, item) in before.iter().enumerate() {
                if !is_wanted[place] {
                    merged.push(item.clone());
                }
                while is_wanted[place] && left.iter().any(|(key, _)| *key == known[place]) {
                    merged.extend(left.pop_front().map(of));
                }
            }
            merged.extend(left.into_iter().map(of));
            merged.into()
        }
        _ => wanted.clone(),
    }
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
