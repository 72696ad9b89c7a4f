//! Deleting: at once, or by marking what has time to stop, or is kept by finalizers.

use std::{cell::Cell, sync::Arc};

use http::Response;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    kinds::Kind,
    list, namespaces,
    object::{Meta as _, Object, map_at},
    present::{self, Form, ListMeta},
    query::Selection,
    route::Target,
    server::Api,
    status::{Cause, Failure, Result, success},
    store::{Key, Outcome},
    write::Write,
};
use crate::clock::seconds;

/// Keeps an object until the dependents that block its end are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Keeps an object until its dependents no longer name it.
pub(crate) const ORPHAN: &str = "orphan";

/// `DELETE` of one: answers with what waits for its end, or with a `Status` of what is gone.
pub(crate) fn delete(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    let (options, how) = options(asked, target)?;
    let (object, gone) = api.delete(kind, target.place(), target.name(), &options, &how)?;
    if !gone {
        return present::one(api, asked, target, 200, &object);
    }
    let mut details = json!({"name": object.name(), "kind": kind.plural, "uid": object.uid()});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    let status = success(("details", details)).to_string();
    Ok(json_response(200, status.into()))
}

/// `DELETE` of all that selectors mean: each as if it was deleted alone. Answers with the list of them.
pub(crate) fn collection(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    if !kind.verbs.iter().any(|verb| verb == "deletecollection")
        || kind.namespaced == target.namespace.is_none()
    {
        return Err(Failure::method_not_allowed());
    }
    let (options, how) = options(asked, target)?;
    let selection = Selection::of(&target.served, &asked.parameters)?;
    let revision = Some(api.store.revision());
    let mut objects = api.all(&kind.resource(), target.namespace.as_deref());
    objects.retain(|object| selection.selects(object));
    for object in &objects {
        match api.delete(kind, target.place(), object.name(), &options, &how) {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => {}
        }
    }
    let meta = ListMeta {
        revision,
        ..ListMeta::default()
    };
    let objects = objects.iter().map(AsRef::as_ref);
    let list = Form::of(asked, target)?.list(objects, &meta, api.clock.now());
    Ok(json_response(200, list))
}

