//! `kinds.list`.

use crate::{
    call::{Cx, Result},
    cluster::Resource,
    nearest::{nearest, plain},
    operation,
    output::{Column, Next, ObjectId, Role, Row, Scope, Table, size::counted},
};

/// The groups of everyday work, in the order in which they are listed: before custom ones, while the rest of
/// Kubernetes' own comes after those.
const EVERYDAY: &[&str] = &[
    "",
    "apps",
    "batch",
    "networking.k8s.io",
    "autoscaling",
    "policy",
    "storage.k8s.io",
    "rbac.authorization.k8s.io",
];

/// The kinds that the cluster serves, custom ones too, each in its group's preferred version: the best match first,
/// else those of everyday work. What cannot be read (reviews) comes last and says so.
#[operation("kinds.list", read)]
pub async fn list(
    cx: &Cx,
    /// Part of a name, short name, group or category.
    search: Option<String>,
) -> Result<Table> {
    let registry = cx.discover().await?;
    let kinds = registry.preferred();
    let search = search
        .as_deref()
        .map(str::trim)
        .filter(|search| !search.is_empty());
    let wanted = search.map(plain);
    let mut found: Vec<(Match, &Resource)> = kinds
        .iter()
        .filter_map(|kind| match &wanted {
            Some(wanted) => Some((matching(kind, wanted)?, kind)),
            None => Some((Match::Name, kind)),
        })
        .collect();
    // What is equal keeps the API server's order.
    found.sort_by_key(|(how, kind)| (!is_readable(kind), *how, rank(kind)));
    let mut table = Table {
        heading: Some(match search {
            Some(search) => format!(
                "{} of {} {} {search:?}",
                found.len(),
                counted(kinds.len(), "kind"),
                if found.len() == 1 { "matches" } else { "match" }
            ),
            None => counted(kinds.len(), "kind"),
        }),
        filter: search.map(|search| format!("{search:?}")),
        unfiltered: search.map(|_| kinds.len()),
        elsewhere: found.iter().map(|(_, kind)| neighbours(kind)).collect(),
        ..Table::of(
            "Kinds",
            Scope::Cluster,
            columns(),
            found.iter().map(|(_, kind)| row(kind)).collect(),
        )
    };
    if !registry.silent().is_empty() {
        table.notes.push(format!(
            "kinds of {} may be missing: their API servers do not answer",
            registry.silent().join(", ")
        ));
    }
    if let (true, Some(search)) = (found.is_empty(), search) {
        let names = kinds.iter().flat_map(names);
        if let Some(near) = nearest(search, names) {
            table.notes.push(format!("nearest: {near}"));
            table.next.push(Next::op("kinds.list").arg("search", near));
        } else {
            table.next.push(Next::op("kinds.list"));
        }
    }
    Ok(table)
}

/// How a kind matches, the best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    Name,
    Beginning,
    Part,
    /// Its group or a category.
    Group,
}

fn matching(kind: &Resource, wanted: &str) -> Option<Match> {
    let names = || names(kind).map(plain);
    if names().any(|name| name == wanted) {
        return Some(Match::Name);
    }
    if names().any(|name| name.starts_with(wanted)) {
        return Some(Match::Beginning);
    }
    if names().any(|name| name.contains(wanted)) {
        return Some(Match::Part);
    }
    let full = format!("{}/{}", kind.qualified(), kind.version);
    [full, kind.api_version()]
        .iter()
        .chain(&kind.categories)
        .any(|text| plain(text).contains(wanted))
        .then_some(Match::Group)
}

/// All that it is called.
fn names(kind: &Resource) -> impl Iterator<Item = &str> {
    [&kind.kind, &kind.plural, &kind.singular]
        .into_iter()
        .chain(&kind.short_names)
        .map(String::as_str)
}

fn rank(kind: &Resource) -> usize {
    let everyday = EVERYDAY.iter().position(|group| *group == kind.group);
    everyday.unwrap_or(EVERYDAY.len() + usize::from(!kind.is_custom()))
}

/// Reviews and the like can only be created. A server that tells no verbs supports them all.
fn is_readable(kind: &Resource) -> bool {
    kind.verbs.is_empty() || kind.can("get") || kind.can("list")
}

/// The list of its group; the core group has no name.
fn neighbours(kind: &Resource) -> Next {
    let search = if kind.group.is_empty() {
        &kind.plural
    } else {
        &kind.group
    };
    Next::op("kinds.list").arg("search", search)
}

fn columns() -> Vec<Column> {
    vec![
        Column::new("KIND", Role::Text),
        Column::new("NAME", Role::Name),
        Column::new("SHORT", Role::Text),
        Column::new("SCOPE", Role::Text),
    ]
}

fn row(kind: &Resource) -> Row {
    let scope = if kind.namespaced { "namespace" } else { "cluster" };
    let scope = if is_readable(kind) {
        scope.to_owned()
    } else {
        format!("{scope}, {} only", kind.verbs.join(" and "))
    };
    Row {
        id: ObjectId {
            kind: kind.kind.clone(),
            name: kind.qualified(),
            ..ObjectId::default()
        },
        cells: vec![
            kind.kind.clone(),
            format!("{}/{}", kind.qualified(), kind.version),
            kind.short_names.join(","),
            scope,
        ],
        ..Row::default()
    }
}
