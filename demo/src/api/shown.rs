//! How values are shown in the cells of a Table.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    object::Meta as _,
    table::{age, human},
};

/// Shows the values that a path found; `None` if there is nothing to show.
pub(crate) type Show = fn(&[&Value], Timestamp) -> Option<String>;

/// The way of this name.
pub(crate) fn how(name: &str) -> Show {
    match name {
        "" => |values, _| all(values, ","),
        "listed" => |values, _| all(values, ", "),
        "first" => |values, _| all(values.get(..1)?, ""),
        "few" => |values, _| few(&texts(values), ",", 3),
        "there" => |values, _| all(values, ",").map(|_| String::new()),
        "lower" => |values, _| Some(all(values, ",")?.to_lowercase()),
        "trim" => |values, _| Some(all(values, ",")?.trim().to_owned()),
        "group" => |values, _| Some(all(values, ",")?.split_once('/')?.0.to_owned()),
        "number" => |values, _| all(values, ",").or_else(|| Some("0".to_owned())),
        "several" => |values, _| all(values, ",").filter(|number| number != "0" && number != "1"),
        "count" => |values, _| {
            Some(
                values
                    .iter()
                    .map(|value| length(value))
                    .sum::<usize>()
                    .to_string(),
            )
        },
        "since" => |values, now| Some(age(&all(values, ",")?, now)),
        "duration" => duration,
        "sum" => |values, _| Some(sum(values)),
        "labels" => |values, _| labels(values.first()?),
        "selector" => |values, _| selector(values.first()?),
        "roles" => |values, _| roles(values.first()?),
        "modes" => |values, _| Some(modes(values)),
        "accounts" => |values, _| {
            let accounts = values.iter();
            let accounts =
                accounts.map(|account| format!("{}/{}", account.text("/namespace"), account.text("/name")));
            Some(accounts.collect::<Vec<_>>().join(", "))
        },
        "ports" => |values, _| ports(values),
        "endpoints" => |values, _| endpoints(values),
        "requests" => |values, _| Some(quota(values.first()?, false)),
        "limits" => |values, _| Some(quota(values.first()?, true)),
        "targets" => |values, _| targets(values.first()?),
        "ready" => |values, _| Some(pod(values.first()?).ready()),
        "status" => |values, _| Some(pod(values.first()?).status),
        "restarts" => |values, now| Some(pod(values.first()?).restarts(now)),
        unknown => unreachable!("cells.yaml shows nothing as {unknown:?}"),
    }
}

/// A text, number or yes or no as it is; `None` for what is empty or something else.
pub(crate) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

fn texts(values: &[&Value]) -> Vec<String> {
    values.iter().filter_map(|value| plain(value)).collect()
}

fn all(values: &[&Value], separator: &str) -> Option<String> {
    let texts = texts(values);
    (!texts.is_empty() || values.iter().any(|value| value.is_object())).then(|| texts.join(separator))
}

/// The first of a list, and how many there are after them.
fn few(all: &[String], separator: &str, most: usize) -> Option<String> {
    let first = all.get(..most.min(all.len()))?.join(separator);
    match all.len() {
        0 => None,
        many if many > most => Some(format!("{first} + {} more...", many - most)),
        _ => Some(first),
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Object(map) => map.len(),
        Value::Array(list) => list.len(),
        _ => 0,
    }
}

/// From the first time to the second, or to now.
fn duration(values: &[&Value], now: Timestamp) -> Option<String> {
    let at = |place: usize| values.get(place)?.as_str()?.parse::<Timestamp>().ok();
    Some(human(at(1).unwrap_or(now).duration_since(at(0)?)))
}

/// The sum of quantities of one unit.
fn sum(values: &[&Value]) -> String {
    let texts = texts(values);
    let digits = |text: &str| {
        text.find(|character: char| !character.is_ascii_digit())
            .unwrap_or(text.len())
    };
    let unit = texts
        .iter()
        .map(|text| &text[digits(text)..])
        .find(|unit| !unit.is_empty());
    let numbers = texts
        .iter()
        .filter_map(|text| text[..digits(text)].parse::<u64>().ok());
    format!("{}{}", numbers.sum::<u64>(), unit.unwrap_or_default())
}

