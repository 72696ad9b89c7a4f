//! Whose logs are meant: a pod, the pods of a workload, or what a name may have meant.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Error, ErrorKind,
    call::{Cx, KindRef},
    cluster::{ListQuery, Resource},
    monitoring::status,
    operations::{
        allowed::refused,
        builtin,
        locate::Wanted,
        names::name_of,
        pods::gone::workload,
        scan,
        selection::{Selection, of_workload},
    },
    output::Next,
};

/// At most so many pods are read, the unhealthy and then the newest first.
const PODS: usize = 20;

/// The pods to read.
#[derive(Debug, Default)]
pub(super) struct Target {
    /// Whose they are, e.g. `Deployment shop/checkout`.
    pub(super) subject: String,
    /// The pods, whole.
    pub(super) pods: Vec<Value>,
    /// How they were found, and which were left out.
    pub(super) notes: Vec<String>,
}

/// The pods that a selector selects.
pub(super) async fn by_selector(cx: &Cx, selector: &str, namespace: Option<&str>) -> Result<Target, Error> {
    let selection = Selection::parse(Some(selector), None)?;
    let mut target = match pods(cx, namespace, &selection.query()).await {
        Ok(target) => target,
        Err(error) => {
            let again = Next::op("pods.logs").arg("selector", selector);
            return Err(refused(cx, &builtin::pods(), namespace, again, error).await);
        }
    };
    let place = namespace.map_or_else(|| "all namespaces".to_owned(), str::to_owned);
    if target.pods.is_empty() {
        return Err(Error::not_found(format!("no pods match {selector} in {place}"))
            .next(Next::op("pods.list").arg_if("namespace", namespace)));
    }
    target.subject = format!("pods {selector} in {place}");
    Ok(target)
}

/// The pods of what a name names.
pub(super) async fn by_name(
    cx: &Cx,
    kind: Option<&KindRef>,
    name: &str,
    namespace: Option<&str>,
) -> Result<Target, Error> {
    let resource = match kind {
        Some(kind) => cx.resolve(kind).await?,
        None => builtin::pods(),
    };
    let wanted = Wanted::of("pods.logs", &resource, name, namespace);
    let is_pod = resource.group.is_empty() && resource.kind == "Pod";
    let missing = match wanted.for_read(cx).await {
        Ok(found) => {
            let mut target = if is_pod {
                Target {
                    pods: vec![found.object],
                    ..Target::default()
                }
            } else {
                of_object(cx, &resource, &found.object).await?
            };
            target.subject = subject(&resource, found.id.namespace.as_deref(), name);
            target.notes.splice(0..0, found.note);
            return Ok(target);
        }
        // The error knows where it is, what took its place or what is near, and says so.
        Err(error) if is_pod && error.kind == ErrorKind::NotFound => error,
        Err(error) => return Err(error),
    };
    let namespace = namespace.unwrap_or_else(|| cx.default_namespace());
    guess(cx, namespace, name, missing).await
}

/// A name that is no pod's: a workload's, or the beginning of several pods' names.
async fn guess(cx: &Cx, namespace: &str, name: &str, missing: Error) -> Result<Target, Error> {
    if let Some((resource, object)) = workload(cx, namespace, name).await? {
        let mut target = of_object(cx, &resource, &object).await?;
        target.subject = subject(&resource, Some(namespace), name);
        target
            .notes
            .insert(0, format!("{name} is no Pod but a {}", resource.kind));
        return Ok(target);
    }
    let prefix = format!("{name}-");
    let mut target = pods(cx, Some(namespace), &ListQuery::default()).await?;
    target.pods.retain(|pod| name_of(pod).starts_with(&prefix));
    if !target.pods.is_empty() {
        target.subject = format!("pods {namespace}/{prefix}*");
        target.notes.insert(
            0,
            format!("there is no Pod {name}; these are the pods whose names start so"),
        );
        return Ok(target);
    }
    Err(missing)
}

