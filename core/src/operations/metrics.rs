//! What is in use: CPU and memory of pods, containers, nodes and namespaces.

mod near;
mod nodes;
mod pods;
mod source;

use jiff::Timestamp;

use self::{near::Near, source::Freshness};
use super::{names::check_namespace, next::wider, selection::Selection};
use crate::{
    Choice,
    call::{Choice as _, Cx, Result},
    monitoring::metrics::{Amounts, Measure},
    operation,
    output::{Column, Next, ObjectId, Role, Row, Scope, Table, filter::Key},
};

/// Rows where nothing else was said.
const LIMIT: usize = 20;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Choice)]
pub enum Consumer {
    /// A pod: its containers together.
    #[choice(name = "Pod")]
    Pod,
    /// A container of a pod.
    #[choice(name = "Container")]
    Container,
    /// A node, against what pods may take of it.
    #[choice(name = "Node")]
    Node,
    /// A namespace: its pods together.
    #[choice(name = "Namespace")]
    Namespace,
}

/// CPU and memory in use against requests and limits, or of nodes against what pods may take; the highest first. A
/// note names what is near its limit.
#[operation(
    "metrics.top",
    read,
    needs(
        "list pods.metrics.k8s.io",
        "list nodes.metrics.k8s.io",
        "list pods",
        "list nodes"
    )
)]
pub async fn top(
    cx: &Cx,
    /// `Pod`, `Container`, `Node` or `Namespace`; pods if left out.
    kind: Option<Consumer>,
    /// All if left out; nodes are in none.
    namespace: Option<String>,
    /// Labels of the pods or nodes, e.g. `app=web`.
    selector: Option<String>,
    /// `cpu` or `memory`; CPU if left out.
    sort: Option<Measure>,
    /// How many rows to show.
    limit: Option<usize>,
) -> Result<Table> {
    let kind = kind.unwrap_or(Consumer::Pod);
    let sort = sort.unwrap_or(Measure::Cpu);
    let selection = Selection::parse(selector.as_deref(), None)?;
    let namespace = namespace.filter(|_| kind != Consumer::Node);
    let mut usage = match kind {
        Consumer::Node => nodes::read(cx, &selection).await?,
        _ => pods::read(cx, kind, namespace.as_deref(), &selection).await?,
    };
    let mut next: Vec<Next> = near::next(&usage.near).into_iter().collect();
    if usage.lines.is_empty() {
        let again = Next::op("metrics.top").arg("kind", kind.name());
        check_namespace(cx, namespace.as_deref(), again.clone()).await?;
        let is_narrowed = selection != Selection::default();
        next.extend(wider(again, namespace.as_deref(), is_narrowed));
    }
    let scope = match (kind, namespace) {
        (Consumer::Node, _) | (Consumer::Namespace, None) => Scope::Cluster,
        (_, Some(namespace)) => Scope::Namespace(namespace),
        (_, None) => Scope::AllNamespaces,
    };
    usage.lines.sort_by(|one, other| {
        let by_use = other.used.of(sort).cmp(&one.used.of(sort));
        by_use.then_with(|| one.names.cmp(&other.names))
    });
    let total = usage.lines.len();
    let with_namespaces = scope == Scope::AllNamespaces;
    let measures = match sort {
        Measure::Cpu => [Measure::Cpu, Measure::Memory],
        Measure::Memory => [Measure::Memory, Measure::Cpu],
    };
    let subject = format!("{}s{}", kind.name(), selection.words());
    let heading = heading(&subject, &scope, sort, &usage);
    let limit = limit.unwrap_or(LIMIT).max(1);
    usage.lines.truncate(limit);
    let key = |line: &Line| Key::by_number(line.used.of(sort), true);
    let keys = usage.lines.iter().map(key).collect();
    let rows = usage.lines.into_iter();
    let rows = rows.map(|line| line.row(with_namespaces, measures)).collect();
    let mut notes = usage.notes;
    notes.extend(near::note(&usage.near));
    Ok(Table {
        heading: Some(heading),
        total,
        limit: Some(limit),
        keys,
        notes,
        next,
        ..Table::of(subject, scope, columns(kind, with_namespaces, measures), rows)
    })
}

