//! The metrics API (`metrics.k8s.io`): what metrics-server or another collector has last seen.

use jiff::Timestamp;
use serde_json::Value;

use super::Amounts;
use crate::call::{Duration, Text as _};

/// What a pod or a node used when it was last looked at.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// None of a node.
    pub namespace: Option<String>,
    /// The pod's or node's name.
    pub name: String,
    /// The end of the time that was looked at.
    pub time: Option<Timestamp>,
    /// The length of that time in seconds.
    pub window: Option<u64>,
    /// What a pod's containers used, by their names.
    pub containers: Vec<(String, Amounts)>,
    /// All of it.
    pub used: Amounts,
}

impl Sample {
    /// Reads a `PodMetrics` or `NodeMetrics`.
    pub fn read(object: &Value) -> Self {
        let metadata = &object["metadata"];
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let containers: Vec<(String, Amounts)> = object["containers"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|container| Some((text(&container["name"])?, Amounts::read(&container["usage"]))))
            .collect();
        let own = Amounts::read(&object["usage"]);
        Self {
            namespace: text(&metadata["namespace"]),
            name: text(&metadata["name"]).unwrap_or_default(),
            time: object["timestamp"].as_str().and_then(|time| time.parse().ok()),
            window: object["window"].as_str().and_then(seconds),
            used: containers.iter().fold(own, |sum, (_, used)| sum.plus(*used)),
            containers,
        }
    }
}

/// A duration as Go writes it, in whole seconds: `9.997s`, `1m0s`.
fn seconds(text: &str) -> Option<u64> {
    let Duration(duration) = Duration::from_text(text).ok()?;
    Some((duration + std::time::Duration::from_millis(500)).as_secs())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_sums_of_containers_and_nodes_are_themselves() {
        let pod = Sample::read(&json!({
            "metadata": {"name": "web-1", "namespace": "shop"},
            "timestamp": "2026-11-23T05:18:43Z", "window": "9.997s",
            "containers": [{"name": "web", "usage": {"cpu": "5415108n", "memory": "344Ki"}},
                           {"name": "proxy", "usage": {"cpu": "1", "memory": "1Mi"}}],
        }));
        assert_eq!((pod.used.cpu, pod.used.memory), (1_005_415_108, 1_400_832));
        assert_eq!(pod.window, Some(10));
        let node = Sample::read(
            &json!({"metadata": {"name": "n"}, "window": "1m0s", "usage": {"cpu": "1998115726n", "memory": "6014084Ki"}}),
        );
        assert_eq!((node.used.cpu, node.window), (1_998_115_726, Some(60)));
    }
}
