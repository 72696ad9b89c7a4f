//! `resources.referrers`.

mod bindings;
mod pods;
mod selecting;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    gathered::Gathered,
    pod_spec::{Needed, Pod},
};
use crate::{
    call::{Cx, KindRef, Result},
    cluster::Resource,
    operation,
    operations::{locate, mixed::Entry},
    output::Table,
};

/// What refers to an object. To pods and what makes them: Services by selector with the
/// Ingresses and HTTPRoutes that lead to them, disruption budgets, autoscalers. To a ConfigMap, Secret, claim or
/// account: the pods that need it, told by workload, and the bindings of an account, in all
/// namespaces. Nothing else is looked for.
#[operation("resources.referrers", read, needs("get $kind"))]
pub async fn referrers(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// The object's name.
    name: String,
    /// The context's if left out, or the only one that has such an object.
    namespace: Option<String>,
) -> Result<Table> {
    let found = locate::object(cx, "resources.referrers", &kind, &name, namespace.as_deref()).await?;
    let mut gathered = Gathered::default();
    // What is cluster-scoped is referred to by nothing that is looked for here.
    if let Some(namespace) = found.namespace() {
        let resource = &found.resource;
        if let Some(needed) = Needed::of(resource) {
            pods::needing(cx, namespace, needed, &name, &mut gathered).await?;
            if needed == Needed::Account {
                bindings::of_account(cx, namespace, &name, &mut gathered).await?;
            }
            if needed == Needed::Secret {
                selecting::certificates(cx, namespace, &name, &mut gathered).await?;
            }
        } else if resource.group.is_empty() && resource.kind == "Service" {
            selecting::routes_to(cx, namespace, std::slice::from_ref(&name), &mut gathered).await?;
        } else {
            let pod = Pod::of(&found.object);
            let can_scale = resource.subresources.iter().any(|name| name == "scale");
            let scaled = can_scale.then_some(resource.kind.as_str());
            selecting::pods(
                cx,
                namespace,
                pod,
                scaled.map(|kind| (kind, name.as_str())),
                &mut gathered,
            )
            .await?;
        }
    }
    Ok(gathered.table(format!("What refers to {} {name}", found.resource.kind), &found))
}

/// An object that refers to another, and how.
fn entry(resource: &Resource, object: &Value, detail: String) -> Entry {
    Entry {
        own: vec![detail],
        ..Entry::new(resource, object, Timestamp::now())
    }
}
