//! What stands in the cells of a Table that take a rule.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{columns::text, object::Meta as _, table::age};

/// How many of a list are shown.
const SHOWN: usize = 3;

/// A map of labels: `a=b,c=d`.
pub(crate) fn labels(map: Option<&Value>) -> String {
    let map = map.and_then(Value::as_object).into_iter().flatten();
    let all: BTreeSet<String> = map
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    or_none(all.into_iter().collect::<Vec<_>>().join(","))
}

/// A `LabelSelector` in the words of a query: `a=b,c in (x,y),!d`.
pub(crate) fn selector(selector: &Value) -> String {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let equal = equal.map(|(name, value)| {
        (
            name.as_str(),
            format!("{name}={}", value.as_str().unwrap_or_default()),
        )
    });
    let others = selector.list("/matchExpressions").iter().map(|rule| {
        let name = rule.text("/key");
        let values: BTreeSet<&str> = rule.list("/values").iter().filter_map(Value::as_str).collect();
        let values = values.into_iter().collect::<Vec<_>>().join(",");
        let words = match rule.text("/operator") {
            "In" => format!("{name} in ({values})"),
            "NotIn" => format!("{name} notin ({values})"),
            "DoesNotExist" => format!("!{name}"),
            _ => name.to_owned(),
        };
        (name, words)
    });
    let mut all: Vec<(&str, String)> = equal.chain(others).collect();
    all.sort_by_key(|(name, _)| *name);
    let words: Vec<String> = all.into_iter().map(|(_, words)| words).collect();
    or_none(words.join(","))
}

fn or_none(text: String) -> String {
    match text.is_empty() {
        true => "<none>".to_owned(),
        false => text,
    }
}

/// The texts at a path of all of these, with commas.
pub(crate) fn joined(list: &[Value], path: &str) -> String {
    let all: Vec<&str> = list.iter().map(|item| item.text(path)).collect();
    all.join(",")
}

/// The first of a list, and how many there are after them.
fn shortened(all: &[String], separator: &str, shown: usize) -> String {
    let first = all[..all.len().min(shown)].join(separator);
    match all.len() > shown {
        true => format!("{first} + {} more...", all.len() - shown),
        false => first,
    }
}

/// The status of the condition of this type, as `True`; empty if there is none.
fn condition<'a>(object: &'a Value, sort: &str) -> &'a str {
    let mut conditions = object.list("/status/conditions").iter();
    conditions
        .find(|condition| condition["type"] == sort)
        .map_or("", |condition| condition.text("/status"))
}

/// A pod: how many containers are ready, its status in a word, and its restarts.
pub(crate) fn pod(pod: &Value, now: Timestamp) -> Vec<Value> {
    let runs_on = |name: &str| {
        let mut containers = pod.list("/spec/initContainers").iter();
        containers.any(|container| container["name"] == name && container["restartPolicy"] == "Always")
    };
    let phase = pod.text("/status/phase");
    let mut word = match pod.text("/status/reason") {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let gated =
        |condition: &Value| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated";
    if pod.list("/status/conditions").iter().any(gated) {
        "SchedulingGated".clone_into(&mut word);
    }
    let starting = pod.list("/status/initContainerStatuses");
    let mut ready = 0;
    let mut is_starting = false;
    let mut seen = 0;
    for (place, status) in starting.iter().enumerate() {
        seen = place + 1;
        let ended = status.at("/state/terminated");
        if ended.is_some_and(|ended| ended["exitCode"] == 0) {
            continue;
        }
        if runs_on(status.text("/name")) && status["started"] == true {
            ready += usize::from(status["ready"] == true);
            continue;
        }
        word = match (ended, status.text("/state/waiting/reason")) {
            (Some(ended), _) => format!("Init:{}", end_of(ended)),
            (None, "" | "PodInitializing") => {
                format!("Init:{place}/{}", pod.list("/spec/initContainers").len())
            }
            (None, reason) => format!("Init:{reason}"),
        };
        is_starting = true;
        break;
    }
    let mut restarted: Vec<&Value> = starting[..seen].iter().collect();
    if !is_starting || condition(pod, "Initialized") == "True" {
        restarted.retain(|status| runs_on(status.text("/name")));
        let (mut running, mut failed) = (false, None);
        for status in pod.list("/status/containerStatuses").iter().rev() {
            restarted.push(status);
            let waiting = status.text("/state/waiting/reason");
            if !waiting.is_empty() {
                waiting.clone_into(&mut word);
            } else if let Some(ended) = status.at("/state/terminated") {
                word = end_of(ended);
                if ended["exitCode"] != 0 {
                    failed = Some(word.clone());
                }
            } else if status["ready"] == true && status.at("/state/running").is_some() {
                running = true;
                ready += 1;
            }
        }
        if word == "Completed" {
            word = match (running, failed) {
                (true, _) if condition(pod, "Ready") == "True" => "Running".to_owned(),
                (_, Some(failed)) => failed,
                (true, None) => "NotReady".to_owned(),
                (false, None) => word,
            };
        }
    }
    if pod.is_terminating() {
        if pod.text("/status/reason") == "NodeLost" {
            "Unknown".clone_into(&mut word);
        } else if !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut word);
        }
    }
    let sidecars = pod.list("/spec/initContainers").iter();
    let total = pod.list("/spec/containers").len()
        + sidecars
            .filter(|container| container["restartPolicy"] == "Always")
            .count();
    let restarts: i64 = restarted
        .iter()
        .filter_map(|status| status.number("/restartCount"))
        .sum();
    let ends = restarted
        .iter()
        .map(|status| status.text("/lastState/terminated/finishedAt"));
    let restarts = match ends.max().unwrap_or_default() {
        last if restarts > 0 && !last.is_empty() => format!("{restarts} ({} ago)", age(last, now)),
        _ => restarts.to_string(),
    };
    vec![json!(format!("{ready}/{total}")), json!(word), json!(restarts)]
}

