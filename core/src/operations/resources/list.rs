//! `resources.list`.

use crate::{
    Error,
    call::{Cx, KindRef, Page, Result},
    cluster::{Include, ListQuery, Resource, TableView},
    monitoring::status::CellRule,
    operation,
    operations::{allowed::refused, builtin, lister::Lister, selection::Selection},
    output::{Next, Table},
};
use futures::{StreamExt as _, stream};

/// Lists objects of any kind, custom ones too, with the columns that the API server prints. Totals by status come
/// first, then the unhealthy.
#[operation("resources.list", read, needs("list $kind"))]
pub async fn list(
    cx: &Cx,
    /// Name, plural or short name, e.g. `deploy`, `widgets.example.com`.
    kind: KindRef,
    /// All if left out.
    namespace: Option<String>,
    /// Labels, e.g. `app=web`.
    selector: Option<String>,
    /// Fields that the API server can select by, e.g. `status.phase=Failed`.
    field_selector: Option<String>,
    page: Page,
) -> Result<Table> {
    if kind.0.eq_ignore_ascii_case("all") {
        return Err(everything(cx, namespace.as_deref()).await?.into());
    }
    let resource = cx.resolve(&kind).await?;
    listable(&resource)?;
    let selection = Selection::parse(selector.as_deref(), field_selector.as_deref())?;
    let lister = Lister {
        cx,
        again: Next::op("resources.list").arg("kind", kind.0.as_str()),
        resource: &resource,
        namespace: namespace.as_deref(),
        subject: format!(
            "{} ({}){}",
            resource.kind,
            resource.api_version(),
            selection.words()
        ),
        selection,
        page: &page,
        status: None,
    };
    Ok(lister.table(|_| ()).await?)
}

/// Kinds such as reviews can only be created.
fn listable(resource: &Resource) -> Result<(), Error> {
    if resource.verbs.is_empty() || resource.can("list") {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "{} cannot be listed; it supports: {}",
        resource.kind,
        resource.verbs.join(", ")
    )))
}

/// What there is of the usual kinds: "all" is no kind, but whoever says it wants to know this.
async fn everything(cx: &Cx, namespace: Option<&str>) -> Result<Error, Error> {
    let kinds = [
        builtin::deployments(),
        builtin::stateful_sets(),
        builtin::daemon_sets(),
        builtin::cron_jobs(),
        builtin::jobs(),
        builtin::pods(),
        builtin::services(),
        builtin::ingresses(),
        builtin::config_maps(),
        builtin::secrets(),
    ];
    // Collected first: a closure over references in the stream would keep the whole call on one thread.
    let counting: Vec<_> = kinds
        .iter()
        .map(|resource| count(cx, resource, namespace))
        .collect();
    let counted: Vec<Result<Option<String>, Error>> = stream::iter(counting).buffered(5).collect().await;
    let mut counts = Vec::new();
    let mut failed: Vec<(&Resource, Error)> = Vec::new();
    for (kind, count) in kinds.iter().zip(counted) {
        match count {
            Ok(count) => counts.extend(count),
            Err(error) => failed.push((kind, error)),
        }
    }
    if failed.len() == kinds.len() {
        let again = Next::op("workloads.list");
        return match failed.into_iter().next() {
            Some((kind, error)) => Err(refused(cx, kind, namespace, again, error).await),
            None => Err(Error::internal("no kinds were counted")),
        };
    }
    let place = namespace.map_or_else(|| "all namespaces".to_owned(), str::to_owned);
    let counts = if counts.is_empty() {
        "nothing of the usual kinds".to_owned()
    } else {
        counts.join(", ")
    };
    let unread: Vec<String> = failed.iter().map(|(kind, _)| kind.qualified()).collect();
    let unread = match unread.is_empty() {
        true => String::new(),
        false => format!("; could not be read: {}", unread.join(", ")),
    };
    Ok(
        Error::invalid(format!("\"all\" is not a kind. In {place}: {counts}{unread}"))
            .next(Next::op("workloads.list").arg_if("namespace", namespace)),
    )
}

/// `Deployment 10 (2 unhealthy)`; none if there are none.
async fn count(cx: &Cx, resource: &Resource, namespace: Option<&str>) -> Result<Option<String>, Error> {
    let bytes = cx
        .client()
        .table(resource, namespace, &ListQuery::default(), Include::None)
        .await?;
    let table = TableView::read(&bytes)?;
    let rule = CellRule::new(&resource.group, &resource.kind, &table.columns);
    let unhealthy = table
        .rows
        .iter()
        .filter(|row| rule.judge(&row.cells).is_trouble())
        .count();
    Ok(match (table.rows.len(), unhealthy) {
        (0, _) => None,
        (count, 0) => Some(format!("{} {count}", resource.kind)),
        (count, unhealthy) => Some(format!("{} {count} ({unhealthy} unhealthy)", resource.kind)),
    })
}
