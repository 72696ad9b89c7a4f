//! PersistentVolumeClaims and the volumes that they are bound to.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    Controller,
    quantity::milli,
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
/// The provisioner that is part of the cluster.
const PROVISIONER: &str = "kubernetes.io/host-path";

/// How often it is told what a claim waits for: as seldom as clients keep from telling the same too often.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);

/// Sees to claims and their volumes.
pub(crate) struct Claims;

impl Controller for Claims {
    fn affected(&self, api: &Api, change: &Change) -> Vec<Key> {
        let key = &change.key;
        let sides = || [&change.before, &change.now].into_iter().flatten();
        let mut keys = Vec::new();
        match &*key.resource {
            CLAIMS => keys.push(key.clone()),
            VOLUMES => {
                let claims = sides().map(|volume| &volume["spec"]["claimRef"]);
                keys.extend(
                    claims.map(|claim| Key::new(CLAIMS, claim.text("/namespace"), claim.text("/name"))),
                );
                keys.push(key.clone());
            }
            "pods" => keys.extend(
                sides()
                    .flat_map(|pod| used(pod))
                    .map(|name| Key::new(CLAIMS, &key.namespace, name)),
            ),
            _ => {}
        }
        // A new class or volume may be what others wait for.
        if matches!(&*key.resource, VOLUMES | CLASSES) && change.before.is_none() {
            let mut open = api.all(CLAIMS, None);
            open.retain(|claim| claim["status"]["phase"] != "Bound");
            keys.extend(
                open.iter()
                    .map(|claim| Key::new(CLAIMS, claim.namespace(), claim.name())),
            );
        }
        keys
    }

    fn reconcile(&mut self, api: &Api, key: &Key) -> Option<Timestamp> {
        let work = Work::on(api, "persistentvolume-controller", key)?;
        match &*key.resource {
            VOLUMES => follow(&work),
            _ => see_to(&work),
        }
        // What a claim waits for is told again and again.
        let claim = api
            .store
            .get(key)
            .filter(|object| object["status"]["phase"] == "Pending");
        claim.map(|_| api.clock.now() + AGAIN)
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
    let lost = || {
        claim
            .api
            .store
            .get(&Key::new(VOLUMES, "", claim.text("/spec/volumeName")))
            .is_none()
    };
    match claim.text("/status/phase") {
        _ if claim.is_terminating() => {}
        "Bound" if lost() => {
            let mut status = claim["status"].clone();
            status["phase"] = json!("Lost");
            claim.set_status(&status);
            let message = "Bound claim has lost its PersistentVolume. Data on the volume is lost!";
            claim.warning("ClaimLost", message);
        }
        "Bound" | "Lost" => {}
        "" => claim.set_status(&json!({"phase": "Pending"})),
        _ => {
            let is_placed = users.iter().any(|pod| !pod.text("/spec/nodeName").is_empty());
            if let Some(volume) = find(claim).or_else(|| provision(claim, is_placed)) {
                bind(claim, &volume);
            }
        }
    }
}

/// The smallest volume that is there and does.
fn find(claim: &Work) -> Option<Arc<Object>> {
    let size = |pointer: &str, object: &Value| milli(object.text(pointer)).unwrap_or(0);
    let wanted = size("/spec/resources/requests/storage", claim);
    let name = claim.text("/spec/volumeName");
    let mut volumes = claim.api.all(VOLUMES, None);
    volumes.retain(|volume| {
        let (spec, of) = (&volume["spec"], &volume["spec"]["claimRef"]);
        let is_mine = of["name"] == claim.name() && of["namespace"] == claim.namespace();
        (of.is_null() || is_mine && [&Value::Null, &claim["metadata"]["uid"]].contains(&&of["uid"]))
            && (name.is_empty() || name == volume.name())
            && spec.text("/storageClassName") == claim.text("/spec/storageClassName")
            && size("/spec/capacity/storage", volume) >= wanted
            && claim
                .list("/spec/accessModes")
                .iter()
                .all(|mode| spec.list("/accessModes").contains(mode))
    });
    volumes
        .into_iter()
        .min_by_key(|volume| size("/spec/capacity/storage", volume))
}

/// Makes a volume, if the claim's class says that this cluster does.
fn provision(claim: &Work, is_placed: bool) -> Option<Arc<Object>> {
    let name = claim.text("/spec/storageClassName");
    if name.is_empty() {
        let message = "no persistent volumes available for this claim and no storage class is set";
        claim.normal("FailedBinding", message);
        return None;
    }
    let Some(class) = claim.api.store.get(&Key::new(CLASSES, "", name)) else {
        let message = format!("storageclass.storage.k8s.io {name:?} not found");
        claim.warning("ProvisioningFailed", &message);
        return None;
    };
    let waits = class["volumeBindingMode"] == "WaitForFirstConsumer" && !is_placed;
    if waits && work::annotation(claim, "volume.kubernetes.io/selected-node").is_empty() {
        claim.normal(
            "WaitForFirstConsumer",
            "waiting for first consumer to be created before binding",
        );
        return None;
    }
    let (by, noted) = (
        class.text("/provisioner"),
        "volume.kubernetes.io/storage-provisioner",
    );
    if work::annotation(claim, noted) != by {
        let note = |claim: &mut Value| {
            work::annotate(claim, "volume.beta.kubernetes.io/storage-provisioner", by);
            work::annotate(claim, noted, by);
        };
        drop(claim.update(claim, note));
        return None;
    }
    if by != PROVISIONER {
        let message = format!(
            "Waiting for a volume to be created either by the external provisioner '{by}' or manually by the system \
             administrator. If volume creation is delayed, please verify that the provisioner is running and \
             correctly registered."
        );
        claim.normal("ExternalProvisioning", &message);
        return None;
    }
    let name = format!("pvc-{}", claim.uid());
    let annotations = json!({"pv.kubernetes.io/provisioned-by": by});
    let volume = json!({
        "metadata": {"name": name, "annotations": annotations, "finalizers": FINALIZERS},
        "spec": {
            "accessModes": claim["spec"]["accessModes"],
            "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
            "claimRef": refer(claim),
            "hostPath": {"path": format!("/simulated/{name}"), "type": ""},
            "persistentVolumeReclaimPolicy": class.get("reclaimPolicy").unwrap_or(&json!("Delete")),
            "storageClassName": class.name(),
            "volumeMode": claim["spec"].get("volumeMode").unwrap_or(&json!("Filesystem")),
        },
    });
    let made = claim.create(VOLUMES, volume).ok()?;
    claim.normal(
        "ProvisioningSucceeded",
        &format!("Successfully provisioned volume {name} using {by}"),
    );
    Some(made)
}

fn refer(claim: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name(),
        "uid": claim.uid(), "resourceVersion": claim["metadata"]["resourceVersion"],
    })
}

