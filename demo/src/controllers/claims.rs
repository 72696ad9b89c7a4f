//! PersistentVolumeClaims and the volumes that are made for them.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Controller,
    work::{self, Work},
};
use crate::api::{
    Api,
    object::{Meta as _, Object},
    store::{Change, Key},
};

const CLAIMS: &str = "persistentvolumeclaims";
const VOLUMES: &str = "persistentvolumes";
const CLASSES: &str = "storageclasses.storage.k8s.io";
const PROTECTED: &str = "kubernetes.io/pvc-protection";
const BY_US: &str = "pv.kubernetes.io/bound-by-controller";
const FINALIZERS: [&str; 2] = ["kubernetes.io/pv-controller", "kubernetes.io/pv-protection"];
/// The provisioner that is part of the cluster, and where a claim names its own.
const PROVISIONER: &str = "kubernetes.io/host-path";
const NOTED: [&str; 2] = [
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/storage-provisioner",
];

/// How often it is told what a claim waits for: as seldom as clients keep from telling the same too often.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Sees to claims and their volumes.
pub(crate) struct Claims;

impl Controller for Claims {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let key = &change.key;
        let sides = [&change.before, &change.now].into_iter().flatten();
        match &*key.resource {
            CLAIMS => {
                let volume = sides.map(|claim| claim.text("/spec/volumeName"));
                let volumes = volume.map(|name| Key::new(VOLUMES, "", name));
                volumes.chain([key.clone()]).collect()
            }
            VOLUMES => vec![key.clone()],
            "pods" => {
                let claims = sides.flat_map(|pod| used(pod));
                claims
                    .map(|name| Key::new(CLAIMS, &key.namespace, name))
                    .collect()
            }
            // A new class may be what claims wait for.
            CLASSES => {
                let claims = api.all(CLAIMS, None);
                let key = |claim: &Arc<Object>| Key::new(CLAIMS, claim.namespace(), claim.name());
                claims.iter().map(key).collect()
            }
            _ => vec![],
        }
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let work = Work::on(api, "persistentvolume-controller", key)?;
        match &*key.resource {
            VOLUMES => follow(&work),
            _ => see_to(&work),
        }
        // What a claim waits for is told again and again.
        let claim = api.store.get(key)?;
        (claim["status"]["phase"] == "Pending").then(|| api.clock.now() + AGAIN)
    }
}

/// The claims that a pod uses.
fn used(pod: &Value) -> impl Iterator<Item = &str> {
    let volumes = pod.list("/spec/volumes").iter();
    volumes.filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}

/// Keeps a claim while it is used, and binds it.
fn see_to(claim: &Work) {
    let mut users = claim.api.all("pods", Some(claim.namespace()));
    users.retain(|pod| !work::is_over(pod) && used(pod).any(|name| name == claim.name()));
    let mut finalizers = claim.list("/metadata/finalizers").to_vec();
    finalizers.retain(|finalizer| finalizer != PROTECTED);
    if !claim.is_terminating() || !users.is_empty() {
        finalizers.push(json!(PROTECTED));
    }
    if *claim.list("/metadata/finalizers") != *finalizers {
        drop(claim.update(claim, |claim| claim["metadata"]["finalizers"] = json!(finalizers)));
    }
    match claim.text("/status/phase") {
        _ if claim.is_terminating() => {}
        "" => claim.set_status(&json!({"phase": "Pending"})),
        "Pending" => {
            let is_placed = users.iter().any(|pod| !pod.text("/spec/nodeName").is_empty());
            provision(claim, is_placed);
        }
        _ => {}
    }
}

/// Makes a volume for a claim and binds it, if the claim's class says that this cluster does.
fn provision(claim: &Work, is_placed: bool) {
    let name = claim.text("/spec/storageClassName");
    if name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        return claim.normal("FailedBinding", message);
    }
    let Some(class) = claim.api.store.get(&Key::new(CLASSES, "", name)) else {
        let message = format!("storageclass.storage.k8s.io {name:?} not found");
        return claim.warning("ProvisioningFailed", &message);
    };
    let waits = class["volumeBindingMode"] == "WaitForFirstConsumer" && !is_placed;
    if waits && work::annotation(claim, "volume.kubernetes.io/selected-node").is_empty() {
        let message = "waiting for first consumer to be created before binding";
        return claim.normal("WaitForFirstConsumer", message);
    }
    let by = class.text("/provisioner");
    if work::annotation(claim, NOTED[1]) != by {
        let note = |claim: &mut Value| NOTED.iter().for_each(|noted| work::annotate(claim, noted, by));
        return drop(claim.update(claim, note));
    }
    if by != PROVISIONER {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{by}' or manually by the system \
             administrator. If volume creation is delayed, please verify that the provisioner is running and \
             correctly registered."
        );
        return claim.normal("ExternalProvisioning", &message);
    }
    let (volume, meta) = (format!("pvc-{}", claim.uid()), &claim["metadata"]);
    let (modes, capacity) = (
        &claim["spec"]["accessModes"],
        &claim["spec"]["resources"]["requests"],
    );
    let capacity = json!({"storage": capacity["storage"]});
    let annotations = json!({BY_US: "yes", "pv.kubernetes.io/provisioned-by": by});
    let made = json!({
        "metadata": {"name": volume, "annotations": annotations, "finalizers": FINALIZERS},
        "spec": {
            "accessModes": modes,
            "capacity": capacity,
            "claimRef": {
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(),
                "name": claim.name(), "uid": claim.uid(), "resourceVersion": meta["resourceVersion"],
            },
            "hostPath": {"path": format!("/simulated/{volume}"), "type": ""},
            "persistentVolumeReclaimPolicy": class["reclaimPolicy"],
            "storageClassName": class.name(),
            "volumeMode": claim["spec"]["volumeMode"],
        },
    });
    if claim.create(VOLUMES, made).is_ok() {
        let message = format!("Successfully provisioned volume {volume} using {by}");
        claim.normal("ProvisioningSucceeded", &message);
        drop(claim.update(claim, |claim| {
            work::annotate(claim, "pv.kubernetes.io/bind-completed", "yes");
            work::annotate(claim, BY_US, "yes");
            claim["spec"]["volumeName"] = json!(volume);
        }));
        claim.set_status(&json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
    }
}

/// Follows what became of a volume's claim.
fn follow(volume: &Work) {
    let of = &volume["spec"]["claimRef"];
    let claim = Key::new(CLAIMS, of.text("/namespace"), of.text("/name"));
    let claim = volume
        .api
        .store
        .get(&claim)
        .filter(|claim| of["uid"] == claim.uid());
    let phase = match claim {
        Some(_) => "Bound",
        None if of["uid"].is_string() => "Released",
        None => "Available",
    };
    if phase != "Bound" && volume.is_terminating() {
        drop(volume.update(volume, |volume| volume["metadata"]["finalizers"] = json!([])));
    } else if phase == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        volume.delete(volume, "");
    } else if volume["status"]["phase"] != phase {
        volume.set_status(&json!({"phase": phase, "lastPhaseTransitionTime": volume.now()}));
    }
}
