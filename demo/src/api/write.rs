//! Writing: create, and the one way in which an object that is there is changed.

use std::sync::Arc;

use http::Response;
use serde_json::{Value, json};

use super::{
    access::User,
    admission, decode, defaults,
    delete::{is_kept, is_namespace},
    front::{Asked, Body},
    kinds::{Kind, metadata},
    managed::Managed,
    namespaces,
    object::{Meta as _, Object, map_at, take_managed},
    options::Warnings,
    present,
    route::Target,
    server::Api,
    status::{Failure, Result},
    store::{Key, Outcome},
    validate,
};
use crate::clock::seconds;

/// How a write is meant.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    /// Who writes.
    pub(crate) user: User,
    /// The field manager.
    pub(crate) manager: String,
    /// Whether nothing is to be kept.
    pub(crate) dry_run: bool,
    /// What is written, where it is not the object itself: `status`.
    pub(crate) subresource: Option<String>,
    /// What the writer is warned of.
    pub(crate) warnings: Warnings,
}

impl Write {
    /// A write of a part of the cluster, such as `deployment-controller`.
    pub(crate) fn by(component: &str) -> Self {
        Self {
            user: User::component(component),
            manager: component.to_owned(),
            dry_run: false,
            subresource: None,
            warnings: Warnings::default(),
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
    asked.check_options("CreateOptions")?;
    let (how, object) = (asked.write(target), decode::body(asked, &target.kind)?);
    let object = api.create(&target.kind, target.place(), object, &how)?;
    present::one(api, asked, target, 201, &object)
}

/// `PUT` in the place of an object.
pub(crate) fn update(api: &Arc<Api>, asked: &Asked, target: &Target) -> Result<Response<Body>> {
    asked.check_options("UpdateOptions")?;
    let (how, object) = (asked.write(target), decode::body(asked, &target.kind)?);
    let object = api.change(&target.kind, target.place(), target.name(), &how, |_| {
        Ok(object.clone())
    })?;
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
        mut object: Value,
        how: &Write,
    ) -> Result<Arc<Object>> {
        agrees(kind, namespace, None, &object)?;
        self.place_of(kind, namespace, object.name())?;
        let now = self.clock.now();
        let given = take_managed(&mut object);
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
        let base = meta
            .get("generateName")
            .and_then(Value::as_str)
            .map(str::to_owned);
        if let (Some(base), None) = (base, meta.get("name")) {
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
        defaults::fill(self, kind, &mut object, None);
        admission::admit(self, kind, &mut object, None)?;
        validate::object(kind, &object, None)?;
        let managed = Managed::note(how, now, kind.custom.as_ref(), None, given, None);
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
        let key = Key::new(&kind.resource(), namespace, name);
        loop {
            let before = self.get(kind, namespace, name)?;
            let mut object = decide(&before)?;
            let given = take_managed(&mut object);
            agrees(kind, namespace, Some(name), &object)?;
            preconditions(
                kind,
                &before,
                metadata(&object).map(|meta| (meta.get("uid"), meta.get("resourceVersion"))),
            )?;
            keep(kind, &before, &mut object, how.subresource.as_deref());
            defaults::fill(self, kind, &mut object, Some(&before));
            admission::admit(self, kind, &mut object, Some(&before))?;
            validate::object(kind, &object, Some(&before))?;
            if counts_generations(kind)
                && how.subresource.as_deref() != Some("binding")
                && differs(&before, &object)
            {
                let generation = before.number("/metadata/generation").unwrap_or(0) + 1;
                object["metadata"]["generation"] = json!(generation);
            }
            let now = self.clock.now();
            let managed = Managed::note(how, now, kind.custom.as_ref(), Some(&before), given, None);
            if how.dry_run {
                return Ok(Arc::new(Object::managed_by(object, before.revision(), managed)));
            }
            // The last finalizer of an object that is being deleted was what kept it.
            let ends = object.is_terminating() && !is_kept(kind, &object);
            let written = self.store.write(&key, |current| match current {
                Some(current) if current.revision() != before.revision() => {
                    Err(Failure::conflict(kind, name, CHANGED))
                }
                None => Err(Failure::not_found(kind, name)),
                Some(_) if ends => Ok(Outcome::Remove),
                Some(_) => Ok(Outcome::PutBy(object, managed)),
            });
            match written {
                Err(failure) if failure.code == 409 => {}
                written => return written,
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

/// What a conflict of resource versions is told as.
const CHANGED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Whether an object is what its request says that it is.
fn agrees(kind: &Kind, namespace: &str, name: Option<&str>, object: &Value) -> Result<()> {
    if !object.is_object() {
        return Err(Failure::bad_request("the body of the request is no object"));
    }
    let (version, given) = (object.text("/apiVersion"), object.text("/kind"));
    if (!version.is_empty() && version != kind.api_version()) || (!given.is_empty() && given != kind.kind) {
        let (_, short) = version.rsplit_once('/').unwrap_or(("", version));
        return Err(Failure::bad_request(format!(
            "{given} in version {short:?} cannot be handled as a {}: {}",
            kind.kind,
            unregistered(version, given)
        )));
    }
    let other = object.namespace();
    if kind.namespaced && !other.is_empty() && other != namespace {
        return Err(Failure::bad_request(format!(
            "the namespace of the provided object does not match the namespace sent on the request"
        )));
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

/// How Go tells that an object is of a kind that it does not expect.
pub(crate) fn unregistered(version: &str, kind: &str) -> String {
    format!(r#"no kind {kind:?} is registered for version {version:?} in scheme "pkg/runtime/scheme.go:111""#)
}

/// Whether the object is still the one that a request means, by the uid and the resource version that it names.
///
/// # Errors
/// 409.
pub(crate) fn preconditions(
    kind: &Kind,
    object: &Value,
    named: Option<(Option<&Value>, Option<&Value>)>,
) -> Result<()> {
    let Some((uid, version)) = named else {
        return Ok(());
    };
    let named = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
    };
    if let Some(uid) = named(uid).filter(|uid| uid != object.uid()) {
        let why = format!(
            "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            object.uid()
        );
        return Err(Failure::conflict(kind, object.name(), &why));
    }
    match named(version) {
        Some(version) if version != object.text("/metadata/resourceVersion") => {
            Err(Failure::conflict(kind, object.name(), CHANGED))
        }
        _ => Ok(()),
    }
}

/// Puts back what this write may not change.
fn keep(kind: &Kind, before: &Value, object: &mut Value, subresource: Option<&str>) {
    if subresource == Some("status") {
        let status = object.get("status").cloned();
        *object = before.clone();
        object["status"] = status.unwrap_or_default();
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

/// Whether two objects differ in more than their metadata and status.
fn differs(before: &Value, object: &Value) -> bool {
    let own = |value: &Value| {
        let mut own = value.as_object().cloned().unwrap_or_default();
        own.remove("metadata");
        own.remove("status");
        own
    };
    own(before) != own(object)
}
