//! The configured clusters.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde::Deserialize;

use super::{builtin, names::name_table};
use crate::{
    Error, ErrorKind,
    call::{Access, Cx, Result, ServerCx},
    cluster::{Cluster, Include, ListQuery, TableView},
    operation,
    output::{Column, Health, ObjectId, Role, Row, Scope, Table, size::counted},
};

/// How long a cluster has to answer: a list of clusters is asked for when something is wrong with one of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// The configured clusters (contexts), with version, user and default namespace. Each is asked whether it can be
/// reached.
#[operation("clusters.list", read)]
pub async fn list(cx: &ServerCx) -> Result<Table> {
    let clusters = cx.clusters();
    let names = clusters.names();
    let rows: Vec<Row> = join_all(names.iter().map(|name| row(cx, name))).await;
    if names.is_empty() {
        // What is missing, or why the kubeconfig cannot be read.
        if let Err(error) = clusters.get(None) {
            return Err(error.into());
        }
    }
    let count = counted(names.len(), "cluster");
    let heading = match (clusters.default_name(), names.len()) {
        (Some(default), 2..) => {
            format!("{count}; calls without cluster go to {default}; reads take several, a,b or *")
        }
        _ => count,
    };
    let columns = vec![
        Column::new("NAME", Role::Name),
        Column::new("VERSION", Role::Text),
        Column::new("USER", Role::Text),
        Column::new("NAMESPACE", Role::Text),
        Column::new("STATE", Role::Text),
    ];
    // The order is that of the clusters' names, the default first.
    Ok(Table {
        heading: Some(heading),
        ..Table::of("Clusters", Scope::Cluster, columns, rows)
    })
}

/// The names of the configured clusters, for completion.
#[operation("clusters.names", read)]
pub async fn names(
    cx: &ServerCx,
    /// Only names that start so.
    prefix: Option<String>,
) -> Result<Table> {
    let names: Vec<String> = cx.clusters().names().into_iter().map(str::to_owned).collect();
    Ok(name_table("Cluster", None, names, prefix.as_deref()))
}

async fn row(cx: &ServerCx, name: &str) -> Row {
    let mut row = Row {
        id: ObjectId {
            kind: "Cluster".to_owned(),
            name: name.to_owned(),
            ..ObjectId::default()
        },
        ..Row::default()
    };
    let cluster = match cx.clusters().get(Some(name)) {
        Ok(cluster) => cluster,
        Err(error) => {
            row.health = Health::Failed;
            row.cells = vec![
                name.to_owned(),
                String::new(),
                String::new(),
                String::new(),
                error.message,
            ];
            return row;
        }
    };
    let namespace = cluster.default_namespace().to_owned();
    let answer = tokio::time::timeout(PATIENCE, ask(cx, &cluster))
        .await
        .unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout,
                format!("no answer from {} in {} s", cluster.server(), PATIENCE.as_secs()),
            ))
        });
    let (version, user, state) = match answer {
        Ok(Answer { version, user, state }) => (version, user, state),
        Err(error) => {
            row.health = Health::Failed;
            let word = match error.kind {
                ErrorKind::Unauthorized => "refused",
                ErrorKind::Forbidden => "forbidden",
                _ => "unreachable",
            };
            let message = &error.message;
            let message = message
                .strip_prefix(&format!("{name} {word}: "))
                .unwrap_or(message);
            (String::new(), String::new(), format!("{word}: {message}"))
        }
    };
    row.status = state.split([':', ',']).next().unwrap_or_default().to_owned();
    row.cells = vec![name.to_owned(), version, user, namespace, state];
    row
}

struct Answer {
    version: String,
    user: String,
    state: String,
}

async fn ask(cx: &ServerCx, cluster: &Arc<Cluster>) -> Result<Answer, Error> {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "gitVersion")]
        git_version: String,
    }
    let cx = Cx::new(Arc::clone(cluster), Arc::clone(cx.call()), Access::Read);
    let client = cx.client();
    // The first request pays for connection and credentials; the second tells how far away the cluster is.
    let version: Version = client.get_path("/version").await?;
    let asked = Instant::now();
    let user = cx
        .whoami()
        .await
        .map(|identity| identity.user)
        .unwrap_or_default();
    let delay = asked.elapsed().as_millis().max(1);
    let query = ListQuery {
        page_size: Some(1),
        ..ListQuery::default()
    };
    let nodes = client
        .table(&builtin::nodes(), None, &query, Include::None)
        .await
        .ok();
    let nodes = nodes.as_deref().and_then(|bytes| {
        let table = TableView::read(bytes).ok()?;
        let left = usize::try_from(table.metadata.remaining.unwrap_or(0)).ok()?;
        Some(table.rows.len() + left)
    });
    let mut state = match nodes {
        Some(nodes) => format!("reachable, {}, {delay} ms", counted(nodes, "node")),
        None => format!("reachable, {delay} ms"),
    };
    if cluster.is_simulation() {
        state.push_str(", a simulation: no real cluster");
    }
    Ok(Answer {
        version: version.git_version,
        user,
        state,
    })
}
