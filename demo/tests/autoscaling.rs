//! Both versions of an autoscaler are the same object.

mod support;

use serde_json::json;
use support::{get, make, shop};

#[tokio::test]
async fn what_is_written_as_v1_is_read_as_v2() {
    let cluster = shop().await;
    let v1 = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers";
    let autoscaler = json!({
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "maxReplicas": 3,
            "targetCPUUtilizationPercentage": 70,
        },
    });
    let made = make(&cluster, v1, autoscaler).await;
    assert_eq!(made["apiVersion"], "autoscaling/v1", "{made}");
    assert_eq!(made["spec"]["targetCPUUtilizationPercentage"], 70, "{made}");
    let path = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";
    let read = get(&cluster, path).await;
    let target = json!({"type": "Utilization", "averageUtilization": 70});
    assert_eq!(
        read["spec"]["metrics"],
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": target}}]),
        "{read}"
    );
    assert_eq!(read["spec"]["minReplicas"], 1, "{read}");
}
