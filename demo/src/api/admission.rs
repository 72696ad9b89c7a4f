//! What the cluster adds to an object for reasons of its own, or refuses it for: service accounts, priorities,
//! tolerations, storage classes, addresses of services.

use std::{collections::HashSet, iter::repeat_with, net::Ipv4Addr, sync::Arc};

use serde_json::{Value, json};

use super::{
    defaults::part,
    kinds::Kind,
    object::{Meta as _, Object, map_at},
    server::Api,
    status::{Cause, Failure, Result},
    store::Key,
};

/// The taints that a pod bears for a while, if it says nothing else.
const PASSING: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
/// The first node port, and how many there are.
const NODE_PORTS: (u32, u32) = (30_000, 2768);
/// What a service has that is open to the outside.
const OF_OPEN: [&str; 2] = ["externalTrafficPolicy", "allocateLoadBalancerNodePorts"];

/// Lets an object in, new or in the place of the one that is there.
///
/// # Errors
/// 403 for what may not be, 422 for an address that cannot be had.
pub(crate) fn admit(api: &Api, kind: &Kind, object: &mut Value, before: Option<&Value>) -> Result<()> {
    let refuse = |object: &Value, why: &str| Failure::forbidden(kind, object.name(), why);
    match (kind.kind.as_str(), before) {
        ("Pod", None) => {
            give_account(api, object).map_err(|why| refuse(object, &why))?;
            give_tolerations(object);
            give_priority(api, object).map_err(|why| refuse(object, &why))?;
        }
        ("PersistentVolumeClaim", None) => {
            let spec = map_at(object, "spec");
            if let (Some(class), None) = (default_class(api), spec.get("storageClassName")) {
                spec.insert("storageClassName".into(), class.into());
            }
            push(
                object,
                "/metadata/finalizers",
                json!("kubernetes.io/pvc-protection"),
            );
        }
        ("PersistentVolume", None) => push(
            object,
            "/metadata/finalizers",
            json!("kubernetes.io/pv-protection"),
        ),
        ("Service", before) => {
            let mut others = api.all("services", None);
            others.retain(|other| other.uid() != object.uid());
            give_addresses(api, object, before, &others)
                .map_err(|cause| Failure::invalid(kind, object.name(), vec![cause]))?;
        }
        _ => {}
    }
    Ok(())
}

/// Adds an item to a list, made where there is none, if it is not there.
fn push(object: &mut Value, list: &str, item: Value) {
    let mut items = object.list(list).to_vec();
    if !items.contains(&item) {
        items.push(item);
        let (parent, key) = list.rsplit_once('/').unwrap_or_default();
        if let Some(parent) = object.pointer_mut(parent) {
            parent[key] = items.into();
        }
    }
}

/// The pod's service account, with its token where the pod does not refuse it.
fn give_account(api: &Api, pod: &mut Value) -> std::result::Result<(), String> {
    let name = Some(pod.text("/spec/serviceAccountName")).filter(|name| !name.is_empty());
    let (name, namespace) = (name.unwrap_or("default").to_owned(), pod.namespace().to_owned());
    let account = match api.store.get(&Key::new("serviceaccounts", &namespace, &name)) {
        Some(account) => account.value().clone(),
        // The account of every namespace comes a moment after it.
        None if name == "default" => Value::Null,
        None => {
            let why = format!("serviceaccount {name:?} not found");
            return Err(format!(
                "error looking up service account {namespace}/{name}: {why}"
            ));
        }
    };
    let spec = map_at(pod, "spec");
    spec.insert("serviceAccountName".into(), name.clone().into());
    spec.insert("serviceAccount".into(), name.into());
    if let (Some(secrets), None) = (account.get("imagePullSecrets"), spec.get("imagePullSecrets")) {
        spec.insert("imagePullSecrets".into(), secrets.clone());
    }
    let wish = spec.get("automountServiceAccountToken");
    if wish.or_else(|| account.get("automountServiceAccountToken")) == Some(&Value::Bool(false)) {
        return Ok(());
    }
    let (mut volume, mut mount) = (part("TokenVolume"), part("TokenMount"));
    volume["name"] = format!("kube-api-access-{}", api.suffix(5)).into();
    mount["name"] = volume["name"].clone();
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let mut mounts = container.list("/volumeMounts").iter();
            if mounts.all(|other| other["mountPath"] != mount["mountPath"]) {
                push(container, "/volumeMounts", mount.clone());
                mounted = true;
            }
        }
    }
    if mounted {
        push(pod, "/spec/volumes", volume);
    }
    Ok(())
}

/// A pod stays on a node that is gone for five minutes, if it says nothing else.
fn give_tolerations(pod: &mut Value) {
    let own = pod.list("/spec/tolerations").to_vec();
    for taint in PASSING {
        let covers = |one: &Value| {
            [taint, ""].contains(&one.text("/key")) && ["NoExecute", ""].contains(&one.text("/effect"))
        };
        if !own.iter().any(covers) {
            let mut toleration = part("PassingToleration");
            toleration["key"] = taint.into();
            push(pod, "/spec/tolerations", toleration);
        }
    }
}

