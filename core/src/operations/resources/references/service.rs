//! A Service's endpoints, told by workload.

use std::collections::BTreeMap;

use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    monitoring::status::Verdict,
    operations::{
        builtin,
        locate::Found,
        mixed::Entry,
        names::{listed, name_of},
        resources::{
            endpoints::{self, Endpoints},
            gathered::Gathered,
            workload_of::{Workload, workload_of},
        },
        scan,
        selection::of_workload,
    },
    output::ObjectId,
};

/// Adds the workloads behind a Service, and how many of their pods are endpoints and ready.
pub(super) async fn endpoints(cx: &Cx, service: &Found, gathered: &mut Gathered) -> Result<(), Error> {
    let Some(namespace) = service.namespace() else {
        return Ok(());
    };
    if service.object["spec"]["type"] == "ExternalName" {
        return Ok(());
    }
    let names = [service.id.name.clone()];
    let selector = of_workload(&service.object);
    let (slices, pods) = futures::join!(
        endpoints::of_services(cx, namespace, &names),
        selected(cx, namespace, selector.as_deref())
    );
    let slices = gathered.taken(&builtin::endpoint_slices(), slices.map(Some))?;
    let known = slices.is_some();
    let endpoints = slices
        .and_then(|mut slices| slices.remove(&service.id.name))
        .unwrap_or_default();
    let Some(selector) = selector else {
        if endpoints.is_empty() {
            gathered
                .notes
                .push("it has no selector, and no endpoints".to_owned());
        } else {
            gathered
                .entries
                .push(entry("Endpoints", &service.id.name, namespace, &endpoints));
        }
        return Ok(());
    };
    let pods = gathered.taken(&builtin::pods(), pods.map(Some))?;
    match pods {
        Some(pods) if pods.is_empty() => {
            gathered
                .notes
                .push(format!("its selector {selector} matches no pod"));
        }
        Some(pods) if known => {
            let mut workloads: BTreeMap<Workload, Endpoints> = BTreeMap::new();
            for (pod, workload) in pods {
                // A pod that is no endpoint is not ready to be one: it has no address yet.
                let ready = endpoints.is_ready(&pod).unwrap_or(false);
                workloads.entry(workload).or_default().add(&pod, ready);
            }
            let entries = workloads
                .iter()
                .map(|((kind, name), endpoints)| entry(kind, name, namespace, endpoints));
            gathered.entries.extend(entries);
        }
        _ => gathered
            .entries
            .push(entry("Endpoints", &service.id.name, namespace, &endpoints)),
    }
    Ok(())
}

/// The pods that a selector selects and that are not over, with their workloads.
async fn selected(
    cx: &Cx,
    namespace: &str,
    selector: Option<&str>,
) -> Result<Vec<(String, Workload)>, Error> {
    let Some(selector) = selector else {
        return Ok(Vec::new());
    };
    let query = ListQuery {
        selector: Some(selector.to_owned()),
        ..ListQuery::default()
    };
    let mut pods = Vec::new();
    scan::objects(cx, &builtin::pods(), Some(namespace), &query, |pod| {
        let is_over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if !is_over && pod["metadata"]["deletionTimestamp"].is_null() {
            pods.push((name_of(&pod).to_owned(), workload_of(&pod)));
        }
    })
    .await?;
    Ok(pods)
}

fn entry(kind: &str, name: &str, namespace: &str, endpoints: &Endpoints) -> Entry {
    let not_ready: Vec<String> = endpoints.not_ready().map(str::to_owned).collect();
    let mut detail = endpoints.words();
    if !not_ready.is_empty() {
        detail.push_str(&format!("; not ready: {}", listed(&not_ready)));
    }
    Entry {
        id: ObjectId {
            cluster: None,
            kind: kind.to_owned(),
            namespace: Some(namespace.to_owned()),
            name: name.to_owned(),
        },
        verdict: Verdict {
            health: endpoints.health(),
            ..Verdict::default()
        },
        own: vec![detail],
        ..Entry::default()
    }
}
