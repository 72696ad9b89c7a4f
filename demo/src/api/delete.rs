//! Deleting: at once, or by marking what has time to stop, or is kept by finalizers.

use std::{cell::Cell, sync::Arc};

use http::Response;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    front::{Asked, Body, json_response},
    kinds::Kind,
    namespaces,
    object::{Meta as _, Object},
    present::{self, Form, ListMeta},
    query::Selection,
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
    store::{Key, Outcome},
    write::Write,
};
use crate::clock::seconds;

/// Keeps an object until the dependents that block its end are gone.
pub(crate) const FOREGROUND: &str = "foregroundDeletion";
/// Keeps an object until its dependents no longer name it.
pub(crate) const ORPHAN: &str = "orphan";

/// The kinds that are answered with the object when it is gone; of others a `Status` tells.
const ANSWERED: [&str; 7] = [
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "resourcequotas",
    "serviceaccounts",
    "services",
    "storageclasses.storage.k8s.io",
];

/// `DELETE` of one.
pub(crate) fn delete(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    let (options, how) = options(asked, target)?;
    let (object, gone) = api.end(kind, target.place(), target.name(), &options, &how)?;
    if !gone || ANSWERED.contains(&&*kind.resource()) {
        return present::one(api, asked, target, 200, &object);
    }
    let mut details = json!({"name": object.name(), "kind": kind.plural, "uid": object.uid()});
    if !kind.group.is_empty() {
        details["group"] = json!(kind.group);
    }
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details,
    });
    Ok(json_response(200, status.to_string().into()))
}

/// `DELETE` of all that selectors mean: each as if it was deleted alone. Answers with the list of them.
pub(crate) fn collection(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    let kind = &target.kind;
    if !kind.verbs.iter().any(|verb| verb == "deletecollection")
        || kind.namespaced && target.namespace.is_none()
    {
        return Err(Failure::method_not_allowed());
    }
    let (options, how) = options(asked, target)?;
    let selection = Selection::of(&target.served, &asked.parameters)?;
    let mut objects = api.all(&kind.resource(), target.namespace.as_deref());
    objects.retain(|object| selection.selects(object));
    for object in &objects {
        match api.delete(kind, target.place(), object.name(), &options, &how) {
            Err(failure) if !failure.is_not_found() => return Err(failure),
            _ => {}
        }
    }
    let meta = ListMeta {
        revision: Some(api.store.revision()),
        ..ListMeta::default()
    };
    let objects = objects.iter().map(AsRef::as_ref);
    let list = Form::of(asked, target)?.list(objects, &meta, api.clock.now())?;
    Ok(json_response(200, list))
}

/// The `DeleteOptions` of a request: its body, or its query where there is none.
fn options(asked: &Asked, target: &Target) -> Result<(Value, Write)> {
    let refuse = |reason, field: &str, message: String| {
        let field = field.to_owned();
        Failure::invalid_of(
            "meta.k8s.io",
            "DeleteOptions",
            "",
            vec![Cause {
                reason,
                message,
                field,
            }],
        )
    };
    let mut options = json!({});
    if !asked.body.is_empty() {
        options = asked.object()?;
        let kind = options.text("/kind");
        if !matches!(kind, "" | "DeleteOptions") {
            return Err(Failure::bad_request(format!(
                "no kind {kind:?} is registered for version {:?} in scheme \"pkg/runtime/scheme.go:111\"",
                options.text("/apiVersion")
            )));
        }
    } else {
        for field in [
            "gracePeriodSeconds",
            "propagationPolicy",
            "dryRun",
            "orphanDependents",
        ] {
            let Some(value) = asked.parameters.get(field) else {
                continue;
            };
            options[field] = match field {
                "gracePeriodSeconds" => json!(value.parse::<i64>().map_err(|_| {
                    Failure::bad_request(format!("strconv.ParseInt: parsing {value:?}: invalid syntax"))
                })?),
                "dryRun" => json!([value]),
                "orphanDependents" => json!(asked.parameters.flag(field)),
                _ => json!(value),
            };
        }
    }
    let (policy, orphan) = (&options["propagationPolicy"], &options["orphanDependents"]);
    if !policy.is_null() && !orphan.is_null() {
        let message =
            format!("Invalid value: {policy}: orphanDependents and deletionPropagation cannot be both set");
        return Err(refuse("FieldValueInvalid", "propagationPolicy", message));
    }
    if !matches!(
        policy.as_str(),
        Some("Foreground" | "Background" | "Orphan") | None
    ) {
        let message = format!(
            "Unsupported value: {policy}: supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
        );
        return Err(refuse("FieldValueNotSupported", "propagationPolicy", message));
    }
    let dry = options.list("/dryRun");
    if dry.iter().any(|value| value != "All") {
        let message = format!("Unsupported value: {}: supported values: \"All\"", json!(dry));
        return Err(refuse("FieldValueNotSupported", "dryRun", message));
    }
    let mut how = asked.write(target);
    how.dry_run |= !dry.is_empty();
    Ok((options, how))
}