/// The `DeleteOptions` of a request: its body, or its query where there is none.
fn options(asked: &Asked, target: &Target) -> Result<(Value, Write)> {
    let mut options = json!({});
    if asked.body.is_empty() {
        let query = &asked.parameters;
        options["gracePeriodSeconds"] = json!(list::number(query, "gracePeriodSeconds")?);
        options["propagationPolicy"] = json!(query.get("propagationPolicy"));
        options["dryRun"] = query.get("dryRun").into_iter().collect();
    } else {
        options = asked.object()?;
    }
    let (policy, dry) = (&options["propagationPolicy"], options.list("/dryRun"));
    let known = [r#""Foreground""#, r#""Background""#, r#""Orphan""#].map(str::to_owned);
    let wrong = if !policy.is_null() && !known.contains(&policy.to_string()) {
        Cause::unsupported("propagationPolicy", policy, &known)
    } else if dry.iter().any(|value| value != "All") {
        Cause::unsupported("dryRun", &options["dryRun"], &[r#""All""#.to_owned()])
    } else {
        let mut how = asked.write(target);
        how.dry_run |= !dry.is_empty();
        return Ok((options, how));
    };
    Err(Failure::invalid_of(
        "meta.k8s.io",
        "DeleteOptions",
        "",
        vec![wrong],
    ))
}

impl Api {
    /// Deletes an object as `DeleteOptions` say. Gives it as it is then, or as it was last, and says whether it is gone.
    ///
    /// # Errors
    /// 403 for what every cluster needs; 404; 409 if it is not the one that the preconditions name.
    pub(crate) fn delete(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &Value,
        how: &Write,
    ) -> Result<(Arc<Object>, bool)> {
        if is_namespace(kind) && namespaces::IMMORTAL.contains(&name) {
            let why = "this namespace may not be deleted";
            return Err(Failure::forbidden(kind, name, why));
        }
        let key = Key::new(&kind.resource(), namespace, name);
        let (gone, is_pod) = (Cell::new(false), kind.resource() == "pods");
        let decide = |before: Option<&Arc<Object>>| {
            let before = before.ok_or_else(|| Failure::not_found(kind, name))?;
            preconditions(kind, before, &options["preconditions"])?;
            let object = self.marked(kind, before, options);
            gone.set(!is_kept(kind, &object));
            // A pod is marked even if it goes at once.
            Ok(match gone.get() && !is_pod {
                true => Outcome::Remove,
                false => Outcome::Put(object),
            })
        };
        if how.dry_run {
            let before = self.get(kind, namespace, name)?;
            return Ok(match decide(Some(&before))? {
                Outcome::Put(object) | Outcome::PutBy(object, _) => {
                    let object = Object::managed_by(object, before.revision(), before.managed().clone());
                    (Arc::new(object), gone.get())
                }
                Outcome::Remove => (before, true),
            });
        }
        let object = self.store.write(&key, decide)?;
        if gone.get() && is_pod {
            self.store.write(&key, |_| Ok(Outcome::Remove))?;
        }
        Ok((object, gone.get()))
    }

    /// The object as it waits for its end.
    fn marked(&self, kind: &Kind, before: &Value, options: &Value) -> Value {
        let mut object = before.clone();
        let old = before.number("/metadata/deletionGracePeriodSeconds");
        let asked = options["gracePeriodSeconds"].as_i64();
        let (mut end, mut grace) = (self.clock.now(), 0);
        if kind.resource() == "pods" {
            grace = grace_of(before, asked);
            if let Some(old) = old {
                // Who is stopping may be given less time, not more.
                if asked.is_none_or(|asked| asked >= old) {
                    return object;
                }
                let marked = before.text("/metadata/deletionTimestamp").parse();
                end = marked.unwrap_or(end) - SignedDuration::from_secs(old);
            }
        } else if let Ok(marked) = before.text("/metadata/deletionTimestamp").parse() {
            end = marked;
        }
        let finalizers = finalizers(kind, before, options);
        let meta = map_at(&mut object, "metadata");
        match finalizers.is_empty() {
            true => meta.remove("finalizers"),
            false => meta.insert("finalizers".into(), json!(finalizers)),
        };
        meta.insert(
            "deletionTimestamp".into(),
            json!(seconds(end + SignedDuration::from_secs(grace))),
        );
        if is_namespace(kind) {
            object["status"]["phase"] = json!("Terminating");
        } else {
            meta.insert("deletionGracePeriodSeconds".into(), json!(grace));
        }
        if let (false, Some(generation)) = (before.is_terminating(), before.number("/metadata/generation")) {
            object["metadata"]["generation"] = json!(generation + 1);
        }
        object
    }
}

/// How long a pod has to stop.
fn grace_of(pod: &Value, asked: Option<i64>) -> i64 {
    if pod.text("/spec/nodeName").is_empty() || matches!(pod.text("/status/phase"), "Succeeded" | "Failed") {
        return 0;
    }
    let own = pod.number("/spec/terminationGracePeriodSeconds").unwrap_or(30);
    match asked.unwrap_or(own) {
        ..0 => 1,
        grace => grace,
    }
}

/// The finalizers that an object is to have once it is deleted with these options.
fn finalizers(kind: &Kind, before: &Value, options: &Value) -> Vec<Value> {
    let all = before.list("/metadata/finalizers");
    let has = |finalizer: &str| all.iter().any(|own| own == finalizer);
    let wanted = match options["propagationPolicy"].as_str() {
        Some("Orphan") => Some(ORPHAN),
        Some("Foreground") => Some(FOREGROUND),
        Some(_) => None,
        None if has(ORPHAN) => Some(ORPHAN),
        None if has(FOREGROUND) => Some(FOREGROUND),
        // What was there before garbage was collected.
        None if kind.resource() == "jobs.batch" => Some(ORPHAN),
        None => None,
    };
    let others = all.iter().filter(|own| *own != ORPHAN && *own != FOREGROUND);
    others.cloned().chain(wanted.map(Value::from)).collect()
}

/// Whether something keeps an object that is being deleted.
pub(crate) fn is_kept(kind: &Kind, object: &Value) -> bool {
    !object.list("/metadata/finalizers").is_empty()
        || object
            .number("/metadata/deletionGracePeriodSeconds")
            .is_some_and(|seconds| seconds > 0)
        || is_namespace(kind) && !object.list("/spec/finalizers").is_empty()
}

/// Whether it is the kind of namespaces.
pub(crate) fn is_namespace(kind: &Kind) -> bool {
    kind.resource() == "namespaces"
}

/// Whether the object is the one that is meant.
fn preconditions(kind: &Kind, object: &Value, named: &Value) -> Result<()> {
    for (field, title) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let own = object["metadata"][field].as_str().unwrap_or_default();
        if let Some(named) = named[field].as_str().filter(|named| *named != own) {
            let why = format!(
                "the {title} in the precondition ({named}) does not match the {title} in record ({own})"
            );
            return Err(Failure::conflict_of(&kind.group, &kind.kind, object.name(), &why));
        }
    }
    Ok(())
}