/// The pods of a workload, service or anything else that selects pods.
async fn of_object(cx: &Cx, resource: &Resource, object: &Value) -> Result<Target, Error> {
    let namespace = object["metadata"]["namespace"].as_str();
    if resource.group == "batch" && resource.kind == "CronJob" {
        return of_cron_job(cx, object, namespace).await;
    }
    let Some(selector) = of_workload(object) else {
        return Err(Error::invalid(format!(
            "{} {} selects no pods; expected a pod, or what has pods, such as a Deployment, Job or Service",
            resource.kind,
            name_of(object)
        ))
        .next(Next::op("pods.list").arg_if("namespace", namespace)));
    };
    let query = ListQuery {
        selector: Some(selector.clone()),
        ..ListQuery::default()
    };
    let target = pods(cx, namespace, &query).await?;
    if target.pods.is_empty() {
        return Err(Error::not_found(format!(
            "{} {} has no pods now ({selector})",
            resource.kind,
            name_of(object)
        ))
        .next(
            Next::op("events.list")
                .arg_if("namespace", namespace)
                .arg("kind", &resource.kind)
                .arg("name", name_of(object)),
        ));
    }
    Ok(target)
}

/// The pods of a cron job's newest jobs.
async fn of_cron_job(cx: &Cx, cron_job: &Value, namespace: Option<&str>) -> Result<Target, Error> {
    const JOBS: usize = 3;
    let uid = &cron_job["metadata"]["uid"];
    let mut jobs: Vec<(String, String)> = Vec::new();
    scan::objects(cx, &builtin::jobs(), namespace, &ListQuery::default(), |job| {
        let owners = job["metadata"]["ownerReferences"].as_array();
        if owners.into_iter().flatten().any(|owner| owner["uid"] == *uid) {
            let created = job["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
            jobs.push((created.to_owned(), name_of(&job).to_owned()));
        }
    })
    .await?;
    jobs.sort_by(|a, b| b.cmp(a));
    let left_out = jobs.len().saturating_sub(JOBS);
    jobs.truncate(JOBS);
    if jobs.is_empty() {
        return Err(Error::not_found(format!(
            "CronJob {} has no jobs now",
            name_of(cron_job)
        )));
    }
    let names: Vec<String> = jobs.into_iter().map(|(_, name)| name).collect();
    let query = ListQuery {
        selector: Some(format!("job-name in ({})", names.join(","))),
        ..ListQuery::default()
    };
    let mut target = pods(cx, namespace, &query).await?;
    if left_out > 0 {
        target
            .notes
            .push(format!("the {JOBS} newest of {} jobs", JOBS + left_out));
    }
    Ok(target)
}

/// The pods of a query: all are looked at, the worst and newest are kept.
async fn pods(cx: &Cx, namespace: Option<&str>, query: &ListQuery) -> Result<Target, Error> {
    let now = Timestamp::now();
    let mut found: Vec<(u8, std::cmp::Reverse<String>, String, Value)> = Vec::new();
    let mut count = 0;
    let complete = scan::objects(cx, &builtin::pods(), namespace, query, |mut pod| {
        count += 1;
        let rank = status::of_object("", "Pod", &pod, now).rank();
        let created = pod["metadata"]["creationTimestamp"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let name = name_of(&pod).to_owned();
        // Of a list of any length little stays: what says which containers there are, and how they are.
        if let Some(metadata) = pod["metadata"].as_object_mut() {
            metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace"));
        }
        found.push((rank, std::cmp::Reverse(created), name, pod));
        if found.len() > 2 * PODS {
            found.sort_by(|a, b| (a.0, &a.1, &a.2).cmp(&(b.0, &b.1, &b.2)));
            found.truncate(PODS);
        }
    })
    .await?;
    found.sort_by(|a, b| (a.0, &a.1, &a.2).cmp(&(b.0, &b.1, &b.2)));
    found.truncate(PODS);
    let mut target = Target {
        pods: found.into_iter().map(|(_, _, _, pod)| pod).collect(),
        ..Target::default()
    };
    if count > PODS {
        target.notes.push(format!(
            "read {PODS} of {}{count} pods, the unhealthy and the newest; narrow with name or selector",
            if complete { "" } else { "the first " }
        ));
    }
    Ok(target)
}

fn subject(resource: &Resource, namespace: Option<&str>, name: &str) -> String {
    match namespace {
        Some(namespace) => format!("{} {namespace}/{name}", resource.kind),
        None => format!("{} {name}", resource.kind),
    }
}
