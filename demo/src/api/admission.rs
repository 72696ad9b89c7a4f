//! What the cluster adds to an object for reasons of its own, or refuses it for: service accounts, priorities,
//! tolerations, storage classes, addresses of services.

use std::{collections::BTreeSet, net::Ipv4Addr};

use serde_json::{Value, json};

use super::{
    kinds::Kind,
    object::{Meta as _, map_at},
    server::Api,
    status::{Cause, Failure, Result},
    store::Key,
};

/// Where a container finds the token of its pod's account.
const TOKEN_FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The taints that a pod bears for a while, if it says nothing else.
const PASSING: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// The classes that every cluster has.
const SYSTEM_PRIORITIES: [(&str, i64); 2] = [
    ("system-cluster-critical", 2_000_000_000),
    ("system-node-critical", 2_000_001_000),
];
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// The first node port, and how many there are.
const NODE_PORTS: (u32, u32) = (30_000, 2768);

/// What a service has by its type: to the outside, and for having an address at all.
const BY_TYPE: [&str; 7] = [
    "externalTrafficPolicy",
    "allocateLoadBalancerNodePorts",
    "clusterIP",
    "clusterIPs",
    "internalTrafficPolicy",
    "ipFamilies",
    "ipFamilyPolicy",
];

/// Lets an object in, new or in the place of the one that is there.
///
/// # Errors
/// 403 for what may not be, 422 for an address that cannot be had.
pub(crate) fn admit(api: &Api, kind: &Kind, object: &mut Value, before: Option<&Value>) -> Result<()> {
    match (kind.kind.as_str(), before) {
        ("Pod", None) => {
            give_account(api, kind, object)?;
            give_tolerations(object);
            give_priority(api, kind, object)
        }
        ("PersistentVolumeClaim", None) => {
            if object["spec"].get("storageClassName").is_none()
                && let Some(class) = default_class(api)
            {
                object["spec"]["storageClassName"] = class.into();
            }
            add_finalizer(object, "kubernetes.io/pvc-protection");
            Ok(())
        }
        ("PersistentVolume", None) => {
            add_finalizer(object, "kubernetes.io/pv-protection");
            Ok(())
        }
        ("Service", before) => give_addresses(api, kind, object, before),
        _ => Ok(()),
    }
}

/// Whether something is added to new objects of this kind.
pub(crate) fn adds(kind: &Kind) -> bool {
    matches!(
        kind.kind.as_str(),
        "Pod" | "PersistentVolumeClaim" | "PersistentVolume" | "Service"
    )
}

fn add_finalizer(object: &mut Value, finalizer: &str) {
    let mut finalizers = object.list("/metadata/finalizers").to_vec();
    if !finalizers.contains(&json!(finalizer)) {
        finalizers.push(json!(finalizer));
        object["metadata"]["finalizers"] = finalizers.into();
    }
}

/// The pod's service account, with its token where the pod does not refuse it.
fn give_account(api: &Api, kind: &Kind, pod: &mut Value) -> Result<()> {
    let name = match pod.text("/spec/serviceAccountName") {
        "" => "default".to_owned(),
        name => name.to_owned(),
    };
    let account = api
        .store
        .get(&Key::new("serviceaccounts", pod.namespace(), &name));
    // The account of every namespace comes a moment after it.
    if account.is_none() && name != "default" {
        let (pod, namespace) = (pod.name(), pod.namespace());
        let why =
            format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
        return Err(Failure::forbidden(kind, pod, &why));
    }
    let account = account
        .as_deref()
        .map(|account| account.value().clone())
        .unwrap_or_default();
    let spec = map_at(pod, "spec");
    spec.insert("serviceAccountName".into(), name.clone().into());
    spec.insert("serviceAccount".into(), name.into());
    if !spec.contains_key("imagePullSecrets")
        && let Some(secrets) = account.get("imagePullSecrets")
    {
        spec.insert("imagePullSecrets".into(), secrets.clone());
    }
    let wish = spec
        .get("automountServiceAccountToken")
        .or_else(|| account.get("automountServiceAccountToken"));
    if wish == Some(&Value::Bool(false)) {
        return Ok(());
    }
    let volume = format!("kube-api-access-{}", api.suffix(5));
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers
            .into_iter()
            .flatten()
            .filter(|container| container.is_object())
        {
            let mut mounts = container.list("/volumeMounts").to_vec();
            if mounts.iter().all(|mount| mount["mountPath"] != TOKEN_FOLDER) {
                mounts.push(json!({"name": volume, "readOnly": true, "mountPath": TOKEN_FOLDER}));
                container["volumeMounts"] = mounts.into();
                mounted = true;
            }
        }
    }
    if mounted {
        let mut volumes = pod.list("/spec/volumes").to_vec();
        volumes.push(json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [
                {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
            ]}},
        ]}}));
        pod["spec"]["volumes"] = volumes.into();
    }
    Ok(())
}