/// How a container ended, in a word.
fn end_of(ended: &Value) -> String {
    match (ended.text("/reason"), ended.number("/signal").unwrap_or(0)) {
        ("", 0) => format!("ExitCode:{}", ended.number("/exitCode").unwrap_or(0)),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

/// How many of a pod's readiness gates are open.
pub(crate) fn readiness_gates(pod: &Value) -> String {
    let gates = pod.list("/spec/readinessGates");
    let open = gates
        .iter()
        .filter(|gate| condition(pod, gate.text("/conditionType")) == "True");
    match gates {
        [] => "<none>".to_owned(),
        gates => format!("{}/{}", open.count(), gates.len()),
    }
}

/// An Event, all its cells.
pub(crate) fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let since = |times: &[&str]| {
        let time = times
            .iter()
            .map(|path| event.text(path))
            .find(|time| !time.is_empty());
        age(time.unwrap_or_default(), now)
    };
    let series = event.get("series").filter(|series| series.is_object());
    let last = match series {
        Some(_) => since(&["/series/lastObservedTime"]),
        None => since(&["/lastTimestamp", "/firstTimestamp", "/eventTime"]),
    };
    let count = match series {
        Some(series) => series.number("/count").unwrap_or(0),
        None => event.number("/count").filter(|count| *count > 0).unwrap_or(1),
    };
    let first_of = |paths: [&str; 2]| {
        paths
            .map(|path| event.text(path))
            .into_iter()
            .find(|text| !text.is_empty())
    };
    let component = first_of(["/source/component", "/reportingComponent"]).unwrap_or_default();
    let source = match first_of(["/source/host", "/reportingInstance"]) {
        Some(host) => format!("{component}, {host}"),
        None => component.to_owned(),
    };
    let kind = event.text("/involvedObject/kind").to_lowercase();
    let about = match event.text("/involvedObject/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    vec![
        json!(last),
        json!(event.text("/type")),
        json!(event.text("/reason")),
        json!(about),
        json!(event.text("/involvedObject/fieldPath")),
        json!(source),
        json!(event.text("/message").trim()),
        json!(since(&["/firstTimestamp", "/eventTime"])),
        json!(count),
        json!(event.name()),
    ]
}

/// Whether a node is ready, and takes pods.
pub(crate) fn node_status(node: &Value) -> String {
    let ready = match condition(node, "Ready") {
        "" => "Unknown",
        "True" => "Ready",
        _ => "NotReady",
    };
    match node["spec"]["unschedulable"] == true {
        true => format!("{ready},SchedulingDisabled"),
        false => ready.to_owned(),
    }
}

/// The roles that a node's labels name.
pub(crate) fn node_roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: BTreeSet<&str> = labels
        .filter_map(
            |(name, value)| match name.strip_prefix("node-role.kubernetes.io/") {
                Some(role) => Some(role),
                None if name == "kubernetes.io/role" => value.as_str(),
                None => None,
            },
        )
        .filter(|role| !role.is_empty())
        .collect();
    or_none(roles.into_iter().collect::<Vec<_>>().join(","))
}

