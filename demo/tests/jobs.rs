//! Jobs and CronJobs: pods that run to their end, now and on schedule.

mod support;

use std::time::Duration;

use kube_mcp_demo::Cluster;
use serde_json::{Value, json};
use support::{edit, get, items, must, now, pods_are, rests, shop, told};

const JOBS: &str = "/apis/batch/v1/namespaces/shop/jobs";
const PODS: &str = "/api/v1/namespaces/shop/pods";

fn spec(more: Value) -> Value {
    let labels = json!({"job": "it"});
    let mut spec = json!({
        "completions": 1, "parallelism": 1,
        "manualSelector": true, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a"}]}},
    });
    for (name, value) in more.as_object().expect("a map") {
        spec[name] = value.clone();
    }
    spec
}

async fn run(cluster: &Cluster, more: Value) {
    must(
        cluster,
        "POST",
        JOBS,
        json!({"metadata": {"name": "it"}, "spec": spec(more)}),
    )
    .await;
    cluster.settle();
}

async fn status(cluster: &Cluster) -> Value {
    get(cluster, &format!("{JOBS}/it")).await["status"].clone()
}

/// The conditions, as type and reason.
fn conditions(status: &Value) -> Vec<String> {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    conditions
        .iter()
        .map(|condition| format!("{} {}", text(&condition["type"]), text(&condition["reason"])))
        .collect()
}

/// Ends the pods that run.
async fn end(cluster: &Cluster, phase: &str) {
    let at = now(cluster).await;
    for mut pod in items(cluster, PODS).await {
        if !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            let path = format!(
                "{PODS}/{}/status",
                pod["metadata"]["name"].as_str().expect("a name")
            );
            let container = json!({"name": "a", "restartCount": 0, "state": {"terminated": {"exitCode": 1, "finishedAt": at}}});
            pod["status"] = json!({"phase": phase, "containerStatuses": [container]});
            must(cluster, "PUT", &path, pod).await;
        }
    }
    cluster.settle();
}

#[tokio::test]
async fn a_job_is_complete_when_enough_pods_did_well_and_goes_when_its_time_is_up() {
    let cluster = shop().await;
    run(
        &cluster,
        json!({"completions": 3, "parallelism": 2, "ttlSecondsAfterFinished": 60}),
    )
    .await;
    assert_eq!(
        items(&cluster, PODS).await[0]["metadata"]["finalizers"],
        json!(["batch.kubernetes.io/job-tracking"])
    );
    pods_are(&cluster, "Running", true).await;
    let now = status(&cluster).await;
    assert_eq!(
        (&now["active"], &now["ready"], &now["terminating"]),
        (&json!(2), &json!(2), &json!(0)),
        "{now}"
    );
    end(&cluster, "Succeeded").await;
    let now = status(&cluster).await;
    assert_eq!(
        (&now["active"], &now["succeeded"]),
        (&json!(1), &json!(2)),
        "one is missing: {now}"
    );
    end(&cluster, "Succeeded").await;
    let now = status(&cluster).await;
    assert_eq!(
        conditions(&now),
        [
            "SuccessCriteriaMet CompletionsReached",
            "Complete CompletionsReached"
        ]
    );
    assert_eq!(
        (&now["succeeded"], &now["completionTime"]),
        (&json!(3), &json!("2026-01-01T00:00:00Z")),
        "{now}"
    );
    assert!(
        items(&cluster, PODS).await[0]["metadata"]["finalizers"]
            .as_array()
            .is_none_or(Vec::is_empty)
    );
    assert_eq!(
        told(&cluster, "Job").await.last().map(String::as_str),
        Some("Completed Job completed")
    );
    cluster.advance(Duration::from_secs(61));
    assert!(items(&cluster, JOBS).await.is_empty());
}