/// In order and with commas; `None` for none.
fn in_order(all: impl Iterator<Item = String>) -> Option<String> {
    let all: BTreeSet<String> = all.collect();
    (!all.is_empty()).then(|| all.into_iter().collect::<Vec<_>>().join(","))
}

fn labels(map: &Value) -> Option<String> {
    let map = map.as_object()?.iter();
    in_order(map.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())))
}

/// A `LabelSelector` in the words of a query: `a=b,c in (x,y),!d`, in the order of the labels.
fn selector(selector: &Value) -> Option<String> {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let equal = equal.map(|(name, value)| {
        (
            name.as_str(),
            format!("{name}={}", value.as_str().unwrap_or_default()),
        )
    });
    let others = selector.list("/matchExpressions").iter().map(|rule| {
        let name = rule.text("/key");
        let values = || in_order(rule.list("/values").iter().filter_map(plain)).unwrap_or_default();
        let words = match rule.text("/operator") {
            "In" => format!("{name} in ({})", values()),
            "NotIn" => format!("{name} notin ({})", values()),
            "DoesNotExist" => format!("!{name}"),
            _ => name.to_owned(),
        };
        (name, words)
    });
    let mut all: Vec<(&str, String)> = equal.chain(others).collect();
    all.sort_by_key(|(name, _)| *name);
    let words: Vec<String> = all.into_iter().map(|(_, words)| words).collect();
    (!words.is_empty()).then(|| words.join(","))
}

/// The roles that a node's labels name.
fn roles(labels: &Value) -> Option<String> {
    let names = labels.as_object()?.keys();
    in_order(names.filter_map(|name| Some(name.strip_prefix("node-role.kubernetes.io/")?.to_owned())))
}

/// Access modes in short.
fn modes(modes: &[&Value]) -> String {
    let short = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let short = short
        .iter()
        .filter(|(long, _)| modes.iter().any(|mode| *mode == long));
    short.map(|(_, short)| *short).collect::<Vec<_>>().join(",")
}

/// The ports of a Service: `80/TCP`, `80:30080/TCP`.
fn ports(ports: &[&Value]) -> Option<String> {
    let all = ports.iter().map(|port| {
        let number = |path| port.number(path).filter(|number| *number > 0);
        let node = number("/nodePort").map_or_else(String::new, |node| format!(":{node}"));
        format!(
            "{}{node}/{}",
            number("/port").unwrap_or(0),
            port.text("/protocol")
        )
    });
    (!ports.is_empty()).then(|| all.collect::<Vec<_>>().join(","))
}

/// The addresses of the subsets of Endpoints, with each port.
fn endpoints(subsets: &[&Value]) -> Option<String> {
    let mut all = Vec::new();
    for subset in subsets {
        for port in subset.list("/ports") {
            let port = port.number("/port").unwrap_or(0);
            let addresses = subset.list("/addresses").iter();
            all.extend(addresses.map(|address| format!("{}:{port}", address.text("/ip"))));
        }
    }
    few(&all, ",", 3).or_else(|| (!subsets.is_empty()).then(String::new))
}

/// What a quota says of limits, or of all else: `pods: 1/10`.
fn quota(quota: &Value, limits: bool) -> String {
    let mut all: Vec<_> = quota["status"]["hard"]
        .as_object()
        .into_iter()
        .flatten()
        .collect();
    all.sort_by_key(|(name, _)| *name);
    let own = all
        .into_iter()
        .filter(|(name, _)| name.starts_with("limits.") == limits);
    let words = own.map(|(name, hard)| {
        let used = &quota["status"]["used"][name];
        format!(
            "{name}: {}/{}",
            used.as_str().unwrap_or("0"),
            hard.as_str().unwrap_or_default()
        )
    });
    words.collect::<Vec<_>>().join(", ")
}

/// What an autoscaler measures of resources, and what it aims at: `cpu: 10%/80%`.
fn targets(scaler: &Value) -> Option<String> {
    let measured = scaler.list("/status/currentMetrics");
    let wanted = scaler.list("/spec/metrics").iter().enumerate();
    let target = |(place, metric): (usize, &Value)| {
        let current = measured.get(place).unwrap_or(&Value::Null);
        let value = |own: &Value, side: &str| match plain(&own["resource"][side]["averageValue"]) {
            Some(amount) => Some(amount),
            None => plain(&own["resource"][side]["averageUtilization"]).map(|percent| percent + "%"),
        };
        let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "<unknown>".to_owned());
        format!(
            "{}: {}/{}",
            metric.text("/resource/name"),
            or_unknown(value(current, "current")),
            or_unknown(value(metric, "target"))
        )
    };
    few(&wanted.map(target).collect::<Vec<_>>(), ", ", 2)
}

