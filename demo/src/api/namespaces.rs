//! Namespaces: what is in each from the beginning, and their end.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    Api,
    object::Meta as _,
    store::{Change, Key},
    write::Write,
};
use crate::controllers::Controller;

/// The certificate that workloads are told to trust. Nothing answers with it: this cluster has no TLS.
const ROOT_CERTIFICATE: &str = include_str!("../../data/ca.crt");

/// What keeps a namespace until all in it is gone.
const FINALIZER: &str = "kubernetes";

/// What a new namespace gets besides what its author says.
pub(crate) fn begin(namespace: &mut Value) {
    let name = namespace.name().to_owned();
    namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
    if !namespace.list("/spec/finalizers").contains(&json!(FINALIZER)) {
        let mut finalizers = namespace.list("/spec/finalizers").to_vec();
        finalizers.push(json!(FINALIZER));
        namespace["spec"]["finalizers"] = json!(finalizers);
    }
    namespace["status"] = json!({"phase": "Active"});
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
            if api
                .store
                .get(&Key::new(resource, &key.name, object.name()))
                .is_none()
                && let Ok(kind) = api.kind(resource)
            {
                drop(api.create(&kind, &key.name, object, &Write::by("kube-controller-manager")));
            }
        }
        None
    }
}