/// The first address of a type of a node.
pub(crate) fn node_address(node: &Value, sort: &str) -> String {
    let mut addresses = node.list("/status/addresses").iter();
    let address = addresses.find(|address| address["type"] == sort);
    address
        .map_or("<none>", |address| address.text("/address"))
        .to_owned()
}

/// The kernel of a node, and for which processors it is.
pub(crate) fn node_kernel(node: &Value) -> String {
    let kernel = text(node, "/status/nodeInfo/kernelVersion", "<unknown>");
    match node.text("/status/nodeInfo/architecture") {
        "" => kernel,
        architecture => format!("{kernel} ({architecture})"),
    }
}

/// The phase of a volume or claim.
pub(crate) fn phase(object: &Value) -> String {
    match object.is_terminating() {
        true => "Terminating".to_owned(),
        false => object.text("/status/phase").to_owned(),
    }
}

/// Access modes in short: `RWO,ROX`.
pub(crate) fn modes(modes: &[Value]) -> String {
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let known = short
        .iter()
        .filter(|(long, _)| modes.iter().any(|mode| mode == long));
    known.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

/// How much a claim has got.
pub(crate) fn claim_capacity(claim: &Value) -> String {
    match claim.text("/spec/volumeName") {
        "" => String::new(),
        _ => text(claim, "/status/capacity/storage", "0"),
    }
}

/// The access modes that a claim has got.
pub(crate) fn claim_modes(claim: &Value) -> String {
    match claim.text("/spec/volumeName") {
        "" => String::new(),
        _ => modes(claim.list("/status/accessModes")),
    }
}

/// The claim that a volume is bound to.
pub(crate) fn volume_claim(volume: &Value) -> String {
    match volume.at("/spec/claimRef") {
        Some(claim) => format!("{}/{}", claim.text("/namespace"), claim.text("/name")),
        None => String::new(),
    }
}

/// What a quota allows of requests and of limits: two cells.
pub(crate) fn quota(quota: &Value, _: Timestamp) -> Vec<Value> {
    let hard = quota.at("/status/hard").and_then(Value::as_object);
    let mut all: Vec<(&String, &Value)> = hard.into_iter().flatten().collect();
    all.sort_by_key(|(name, _)| *name);
    let cell = |limits: bool| {
        let own = all
            .iter()
            .filter(|(name, _)| name.starts_with("limits.") == limits);
        let words = own.map(|(name, hard)| {
            let used = quota["status"]["used"][name.as_str()].as_str().unwrap_or("0");
            format!("{name}: {used}/{}", hard.as_str().unwrap_or_default())
        });
        json!(words.collect::<Vec<_>>().join(", "))
    };
    vec![cell(false), cell(true)]
}

/// Under which addresses a Service is reached from outside.
pub(crate) fn external_ip(service: &Value) -> String {
    let own = service.list("/spec/externalIPs").iter().filter_map(Value::as_str);
    let own = own.collect::<Vec<_>>().join(",");
    match service.text("/spec/type") {
        "ClusterIP" | "NodePort" => or_none(own),
        "LoadBalancer" => match (balancers(service), own) {
            (balancers, own) if balancers.is_empty() && own.is_empty() => "<pending>".to_owned(),
            (balancers, own) if own.is_empty() => balancers,
            (balancers, own) if balancers.is_empty() => own,
            (balancers, own) => format!("{balancers},{own}"),
        },
        "ExternalName" => service.text("/spec/externalName").to_owned(),
        _ => "<unknown>".to_owned(),
    }
}

/// The addresses of an object's load balancers.
pub(crate) fn balancers(object: &Value) -> String {
    let all = object.list("/status/loadBalancer/ingress").iter();
    let all: BTreeSet<String> = all
        .map(|address| text(address, "/ip", address.text("/hostname")))
        .filter(|address| !address.is_empty())
        .collect();
    all.into_iter().collect::<Vec<_>>().join(",")
}

/// The ports of a Service: `80/TCP`, `80:30080/TCP`.
pub(crate) fn service_ports(service: &Value) -> String {
    let ports = service.list("/spec/ports").iter().map(|port| {
        let node = port.number("/nodePort").filter(|node| *node > 0);
        let node = node.map_or_else(String::new, |node| format!(":{node}"));
        format!(
            "{}{node}/{}",
            port.number("/port").unwrap_or(0),
            port.text("/protocol")
        )
    });
    or_none(ports.collect::<Vec<_>>().join(","))
}

/// The addresses and ports of Endpoints.
pub(crate) fn endpoints(endpoints: &Value) -> String {
    let all: Vec<String> = endpoints
        .list("/subsets")
        .iter()
        .flat_map(|subset| {
            let addresses = subset.list("/addresses");
            let ports = subset.list("/ports");
            let bare = addresses
                .iter()
                .filter(|_| ports.is_empty())
                .map(|address| address.text("/ip").to_owned());
            let with_ports = ports.iter().flat_map(|port| {
                let port = port.number("/port").unwrap_or(0);
                addresses.iter().map(move |address| match address.text("/ip") {
                    ip if ip.contains(':') => format!("[{ip}]:{port}"),
                    ip => format!("{ip}:{port}"),
                })
            });
            bare.chain(with_ports).collect::<Vec<_>>()
        })
        .collect();
    match endpoints.list("/subsets") {
        [] => "<none>".to_owned(),
        _ => shortened(&all, ",", SHOWN),
    }
}

/// The ports of an `EndpointSlice`.
pub(crate) fn slice_ports(slice: &Value) -> String {
    let ports = slice.list("/ports").iter();
    let all: Vec<String> = ports
        .map(|port| text(port, "/port", &text(port, "/name", "*")))
        .collect();
    or_unset(&all)
}

/// The addresses of an `EndpointSlice`.
pub(crate) fn slice_addresses(slice: &Value) -> String {
    let endpoints = slice.list("/endpoints").iter();
    let addresses = endpoints.flat_map(|endpoint| endpoint.list("/addresses"));
    let all: Vec<String> = addresses.filter_map(Value::as_str).map(str::to_owned).collect();
    or_unset(&all)
}

fn or_unset(all: &[String]) -> String {
    match all {
        [] => "<unset>".to_owned(),
        all => shortened(all, ",", SHOWN),
    }
}

/// The controller of a `ControllerRevision`, with its kind.
pub(crate) fn controller(revision: &Value) -> String {
    let Some(owner) = revision.controller() else {
        return "<none>".to_owned();
    };
    let kind = owner.text("/kind").to_lowercase();
    match owner.text("/apiVersion").split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{}", owner.text("/name")),
        None => format!("{kind}/{}", owner.text("/name")),
    }
}