/// What was read.
#[derive(Debug, Default)]
struct Usage {
    lines: Vec<Line>,
    /// `3 in 2 pods`.
    count: String,
    used: Amounts,
    /// ` of 2.5Gi limits`: what all CPU and memory is measured against; empty where nothing is.
    of: [String; 2],
    freshness: Freshness,
    near: Vec<Near>,
    notes: Vec<String>,
}

/// A row, before it is one.
#[derive(Debug)]
struct Line {
    id: ObjectId,
    /// Its cells before the amounts.
    names: Vec<String>,
    used: Amounts,
    /// What CPU and memory are measured against: cells, the last of which is the percentage.
    against: [Vec<String>; 2],
}

impl Line {
    fn row(self, with_namespace: bool, measures: [Measure; 2]) -> Row {
        let namespace = with_namespace.then(|| self.id.namespace.clone().unwrap_or_default());
        let [cpu, memory] = self.against;
        let amounts = measures.map(|measure| {
            let against = match measure {
                Measure::Cpu => &cpu,
                Measure::Memory => &memory,
            };
            let used = measure.short(self.used.of(measure));
            [&[used], against.as_slice()].concat()
        });
        Row {
            cells: namespace
                .into_iter()
                .chain(self.names)
                .chain(amounts.into_iter().flatten())
                .collect(),
            id: self.id,
            ..Row::default()
        }
    }
}

fn columns(kind: Consumer, with_namespaces: bool, measures: [Measure; 2]) -> Vec<Column> {
    let names: &[(&str, Role)] = match kind {
        Consumer::Pod => &[("POD", Role::Name)],
        Consumer::Container => &[("POD", Role::Name), ("CONTAINER", Role::Text)],
        Consumer::Node => &[("NODE", Role::Name)],
        Consumer::Namespace => &[("NAMESPACE", Role::Name), ("PODS", Role::Number)],
    };
    let against: &[&str] = match kind {
        Consumer::Node => &[" ALLOCATABLE", "%"],
        _ => &[" REQ", " LIMIT", "%"],
    };
    let amounts = measures.into_iter().flat_map(|measure| {
        let header = measure.header();
        [""].iter()
            .chain(against)
            .map(move |more| Column::new(format!("{header}{more}"), Role::Number))
    });
    let namespace = with_namespaces.then(|| Column::new("NAMESPACE", Role::Namespace));
    let names = names.iter().map(|(header, role)| Column::new(*header, *role));
    namespace.into_iter().chain(names).chain(amounts).collect()
}

/// `Containers in search by memory: 3 in 3 pods; 1.4Gi used of 2.5Gi limits; metrics 12s old`
fn heading(subject: &str, scope: &Scope, sort: Measure, usage: &Usage) -> String {
    let place = match scope {
        Scope::AllNamespaces => ", all namespaces,".to_owned(),
        Scope::Namespace(namespace) => format!(" in {namespace}"),
        Scope::Cluster => String::new(),
    };
    let subject = format!("{subject}{place} by {}", sort.name());
    if usage.lines.is_empty() {
        return format!("{subject}: none");
    }
    let [cpu, memory] = &usage.of;
    let (unit, of) = match sort {
        Measure::Cpu => (" CPU", cpu),
        Measure::Memory => ("", memory),
    };
    let used = sort.short(usage.used.of(sort));
    let freshness = usage.freshness.words(Timestamp::now());
    format!("{subject}: {}; {used}{unit} used{of}{freshness}", usage.count)
}

/// How much of one amount another is, rounded; none of nothing.
fn percent(used: u64, of: u64) -> Option<u64> {
    let (used, of) = (u128::from(used), u128::from(of));
    let percent = (used * 100 + of / 2).checked_div(of)?;
    u64::try_from(percent).ok()
}