/// Binds a claim and a volume to each other.
fn bind(claim: &Work, volume: &Value) {
    let is_bound = volume["spec"]["claimRef"]["uid"] == claim.uid();
    drop(claim.update(volume, |volume| {
        work::annotate(volume, BY_US, "yes");
        if !is_bound {
            volume["spec"]["claimRef"] = refer(claim);
        }
    }));
    drop(claim.update(claim, |claim| {
        work::annotate(claim, "pv.kubernetes.io/bind-completed", "yes");
        if claim["spec"]["volumeName"].is_null() {
            work::annotate(claim, BY_US, "yes");
            claim["spec"]["volumeName"] = json!(volume.name());
        }
    }));
    let (modes, capacity) = (&volume["spec"]["accessModes"], &volume["spec"]["capacity"]);
    claim.set_status(&json!({"phase": "Bound", "accessModes": modes, "capacity": capacity}));
}

/// Follows what became of a volume's claim.
fn follow(volume: &Work) {
    let of = &volume["spec"]["claimRef"];
    let claim = volume
        .api
        .store
        .get(&Key::new(CLAIMS, of.text("/namespace"), of.text("/name")));
    let phase = match claim.filter(|claim| of["uid"].is_null() || of["uid"] == claim.uid()) {
        Some(claim) if claim["spec"]["volumeName"] == volume.name() => "Bound",
        None if of["uid"].is_string() => "Released",
        _ => "Available",
    };
    if phase != "Bound" && volume.is_terminating() {
        drop(volume.update(volume, |volume| volume["metadata"]["finalizers"] = json!([])));
    } else if phase == "Released" && volume["spec"]["persistentVolumeReclaimPolicy"] == "Delete" {
        volume.delete(volume, "");
    } else if volume["status"]["phase"] != phase {
        volume.set_status(&json!({"phase": phase, "lastPhaseTransitionTime": volume.now()}));
    }
}
