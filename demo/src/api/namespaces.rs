//! Namespaces: what is in each from the beginning, and their end.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Api,
    kinds::Kind,
    object::Meta as _,
    status::{Cause, Failure},
    store::{Change, Key},
    write::Write,
};
use crate::{
    clock::seconds,
    controllers::{Controller, work},
};

/// The certificate that workloads are told to trust. Nothing answers with it: this cluster has no TLS.
const ROOT_CERTIFICATE: &str = include_str!("../../data/ca.crt");

/// Those that no cluster is without.
pub(crate) const IMMORTAL: [&str; 3] = ["default", "kube-public", "kube-system"];

/// What keeps a namespace until all in it is gone.
const FINALIZER: &str = "kubernetes";

/// What a new namespace gets besides what its author says.
pub(crate) fn begin(namespace: &mut Value) {
    let name = namespace.name().to_owned();
    namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
    namespace["spec"]["finalizers"] = json!([FINALIZER]);
    namespace["status"] = json!({"phase": "Active"});
}

/// 403: nothing new is made where all is being deleted.
pub(crate) fn is_ending(kind: &Kind, namespace: &str, name: &str) -> Failure {
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    Failure::forbidden(kind, name, &why).with_causes(vec![Cause {
        reason: "NamespaceTerminating",
        message: format!("namespace {namespace} is being terminated"),
        field: "metadata.namespace".into(),
    }])
}

/// Gives each namespace its service account `default` and the certificate of the cluster, and gives them again.
pub(crate) struct Accounts;

impl Controller for Accounts {
    fn affected(&self, _api: &Api, change: &Change) -> Vec<Key> {
        let key = &change.key;
        match (&*key.resource, &*key.name) {
            ("namespaces", name) if change.before.is_none() => vec![Key::new("namespaces", "", name)],
            ("serviceaccounts", "default") | ("configmaps", "kube-root-ca.crt") => {
                vec![Key::new("namespaces", "", &key.namespace)]
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let namespace = api.store.get(key)?;
        if namespace.is_terminating() {
            return None;
        }
        let account = json!({"metadata": {"name": "default"}});
        let certificate = json!({
            "metadata": {
                "name": "kube-root-ca.crt",
                "annotations": {"kubernetes.io/description": "Contains a CA bundle that can be used to verify the \
                    kube-apiserver when using internal endpoints such as the internal service IP or \
                    kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."},
            },
            "data": {"ca.crt": ROOT_CERTIFICATE},
        });
        for (resource, object) in [("configmaps", certificate), ("serviceaccounts", account)] {
            let place = Key::new(resource, &key.name, object.name());
            if let (None, Ok(kind)) = (api.store.get(&place), api.kind(resource)) {
                drop(api.create(&kind, &key.name, object, &Write::by("kube-controller-manager")));
            }
        }
        None
    }
}

/// Empties a namespace that is being deleted, and lets it go when it is empty.
pub(crate) struct Emptier;

impl Controller for Emptier {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let name = match &*change.key.resource {
            "namespaces" => &change.key.name,
            _ => &change.key.namespace,
        };
        let key = Key::new("namespaces", "", name);
        let is_going = !name.is_empty() && api.store.get(&key).is_some_and(|object| object.is_terminating());
        if is_going { vec![key] } else { vec![] }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let namespace = api.store.get(key).filter(|object| object.is_terminating())?;
        let how = Write::by("namespace-controller");
        let kinds: BTreeMap<String, Arc<Kind>> = {
            let kinds = api.kinds();
            let namespaced = kinds.all().iter().filter(|kind| kind.namespaced);
            namespaced.map(|kind| (kind.resource(), kind.clone())).collect()
        };
        let (mut resources, mut finalizers) = (BTreeMap::new(), BTreeMap::new());
        let background = json!({"propagationPolicy": "Background"});
        for (resource, kind) in &kinds {
            let mut all = api.all(resource, Some(&key.name));
            all.retain(|object| !object.is_terminating());
            for object in all {
                drop(api.delete(kind, &key.name, object.name(), &background, &how));
            }
            for object in api.all(resource, Some(&key.name)) {
                let resource = format!("{}.{}", kind.plural, kind.group);
                *resources.entry(resource).or_insert(0) += 1;
                let own = object.list("/metadata/finalizers").iter();
                for finalizer in own.filter_map(Value::as_str) {
                    *finalizers.entry(finalizer.to_owned()).or_insert(0) += 1;
                }
            }
        }
        let kind = api.kind("namespaces").ok()?;
        let status = status(&namespace, &resources, &finalizers, api.clock.now());
        let write = |how: &Write, pointer: &str, value: Value| {
            let change = api.change(&kind, "", &key.name, how, |object| {
                let mut object = object.clone();
                if let Some(place) = object.pointer_mut(pointer) {
                    place.clone_from(&value);
                }
                Ok(object)
            });
            // What is gone needs it no longer.
            drop(change);
        };
        write(&how.clone().status(), "/status", status);
        if resources.is_empty() {
            let subresource = Some("finalize".into());
            write(&Write { subresource, ..how }, "/spec/finalizers", json!([]));
        }
        None
    }
}

/// What is told of a namespace that is being deleted, while nothing is left to do.
const CONDITIONS: &str = include_str!("../../data/namespace-conditions.yaml");

/// How far it is.
fn status(
    namespace: &Value,
    resources: &BTreeMap<String, u32>,
    finalizers: &BTreeMap<String, u32>,
    now: Timestamp,
) -> Value {
    let told = |counts: &BTreeMap<String, u32>, of: &str| {
        let told = counts.iter();
        let told = told.map(|(name, count)| format!("{name} {of} {count} resource instances"));
        told.collect::<Vec<_>>().join(", ")
    };
    let mut status = json!({"phase": "Terminating", "conditions": namespace["status"]["conditions"]});
    let all: Vec<Value> = serde_yaml::from_str(CONDITIONS).expect("the conditions are a list of objects");
    for mut condition in all {
        let remains = match condition.text("/type") {
            "NamespaceContentRemaining" if !resources.is_empty() => {
                let message = format!("Some resources are remaining: {}", told(resources, "has"));
                Some(("SomeResourcesRemain", message))
            }
            "NamespaceFinalizersRemaining" if !finalizers.is_empty() => {
                let told = told(finalizers, "in");
                let message = format!("Some content in the namespace has finalizers remaining: {told}");
                Some(("SomeFinalizersRemain", message))
            }
            _ => None,
        };
        if let Some((reason, message)) = remains {
            (condition["status"], condition["reason"]) = (json!("True"), json!(reason));
            condition["message"] = json!(message);
        }
        condition["lastTransitionTime"] = json!(seconds(now));
        work::put_condition(&mut status, condition);
    }
    status
}
