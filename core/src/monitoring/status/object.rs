//! The entry that reads an object.

use jiff::Timestamp;
use serde_json::Value;

use super::{age_of, generic, infrastructure, pod, verdict::Verdict, workload};

/// What the rule of a kind says of an object. Items of a list carry no kind of their own, so it is given.
pub fn of_object(group: &str, kind: &str, object: &Value, now: Timestamp) -> Verdict<'static> {
    let age = age_of(object, now);
    let verdict = match (group, kind) {
        ("", "Pod") => pod::of_object(object, age),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("", "ReplicationController") => workload::replicas_of_object(kind, object, age, now),
        ("batch", "Job") => workload::job_of_object(object),
        ("batch", "CronJob") => workload::judge_cron_job(object["spec"]["suspend"] == true),
        ("", "Node") => infrastructure::node_of_object(object),
        ("", "PersistentVolumeClaim" | "PersistentVolume" | "Namespace") => {
            infrastructure::phase_of_object(object, age)
        }
        // Their conditions say nothing about health.
        ("", "Service" | "Event" | "Endpoints") | ("autoscaling" | "policy" | "networking.k8s.io", _) => {
            Verdict::default()
        }
        _ => generic::of_object(object, age),
    };
    match generic::held(object) {
        None => verdict,
        Some(held) if verdict.reason.is_empty() => verdict.because(held),
        Some(held) => {
            let reason = format!("{}; {held}", verdict.reason);
            verdict.because(reason)
        }
    }
}
