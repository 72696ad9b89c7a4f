//! `resources.facts`.

mod node;
mod revision;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::pod_spec::{Pod, items};
use crate::{
    Record,
    call::{Cx, KindRef, Result},
    operation,
    operations::{builtin, locate, unread::Unread},
    output::{
        self,
        size::{age, short_age},
    },
};

/// What is worth knowing of an object and does not stand in it as such; what does not apply to its kind is left out.
#[derive(Debug, Default, Serialize, Record)]
pub struct ObjectFacts {
    /// The last change of it that was not a status, where it has no owner that writes it: `how` (applied, changed,
    /// scaled), `manager`, `age`.
    pub applied: Option<Applied>,
    /// The images of its pods: `container`, `image`, and `before`, that of a deployment's former revision where it
    /// was another: its tag or digest, or the whole where more differs.
    pub images: Vec<Image>,
    /// The keys of a ConfigMap or Secret: `name`, `bytes`.
    pub keys: Vec<Key>,
    /// What the pods of a node ask for, of what it has: `pods`, `cpu` and `memory` e.g. `1.9 of 4 (48%)`.
    pub requests: Option<node::Requests>,
}

/// Who changed an object last.
#[derive(Debug, Serialize)]
pub struct Applied {
    how: &'static str,
    manager: String,
    age: String,
}

/// A container's image.
#[derive(Debug, Serialize)]
pub struct Image {
    container: String,
    image: String,
    before: Option<String>,
}

/// A key of a ConfigMap or Secret.
#[derive(Debug, Serialize)]
pub struct Key {
    name: String,
    bytes: usize,
}

/// What does not stand in an object as such: who changed it last, its images and those before, the size of its
/// values, what is asked of a node.
#[operation("resources.facts", read, needs("get $kind"))]
pub async fn facts(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<output::Record<ObjectFacts>> {
    let found = locate::object(cx, "resources.facts", &kind, &name, namespace.as_deref()).await?;
    let object = &found.object;
    let mut facts = ObjectFacts {
        applied: applied(object, Timestamp::now()),
        images: images(object),
        ..ObjectFacts::default()
    };
    let mut unread = Unread::default();
    match (found.resource.group.as_str(), found.resource.kind.as_str()) {
        ("", "ConfigMap" | "Secret") => facts.keys = keys(object, &found.resource.kind),
        ("apps", "Deployment") => match revision::before(cx, &found).await {
            Ok(Some(former)) => revision::compare(&mut facts.images, &images(&former)),
            Ok(None) => {}
            Err(error) => unread.add(&builtin::replica_sets(), &error),
        },
        ("", "Node") => match node::requests(cx, object, &name).await {
            Ok(requests) => facts.requests = Some(requests),
            Err(error) => unread.add(&builtin::pods(), &error),
        },
        _ => {}
    }
    Ok(output::Record {
        notes: found.note.into_iter().chain(unread.into_notes()).collect(),
        ..output::Record::new(format!("Facts of {} {name}", found.resource.kind), facts)
    })
}

/// The newest change of an object that is not a status; none if a controller that owns it makes them.
fn applied(object: &Value, now: Timestamp) -> Option<Applied> {
    if super::owners::controller(object).is_some() {
        return None;
    }
    let (time, entry) = items(&object["metadata"]["managedFields"])
        .filter(|entry| entry["subresource"] != "status")
        .filter_map(|entry| Some((entry["time"].as_str()?.parse::<Timestamp>().ok()?, entry)))
        .max_by_key(|(time, _)| *time)?;
    let manager = entry["manager"].as_str()?;
    let how = if entry["subresource"] == "scale" {
        "scaled"
    } else if entry["operation"] == "Apply" || manager.ends_with("-apply") {
        "applied"
    } else {
        "changed"
    };
    Some(Applied {
        how,
        manager: manager.to_owned(),
        age: short_age(age(time, now)),
    })
}

fn images(object: &Value) -> Vec<Image> {
    let containers = Pod::of(object)
        .into_iter()
        .flat_map(|pod| items(&pod.spec["containers"]));
    let image = |container: &Value| {
        Some(Image {
            container: container["name"].as_str()?.to_owned(),
            image: container["image"].as_str()?.to_owned(),
            before: None,
        })
    };
    containers.filter_map(image).collect()
}

/// The keys with the sizes of their values, which stay hidden.
fn keys(object: &Value, kind: &str) -> Vec<Key> {
    let decoded = |value: &str| {
        BASE64_STANDARD
            .decode(value)
            .map_or(value.len(), |bytes| bytes.len())
    };
    ["data", "binaryData"]
        .into_iter()
        .filter_map(|field| Some((field, object[field].as_object()?)))
        .flat_map(|(field, map)| map.iter().map(move |(name, value)| (field, name, value)))
        .map(|(field, name, value)| {
            let value = value.as_str().unwrap_or_default();
            let is_coded = kind == "Secret" || field == "binaryData";
            Key {
                name: name.clone(),
                bytes: if is_coded { decoded(value) } else { value.len() },
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_last_change_is_no_status_and_no_owners() {
        let mut object = json!({"metadata": {"managedFields": [
            {"manager": "argocd-controller", "operation": "Apply", "time": "2026-11-23T13:09:00Z"},
            {"manager": "kubectl-client-side-apply", "operation": "Update", "time": "2026-11-20T13:09:00Z"},
            {"manager": "kube-controller-manager", "operation": "Update", "subresource": "status", "time": "2026-11-23T13:50:00Z"},
        ]}});
        let now = "2026-11-23T14:00:00Z".parse().unwrap();
        let Applied { how, manager, age } = applied(&object, now).unwrap();
        assert_eq!(
            (how, manager.as_str(), age.as_str()),
            ("applied", "argocd-controller", "51m")
        );
        object["metadata"]["ownerReferences"] =
            json!([{"kind": "ReplicaSet", "name": "a", "controller": true}]);
        assert!(applied(&object, now).is_none());
    }

    #[test]
    fn sizes_of_secrets_are_those_of_what_is_coded() {
        let secret = json!({"data": {"password": "aHVudGVyMg=="}});
        assert_eq!(keys(&secret, "Secret")[0].bytes, 7);
        let map = json!({"data": {"password": "aHVudGVyMg=="}, "binaryData": {"logo": "aHVudGVyMg=="}});
        let sizes: Vec<usize> = keys(&map, "ConfigMap").iter().map(|key| key.bytes).collect();
        assert_eq!(sizes, [12, 7]);
    }
}
