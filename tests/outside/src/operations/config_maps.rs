//! ConfigMaps that nobody needs any more.

use std::ops::ControlFlow;

use kube_mcp_core::{
    Error,
    call::{Cx, KindRef, Plan, Result},
    cluster::{ListQuery, Preconditions},
    operation,
    output::{Change, ChangeItem, Outcome, Verb},
};

/// Deletes the ConfigMaps of a namespace that a selector matches.
#[operation("acme.purge", destructive, needs("list configmaps", "delete configmaps"))]
pub async fn purge(
    cx: &Cx,
    /// The namespace.
    namespace: String,
    /// Labels, e.g. app=web.
    selector: String,
) -> Result<Change> {
    if selector.trim().is_empty() {
        return Err(
            Error::invalid("selector: an empty one would match every ConfigMap of the namespace").into(),
        );
    }
    let config_maps = cx.resolve(&KindRef("configmaps".to_owned())).await?;
    let query = ListQuery {
        selector: Some(selector.clone()),
        ..ListQuery::default()
    };
    let mut items = Vec::new();
    let each = |object: serde_json::Value| {
        let metadata = &object["metadata"];
        let text = |key: &str| metadata[key].as_str().map(str::to_owned);
        items.push(ChangeItem {
            verb: Verb::Delete,
            kind: "ConfigMap".to_owned(),
            namespace: Some(namespace.clone()),
            name: text("name").unwrap_or_default(),
            uid: text("uid"),
            result: Outcome::Planned,
            diff: String::new(),
            error: None,
        });
        ControlFlow::Continue(())
    };
    cx.client()
        .for_each(&config_maps, Some(&namespace), &query, each)
        .await?;
    if items.is_empty() {
        return Err(Error::not_found(format!("no ConfigMap matches {selector} in {namespace}")).into());
    }

    // What the API server would refuse shows before anybody is asked, and before the first one is gone.
    let rehearsal = cx.rehearsal();
    let held = |item: &ChangeItem| Preconditions {
        uid: item.uid.clone(),
        resource_version: None,
    };
    for item in &items {
        rehearsal
            .delete(&config_maps, Some(&namespace), &item.name, &held(item))
            .await?;
    }
    let approved = cx
        .approve(Plan {
            summary: format!("delete {} ConfigMaps in {namespace} ({selector})", items.len()),
            items: items.clone(),
            ..Plan::default()
        })
        .await?;
    for item in &mut items {
        let deleted = approved
            .client()
            .delete(&config_maps, Some(&namespace), &item.name, &held(item))
            .await;
        match deleted {
            Ok(_) => item.result = Outcome::Done,
            Err(error) => {
                item.result = Outcome::Failed;
                item.error = Some(error.message);
            }
        }
    }
    Ok(Change {
        items,
        ..Change::default()
    })
}
