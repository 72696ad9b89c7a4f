//! Writing: create, and the one way in which an object that is there is changed.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    admission, decode, defaults,
    delete::{is_kept, is_namespace},
    front::{Asked, Body},
    kinds::Kind,
    managed::Managed,
    namespaces,
    object::{Meta as _, Object, map_at, take_managed},
    present,
    route::Target,
    server::Api,
    status::{Cause, Failure, Result},
    store::{Key, Outcome},
    validate,
};
use crate::clock::seconds;

/// How a write is meant.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// The field manager.
    pub(crate) manager: String,
    /// Whether nothing is to be kept.
    pub(crate) dry_run: bool,
    /// What is written, where it is not the object itself: `status`.
    pub(crate) subresource: Option<String>,
}

impl Write {
    /// A write of a part of the cluster, such as `deployment-controller`.
    pub(crate) fn by(component: &str) -> Self {
        Self {
            // All controllers are one program.
            manager: match component.ends_with("controller") || component.ends_with("collector") {
                true => "kube-controller-manager".into(),
                false => component.to_owned(),
            },
            dry_run: false,
            subresource: None,
        }
    }

    /// The same, of the status.
    pub(crate) fn status(mut self) -> Self {
        self.subresource = Some("status".into());
        self
    }
}

/// `POST` of a new object.
pub(crate) fn create(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    asked.check_options()?;
    let object = decode::body(asked, &target.kind)?;
    if !matches!(object.text("/metadata/resourceVersion"), "" | "0") {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Failure::unexplained(message));
    }
    let object = api.create(&target.kind, target.place(), object, &asked.write(target))?;
    present::one(api, asked, target, 201, &object)
}

/// `PUT` in the place of an object.
pub(crate) fn update(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    asked.check_options()?;
    let object = decode::body(asked, &target.kind)?;
    if object.name().is_empty() {
        return Err(Failure::bad_request("name must be provided"));
    }
    let decide = |_: &Value| Ok(object.clone());
    let object = api.change(
        &target.kind,
        target.place(),
        target.name(),
        &asked.write(target),
        decide,
    )?;
    present::one(api, asked, target, 200, &object)
}

impl Api {
    /// Makes an object.
    ///
    /// # Errors
    /// 404 if the namespace is not there, 409 if the object is, 422 if it breaks rules.
    pub(crate) fn create(
        &self,
        kind: &Kind,
        namespace: &str,
        object: Value,
        how: &Write,
    ) -> Result<Arc<Object>> {
        self.create_owned(kind, namespace, object, None, how)
    }

    /// Makes an object whose fields are owned so; by the writer, if it is not told.
    ///
    /// # Errors
    /// As of [`create`](Self::create).
    pub(crate) fn create_owned(
        &self,
        kind: &Kind,
        namespace: &str,
        mut object: Value,
        owners: Option<Managed>,
        how: &Write,
    ) -> Result<Arc<Object>> {
        agrees(kind, namespace, None, &object)?;
        let called = match object.name() {
            "" => object.text("/metadata/generateName"),
            name => name,
        };
        self.place_of(kind, namespace, called)?;
        let now = self.clock.now();
        take_managed(&mut object);
        let meta = map_at(&mut object, "metadata");
        for set_here in [
            "uid",
            "resourceVersion",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "selfLink",
        ] {
            meta.remove(set_here);
        }
        let base = meta.get("generateName").and_then(Value::as_str);
        if let (Some(base), None | Some("")) = (base, meta.get("name").and_then(Value::as_str)) {
            let base: String = base.chars().take(LONGEST_BASE).collect();
            meta.insert("name".into(), format!("{base}{}", self.suffix(5)).into());
        }
        if kind.namespaced {
            meta.insert("namespace".into(), namespace.into());
        } else {
            meta.remove("namespace");
        }
        meta.insert("uid".into(), self.uid().into());
        meta.insert("creationTimestamp".into(), seconds(now).into());
        if counts_generations(kind) {
            meta.insert("generation".into(), 1.into());
        }
        object["apiVersion"] = kind.api_version().into();
        object["kind"] = kind.kind.clone().into();
        // A node comes with what its kubelet knows of it.
        if kind.has_status()
            && kind.kind != "Node"
            && let Some(map) = object.as_object_mut()
        {
            map.remove("status");
        }
        if is_namespace(kind) {
            namespaces::begin(&mut object);
        }
        defaults::fill(kind, &mut object, None);
        admission::admit(self, kind, &mut object, None)?;
        validate::object(kind, &object, None)?;
        let managed = owners.unwrap_or_else(|| Managed::note(how, now, kind.custom.as_ref(), None));
        let name = object.name().to_owned();
        if how.dry_run {
            return match self.get(kind, namespace, &name) {
                Ok(_) => Err(Failure::already_exists(kind, &name)),
                Err(_) => Ok(Arc::new(Object::managed_by(object, 0, managed))),
            };
        }
        self.store.write(
            &Key::new(&kind.resource(), namespace, &name),
            |before| match before {
                Some(_) => Err(Failure::already_exists(kind, &name)),
                None => Ok(Outcome::PutBy(object, managed)),
            },
        )
    }

