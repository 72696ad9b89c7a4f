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
use crate::{clock::seconds, controllers::Controller};

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
    if !is_held(namespace) {
        let mut finalizers = namespace.list("/spec/finalizers").to_vec();
        finalizers.push(json!(FINALIZER));
        namespace["spec"]["finalizers"] = json!(finalizers);
    }
    namespace["status"] = json!({"phase": "Active"});
}

/// Whether a namespace has yet to be emptied.
fn is_held(namespace: &Value) -> bool {
    let mut finalizers = namespace.list("/spec/finalizers").iter();
    finalizers.any(|finalizer| finalizer == FINALIZER)
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
        if !is_held(&namespace) {
            return None;
        }
        let how = Write::by("namespace-controller");
        let namespaced = |kind: &&Arc<Kind>| kind.namespaced;
        let kinds: BTreeMap<String, Arc<Kind>> = {
            let kinds = api.kinds();
            let kinds = kinds.all().iter().filter(namespaced);
            kinds.map(|kind| (kind.resource(), kind.clone())).collect()
        };
        let (mut resources, mut finalizers) = (BTreeMap::new(), BTreeMap::new());
        let background = json!({"propagationPolicy": "Background"});
        for (resource, kind) in &kinds {
            for object in api.all(resource, Some(&key.name)) {
                if !object.is_terminating() {
                    drop(api.delete(kind, &key.name, object.name(), &background, &how));
                }
            }
            for object in api.all(resource, Some(&key.name)) {
                let resource = format!("{}.{}", kind.plural, kind.group);
                *resources.entry(resource).or_insert(0) += 1;
                for finalizer in object.list("/metadata/finalizers") {
                    let finalizer = finalizer.as_str().unwrap_or_default().to_owned();
                    *finalizers.entry(finalizer).or_insert(0) += 1;
                }
            }
        }
        let kind = api.kind("namespaces").ok()?;
        let conditions = conditions(&namespace, &resources, &finalizers, api.clock.now());
        drop(api.change(&kind, "", &key.name, &how.clone().status(), |object| {
            let mut object = object.clone();
            object["status"]["conditions"] = conditions.clone();
            Ok(object)
        }));
        if resources.is_empty() {
            let how = Write {
                subresource: Some("finalize".into()),
                ..how
            };
            drop(api.change(&kind, "", &key.name, &how, |object| {
                let mut object = object.clone();
                let mut finalizers = object.list("/spec/finalizers").to_vec();
                finalizers.retain(|finalizer| finalizer != FINALIZER);
                object["spec"]["finalizers"] = json!(finalizers);
                Ok(object)
            }));
        }
        None
    }
}

/// What a condition is called, then its reason and message while nothing is left to do for it.
const CONDITIONS: [[&str; 3]; 5] = [
    [
        "NamespaceDeletionDiscoveryFailure",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    ],
    [
        "NamespaceDeletionGroupVersionParsingFailure",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    ],
    [
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ],
    [
        "NamespaceContentRemaining",
        "ContentRemoved",
        "All content successfully removed",
    ],
    [
        "NamespaceFinalizersRemaining",
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    ],
];

/// How far it is, as `status.conditions` tell.
fn conditions(
    namespace: &Value,
    resources: &BTreeMap<String, u32>,
    finalizers: &BTreeMap<String, u32>,
    now: Timestamp,
) -> Value {
    let told = |counts: &BTreeMap<String, u32>, of: &str| {
        let each = counts
            .iter()
            .map(|(name, count)| format!("{name} {of} {count} resource instances"));
        each.collect::<Vec<_>>().join(", ")
    };
    let one = |[kind, reason, message]: [&str; 3]| {
        let (status, reason, message) = match kind {
            "NamespaceContentRemaining" if !resources.is_empty() => {
                let message = format!("Some resources are remaining: {}", told(resources, "has"));
                ("True", "SomeResourcesRemain", message)
            }
            "NamespaceFinalizersRemaining" if !finalizers.is_empty() => {
                let told = told(finalizers, "in");
                let message = format!("Some content in the namespace has finalizers remaining: {told}");
                ("True", "SomeFinalizersRemain", message)
            }
            _ => ("False", reason, message.to_owned()),
        };
        let mut old = namespace.list("/status/conditions").iter();
        let same = old.find(|old| old["type"] == kind && old["status"] == status);
        let since = same.map_or_else(|| json!(seconds(now)), |old| old["lastTransitionTime"].clone());
        json!({"type": kind, "status": status, "lastTransitionTime": since, "reason": reason, "message": message})
    };
    CONDITIONS.map(one).into_iter().collect()
}
