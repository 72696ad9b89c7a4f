//! What the pods of a node ask for.

use serde::Serialize;
use serde_json::Value;

use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    operations::{builtin, resources::pod_spec::items, scan},
    output::size::{parse_quantity, short_bytes},
};

/// How many pods a node has, and the sum of their requests, of how much.
#[derive(Debug, Serialize)]
pub struct Requests {
    pods: String,
    cpu: String,
    memory: String,
}

/// The sum over the pods that are not over, as the scheduler counts.
pub(super) async fn requests(cx: &Cx, node: &Value, name: &str) -> Result<Requests, Error> {
    let (mut pods, mut cpu, mut memory) = (0, 0.0, 0.0);
    let query = ListQuery {
        field_selector: Some(format!(
            "spec.nodeName={name},status.phase!=Succeeded,status.phase!=Failed"
        )),
        ..ListQuery::default()
    };
    scan::objects(cx, &builtin::pods(), None, &query, |pod| {
        pods += 1;
        cpu += of_pod(&pod["spec"], "cpu");
        memory += of_pod(&pod["spec"], "memory");
    })
    .await?;
    let all = |of: &str| quantity(&node["status"]["allocatable"][of]);
    let of = |sum: f64, all: f64, write: &dyn Fn(f64) -> String| {
        let share = if all > 0.0 { sum * 100.0 / all } else { 0.0 };
        format!("{} of {} ({share:.0}%)", write(sum), write(all))
    };
    Ok(Requests {
        pods: format!("{pods} of {}", all("pods")),
        cpu: of(cpu, all("cpu"), &|cores| {
            ((cores * 100.0).round() / 100.0).to_string()
        }),
        memory: of(memory, all("memory"), &|bytes| short_bytes(bytes as u64)),
    })
}

/// What a pod asks for: its containers and sidecars together, or an init container if that is more.
fn of_pod(spec: &Value, resource: &str) -> f64 {
    let request = |container: &Value| quantity(&container["resources"]["requests"][resource]);
    let containers: f64 = items(&spec["containers"]).map(request).sum();
    let (mut sidecars, mut largest) = (0.0, 0.0_f64);
    for container in items(&spec["initContainers"]) {
        if container["restartPolicy"] == "Always" {
            sidecars += request(container);
        } else {
            largest = largest.max(sidecars + request(container));
        }
    }
    largest.max(containers + sidecars) + quantity(&spec["overhead"][resource])
}

fn quantity(value: &Value) -> f64 {
    match value {
        Value::String(text) => parse_quantity(text).unwrap_or(0.0),
        value => value.as_f64().unwrap_or(0.0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn init_containers_count_if_they_ask_for_more() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let mut sidecar = container("200m");
        sidecar["restartPolicy"] = json!("Always");
        let spec = json!({
            "initContainers": [sidecar, container("1")],
            "containers": [container("100m"), container("500m"), {}],
            "overhead": {"cpu": 0.25},
        });
        assert!((of_pod(&spec, "cpu") - 1.45).abs() < 1e-9);
        assert!(of_pod(&spec, "memory").abs() < 1e-9);
    }
}