    /// Changes an object that is there: the function sees it and gives it as it is meant to be. What a client may
    /// not write (uid, the status with the object or the object with its status, …) stays as it is; defaults,
    /// generation and field managers are seen to here. It is asked again if the object changes meanwhile.
    ///
    /// # Errors
    /// 404; 409 if the object that it gives names another uid or resource version; 422; the function's own.
    pub(crate) fn change(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        how: &Write,
        decide: impl Fn(&Value) -> Result<Value>,
    ) -> Result<Arc<Object>> {
        self.change_owned(kind, namespace, name, how, |before| Ok((decide(before)?, None)))
    }

    /// The same by a function that may say whose the fields are then.
    ///
    /// # Errors
    /// As of [`change`](Self::change).
    pub(crate) fn change_owned(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        how: &Write,
        decide: impl Fn(&Object) -> Result<(Value, Option<Managed>)>,
    ) -> Result<Arc<Object>> {
        let key = Key::new(&kind.resource(), namespace, name);
        loop {
            let before = self.get(kind, namespace, name)?;
            let (mut object, owners) = decide(&before)?;
            let given = take_managed(&mut object);
            agrees(kind, namespace, Some(name), &object)?;
            is_current(kind, &before, &object)?;
            keep(kind, &before, &mut object, how.subresource.as_deref());
            defaults::fill(kind, &mut object, Some(&before));
            admission::admit(self, kind, &mut object, Some(&before))?;
            validate::object(kind, &object, Some(&before))?;
            if counts_generations(kind)
                && !matches!(how.subresource.as_deref(), Some("binding" | "status"))
                && differs(kind, &before, &object)
            {
                let generation = before.number("/metadata/generation").unwrap_or(0) + 1;
                object["metadata"]["generation"] = json!(generation);
            }
            let managed = owners
                .or_else(|| Managed::given(given.as_ref()?, &before))
                .unwrap_or_else(|| Managed::note(how, self.clock.now(), kind.custom.as_ref(), Some(&before)));
            if how.dry_run {
                return Ok(Arc::new(Object::managed_by(object, before.revision(), managed)));
            }
            // The last finalizer of an object that is being deleted was what kept it.
            let ends = object.is_terminating() && !is_kept(kind, &object);
            let last = ends.then(|| object.clone());
            let written = self.store.write(&key, |current| match current {
                Some(current) if current.revision() != before.revision() => {
                    Err(Failure::conflict(kind, name, CHANGED))
                }
                None => Err(Failure::not_found(kind, name)),
                Some(_) if ends => Ok(Outcome::Remove),
                Some(_) => Ok(Outcome::PutBy(object, managed)),
            });
            match (written, last) {
                (Err(failure), _) if failure.code == 409 => {}
                // Who ends it is answered with what he made of it.
                (Ok(gone), Some(last)) => return Ok(Arc::new(Object::new(last, gone.revision()))),
                (written, _) => return written,
            }
        }
    }

    /// Whether objects may be made in a namespace.
    fn place_of(&self, kind: &Kind, namespace: &str, name: &str) -> Result<()> {
        if !kind.namespaced {
            return Ok(());
        }
        let namespaces = self.kind("namespaces")?;
        let object = self.get(&namespaces, "", namespace)?;
        match object.is_terminating() {
            true => Err(namespaces::is_ending(kind, namespace, name)),
            false => Ok(()),
        }
    }
}

/// How much of `generateName` is taken.
const LONGEST_BASE: usize = 58;