#[tokio::test]
async fn a_job_that_fails_waits_longer_each_time_and_then_gives_up() {
    let cluster = shop().await;
    run(&cluster, json!({"backoffLimit": 2})).await;
    end(&cluster, "Failed").await;
    for (wait, pods) in [(9, 1), (1, 2)] {
        cluster.advance(Duration::from_secs(wait));
        assert_eq!(items(&cluster, PODS).await.len(), pods);
    }
    end(&cluster, "Failed").await;
    for (wait, pods) in [(19, 2), (1, 3)] {
        cluster.advance(Duration::from_secs(wait));
        assert_eq!(items(&cluster, PODS).await.len(), pods);
    }
    end(&cluster, "Failed").await;
    let now = status(&cluster).await;
    assert_eq!(
        conditions(&now),
        [
            "FailureTarget BackoffLimitExceeded",
            "Failed BackoffLimitExceeded"
        ]
    );
    assert_eq!(now["failed"], 3, "{now}");
    let told = told(&cluster, "Job").await;
    assert_eq!(
        told.last().map(String::as_str),
        Some("BackoffLimitExceeded Job has reached the specified backoff limit")
    );
    assert!(rests(&cluster));
}

#[tokio::test]
async fn a_job_has_until_its_deadline_and_no_pods_while_it_is_suspended() {
    let cluster = shop().await;
    run(&cluster, json!({"activeDeadlineSeconds": 30, "suspend": true})).await;
    assert_eq!(
        (
            items(&cluster, PODS).await.len(),
            conditions(&status(&cluster).await)
        ),
        (0, vec!["Suspended JobSuspended".into()])
    );
    cluster.advance(Duration::from_secs(100));
    edit(&cluster, &format!("{JOBS}/it"), |job| {
        job["spec"]["suspend"] = json!(false)
    })
    .await;
    cluster.advance(Duration::from_secs(29));
    assert_eq!(status(&cluster).await["active"], 1);
    cluster.advance(Duration::from_secs(1));
    let now = status(&cluster).await;
    assert_eq!(
        conditions(&now),
        [
            "Suspended JobResumed",
            "FailureTarget DeadlineExceeded",
            "Failed DeadlineExceeded"
        ]
    );
    assert!(
        now.get("active").is_none() && items(&cluster, PODS).await.is_empty(),
        "{now}"
    );
}

#[tokio::test]
async fn a_cron_job_starts_jobs_on_time_and_keeps_as_many_as_asked() {
    let cluster = shop().await;
    let path = "/apis/batch/v1/namespaces/shop/cronjobs";
    let template = json!({"spec": spec(json!({}))});
    let cron = json!({"schedule": "*/10 * * * *", "concurrencyPolicy": "Forbid", "successfulJobsHistoryLimit": 1, "jobTemplate": template});
    must(
        &cluster,
        "POST",
        path,
        json!({"metadata": {"name": "tick"}, "spec": cron}),
    )
    .await;
    cluster.advance(Duration::from_secs(601));
    let path = format!("{path}/tick");
    let status = get(&cluster, &path).await["status"].clone();
    assert_eq!(
        (&status["lastScheduleTime"], &status["active"][0]["name"]),
        (&json!("2026-01-01T00:10:00Z"), &json!("tick-29453770"))
    );
    cluster.advance(Duration::from_secs(600));
    assert_eq!(items(&cluster, JOBS).await.len(), 1, "the first one still runs");
    for _ in 0..2 {
        end(&cluster, "Succeeded").await;
        cluster.advance(Duration::from_secs(600));
    }
    let jobs = items(&cluster, JOBS).await;
    assert_eq!(jobs.len(), 2, "{jobs:#?}");
    let told = told(&cluster, "CronJob").await;
    assert!(
        told.contains(&"SawCompletedJob Saw completed job: tick-29453770, condition: Complete".to_owned()),
        "{told:#?}"
    );
    assert!(
        told.contains(&"SuccessfulDelete Deleted job tick-29453770".to_owned()),
        "{told:#?}"
    );
    edit(&cluster, &path, |cron| cron["spec"]["suspend"] = json!(true)).await;
    assert!(rests(&cluster), "no timer while it is suspended");
}
