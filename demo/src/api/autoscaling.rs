//! The two versions of HorizontalPodAutoscaler: `autoscaling/v1`, which `kubectl autoscale` writes, knows the share of the
//! CPU and no other metric. They are kept as `autoscaling/v2`.

use http::{HeaderValue, header};
use serde_json::{Value, json};

use super::{front::Asked, kinds::Kind, object::map_at, protobuf};

/// What both are called.
pub(crate) const RESOURCE: &str = "horizontalpodautoscalers.autoscaling";
const GROUP: &str = "autoscaling";
const SHARE: &str = "targetCPUUtilizationPercentage";

/// Whether a kind is the older version.
pub(crate) fn is_older(kind: &Kind) -> bool {
    kind.group == GROUP && kind.version == "v1"
}

/// Puts the body of a request into the words of `v2`, be it an autoscaler or a patch that has the form of one; what has
/// not stays as it is.
pub(crate) fn keep(asked: &mut Asked) {
    let Ok(mut body @ Value::Object(_)) = asked.object() else {
        return;
    };
    if body.get("apiVersion").is_some() {
        body["apiVersion"] = json!(format!("{GROUP}/v2"));
    }
    if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut)
        && let Some(share) = spec.remove(SHARE)
    {
        let target = json!({"type": "Utilization", "averageUtilization": share});
        let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]);
        spec.insert("metrics".into(), metrics);
    }
    asked.body = body.to_string().into();
    let content = asked.headers.get(header::CONTENT_TYPE);
    if content.is_some_and(|content| content == protobuf::CONTENT_TYPE) {
        let json = HeaderValue::from_static("application/json");
        asked.headers.insert(header::CONTENT_TYPE, json);
    }
}

/// An autoscaler in the words of `v1`.
pub(crate) fn older(mut autoscaler: Value) -> Value {
    let share = |metrics: &Value, part: &str| {
        let cpu = metrics
            .as_array()?
            .iter()
            .find(|one| one["resource"]["name"] == "cpu")?;
        Some(cpu["resource"][part]["averageUtilization"].clone()).filter(Value::is_number)
    };
    let spec = map_at(&mut autoscaler, "spec");
    let metrics = spec.remove("metrics").unwrap_or_default();
    spec.remove("behavior");
    if let Some(share) = share(&metrics, "target") {
        spec.insert(SHARE.into(), share);
    }
    let status = map_at(&mut autoscaler, "status");
    let metrics = status.remove("currentMetrics").unwrap_or_default();
    status.remove("conditions");
    if let Some(share) = share(&metrics, "current") {
        status.insert("currentCPUUtilizationPercentage".into(), share);
    }
    for count in ["currentReplicas", "desiredReplicas"] {
        status.entry(count).or_insert(json!(0));
    }
    autoscaler
}