/// Whether a `CronJob` rests.
pub(crate) fn suspended(job: &Value) -> String {
    let word = match job["spec"]["suspend"].as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    word.to_owned()
}

/// The state of a Job in a word.
pub(crate) fn job_status(job: &Value) -> String {
    let of = |sort: &&&str| condition(job, sort) == "True";
    let word = match ["Complete", "Failed"].iter().find(of) {
        Some(word) => word,
        None if job.is_terminating() => "Terminating",
        None => ["Suspended", "FailureTarget", "SuccessCriteriaMet"]
            .iter()
            .find(of)
            .unwrap_or(&"Running"),
    };
    word.to_owned()
}

/// How many pods of a Job have succeeded, of how many.
pub(crate) fn completions(job: &Value) -> String {
    let done = job.number("/status/succeeded").unwrap_or(0);
    match (
        job.number("/spec/completions"),
        job.number("/spec/parallelism").unwrap_or(0),
    ) {
        (Some(wanted), _) => format!("{done}/{wanted}"),
        (None, at_once) if at_once > 1 => format!("{done}/1 of {at_once}"),
        (None, _) => format!("{done}/1"),
    }
}

/// What an autoscaler scales.
pub(crate) fn scaled(scaler: &Value) -> String {
    let target = &scaler["spec"]["scaleTargetRef"];
    format!("{}/{}", target.text("/kind"), target.text("/name"))
}

/// What an autoscaler measures, and what it aims at: `cpu: 10%/80%`.
pub(crate) fn targets(scaler: &Value) -> String {
    let measured = scaler.list("/status/currentMetrics");
    let all: Vec<String> = scaler
        .list("/spec/metrics")
        .iter()
        .enumerate()
        .map(|(place, metric)| target(metric, measured.get(place).unwrap_or(&Value::Null)))
        .collect();
    match all.as_slice() {
        [] => "<none>".to_owned(),
        all => shortened(all, ", ", 2),
    }
}

