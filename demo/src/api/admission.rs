//! What the cluster adds to an object for reasons of its own, or refuses it for: service accounts, priorities,
//! tolerations, storage classes, addresses of services.

use std::{cmp::Reverse, collections::HashSet, iter::repeat_with, net::Ipv4Addr, sync::Arc};

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
            let others = api.all("services", None);
            let others: Vec<_> = others
                .iter()
                .filter(|other| other.uid() != object.uid())
                .collect();
            let given = give_addresses(api, object, before, &others);
            given.map_err(|cause| Failure::invalid(kind, object.name(), vec![cause]))?;
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
        for container in containers
            .into_iter()
            .flatten()
            .filter(|container| container.is_object())
        {
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
    let is_meant = |class: &&Arc<Object>| match name.as_str() {
        "" => class["globalDefault"] == true,
        name => class.name() == name,
    };
    let class = classes.iter().find(is_meant);
    let system = SYSTEM_PRIORITIES.iter().find(|(known, _)| *known == name);
    let priority = match (class, system) {
        (Some(class), _) => class["value"].as_i64().unwrap_or_default(),
        (None, Some((_, priority))) => *priority,
        (None, None) if name.is_empty() => 0,
        (None, None) => return Err(format!("no PriorityClass with name {name} was found")),
    };
    if let Some(own) = pod.number("/spec/priority").filter(|own| *own != priority) {
        return Err(format!(
            "the integer value of priority ({own}) must not be provided in pod spec; priority admission controller \
             computed {priority} from the given PriorityClass name"
        ));
    }
    let spec = map_at(pod, "spec");
    if let Some(class) = class {
        spec.insert("priorityClassName".into(), class.name().into());
    }
    spec.insert("priority".into(), priority.into());
    let preempts = class.and_then(|class| class["preemptionPolicy"].as_str());
    let preempts = preempts.unwrap_or("PreemptLowerPriority");
    spec.entry("preemptionPolicy").or_insert_with(|| preempts.into());
    Ok(())
}

/// The class of claims that name none: the youngest of those that say so.
fn default_class(api: &Api) -> Option<String> {
    let mut classes = api.all("storageclasses.storage.k8s.io", None);
    classes.retain(|class| class["metadata"]["annotations"][DEFAULT_CLASS] == "true");
    classes.sort_by_key(|class| Reverse(class.text("/metadata/creationTimestamp").to_owned()));
    classes.first().map(|class| class.name().to_owned())
}

/// Cluster IP and node ports: those that it has, those that it asks for, or free ones.
fn give_addresses(
    api: &Api,
    service: &mut Value,
    before: Option<&Value>,
    others: &[&Arc<Object>],
) -> std::result::Result<(), Cause> {
    let old = before.unwrap_or(&Value::Null);
    let sort = service.text("/spec/type").to_owned();
    // What came with a type goes with it.
    if !old.is_null() && old["spec"]["type"] != service["spec"]["type"] {
        let gone = match sort.as_str() {
            "ExternalName" => &BY_TYPE[..],
            "ClusterIP" => &BY_TYPE[..2],
            _ => &[],
        };
        let spec = map_at(service, "spec");
        gone.iter().for_each(|field| drop(spec.remove(*field)));
    }
    if sort != "ExternalName" {
        let asked = service.text("/spec/clusterIP");
        let ip = match (old.text("/spec/clusterIP"), asked) {
            ("", "") => free_address(api, others),
            (kept, "") => kept.to_owned(),
            ("", asked) => allowed_address(asked, others)?,
            (_, asked) => asked.to_owned(),
        };
        service["spec"]["clusterIP"] = ip.clone().into();
        service["spec"]["clusterIPs"] = json!([ip]);
    }
    let is_open = ["NodePort", "LoadBalancer"].contains(&sort.as_str())
        && service["spec"]["allocateLoadBalancerNodePorts"] != false;
    let port_of = |port: &Value| (port["nodePort"].as_u64(), port["protocol"].clone());
    let elsewhere = others.iter().flat_map(|other| other.list("/spec/ports"));
    let mut taken: HashSet<_> = elsewhere.map(port_of).collect();
    let ports = service.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
    for (number, port) in ports.into_iter().flatten().enumerate() {
        let mut same = old.list("/spec/ports").iter();
        let same = same.find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        let kept = same.and_then(|old| old.get("nodePort")).cloned();
        match port.get("nodePort") {
            // What was given it when it was open to the outside goes when it is not.
            Some(_) if !is_open && kept.as_ref() == port.get("nodePort") => {
                port.as_object_mut()
                    .into_iter()
                    .for_each(|port| drop(port.remove("nodePort")));
            }
            Some(own) if taken.contains(&port_of(port)) => {
                let path = format!("spec.ports[{number}].nodePort");
                return Err(Cause::invalid(&path, own, "provided port is already allocated"));
            }
            None if is_open => {
                let mut fresh = repeat_with(|| json!(NODE_PORTS.0 + api.pick(NODE_PORTS.1)));
                let free = fresh.find(|number| !taken.iter().any(|(taken, _)| *taken == number.as_u64()));
                port["nodePort"] = kept.or(free).unwrap_or_default();
                taken.insert(port_of(port));
            }
            _ => {}
        }
    }
    Ok(())
}

fn free_address(api: &Api, others: &[&Arc<Object>]) -> String {
    // The lowest are kept for what every cluster has.
    let mut all = repeat_with(|| {
        u16::try_from(api.pick(65_000) + 512)
            .unwrap_or(u16::MAX)
            .to_be_bytes()
    })
    .map(|[high, low]| format!("10.96.{high}.{low}"));
    let is_free = |ip: &String| others.iter().all(|other| other.text("/spec/clusterIP") != ip);
    all.find(is_free).unwrap_or_default()
}

fn allowed_address(ip: &str, others: &[&Arc<Object>]) -> std::result::Result<String, Cause> {
    let is_taken = others.iter().any(|other| other.text("/spec/clusterIP") == ip);
    let why = match ip.parse::<Ipv4Addr>().map(|address| address.octets()) {
        _ if ip == "None" => return Ok(ip.to_owned()),
        Ok([10, 96, ..]) if !is_taken => return Ok(ip.to_owned()),
        Ok([10, 96, ..]) => "provided IP is already allocated".to_owned(),
        Ok(_) => format!(
            "the provided IP ({ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16"
        ),
        Err(_) => {
            let why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
            return Err(Cause::invalid("spec.clusterIPs[0]", &ip.into(), why));
        }
    };
    let why = format!("failed to allocate IP {ip}: {why}");
    Err(Cause::invalid("spec.clusterIPs", &json!([ip]), &why))
}