/// What a conflict of resource versions is told as.
const CHANGED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Whether an object is what its request says that it is.
pub(crate) fn agrees(kind: &Kind, namespace: &str, name: Option<&str>, object: &Value) -> Result<()> {
    if !object.is_object() {
        return Err(Failure::bad_request("the body of the request is no object"));
    }
    decode::is_of(kind, object)?;
    let other = object.namespace();
    if kind.namespaced && !other.is_empty() && other != namespace {
        return Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    match name {
        Some(name) if !object.name().is_empty() && object.name() != name => {
            Err(Failure::bad_request(format!(
                "the name of the object ({}) does not match the name on the URL ({name})",
                object.name()
            )))
        }
        _ => Ok(()),
    }
}

/// Whether the object is still the one that a write means, by the uid and the resource version that it names, and is
/// not kept by others once it is being deleted.
fn is_current(kind: &Kind, before: &Value, object: &Value) -> Result<()> {
    let uid = object.uid();
    if !uid.is_empty() && uid != before.uid() {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            before.uid()
        );
        return Err(Failure::conflict(kind, before.name(), &why));
    }
    let version = object.text("/metadata/resourceVersion");
    if !matches!(version, "" | "0") && version != before.text("/metadata/resourceVersion") {
        return Err(Failure::conflict(kind, before.name(), CHANGED));
    }
    let old = before.list("/metadata/finalizers");
    let mut new = object.list("/metadata/finalizers").iter();
    if let Some(new) = new.find(|new| before.is_terminating() && !old.contains(new)) {
        let why = format!("no new finalizers can be added if the object is being deleted, found {new}");
        let cause = Cause::forbidden("metadata.finalizers", &why);
        return Err(Failure::invalid(kind, before.name(), vec![cause]));
    }
    Ok(())
}

/// Puts back what this write may not change.
fn keep(kind: &Kind, before: &Value, object: &mut Value, subresource: Option<&str>) {
    if subresource == Some("status") {
        let mut new = std::mem::replace(object, before.clone());
        object["status"] = new.get_mut("status").map_or_else(|| json!({}), Value::take);
        // Who tells the status of a built-in kind may annotate, too.
        for name in ["annotations", "finalizers"]
            .iter()
            .filter(|_| kind.custom.is_none())
        {
            let meta = map_at(object, "metadata");
            match new["metadata"].get_mut(name) {
                Some(value) => meta.insert((*name).to_owned(), value.take()),
                None => meta.remove(*name),
            };
        }
        return;
    }
    let meta = map_at(object, "metadata");
    for set_here in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ] {
        match before["metadata"].get(set_here) {
            Some(value) => meta.insert(set_here.into(), value.clone()),
            None => meta.remove(set_here),
        };
    }
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    if is_namespace(kind) && subresource != Some("finalize") {
        object["spec"]["finalizers"] = before["spec"]["finalizers"].clone();
    }
    if is_namespace(kind) && object.list("/spec/finalizers").is_empty() {
        map_at(object, "spec").remove("finalizers");
    }
    // Binding notes the node and the condition at once.
    if kind.has_status() && subresource != Some("binding") {
        match (before.get("status"), object.as_object_mut()) {
            (Some(status), Some(object)) => object.insert("status".into(), status.clone()),
            (None, Some(object)) => object.remove("status"),
            _ => None,
        };
    }
}

/// Whether a kind's objects count the changes of what they are meant to be.
fn counts_generations(kind: &Kind) -> bool {
    kind.custom.is_some()
        || kind.kind != "ControllerRevision"
            && matches!(
                kind.group.as_str(),
                "apps"
                    | "batch"
                    | "policy"
                    | "networking.k8s.io"
                    | "apiextensions.k8s.io"
                    | "scheduling.k8s.io"
            )
        || matches!(
            kind.kind.as_str(),
            "Pod" | "ReplicationController" | "EndpointSlice"
        )
}

/// Whether two objects differ in what they are meant to be. A deployment's annotations are of that.
fn differs(kind: &Kind, before: &Value, object: &Value) -> bool {
    let mut names = [before, object]
        .into_iter()
        .filter_map(Value::as_object)
        .flat_map(|map| map.keys());
    let counts = |name: &str| name != "metadata" && (name != "status" || !kind.has_status());
    names.any(|name| counts(name) && before.get(name) != object.get(name))
        || (kind.kind == "Deployment"
            && before["metadata"]["annotations"] != object["metadata"]["annotations"])
}
