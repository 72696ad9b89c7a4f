//! PersistentVolumeClaims and the volumes that they are bound to.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Controller, owned, quantity::milli};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    store::{Change, Key},
};

const WHO: &str = "persistentvolume-controller";
const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";
const CLASSES: &str = "storageclasses.storage.k8s.io";
const PROTECTED: &str = "kubernetes.io/pvc-protection";
/// The provisioner that is part of the cluster.
const PROVISIONER: &str = "kubernetes.io/host-path";

/// Sees to claims and their volumes.
pub(crate) struct Claims;

impl Controller for Claims {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let sides = || [&change.before, &change.now].into_iter().flatten();
        let open = || {
            let all = api.all(CLAIMS, None).into_iter();
            let open = all.filter(|claim| claim["status"]["phase"] != "Bound");
            open.map(|claim| Key::new(CLAIMS, claim.namespace(), claim.name()))
                .collect::<Vec<_>>()
        };
        match &*change.key.resource {
            CLAIMS => vec![change.key.clone()],
            VOLUMES => {
                let mut keys = vec![change.key.clone()];
                for claim in sides()
                    .map(|volume| &volume["spec"]["claimRef"])
                    .filter(|claim| claim.is_object())
                {
                    keys.push(Key::new(CLAIMS, claim.text("/namespace"), claim.text("/name")));
                }
                if keys.len() == 1 {
                    keys.extend(open());
                }
                keys
            }
            CLASSES => open(),
            "pods" => sides()
                .flat_map(|pod| used(pod))
                .map(|claim| Key::new(CLAIMS, &change.key.namespace, claim))
                .collect(),
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let object = api.store.get(key)?;
        match &*key.resource {
            VOLUMES => volume(api, &object),
            _ => claim(api, &object),
        }
        None
    }
}

/// The claims that a pod uses.
fn used(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod.list("/spec/volumes").iter();
    volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}

/// Keeps a claim while it is used, and binds it.
fn claim(api: &Api, claim: &Arc<Object>) {
    let pods = api.all("pods", Some(claim.namespace()));
    let users: Vec<_> = pods
        .iter()
        .filter(|pod| !owned::is_over(pod) && used(pod).any(|name| name == claim.name()))
        .collect();
    let finalizers = claim.list("/metadata/finalizers");
    let is_protected = finalizers.contains(&json!(PROTECTED));
    if claim.is_terminating() {
        if is_protected && users.is_empty() {
            let rest: Vec<_> = finalizers.iter().filter(|name| **name != PROTECTED).collect();
            drop(owned::update(api, "pvc-protection-controller", claim, |claim| {
                claim["metadata"]["finalizers"] = json!(rest)
            }));
        }
        return;
    }
    if !is_protected {
        let mut finalizers = finalizers.to_vec();
        finalizers.push(json!(PROTECTED));
        drop(owned::update(api, "pvc-protection-controller", claim, |claim| {
            claim["metadata"]["finalizers"] = json!(finalizers)
        }));
        return;
    }
    let name = claim.text("/spec/volumeName");
    if claim["status"]["phase"] == "Bound" {
        if api.store.get(&Key::new(VOLUMES, "", name)).is_none() {
            let mut status = claim["status"].clone();
            status["phase"] = json!("Lost");
            owned::set_status(api, WHO, claim, &status);
            owned::teller(WHO).warning(
                api,
                claim,
                "ClaimLost",
                "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
            );
        }
        return;
    }
    if claim["status"]["phase"].is_null() {
        owned::set_status(api, WHO, claim, &json!({"phase": "Pending"}));
    }
    let placed = !owned::annotation(claim, "volume.kubernetes.io/selected-node").is_empty()
        || users.iter().any(|pod| !pod.text("/spec/nodeName").is_empty());
    if let Some(volume) = find(api, claim).or_else(|| provision(api, claim, placed)) {
        bind(api, claim, &volume);
    }
}

/// The smallest volume that is there and does.
fn find(api: &Api, claim: &Value) -> Option<Arc<Object>> {
    let size = |pointer: &str, object: &Value| milli(object.text(pointer)).unwrap_or(0);
    let wanted = size("/spec/resources/requests/storage", claim);
    let does = |volume: &&Arc<Object>| {
        let of = &volume["spec"]["claimRef"];
        let is_free = match of.is_object() {
            true => {
                of["name"] == claim.name()
                    && of["namespace"] == claim.namespace()
                    && (of["uid"].is_null() || of["uid"] == claim.uid())
            }
            false => true,
        };
        let named = claim.text("/spec/volumeName");
        is_free
            && (named.is_empty() || named == volume.name())
            && volume.text("/spec/storageClassName") == claim.text("/spec/storageClassName")
            && size("/spec/capacity/storage", volume) >= wanted
            && claim
                .list("/spec/accessModes")
                .iter()
                .all(|mode| volume.list("/spec/accessModes").contains(mode))
    };
    let volumes = api.all(VOLUMES, None);
    volumes
        .iter()
        .filter(does)
        .min_by_key(|volume| size("/spec/capacity/storage", volume))
        .cloned()
}