/// The priority that the pod's class says.
fn give_priority(api: &Api, pod: &mut Value) -> std::result::Result<(), String> {
    let name = pod.text("/spec/priorityClassName").to_owned();
    let classes = api.all("priorityclasses.scheduling.k8s.io", None);
    let mut classes = classes.iter();
    let class = match name.as_str() {
        "" => classes.find(|class| class["globalDefault"] == true),
        name => classes.find(|class| class.name() == name),
    };
    let spec = map_at(pod, "spec");
    let (mut priority, mut preemption) = (0, "PreemptLowerPriority");
    match class {
        Some(class) => {
            spec.insert("priorityClassName".into(), class.name().into());
            priority = class.number("/value").unwrap_or_default();
            preemption = class["preemptionPolicy"].as_str().unwrap_or(preemption);
        }
        None if name.is_empty() => {}
        None => return Err(format!("no PriorityClass with name {name} was found")),
    }
    spec.insert("priority".into(), priority.into());
    spec.entry("preemptionPolicy")
        .or_insert_with(|| preemption.into());
    Ok(())
}

/// The class of claims that name none.
fn default_class(api: &Api) -> Option<String> {
    let classes = api.all("storageclasses.storage.k8s.io", None);
    let mut classes = classes.iter();
    let class = classes.find(|class| class["metadata"]["annotations"][DEFAULT_CLASS] == "true");
    class.map(|class| class.name().to_owned())
}

/// Cluster IP and node ports: those that it has, those that it asks for, or free ones.
fn give_addresses(
    api: &Api,
    service: &mut Value,
    before: Option<&Value>,
    others: &[Arc<Object>],
) -> std::result::Result<(), Cause> {
    let old = before.unwrap_or(&Value::Null);
    let sort = service.text("/spec/type").to_owned();
    if sort != "ExternalName" {
        let ip = match (old.text("/spec/clusterIP"), service.text("/spec/clusterIP")) {
            ("", "") => free_address(api, others),
            (kept, "") => kept.to_owned(),
            ("", asked) => allowed_address(asked, others)?,
            (_, asked) => asked.to_owned(),
        };
        service["spec"]["clusterIP"] = ip.clone().into();
        service["spec"]["clusterIPs"] = json!([ip]);
    }
    let is_open = matches!(&*sort, "NodePort" | "LoadBalancer");
    if !is_open {
        let spec = map_at(service, "spec");
        OF_OPEN.iter().for_each(|field| drop(spec.remove(*field)));
    }
    let elsewhere = others.iter().flat_map(|other| other.list("/spec/ports"));
    let mut taken: HashSet<_> = elsewhere.filter_map(|port| port["nodePort"].as_u64()).collect();
    let ports = service.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
    for (number, port) in ports.into_iter().flatten().enumerate() {
        let mut same = old.list("/spec/ports").iter();
        let same = same.find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        let kept = same.and_then(|old| old["nodePort"].as_u64());
        match port["nodePort"].as_u64() {
            // What was given it when it was open to the outside goes when it is not.
            own if !is_open && own == kept => {
                port.as_object_mut().and_then(|port| port.remove("nodePort"));
            }
            Some(own) if taken.contains(&own) => {
                let path = format!("spec.ports[{number}].nodePort");
                let why = "provided port is already allocated";
                return Err(Cause::invalid(&path, &own.into(), why));
            }
            None if is_open => {
                let mut fresh = repeat_with(|| u64::from(NODE_PORTS.0 + api.pick(NODE_PORTS.1)));
                let free = kept.or_else(|| fresh.find(|port| !taken.contains(port)));
                taken.extend(free);
                port["nodePort"] = json!(free);
            }
            _ => {}
        }
    }
    Ok(())
}

fn free_address(api: &Api, others: &[Arc<Object>]) -> String {
    // The lowest are kept for what every cluster has.
    let mut all = repeat_with(|| {
        let number = api.pick(65_000) + 512;
        format!("10.96.{}.{}", number >> 8, number & 0xff)
    });
    all.find(|ip| !is_taken(ip, others)).unwrap_or_default()
}

fn is_taken(ip: &str, others: &[Arc<Object>]) -> bool {
    others.iter().any(|other| other.text("/spec/clusterIP") == ip)
}

fn allowed_address(ip: &str, others: &[Arc<Object>]) -> std::result::Result<String, Cause> {
    let why = match ip.parse::<Ipv4Addr>().map(|address| address.octets()) {
        _ if ip == "None" => return Ok(ip.to_owned()),
        Ok([10, 96, ..]) if is_taken(ip, others) => "provided IP is already allocated".to_owned(),
        Ok([10, 96, ..]) => return Ok(ip.to_owned()),
        _ => format!(
            "the provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
        ),
    };
    let why = format!("failed to allocate IP {ip}: {why}");
    Err(Cause::invalid("spec.clusterIPs", &json!([ip]), &why))
}
