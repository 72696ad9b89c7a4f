//! How many of a service's endpoints are ready.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::pod_spec::items;
use crate::{
    Error,
    call::Cx,
    cluster::ListQuery,
    operations::{builtin, scan},
    output::{Health, size::counted},
};

/// The label that names a slice's service.
const SERVICE: &str = "kubernetes.io/service-name";
/// More services than this are not named in a selector.
const SELECTED: usize = 20;

/// A service's endpoints: whether each is ready, by its pod's name, or its address where it is no pod's.
#[derive(Debug, Default)]
pub(super) struct Endpoints(BTreeMap<String, bool>);

impl Endpoints {
    /// `2 of 4 endpoints ready`.
    pub(super) fn words(&self) -> String {
        match self.0.len() {
            0 => "no endpoints".to_owned(),
            all => {
                let ready = all - self.not_ready().count();
                format!("{ready} of {} ready", counted(all, "endpoint"))
            }
        }
    }

    /// Whether calls of the service are answered.
    pub(super) fn health(&self) -> Health {
        match (self.0.len(), self.not_ready().count()) {
            (all, missing) if all == missing => Health::Failed,
            (_, 0) => Health::Healthy,
            _ => Health::Degraded,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the endpoint of this pod is ready; none if it is not an endpoint.
    pub(super) fn is_ready(&self, pod: &str) -> Option<bool> {
        self.0.get(pod).copied()
    }

    /// An endpoint more; it is ready if one of its addresses is.
    pub(super) fn add(&mut self, name: &str, ready: bool) {
        *self.0.entry(name.to_owned()).or_default() |= ready;
    }

    /// Those that are not ready.
    pub(super) fn not_ready(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(_, ready)| !**ready)
            .map(|(name, _)| name.as_str())
    }
}

/// The endpoints of services, by the service's name, in one request. A service without any is not there.
pub(super) async fn of_services(
    cx: &Cx,
    namespace: &str,
    services: &[String],
) -> Result<HashMap<String, Endpoints>, Error> {
    let selector = if services.len() > SELECTED {
        SERVICE.to_owned()
    } else {
        format!("{SERVICE} in ({})", services.join(","))
    };
    let query = ListQuery {
        selector: Some(selector),
        ..ListQuery::default()
    };
    let mut found: HashMap<String, Endpoints> = HashMap::new();
    scan::objects(
        cx,
        &builtin::endpoint_slices(),
        Some(namespace),
        &query,
        |slice| {
            if let Some(service) = slice["metadata"]["labels"][SERVICE].as_str() {
                let endpoints = found.entry(service.to_owned()).or_default();
                items(&slice["endpoints"]).for_each(|endpoint| read(endpoint, endpoints));
            }
        },
    )
    .await?;
    Ok(found)
}

fn read(endpoint: &Value, endpoints: &mut Endpoints) {
    let conditions = &endpoint["conditions"];
    // A pod that ends is no endpoint any more.
    if conditions["terminating"] == true {
        return;
    }
    let name = endpoint["targetRef"]["name"].as_str();
    if let Some(name) = name.or_else(|| endpoint["addresses"][0].as_str()) {
        // What is not said counts as ready (KEP-752).
        endpoints.add(name, conditions["ready"] != false);
    }
}