/// Makes a volume, if the claim's class says that this cluster does.
fn provision(api: &Api, claim: &Arc<Object>, placed: bool) -> Option<Arc<Object>> {
    let teller = owned::teller(WHO);
    let name = claim.text("/spec/storageClassName");
    if name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        teller.normal(api, claim, "FailedBinding", message);
        return None;
    }
    let Some(class) = api.store.get(&Key::new(CLASSES, "", name)) else {
        let message = format!("storageclass.storage.k8s.io {name:?} not found");
        teller.warning(api, claim, "ProvisioningFailed", &message);
        return None;
    };
    if class["volumeBindingMode"] == "WaitForFirstConsumer" && !placed {
        let message = "waiting for first consumer to be created before binding";
        teller.normal(api, claim, "WaitForFirstConsumer", message);
        return None;
    }
    let provisioner = class.text("/provisioner");
    if owned::annotation(claim, "volume.kubernetes.io/storage-provisioner").is_empty() {
        let note = |claim: &mut Value| {
            for name in [
                "volume.beta.kubernetes.io/storage-provisioner",
                "volume.kubernetes.io/storage-provisioner",
            ] {
                owned::annotate(claim, name, provisioner);
            }
        };
        drop(owned::update(api, WHO, claim, note));
        return None;
    }
    if provisioner != PROVISIONER {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered."
        );
        teller.normal(api, claim, "ExternalProvisioning", &message);
        return None;
    }
    let name = format!("pvc-{}", claim.uid());
    let volume = json!({
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": provisioner},
            "finalizers": ["kubernetes.io/pv-protection"],
        },
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": reference(claim),
            "hostPath": {"path": format!("/simulated/{name}"), "type": ""},
            "persistentVolumeReclaimPolicy": class.get("reclaimPolicy").unwrap_or(&json!("Delete")),
            "storageClassName": class.name(),
            "volumeMode": claim["spec"].get("volumeMode").unwrap_or(&json!("Filesystem")),
        },
    });
    let kind = api.kind(VOLUMES).ok()?;
    let made = api
        .create(&kind, "", volume, &crate::api::write::Write::by(WHO))
        .ok()?;
    let message = format!("Successfully provisioned volume {name} using {provisioner}");
    teller.normal(api, claim, "ProvisioningSucceeded", &message);
    Some(made)
}

fn reference(claim: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name(),
        "uid": claim.uid(), "resourceVersion": claim["metadata"]["resourceVersion"],
    })
}

/// Binds a claim and a volume to each other.
fn bind(api: &Api, claim: &Arc<Object>, volume: &Arc<Object>) {
    if volume["spec"]["claimRef"]["uid"] != claim.uid()
        || owned::annotation(volume, "pv.kubernetes.io/bound-by-controller").is_empty()
    {
        drop(owned::update(api, WHO, volume, |volume| {
            volume["spec"]["claimRef"] = reference(claim);
            owned::annotate(volume, "pv.kubernetes.io/bound-by-controller", "yes");
        }));
    }
    drop(owned::update(api, WHO, claim, |claim| {
        owned::annotate(claim, "pv.kubernetes.io/bind-completed", "yes");
        if claim["spec"]["volumeName"].is_null() {
            owned::annotate(claim, "pv.kubernetes.io/bound-by-controller", "yes");
            claim["spec"]["volumeName"] = json!(volume.name());
        }
    }));
    let status = json!({
        "phase": "Bound", "accessModes": volume["spec"]["accessModes"], "capacity": volume["spec"]["capacity"],
    });
    owned::set_status(api, WHO, claim, &status);
}

/// Follows what became of a volume's claim.
fn volume(api: &Api, volume: &Arc<Object>) {
    let of = &volume["spec"]["claimRef"];
    let claim = api
        .store
        .get(&Key::new(CLAIMS, of.text("/namespace"), of.text("/name")));
    let phase = match claim.filter(|claim| of["uid"].is_null() || of["uid"] == claim.uid()) {
        Some(claim) if claim["spec"]["volumeName"] == volume.name() => "Bound",
        None if of["uid"].is_string() => "Released",
        _ => "Available",
    };
    if phase != "Bound" && volume.is_terminating() {
        drop(owned::update(api, WHO, volume, |volume| {
            volume["metadata"]["finalizers"] = json!([])
        }));
        return;
    }
    if phase == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        owned::delete(api, WHO, volume);
        return;
    }
    if volume["status"]["phase"] != phase {
        owned::set_status(
            api,
            WHO,
            volume,
            &json!({"phase": phase, "lastPhaseTransitionTime": owned::now(api)}),
        );
    }
}
