//! The cells of the built-in kinds, in the order of their columns in `data/kinds.json`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    cells,
    object::Meta as _,
    table::{age, human},
};

/// Where a cell comes from: a path, where that says it all.
#[derive(Debug)]
pub(crate) enum Cell {
    /// The name.
    Name,
    /// How old the object is.
    Age,
    /// A text or number, as text; what stands there if it is missing or empty.
    Text(&'static str, &'static str),
    /// A number; 0 if it is missing.
    Number(&'static str),
    /// A yes or no; no if it is missing.
    Flag(&'static str),
    /// How many entries there are in all of these.
    Count(&'static [&'static str]),
    /// Two numbers: `2/3`.
    Ratio(&'static str, &'static str),
    /// How long ago a time is, or `<none>`.
    Since(&'static str),
    /// A map of labels: `a=b,c=d`.
    Labels(&'static str),
    /// A `LabelSelector`.
    Selector(&'static str),
    /// The names and the images of containers: two cells.
    Containers(&'static str),
    /// A text that takes a rule.
    Rule(fn(&Value) -> String),
    /// Cells that take a rule together, and the time.
    Rules(fn(&Value, Timestamp) -> Vec<Value>),
}

impl Cell {
    /// Appends what stands there for an object.
    pub(crate) fn put(&self, object: &Value, now: Timestamp, row: &mut Vec<Value>) {
        let cell = match self {
            Cell::Name => json!(object.name()),
            Cell::Age => json!(age(object.text("/metadata/creationTimestamp"), now)),
            Cell::Text(path, missing) => json!(text(object, path, missing)),
            Cell::Number(path) => json!(object.number(path).unwrap_or(0)),
            Cell::Flag(path) => json!(object.at(path) == Some(&Value::Bool(true))),
            Cell::Count(paths) => json!(paths.iter().map(|path| length(object.at(path))).sum::<usize>()),
            Cell::Ratio(part, whole) => json!(format!(
                "{}/{}",
                object.number(part).unwrap_or(0),
                object.number(whole).unwrap_or(0)
            )),
            Cell::Since(path) => match object.text(path) {
                "" => json!("<none>"),
                then => json!(age(then, now)),
            },
            Cell::Labels(path) => json!(cells::labels(object.at(path))),
            Cell::Selector(path) => json!(cells::selector(object.at(path).unwrap_or(&Value::Null))),
            Cell::Containers(path) => {
                row.push(json!(cells::joined(object.list(path), "/name")));
                json!(cells::joined(object.list(path), "/image"))
            }
            Cell::Rule(rule) => json!(rule(object)),
            Cell::Rules(rules) => {
                row.extend(rules(object, now));
                return;
            }
        };
        row.push(cell);
    }
}

/// A text or number at a path, as text; what stands there if it is missing or empty.
pub(crate) fn text(object: &Value, path: &str, missing: &str) -> String {
    match object.at(path) {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => missing.to_owned(),
    }
}

fn length(value: Option<&Value>) -> usize {
    match value {
        Some(Value::Object(map)) => map.len(),
        Some(Value::Array(list)) => list.len(),
        _ => 0,
    }
}

use Cell::{Age, Containers, Count, Flag, Labels, Name, Number, Ratio, Rule, Rules, Selector, Since, Text};

const CONTAINERS: Cell = Containers("/spec/template/spec/containers");
const SELECTOR: Cell = Selector("/spec/selector");
const EVENT: &[Cell] = &[Rules(cells::event)];
const BINDING: &[Cell] = &[Name, Rule(cells::role), Age, Rules(cells::subjects)];

/// The cells of each kind that has rules of its own.
pub(crate) const CELLS: &[(&str, &[Cell])] = &[
    ("configmaps", &[Name, Count(&["/data", "/binaryData"]), Age]),
    ("endpoints", &[Name, Rule(cells::endpoints), Age]),
    ("events", EVENT),
    ("events.events.k8s.io", EVENT),
    ("namespaces", &[Name, Text("/status/phase", ""), Age]),
    (
        "nodes",
        &[
            Name,
            Rule(cells::node_status),
            Rule(cells::node_roles),
            Age,
            Text("/status/nodeInfo/kubeletVersion", ""),
            Rule(|node| cells::node_address(node, "InternalIP")),
            Rule(|node| cells::node_address(node, "ExternalIP")),
            Text("/status/nodeInfo/osImage", "<unknown>"),
            Rule(cells::node_kernel),
            Text("/status/nodeInfo/containerRuntimeVersion", "<unknown>"),
        ],
    ),
    (
        "persistentvolumeclaims",
        &[
            Name,
            Rule(cells::phase),
            Text("/spec/volumeName", ""),
            Rule(cells::claim_capacity),
            Rule(cells::claim_modes),
            Text("/spec/storageClassName", ""),
            Text("/spec/volumeAttributesClassName", "<unset>"),
            Age,
            Text("/spec/volumeMode", "<unset>"),
        ],
    ),
    (
        "persistentvolumes",
        &[
            Name,
            Text("/spec/capacity/storage", "0"),
            Rule(|volume| cells::modes(volume.list("/spec/accessModes"))),
            Text("/spec/persistentVolumeReclaimPolicy", ""),
            Rule(cells::phase),
            Rule(cells::volume_claim),
            Text("/spec/storageClassName", ""),
            Text("/spec/volumeAttributesClassName", "<unset>"),
            Text("/status/reason", ""),
            Age,
            Text("/spec/volumeMode", "<unset>"),
        ],
    ),
    (
        "pods",
        &[
            Name,
            Rules(cells::pod),
            Age,
            Text("/status/podIPs/0/ip", "<none>"),
            Text("/spec/nodeName", "<none>"),
            Text("/status/nominatedNodeName", "<none>"),
            Rule(cells::readiness_gates),
        ],
    ),
    (
        "replicationcontrollers",
        &[
            Name,
            Number("/spec/replicas"),
            Number("/status/replicas"),
            Number("/status/readyReplicas"),
            Age,
            CONTAINERS,
            Labels("/spec/selector"),
        ],
    ),
    ("resourcequotas", &[Name, Rules(cells::quota), Age]),
    ("secrets", &[Name, Text("/type", ""), Count(&["/data"]), Age]),
    (
        "services",
        &[
            Name,
            Text("/spec/type", ""),
            Text("/spec/clusterIPs/0", "<none>"),
            Rule(cells::external_ip),
            Rule(cells::service_ports),
            Age,
            Labels("/spec/selector"),
        ],
    ),
    (
        "controllerrevisions.apps",
        &[Name, Rule(cells::controller), Number("/revision"), Age],
    ),
    (
        "daemonsets.apps",
        &[
            Name,
            Number("/status/desiredNumberScheduled"),
            Number("/status/currentNumberScheduled"),
            Number("/status/numberReady"),
            Number("/status/updatedNumberScheduled"),
            Number("/status/numberAvailable"),
            Labels("/spec/template/spec/nodeSelector"),
            Age,
            CONTAINERS,
            SELECTOR,
        ],
    ),
    (
        "deployments.apps",
        &[
            Name,
            Ratio("/status/readyReplicas", "/spec/replicas"),
            Number("/status/updatedReplicas"),
            Number("/status/availableReplicas"),
            Age,
            CONTAINERS,
            SELECTOR,
        ],
    ),
    (
        "replicasets.apps",
        &[
            Name,
            Number("/spec/replicas"),
            Number("/status/replicas"),
            Number("/status/readyReplicas"),
            Age,
            CONTAINERS,
            SELECTOR,
        ],
    ),
    (
        "statefulsets.apps",
        &[
            Name,
            Ratio("/status/readyReplicas", "/spec/replicas"),
            Age,
            CONTAINERS,
        ],
    ),
    (
        "cronjobs.batch",
        &[
            Name,
            Text("/spec/schedule", ""),
            Text("/spec/timeZone", "<none>"),
            Rule(cells::suspended),
            Count(&["/status/active"]),
            Since("/status/lastScheduleTime"),
            Age,
            Containers("/spec/jobTemplate/spec/template/spec/containers"),
            Selector("/spec/jobTemplate/spec/selector"),
        ],
    ),
    (
        "jobs.batch",
        &[
            Name,
            Rule(cells::job_status),
            Rule(cells::completions),
            Rules(|job, now| vec![json!(job_duration(job, now))]),
            Age,
            CONTAINERS,
            SELECTOR,
        ],
    ),
    (
        "horizontalpodautoscalers.autoscaling",
        &[
            Name,
            Rule(cells::scaled),
            Rule(cells::targets),
            Text("/spec/minReplicas", "<unset>"),
            Number("/spec/maxReplicas"),
            Number("/status/currentReplicas"),
            Age,
        ],
    ),
    (
        "poddisruptionbudgets.policy",
        &[
            Name,
            Text("/spec/minAvailable", "N/A"),
            Text("/spec/maxUnavailable", "N/A"),
            Number("/status/disruptionsAllowed"),
            Age,
        ],
    ),
    (
        "ingresses.networking.k8s.io",
        &[
            Name,
            Text("/spec/ingressClassName", "<none>"),
            Rule(cells::hosts),
            Rule(cells::balancers),
            Rule(cells::ingress_ports),
            Age,
        ],
    ),
    (
        "ingressclasses.networking.k8s.io",
        &[
            Rule(|class| cells::default_name(class, "ingressclass.kubernetes.io/is-default-class")),
            Text("/spec/controller", ""),
            Rule(cells::class_parameters),
            Age,
        ],
    ),
    (
        "networkpolicies.networking.k8s.io",
        &[Name, Selector("/spec/podSelector"), Age],
    ),
    (
        "endpointslices.discovery.k8s.io",
        &[
            Name,
            Text("/addressType", ""),
            Rule(cells::slice_ports),
            Rule(cells::slice_addresses),
            Age,
        ],
    ),
    (
        "leases.coordination.k8s.io",
        &[Name, Text("/spec/holderIdentity", ""), Age],
    ),
    (
        "priorityclasses.scheduling.k8s.io",
        &[
            Name,
            Number("/value"),
            Flag("/globalDefault"),
            Age,
            Text("/preemptionPolicy", ""),
        ],
    ),
    (
        "storageclasses.storage.k8s.io",
        &[
            Rule(|class| cells::default_name(class, "storageclass.kubernetes.io/is-default-class")),
            Text("/provisioner", ""),
            Text("/reclaimPolicy", "Delete"),
            Text("/volumeBindingMode", "Immediate"),
            Flag("/allowVolumeExpansion"),
            Age,
        ],
    ),
    ("clusterrolebindings.rbac.authorization.k8s.io", BINDING),
    ("rolebindings.rbac.authorization.k8s.io", BINDING),
    (
        "nodes.metrics.k8s.io",
        &[
            Name,
            Text("/usage/cpu", "0"),
            Text("/usage/memory", "0"),
            Text("/window", ""),
        ],
    ),
    (
        "pods.metrics.k8s.io",
        &[
            Name,
            Rule(|pod| cells::usage(pod, "/usage/cpu")),
            Rule(|pod| cells::usage(pod, "/usage/memory")),
            Text("/window", ""),
        ],
    ),
];

/// How long a job has run, or ran.
fn job_duration(job: &Value, now: Timestamp) -> String {
    let Ok(start) = job.text("/status/startTime").parse::<Timestamp>() else {
        return String::new();
    };
    let end = job.text("/status/completionTime").parse().unwrap_or(now);
    human(end.duration_since(start))
}
