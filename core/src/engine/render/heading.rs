//! The first line of a list: what was asked for, where, and the totals by state.

use super::safe::{capitalised, line};
use crate::output::{Scope, Table, Total, size::grouped};

/// More states than this are counted together.
const STATES: usize = 8;

/// `Pods, all namespaces: 214: 201 Running, 7 CrashLoopBackOff`
pub(super) fn heading(table: &Table) -> String {
    if let Some(heading) = &table.heading {
        return line(heading).into_owned();
    }
    let place = place(table);
    let states = states(&table.totals, table.total);
    let looked_at = table.unfiltered.unwrap_or(table.total);
    let of_the_first = if table.complete || table.rows.is_empty() && looked_at == 0 {
        String::new()
    } else {
        format!(" of the first {}", grouped(looked_at))
    };
    let counts = match (&table.filter, table.total) {
        (Some(filter), matching) => {
            let of = if of_the_first.is_empty() {
                format!(" of {}", grouped(looked_at))
            } else {
                of_the_first
            };
            let states = if states.is_empty() {
                String::new()
            } else {
                format!(": {states}")
            };
            format!("{}{of} match {}{states}", grouped(matching), line(filter))
        }
        (None, 0) => "none".to_owned(),
        (None, total) => {
            // A list that folds what it counts has more of them than rows.
            let counted: usize = table.totals.iter().map(|total| total.count).sum();
            let count = if counted > total {
                format!("{}, folded to {}", grouped(counted), grouped(total))
            } else {
                grouped(total)
            };
            match states.is_empty() {
                true => format!("{count}{of_the_first}"),
                false if table.totals.len() == 1 && counted == total => {
                    format!("{count}{of_the_first}, {states}")
                }
                false => format!("{count}{of_the_first}: {states}"),
            }
        }
    };
    format!("{}: {counts}", capitalised(&place))
}

/// What is listed and where: `Pods in shop`, `Warning events in shop, last 1h`.
fn place(table: &Table) -> String {
    let subject = line(&table.subject);
    let (what, more) = match subject.split_once(", ") {
        Some((what, more)) => (what, format!(", {more}")),
        None => (subject.as_ref(), String::new()),
    };
    match &table.scope {
        Scope::AllNamespaces => format!("{what}, all namespaces{more}"),
        Scope::Namespace(namespace) => format!("{what} in {}{more}", line(namespace)),
        Scope::Cluster => format!("{what}{more}"),
    }
}

fn states(totals: &[Total], total: usize) -> String {
    if let [only] = totals
        && only.count == total
    {
        let all = if total > 1 { "all " } else { "" };
        return format!("{all}{}", line(&only.name));
    }
    let mut parts: Vec<String> = totals
        .iter()
        .take(STATES)
        .map(|total| format!("{} {}", grouped(total.count), line(&total.name)))
        .collect();
    let others = totals.get(STATES..).unwrap_or_default();
    if !others.is_empty() {
        let count: usize = others.iter().map(|total| total.count).sum();
        parts.push(format!("{} in {} other states", grouped(count), others.len()));
    }
    parts.join(", ")
}
