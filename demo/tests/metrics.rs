//! What pods and nodes take.

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{ask, get, pod, script, shop_of};

const METRICS: &str = "/apis/metrics.k8s.io/v1beta1";

#[tokio::test]
async fn what_runs_is_measured() {
    let cluster = shop_of("- {image: web, usage: {cpu: 200m, memory: 100Mi, grows: 10Mi}}").await;
    pod(&cluster, "web", json!({"image": "web"}), json!({})).await;
    pod(&cluster, "shell", script("sleep 1000"), json!({})).await;
    pod(
        &cluster,
        "done",
        script("true"),
        json!({"restartPolicy": "Never"}),
    )
    .await;
    cluster.advance(Duration::from_secs(10));
    let pods = format!("{METRICS}/namespaces/shop/pods");
    let (code, early) = ask(&cluster, "GET", &format!("{pods}/web"), Value::Null).await;
    assert_eq!(
        (code, &early["message"]),
        (404, &json!("pods \"web\" not found")),
        "it was not measured yet"
    );
    cluster.advance(Duration::from_secs(620));
    let list = get(&cluster, &pods).await;
    assert_eq!(
        (&list["kind"], list["items"].as_array().map(Vec::len)),
        (&json!("PodMetricsList"), Some(2))
    );
    let web = get(&cluster, &format!("{pods}/web")).await;
    assert_eq!(
        (&web["kind"], &web["timestamp"]),
        (&json!("PodMetrics"), &json!("2026-01-01T00:10:30Z"))
    );
    let number = |value: &Value, unit: char| -> i64 {
        value
            .as_str()
            .expect("an amount")
            .trim_end_matches(unit)
            .trim_end_matches('K')
            .parse()
            .expect("a number")
    };
    let usage = &web["containers"][0]["usage"];
    let (cpu, memory) = (
        number(&usage["cpu"], 'n') / 1_000_000,
        number(&usage["memory"], 'i') / 1024,
    );
    assert!((175..=225).contains(&cpu), "{cpu}");
    assert!((195..=210).contains(&memory), "{memory}");
    let nodes = get(&cluster, &format!("{METRICS}/nodes")).await;
    let node = number(&nodes["items"][0]["usage"]["memory"], 'i') / 1024;
    assert!(node > memory + 600, "{node}");
    let (_, none) = ask(&cluster, "GET", &format!("{METRICS}/nodes/none"), Value::Null).await;
    assert_eq!(
        (&none["message"], &none["details"]["kind"]),
        (&json!("node \"none\" not found"), &json!("node"))
    );
}
