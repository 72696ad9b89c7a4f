//! What an object names, told by its kind.

use serde_json::Value;

use crate::{
    call::KindRef,
    cluster::Resource,
    operations::{
        builtin,
        locate::Found,
        resources::{
            pod_spec::{Needed, Pod, items},
            routes::{self, Backends},
        },
    },
};

/// Claims of a stateful set that are looked for, of each template.
const REPLICAS: u64 = 20;
/// Every pod has it where it has no other.
const DEFAULT_ACCOUNT: &str = "default";

/// Something that an object names.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) kind: Kind,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) detail: String,
    /// Whether it may be missing.
    pub(super) optional: bool,
}

/// Its kind.
#[derive(Debug)]
pub(super) enum Kind {
    /// One that every cluster serves.
    Known(Resource),
    /// As the object says it.
    Said(KindRef),
    /// No object is behind the name: users and groups.
    Subject(String),
}

impl Named {
    fn new(kind: Resource, namespace: Option<&str>, name: &str) -> Self {
        Self {
            namespace: namespace.filter(|_| kind.namespaced).map(str::to_owned),
            kind: Kind::Known(kind),
            name: name.to_owned(),
            detail: String::new(),
            optional: false,
        }
    }

    fn with(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }
}

/// What an object names.
pub(super) fn by(found: &Found) -> Vec<Named> {
    let (object, namespace) = (&found.object, found.namespace());
    let spec = &object["spec"];
    let one = |kind: Resource, name: &Value| name.as_str().map(|name| Named::new(kind, namespace, name));
    match (found.resource.group.as_str(), found.resource.kind.as_str()) {
        ("networking.k8s.io", "Ingress") => {
            let secrets = items(&spec["tls"])
                .filter_map(|tls| Some(one(builtin::secrets(), &tls["secretName"])?.with("TLS")));
            let class = one(builtin::ingress_classes(), &spec["ingressClassName"]);
            services(&routes::of_ingress(object), namespace)
                .chain(secrets)
                .chain(class)
                .collect()
        }
        _ if routes::is_http_route(&found.resource) => {
            services(&routes::of_http_route(object), namespace).collect()
        }
        ("autoscaling", "HorizontalPodAutoscaler") => {
            target(&spec["scaleTargetRef"], namespace).into_iter().collect()
        }
        ("", "PersistentVolumeClaim") => {
            let volume = one(builtin::volumes(), &spec["volumeName"]);
            let class = class(spec, volume.is_some());
            volume.into_iter().chain(class).collect()
        }
        ("", "PersistentVolume") => {
            let claim = &spec["claimRef"];
            let bound = claim["name"]
                .as_str()
                .map(|name| Named::new(builtin::claims(), claim["namespace"].as_str(), name));
            bound.into_iter().chain(class(spec, true)).collect()
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => binding(object, namespace),
        ("", "ServiceAccount") => items(&object["imagePullSecrets"])
            .filter_map(|secret| Some(one(builtin::secrets(), &secret["name"])?.with("image pull")))
            .collect(),
        ("apps", "StatefulSet") => pod(object, namespace)
            .chain(one(builtin::services(), &spec["serviceName"]).filter(|service| !service.name.is_empty()))
            .chain(claims(object, namespace))
            .collect(),
        _ => pod(object, namespace).collect(),
    }
}

/// The class of a claim or volume. Once there is a volume its class need not exist: it may be a mere name by which
/// the two found each other.
fn class(spec: &Value, bound: bool) -> Option<Named> {
    let name = spec["storageClassName"]
        .as_str()
        .filter(|name| !name.is_empty())?;
    Some(Named {
        optional: bound,
        ..Named::new(builtin::storage_classes(), None, name)
    })
}

/// What a pod, or those that are made of a template, cannot do without.
fn pod<'a>(object: &'a Value, namespace: Option<&'a str>) -> impl Iterator<Item = Named> + 'a {
    let references = Pod::of(object).map(Pod::references).unwrap_or_default();
    references
        .into_iter()
        .filter(|named| named.kind != Needed::Account || named.name != DEFAULT_ACCOUNT)
        .map(move |named| Named {
            optional: named.optional,
            // That it is a volume or in the environment says little here; this is easily overlooked.
            detail: named
                .ways
                .into_iter()
                .filter(|way| *way == "image pull")
                .collect(),
            ..Named::new(named.kind.resource(), namespace, &named.name)
        })
}

/// The claims that the controller makes for a stateful set's pods.
fn claims<'a>(set: &'a Value, namespace: Option<&'a str>) -> impl Iterator<Item = Named> + 'a {
    let spec = &set["spec"];
    let first = spec["ordinals"]["start"].as_u64().unwrap_or(0);
    let replicas = spec["replicas"].as_u64().unwrap_or(1).min(REPLICAS);
    let set_name = set["metadata"]["name"].as_str().unwrap_or_default();
    items(&spec["volumeClaimTemplates"])
        .filter_map(|template| template["metadata"]["name"].as_str())
        .flat_map(move |template| {
            (first..first.saturating_add(replicas)).map(move |ordinal| {
                let name = format!("{template}-{set_name}-{ordinal}");
                Named::new(builtin::claims(), namespace, &name)
            })
        })
}

fn services<'a>(backends: &'a Backends, namespace: Option<&'a str>) -> std::vec::IntoIter<Named> {
    let named: Vec<Named> = backends
        .iter()
        .map(|((elsewhere, name), paths)| {
            let namespace = elsewhere.as_deref().or(namespace);
            Named::new(builtin::services(), namespace, name).with(routes::words(paths))
        })
        .collect();
    named.into_iter()
}

/// What an autoscaler scales.
fn target(reference: &Value, namespace: Option<&str>) -> Option<Named> {
    let kind = reference["kind"].as_str()?;
    let said = match reference["apiVersion"].as_str() {
        Some(version) => format!("{version}/{kind}"),
        None => kind.to_owned(),
    };
    Some(Named {
        kind: Kind::Said(KindRef(said)),
        namespace: namespace.map(str::to_owned),
        name: reference["name"].as_str()?.to_owned(),
        detail: String::new(),
        optional: false,
    })
}

/// A binding's role and subjects.
fn binding(binding: &Value, namespace: Option<&str>) -> Vec<Named> {
    let role = &binding["roleRef"];
    let resource = if role["kind"] == "Role" {
        builtin::roles()
    } else {
        builtin::cluster_roles()
    };
    let role = role["name"]
        .as_str()
        .map(|name| Named::new(resource, namespace, name));
    let subjects = items(&binding["subjects"]).filter_map(|subject| {
        let (kind, name) = (subject["kind"].as_str()?, subject["name"].as_str()?);
        Some(if kind == "ServiceAccount" {
            let namespace = subject["namespace"].as_str().or(namespace);
            Named::new(builtin::service_accounts(), namespace, name)
        } else {
            Named {
                kind: Kind::Subject(kind.to_owned()),
                namespace: None,
                name: name.to_owned(),
                detail: String::new(),
                optional: false,
            }
        })
    });
    role.into_iter().chain(subjects).collect()
}