/// A pod stays on a node that is gone for five minutes, if it says nothing else.
fn give_tolerations(pod: &mut Value) {
    let mut tolerations = pod.list("/spec/tolerations").to_vec();
    let own = tolerations.len();
    for taint in PASSING {
        let covered = tolerations[..own].iter().any(|one| {
            [taint, ""].contains(&one.text("/key")) && ["NoExecute", ""].contains(&one.text("/effect"))
        });
        if !covered {
            tolerations.push(
                json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
    pod["spec"]["tolerations"] = tolerations.into();
}

/// The priority that the pod's class says.
fn give_priority(api: &Api, kind: &Kind, pod: &mut Value) -> Result<()> {
    let name = pod.text("/spec/priorityClassName");
    let classes = api.all("priorityclasses.scheduling.k8s.io", None);
    let class = classes.iter().find(|class| match name {
        "" => class["globalDefault"] == true,
        name => class.name() == name,
    });
    let system = SYSTEM_PRIORITIES.iter().find(|(known, _)| *known == name);
    let priority = match (class, system) {
        (Some(class), _) => class["value"].as_i64().unwrap_or_default(),
        (None, Some((_, priority))) => *priority,
        (None, None) if name.is_empty() => 0,
        (None, None) => {
            let why = format!("no PriorityClass with name {name} was found");
            return Err(Failure::forbidden(kind, pod.name(), &why));
        }
    };
    if let Some(own) = pod.number("/spec/priority").filter(|own| *own != priority) {
        let why = format!(
            "the integer value of priority ({own}) must not be provided in pod spec; priority admission controller \
             computed {priority} from the given PriorityClass name"
        );
        return Err(Failure::forbidden(kind, pod.name(), &why));
    }
    let spec = map_at(pod, "spec");
    if let Some(class) = class {
        spec.insert("priorityClassName".into(), class.name().into());
    }
    spec.insert("priority".into(), priority.into());
    let preempts = class.and_then(|class| class["preemptionPolicy"].as_str());
    spec.entry("preemptionPolicy")
        .or_insert_with(|| preempts.unwrap_or("PreemptLowerPriority").into());
    Ok(())
}

/// The class of claims that name none: the youngest of those that say so.
fn default_class(api: &Api) -> Option<String> {
    let classes = api.all("storageclasses.storage.k8s.io", None);
    let wanted = classes
        .iter()
        .filter(|class| class["metadata"]["annotations"][DEFAULT_CLASS] == "true");
    let youngest = wanted.max_by_key(|class| {
        (
            class.text("/metadata/creationTimestamp").to_owned(),
            std::cmp::Reverse(class.name().to_owned()),
        )
    });
    youngest.map(|class| class.name().to_owned())
}

/// Cluster IP and node ports: those that it has, those that it asks for, or free ones.
fn give_addresses(api: &Api, kind: &Kind, service: &mut Value, before: Option<&Value>) -> Result<()> {
    let name = service.name().to_owned();
    let refuse = |field: String, message: String| {
        let cause = Cause {
            reason: "FieldValueInvalid",
            message,
            field,
        };
        Err(Failure::invalid(kind, &name, vec![cause]))
    };
    // What came with a type goes with it.
    let sort = service.text("/spec/type").to_owned();
    if before.is_some_and(|before| before.text("/spec/type") != sort) {
        let spec = map_at(service, "spec");
        let gone: &[&str] = match sort.as_str() {
            "ExternalName" => &BY_TYPE,
            "ClusterIP" => &BY_TYPE[..2],
            _ => &[],
        };
        gone.iter().for_each(|field| drop(spec.remove(*field)));
    }
    let others = api.all("services", None);
    let uid = service.uid().to_owned();
    let others = || others.iter().filter(|other| other.uid() != uid);
    if sort == "ExternalName" {
        // It has no address.
    } else if service.text("/spec/clusterIP").is_empty() {
        let kept = before
            .map(|before| before.text("/spec/clusterIP"))
            .unwrap_or_default();
        let taken: BTreeSet<&str> = others().map(|other| other.text("/spec/clusterIP")).collect();
        let ip = match kept {
            "" => std::iter::repeat_with(|| api.pick(65_023))
                .map(|number| format!("10.96.{}.{}", (number + 511) / 256, (number + 511) % 256))
                .find(|ip| !taken.contains(ip.as_str()))
                .unwrap_or_default(),
            kept => kept.to_owned(),
        };
        service["spec"]["clusterIP"] = ip.into();
    } else if before.is_none_or(|before| before.text("/spec/clusterIP").is_empty()) {
        let ip = service.text("/spec/clusterIP");
        let taken = || others().any(|other| other.text("/spec/clusterIP") == ip);
        let why = match ip.parse::<Ipv4Addr>().map(|address| address.octets()) {
            _ if ip == "None" => None,
            Ok([10, 96, ..]) => taken().then(|| "provided IP is already allocated".to_owned()),
            Ok(_) => Some(format!(
                "the provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
            )),
            Err(_) => {
                let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                return refuse(
                    "spec.clusterIPs[0]".into(),
                    format!("Invalid value: {ip:?}: {why}"),
                );
            }
        };
        if let Some(why) = why {
            let told = format!("Invalid value: [\"{ip}\"]: failed to allocate IP {ip}: {why}");
            return refuse("spec.clusterIPs".into(), told);
        }
    }
    if !service.text("/spec/clusterIP").is_empty() {
        service["spec"]["clusterIPs"] = json!([service["spec"]["clusterIP"]]);
    }
    let open = matches!(sort.as_str(), "NodePort" | "LoadBalancer")
        && service["spec"]["allocateLoadBalancerNodePorts"] != false;
    let in_use = others()
        .flat_map(|other| other.list("/spec/ports"))
        .chain(service.list("/spec/ports"));
    let mut taken: BTreeSet<u32> = in_use
        .filter_map(|port| u32::try_from(port["nodePort"].as_u64()?).ok())
        .collect();
    let mut ports = service.list("/spec/ports").to_vec();
    for (number, port) in ports.iter_mut().enumerate().filter(|(_, port)| port.is_object()) {
        let old = before
            .map(|before| before.list("/spec/ports"))
            .unwrap_or_default();
        let old = old
            .iter()
            .find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        let old = old.and_then(|old| old.get("nodePort"));
        match port.get("nodePort") {
            // What was given it when it was open to the outside goes when it is not.
            Some(own) if !open && old == Some(own) => {
                drop(port.as_object_mut().map(|port| port.remove("nodePort")))
            }
            Some(own) if old != Some(own) => {
                let same = |other: &Value| other["nodePort"] == *own && other["protocol"] == port["protocol"];
                if others().flat_map(|other| other.list("/spec/ports")).any(same) {
                    let told = format!("Invalid value: {own}: provided port is already allocated");
                    return refuse(format!("spec.ports[{number}].nodePort"), told);
                }
            }
            None if open => {
                let fresh = || std::iter::repeat_with(|| NODE_PORTS.0 + api.pick(NODE_PORTS.1));
                let own = old
                    .cloned()
                    .or_else(|| fresh().find(|port| taken.insert(*port)).map(Value::from));
                port["nodePort"] = own.unwrap_or_default();
            }
            _ => {}
        }
    }
    if !ports.is_empty() {
        service["spec"]["ports"] = ports.into();
    }
    Ok(())
}
