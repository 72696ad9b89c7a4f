//! What refers to pods by their labels, to services by their name and to workloads by their kind and name.

use serde_json::{Map, Value};

use super::entry;
use crate::{
    Error,
    call::Cx,
    cluster::{ListQuery, Resource},
    operations::{
        builtin,
        resources::{
            endpoints,
            gathered::{Gathered, Rows},
            pod_spec::{Pod, items},
            routes::{self, Backends},
        },
        scan,
        selection::selects,
    },
    output::size::counted,
};

/// Adds what selects a pod, or those that are made of a template, and what scales `scaled`, a kind and name.
pub(super) async fn pods(
    cx: &Cx,
    namespace: &str,
    pod: Option<Pod<'_>>,
    scaled: Option<(&str, &str)>,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let (services, budgets, autoscalers) = (builtin::services(), builtin::budgets(), builtin::autoscalers());
    let (selecting, limiting, scaling) = futures::join!(
        selected(cx, &services, namespace, pod, |service| {
            let empty = service["spec"]["selector"].as_object().is_none_or(Map::is_empty);
            (!empty).then(String::new)
        }),
        selected(cx, &budgets, namespace, pod, |budget| Some(allowed(budget))),
        async {
            let Some((kind, name)) = scaled else {
                return Ok(Rows::default());
            };
            list(cx, &autoscalers, namespace, |autoscaler| {
                let target = &autoscaler["spec"]["scaleTargetRef"];
                (target["kind"] == kind && target["name"] == name).then(|| range(autoscaler))
            })
            .await
        }
    );
    let mut selecting = gathered.rows(&services, selecting)?;
    let names: Vec<String> = selecting.iter().map(|service| service.id.name.clone()).collect();
    if !names.is_empty() {
        let read = endpoints::of_services(cx, namespace, &names).await;
        if let Some(found) = gathered.taken(&builtin::endpoint_slices(), read.map(Some))? {
            for service in &mut selecting {
                let none = endpoints::Endpoints::default();
                let endpoints = found.get(&service.id.name).unwrap_or(&none);
                service.verdict.health = endpoints.health();
                service.own = vec![endpoints.words()];
            }
        }
    }
    gathered.entries.extend(selecting);
    routes_to(cx, namespace, &names, gathered).await?;
    gathered.add(&autoscalers, scaling)?;
    gathered.add(&budgets, limiting)
}

/// The objects of a kind whose selector selects a pod, and for which `detail` has something to say.
async fn selected(
    cx: &Cx,
    resource: &Resource,
    namespace: &str,
    pod: Option<Pod<'_>>,
    mut detail: impl FnMut(&Value) -> Option<String> + Send,
) -> Result<Rows, Error> {
    let Some(Pod { labels, .. }) = pod else {
        return Ok(Rows::default());
    };
    list(cx, resource, namespace, |object| {
        selects(&object["spec"]["selector"], labels)
            .then(|| detail(object))
            .flatten()
    })
    .await
}

/// Adds what leads from outside to services.
pub(super) async fn routes_to(
    cx: &Cx,
    namespace: &str,
    services: &[String],
    gathered: &mut Gathered,
) -> Result<(), Error> {
    if services.is_empty() {
        return Ok(());
    }
    let ingresses = builtin::ingresses();
    let http_routes = routes::http_routes(cx).await?;
    let leads = |backends: Backends| {
        let mut paths = backends
            .into_iter()
            .filter(|((elsewhere, service), _)| elsewhere.is_none() && services.contains(service))
            .flat_map(|(_, paths)| paths)
            .peekable();
        paths.peek()?;
        Some(routes::words(&paths.collect::<Vec<_>>()))
    };
    let (by_ingress, by_route) = futures::join!(
        list(cx, &ingresses, namespace, |ingress| leads(routes::of_ingress(
            ingress
        ))),
        async {
            match &http_routes {
                Some(kind) => list(cx, kind, namespace, |route| leads(routes::of_http_route(route))).await,
                None => Ok(Rows::default()),
            }
        }
    );
    gathered.add(&ingresses, by_ingress)?;
    gathered.add(http_routes.as_ref().unwrap_or(&ingresses), by_route)
}

/// Adds the Ingresses whose certificate is in a Secret.
pub(super) async fn certificates(
    cx: &Cx,
    namespace: &str,
    secret: &str,
    gathered: &mut Gathered,
) -> Result<(), Error> {
    let ingresses = builtin::ingresses();
    let read = list(cx, &ingresses, namespace, |ingress| {
        items(&ingress["spec"]["tls"])
            .any(|tls| tls["secretName"] == secret)
            .then(|| "TLS".to_owned())
    });
    let read = read.await;
    gathered.add(&ingresses, read)
}

/// The objects of a kind for which `detail` has something to say.
async fn list(
    cx: &Cx,
    resource: &Resource,
    namespace: &str,
    mut detail: impl FnMut(&Value) -> Option<String> + Send,
) -> Result<Rows, Error> {
    let mut entries = Vec::new();
    let complete = scan::objects(cx, resource, Some(namespace), &ListQuery::default(), |object| {
        if let Some(detail) = detail(&object) {
            entries.push(entry(resource, &object, detail));
        }
    })
    .await?;
    Ok(Rows { entries, complete })
}

/// `1 disruption allowed`
fn allowed(budget: &Value) -> String {
    match budget["status"]["disruptionsAllowed"].as_u64() {
        None => "not looked at yet".to_owned(),
        Some(count) => format!("{} allowed", counted(count, "disruption")),
    }
}

/// `3 to 10, now 3`, and what keeps it from scaling.
fn range(autoscaler: &Value) -> String {
    let (spec, status) = (&autoscaler["spec"], &autoscaler["status"]);
    let least = spec["minReplicas"].as_u64().unwrap_or(1);
    let most = spec["maxReplicas"].as_u64().unwrap_or(least);
    let now = status["currentReplicas"].as_u64().unwrap_or(0);
    let mut words = format!("{least} to {most}, now {now}");
    let hindered = items(&status["conditions"])
        .find(|condition| condition["status"] == "False" && condition["type"] != "ScalingLimited");
    if let Some(reason) = hindered.and_then(|condition| condition["reason"].as_str()) {
        words.push_str(&format!("; not scaling: {reason}"));
    }
    words
}
