//! The first line of a list: what was asked for, where, and the totals by state.

use super::safe::{capitalised, line};
use crate::output::{Scope, Table, size::grouped};

/// More states than this are counted together.
const STATES: usize = 8;

/// `Pods, all namespaces: 214: 201 Running, 7 CrashLoopBackOff`
pub(super) fn heading(table: &Table) -> String {
    if let Some(heading) = &table.heading {
        return line(heading).into_owned();
    }
    let counts = counts(table, table.filter.as_deref(), &states(table));
    let aside = match &table.aside {
        Some(aside) => format!("; {}", line(aside)),
        None => String::new(),
    };
    format!("{}: {counts}{aside}", place(table))
}

/// Of more clusters than this the states are told of all together.
const CLUSTERS: usize = 5;

/// `[2 clusters] Unhealthy pods: prod-eu 7 of 214; staging unreachable: …`: what each of `count` clusters told. Of many:
/// `[9 clusters] Pods: 812: 805 Running, 7 CrashLoopBackOff; prod-eu 214; …`.
pub(in crate::engine) fn of_clusters(table: &Table, count: usize, told: &[String]) -> String {
    let matching = match &table.filter {
        Some(filter) => format!(" matching {}", line(filter)),
        None => String::new(),
    };
    let place = match (&table.heading, &table.scope) {
        // Each cluster told the place, or each row does.
        (Some(_), _) => String::new(),
        (None, Scope::AllNamespaces) => format!("{}{matching}: ", capitalised(&table.subject)),
        (None, _) => format!("{}{matching}: ", place(table)),
    };
    let all = match &table.heading {
        None if count > CLUSTERS => format!("{}; ", counts(table, None, &states_asked_for(table))),
        _ => String::new(),
    };
    format!("[{count} clusters] {place}{all}{}", told.join("; "))
}

/// What a read on `count` clusters found on one of them, to be said after its name: ` 214: 201 Running, 7 CrashLoopBackOff`,
/// ` 7 of 214`, `: Widget (example.com/v1)`.
pub(in crate::engine) fn found(table: &Table, count: usize) -> String {
    if let Some(heading) = &table.heading {
        return format!(": {heading}");
    }
    let states = match count > CLUSTERS {
        true => String::new(),
        false => states_asked_for(table),
    };
    let aside = match &table.aside {
        Some(aside) => format!(" ({aside})"),
        None => String::new(),
    };
    format!(" {}{aside}", counts(table, None, &states))
}

/// What was asked for by its status need not be told by it.
fn states_asked_for(table: &Table) -> String {
    match (&table.filter, table.unfiltered) {
        (None, Some(_)) => String::new(),
        _ => states(table),
    }
}

/// How many rows there are, of how many, and which filter they match if that is to be told here.
fn counts(table: &Table, filter: Option<&str>, states: &str) -> String {
    let looked_at = table.unfiltered.unwrap_or(table.total);
    if looked_at == 0 {
        return "none".to_owned();
    }
    let total = grouped(table.total);
    let of_all = match table.complete {
        true => format!(" of {}", grouped(looked_at)),
        false => format!(" of the first {}", grouped(looked_at)),
    };
    let with_states = |counts: String| match states {
        "" => counts,
        states => format!("{counts}: {states}"),
    };
    if let Some(filter) = filter {
        return with_states(format!("{total}{of_all} match {}", line(filter)));
    }
    if table.unfiltered.is_some() {
        return match table.total {
            0 => format!("none{of_all}"),
            _ => with_states(format!("{total}{of_all}")),
        };
    }
    let of_the_first = if table.complete { "" } else { &of_all };
    let counted = counted(table);
    let count = match counted > table.total {
        true => format!("{}, folded to {total}", grouped(counted)),
        false => total,
    };
    match table.totals.len() == 1 && counted == table.total && !states.is_empty() {
        true => format!("{count}{of_the_first}, {states}"),
        false => with_states(format!("{count}{of_the_first}")),
    }
}

/// How many the rows stand for: a list that folds what it counts has more of them than rows.
fn counted(table: &Table) -> usize {
    table.totals.iter().map(|total| total.count).sum()
}

/// What is listed and where: `Pods in shop`, `Warning events in shop, last 1h`.
fn place(table: &Table) -> String {
    let subject = line(&table.subject);
    let (what, more) = match subject.split_once(", ") {
        Some((what, more)) => (what, format!(", {more}")),
        None => (subject.as_ref(), String::new()),
    };
    let place = match &table.scope {
        Scope::AllNamespaces => format!("{what}, all namespaces{more}"),
        Scope::Namespace(namespace) => format!("{what} in {}{more}", line(namespace)),
        Scope::Cluster => format!("{what}{more}"),
    };
    capitalised(&place)
}

/// `201 Running, 7 CrashLoopBackOff`; of what was folded `BackOff 428, Failed 62`.
fn states(table: &Table) -> String {
    let Table { totals, total, .. } = table;
    if let [only] = totals.as_slice()
        && only.count == *total
    {
        let all = if *total > 1 { "all " } else { "" };
        return format!("{all}{}", line(&only.name));
    }
    let is_folded = counted(table) > *total;
    // A last one alone is named as shortly as it would be counted.
    let named = if totals.len() == STATES + 1 {
        STATES + 1
    } else {
        STATES
    };
    let mut parts: Vec<String> = totals
        .iter()
        .take(named)
        .map(|total| match is_folded {
            true => format!("{} {}", line(&total.name), grouped(total.count)),
            false => format!("{} {}", grouped(total.count), line(&total.name)),
        })
        .collect();
    let others = totals.get(named..).unwrap_or_default();
    if !others.is_empty() {
        let count: usize = others.iter().map(|total| total.count).sum();
        parts.push(match is_folded {
            true => format!("{} others {}", others.len(), grouped(count)),
            false => format!("{} in {} other states", grouped(count), others.len()),
        });
    }
    parts.join(", ")
}
