//! `pods.list`.

use std::collections::{HashMap, HashSet};

use crate::{
    call::{Cx, Page, Result},
    operation,
    operations::{
        builtin,
        lister::{Lister, Seen, cell_text},
        names::check,
        selection::Selection,
    },
    output::{Next, Table},
};

/// Pods with readiness, status, restarts and age; totals by status come first, then the unhealthy.
#[operation("pods.list", read, needs("list pods"))]
pub async fn list(
    cx: &Cx,
    /// All if left out.
    namespace: Option<String>,
    /// Labels, e.g. `app=web`.
    selector: Option<String>,
    /// Only pods of this status, e.g. `CrashLoopBackOff`, or `unhealthy`.
    status: Option<String>,
    /// Only pods on this node.
    node: Option<String>,
    page: Page,
) -> Result<Table> {
    let pods = builtin::pods();
    let mut selection = Selection::parse(selector.as_deref(), None)?;
    let words = selection.words();
    if let Some(node) = &node {
        selection = selection.with_field("spec.nodeName", node);
    }
    let mut shared = Shared::default();
    let lister = Lister {
        cx,
        again: Next::op("pods.list"),
        resource: &pods,
        namespace: namespace.as_deref(),
        selection,
        page: &page,
        status: status.as_deref(),
        subject: match &node {
            Some(node) => format!("Pods on {node}{words}"),
            None => format!("Pods{words}"),
        },
    };
    let mut table = lister.table(|row| shared.see(row)).await?;
    table.aside = shared.remark(node.is_none());
    if let (Some(node), 0) = (&node, table.unfiltered.unwrap_or(table.total)) {
        check(cx, &builtin::nodes(), node, Next::op("pods.list")).await?;
    }
    Ok(table)
}

/// What the unhealthy have in common: a node or an owner that most of them share is where to look.
#[derive(Default)]
struct Shared {
    unhealthy: usize,
    node: Option<Option<usize>>,
    /// Nodes of all pods: where there is one only, everything is on it.
    nodes: HashSet<String>,
    of_node: HashMap<String, usize>,
    of_owner: HashMap<String, usize>,
}

impl Shared {
    /// Fewer than this have things in common by chance.
    const ENOUGH: usize = 3;

    fn see(&mut self, row: &Seen<'_>) {
        let column = *self
            .node
            .get_or_insert_with(|| row.columns.iter().position(|column| column.name == "Node"));
        let node = column
            .and_then(|column| row.cells.get(column))
            .map(cell_text)
            .filter(|node| !node.is_empty() && node != "<none>");
        if let Some(node) = &node
            && !self.nodes.contains(&**node)
        {
            self.nodes.insert(node.clone().into_owned());
        }
        if !row.verdict.is_trouble() {
            return;
        }
        self.unhealthy += 1;
        if let Some(node) = node {
            count(&mut self.of_node, &node);
        }
        let name = row.cells.first().map(cell_text).unwrap_or_default();
        // `checkout-7d9c6bf6d4-2xkqp`, `indexer-0`: the owner's name is what stands before the last dash.
        if let Some((owner, _)) = name.rsplit_once('-') {
            match row.namespace {
                Some(namespace) => count(&mut self.of_owner, &format!("{namespace}/{owner}")),
                None => count(&mut self.of_owner, owner),
            }
        }
    }

    fn remark(self, nodes: bool) -> Option<String> {
        let most = |counts: HashMap<String, usize>| {
            counts
                .into_iter()
                .max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0)))
                .filter(|(_, count)| *count >= Self::ENOUGH && *count * 2 > self.unhealthy)
        };
        let owner = most(self.of_owner).map(|(owner, count)| format!("{count} are {owner}-*"));
        let node = most(self.of_node)
            .filter(|_| nodes && self.nodes.len() > 1)
            .map(|(node, count)| format!("{count} are on {node}"));
        let parts: Vec<String> = node.into_iter().chain(owner).collect();
        (!parts.is_empty()).then(|| format!("of {} unhealthy, {}", self.unhealthy, parts.join("; ")))
    }
}

fn count(counts: &mut HashMap<String, usize>, name: &str) {
    match counts.get_mut(name) {
        Some(count) => *count += 1,
        None => {
            counts.insert(name.to_owned(), 1);
        }
    }
}