fn target(metric: &Value, measured: &Value) -> String {
    let sort = metric.text("/type");
    let source = match sort {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".to_owned(),
    };
    let (wanted, current) = (&metric[source]["target"], &measured[source]["current"]);
    let average = text(wanted, "/averageValue", "");
    let of_resource = match metric[source].text("/name") {
        name if sort.ends_with("Resource") => format!("{name}: "),
        _ => String::new(),
    };
    if !average.is_empty() {
        let suffix = if matches!(sort, "External" | "Object") {
            " (avg)"
        } else {
            ""
        };
        let now = text(current, "/averageValue", "<unknown>");
        return format!("{of_resource}{now}/{average}{suffix}");
    }
    if of_resource.is_empty() {
        let now = text(current, "/value", "<unknown>");
        return format!("{now}/{}", text(wanted, "/value", "0"));
    }
    let percent = |of: &Value, missing: &str| match of.number("/averageUtilization") {
        Some(percent) => format!("{percent}%"),
        None => missing.to_owned(),
    };
    format!(
        "{of_resource}{}/{}",
        percent(current, "<unknown>"),
        percent(wanted, "<auto>")
    )
}

/// The hosts of an Ingress.
pub(crate) fn hosts(ingress: &Value) -> String {
    let rules = ingress.list("/spec/rules");
    let named = rules
        .iter()
        .map(|rule| rule.text("/host"))
        .filter(|host| !host.is_empty());
    let hosts: Vec<&str> = named.take(SHOWN).collect();
    match hosts.as_slice() {
        [] => "*".to_owned(),
        hosts if hosts.len() == SHOWN && rules.len() > SHOWN => {
            format!("{} + {} more...", hosts.join(","), rules.len() - SHOWN)
        }
        hosts => hosts.join(","),
    }
}

/// The ports of an Ingress.
pub(crate) fn ingress_ports(ingress: &Value) -> String {
    let ports = match ingress.list("/spec/tls") {
        [] => "80",
        _ => "80, 443",
    };
    ports.to_owned()
}

/// The name of a class, and whether it is the one that is taken where none is named.
pub(crate) fn default_name(class: &Value, annotation: &str) -> String {
    match class["metadata"]["annotations"][annotation] == "true" {
        true => format!("{} (default)", class.name()),
        false => class.name().to_owned(),
    }
}

/// The object that an `IngressClass` has its parameters from.
pub(crate) fn class_parameters(class: &Value) -> String {
    let Some(parameters) = class.at("/spec/parameters") else {
        return "<none>".to_owned();
    };
    let group = match parameters.text("/apiGroup") {
        "" => String::new(),
        group => format!(".{group}"),
    };
    format!("{}{group}/{}", parameters.text("/kind"), parameters.text("/name"))
}

/// The role that a binding gives.
pub(crate) fn role(binding: &Value) -> String {
    format!(
        "{}/{}",
        binding.text("/roleRef/kind"),
        binding.text("/roleRef/name")
    )
}

/// To whom a binding gives it: users, groups, service accounts.
pub(crate) fn subjects(binding: &Value, _: Timestamp) -> Vec<Value> {
    let of = |kind: &str| {
        let all = binding
            .list("/subjects")
            .iter()
            .filter(|subject| subject["kind"] == kind);
        let names = all.map(|subject| match kind {
            "ServiceAccount" => format!("{}/{}", subject.text("/namespace"), subject.text("/name")),
            _ => subject.text("/name").to_owned(),
        });
        json!(names.collect::<Vec<_>>().join(", "))
    };
    vec![of("User"), of("Group"), of("ServiceAccount")]
}

/// What all containers of a pod take, which is measured in one unit.
pub(crate) fn usage(pod: &Value, path: &str) -> String {
    let mut unit = "";
    let mut sum = 0;
    for container in pod.list("/containers") {
        let taken = container.text(path);
        let number = taken.trim_end_matches(|character: char| !character.is_ascii_digit());
        sum += number.parse::<u64>().unwrap_or(0);
        unit = if unit.is_empty() {
            &taken[number.len()..]
        } else {
            unit
        };
    }
    format!("{sum}{unit}")
}