/// Whether the condition of this type is met.
fn holds(object: &Value, sort: &str) -> bool {
    let conditions = object.list("/status/conditions");
    conditions
        .iter()
        .any(|condition| condition["type"] == sort && condition["status"] == "True")
}

/// What a pod's containers make of it.
struct Pod<'a> {
    ready: usize,
    total: usize,
    /// In a word.
    status: String,
    /// The containers whose restarts count.
    restarted: Vec<&'a Value>,
}

impl Pod<'_> {
    fn ready(&self) -> String {
        format!("{}/{}", self.ready, self.total)
    }

    fn restarts(&self, now: Timestamp) -> String {
        let restarts: i64 = self
            .restarted
            .iter()
            .filter_map(|status| status.number("/restartCount"))
            .sum();
        let ends = self
            .restarted
            .iter()
            .map(|status| status.text("/lastState/terminated/finishedAt"));
        match ends.max().unwrap_or_default() {
            last if restarts > 0 && !last.is_empty() => format!("{restarts} ({} ago)", age(last, now)),
            _ => restarts.to_string(),
        }
    }
}

fn pod(pod: &Value) -> Pod<'_> {
    let initial = pod.list("/spec/initContainers");
    let sidecars: Vec<&Value> = initial
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
        .collect();
    let is_sidecar = |status: &Value| {
        sidecars
            .iter()
            .any(|container| container["name"] == status["name"])
    };
    let phase = pod.text("/status/phase");
    let mut status = plain(&pod["status"]["reason"]).unwrap_or_else(|| phase.to_owned());
    let (mut ready, mut starting, mut restarted) = (0, false, Vec::new());
    for (place, container) in pod.list("/status/initContainerStatuses").iter().enumerate() {
        restarted.push(container);
        let ended = container.at("/state/terminated");
        if ended.is_some_and(|ended| ended["exitCode"] == 0) {
            continue;
        }
        if is_sidecar(container) && container["started"] == true {
            ready += usize::from(container["ready"] == true);
            continue;
        }
        status = match (ended, container.text("/state/waiting/reason")) {
            (Some(ended), _) => format!("Init:{}", end_of(ended)),
            (None, "" | "PodInitializing") => format!("Init:{place}/{}", initial.len()),
            (None, reason) => format!("Init:{reason}"),
        };
        starting = true;
        break;
    }
    if !starting || holds(pod, "Initialized") {
        restarted.retain(|container| is_sidecar(container));
        let (mut running, mut failed) = (false, None);
        for container in pod.list("/status/containerStatuses").iter().rev() {
            restarted.push(container);
            if let Some(reason) = container.at("/state/waiting/reason").and_then(plain) {
                status = reason;
            } else if let Some(ended) = container.at("/state/terminated") {
                status = end_of(ended);
                failed = Some(status.clone()).filter(|_| ended["exitCode"] != 0).or(failed);
            } else if container["ready"] == true && container.at("/state/running").is_some() {
                running = true;
                ready += 1;
            }
        }
        if status == "Completed" {
            status = match (running, failed) {
                (true, _) if holds(pod, "Ready") => "Running".to_owned(),
                (_, Some(failed)) => failed,
                (true, None) => "NotReady".to_owned(),
                (false, None) => status,
            };
        }
    }
    if pod.is_terminating() && !matches!(phase, "Succeeded" | "Failed") {
        "Terminating".clone_into(&mut status);
    }
    let total = pod.list("/spec/containers").len() + sidecars.len();
    Pod {
        ready,
        total,
        status,
        restarted,
    }
}

/// How a container ended, in a word.
fn end_of(ended: &Value) -> String {
    match ended.text("/reason") {
        "" => format!("ExitCode:{}", ended.number("/exitCode").unwrap_or(0)),
        reason => reason.to_owned(),
    }
}