impl Api {
    /// Deletes an object as `DeleteOptions` say. Gives it as it is then, or as it was last.
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
    ) -> Result<Arc<Object>> {
        Ok(self.end(kind, namespace, name, options, how)?.0)
    }

    /// Deletes an object; says whether it is gone.
    fn end(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        options: &Value,
        how: &Write,
    ) -> Result<(Arc<Object>, bool)> {
        if is_namespace(kind) && namespaces::IMMORTAL.contains(&name) {
            return Err(Failure::forbidden(
                kind,
                name,
                "this namespace may not be deleted",
            ));
        }
        let gone = Cell::new(false);
        let decide = |before: Option<&Arc<Object>>| {
            let before = before.ok_or_else(|| Failure::not_found(kind, name))?;
            preconditions(kind, before, &options["preconditions"])?;
            let kept = self.marked(kind, before, options);
            gone.set(kept.is_none());
            Ok(kept.map_or(Outcome::Remove, Outcome::Put))
        };
        let key = Key::new(&kind.resource(), namespace, name);
        let object = if how.dry_run {
            let before = self.get(kind, namespace, name)?;
            match decide(Some(&before))? {
                Outcome::Put(object) | Outcome::PutBy(object, _) => {
                    Arc::new(Object::new(object, before.revision()))
                }
                Outcome::Remove => before,
            }
        } else {
            self.store.write(&key, decide)?
        };
        Ok((object, gone.get()))
    }

    /// The object as it waits for its end; nothing if it goes at once.
    fn marked(&self, kind: &Kind, before: &Value, options: &Value) -> Option<Value> {
        let now = self.clock.now();
        let mut object = before.clone();
        let old = before.number("/metadata/deletionGracePeriodSeconds");
        let asked = options["gracePeriodSeconds"].as_i64();
        let (is_pod, marked) = (kind.resource() == "pods", before.is_terminating());
        let grace = match (is_pod, old) {
            (false, _) => 0,
            // Who is stopping may be given less time, not more.
            (true, Some(old)) if asked.is_none_or(|asked| asked >= old) => return Some(object),
            (true, _) => grace_of(before, asked),
        };
        let finalizers = finalizers(kind, before, options);
        let end = match (marked, old) {
            (true, Some(old)) => {
                before.text("/metadata/deletionTimestamp").parse().unwrap_or(now)
                    - SignedDuration::from_secs(old)
            }
            _ => now,
        } + SignedDuration::from_secs(grace);
        let meta = object["metadata"].as_object_mut()?;
        meta.insert("finalizers".into(), json!(finalizers));
        if finalizers.is_empty() {
            meta.remove("finalizers");
        }
        meta.insert("deletionTimestamp".into(), json!(seconds(end)));
        if is_namespace(kind) {
            object["status"]["phase"] = json!("Terminating");
        } else {
            meta.insert("deletionGracePeriodSeconds".into(), json!(grace));
        }
        if !marked && let Some(generation) = before.number("/metadata/generation") {
            object["metadata"]["generation"] = json!(generation + 1);
        }
        is_kept(kind, &object).then_some(object)
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
    let policy = options["propagationPolicy"].as_str();
    let wanted = match (policy, options["orphanDependents"].as_bool()) {
        (Some("Orphan"), _) | (None, Some(true)) => Some(ORPHAN),
        (Some("Foreground"), _) => Some(FOREGROUND),
        (Some(_), _) | (None, Some(false)) => None,
        (None, None) if has(ORPHAN) => Some(ORPHAN),
        (None, None) if has(FOREGROUND) => Some(FOREGROUND),
        // What was there before garbage was collected.
        (None, None) if matches!(&*kind.resource(), "replicationcontrollers" | "jobs.batch") => Some(ORPHAN),
        (None, None) => None,
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
    for (field, title, own, how) in [
        ("uid", "UID", object.uid(), "deleted and then recreated"),
        (
            "resourceVersion",
            "ResourceVersion",
            object.text("/metadata/resourceVersion"),
            "modified",
        ),
    ] {
        if let Some(named) = named[field].as_str().filter(|named| *named != own) {
            let why = format!(
                "the {title} in the precondition ({named}) does not match the {title} in record ({own}). \
                 The object might have been {how}"
            );
            return Err(Failure::conflict_of(&kind.group, &kind.kind, object.name(), &why));
        }
    }
    Ok(())
}
